-- Schema 3.  Credentials beside the password of an account.

CREATE TABLE credential (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    kind TEXT NOT NULL,                  -- 'password': SCRAM keys of the account's password; 'app': an app password
    name TEXT NOT NULL,                  -- '' for 'password'
    secret TEXT NOT NULL,                -- 'password': the hash the keys belong to; 'app': keyed hash, hexadecimal
    scram TEXT NOT NULL,                 -- a JSON list of records (RFC 5803)
    protocols TEXT NOT NULL,             -- separated by spaces
    networks TEXT NOT NULL,              -- separated by spaces; empty: from everywhere
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL,            -- 0: never
    used_at REAL NOT NULL,               -- 0: never
    used_ip TEXT NOT NULL,
    used_protocol TEXT NOT NULL
);
CREATE UNIQUE INDEX credential_name ON credential (account, kind, name);
-- Protocols which only app passwords open, separated by spaces.
ALTER TABLE account ADD COLUMN app_only TEXT NOT NULL DEFAULT '';
-- Salts and app passwords are keyed with it.
INSERT OR IGNORE INTO setting (name, value) VALUES ('signin.secret', randomblob(32));
