-- Schema 4.  What a credential may be used for.

ALTER TABLE credential ADD COLUMN actions INTEGER NOT NULL DEFAULT 7;  -- bits of core.scope: read, write, send
ALTER TABLE credential ADD COLUMN folders TEXT NOT NULL DEFAULT '[]';  -- a JSON list of names; empty: all
