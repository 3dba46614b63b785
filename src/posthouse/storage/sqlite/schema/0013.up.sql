-- Schema 13.  Who did what in accounts of others, and as an administrator.

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    account INTEGER NOT NULL,            -- it was done to; 0: the server
    actor INTEGER NOT NULL,              -- 0: an administrator
    account_name TEXT NOT NULL,          -- the addresses of that moment: accounts go, what was done stays
    actor_name TEXT NOT NULL,
    action TEXT NOT NULL,
    mailbox TEXT NOT NULL,
    facts TEXT NOT NULL                  -- a JSON object
);
CREATE INDEX audit_account ON audit (account, id);
CREATE INDEX audit_actor ON audit (actor, id);
