-- Schema 27.  Of what has a token one sees by which browser or program it was used last.

ALTER TABLE oauth_grant ADD COLUMN used_client TEXT NOT NULL DEFAULT '';
