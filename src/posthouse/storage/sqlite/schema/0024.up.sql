-- Schema 24.  Where to rules may send the mail of a domain's people on.

ALTER TABLE domain ADD COLUMN redirects TEXT NOT NULL DEFAULT 'any';  -- any, confirmed, inside
