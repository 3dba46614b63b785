-- Schema 17.  Who administrates what, policies of domains, and how much mail flows.

ALTER TABLE account ADD COLUMN admin TEXT NOT NULL DEFAULT '';        -- "*": the server; else domains, with blanks
ALTER TABLE domain ADD COLUMN protocols_off TEXT NOT NULL DEFAULT ''; -- for all of its accounts, with blanks
ALTER TABLE domain ADD COLUMN oauth_only INTEGER NOT NULL DEFAULT 0;  -- mail programs need tokens
ALTER TABLE domain ADD COLUMN dmarc TEXT NOT NULL DEFAULT 'none';     -- the policy that its record is to have

CREATE TABLE flow (
    hour INTEGER NOT NULL,               -- since the epoch
    what TEXT NOT NULL,                  -- "received", "submitted", "refused", "delivered", "deferred", "failed"
    domain TEXT NOT NULL,                -- of ours, or "" where none is concerned
    count INTEGER NOT NULL,
    PRIMARY KEY (hour, what, domain)
) WITHOUT ROWID;
