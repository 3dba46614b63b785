-- Schema 5.  Sieve scripts, and what they remember of letters.

CREATE TABLE sieve_script (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    active INTEGER NOT NULL,
    changed_at REAL NOT NULL,
    name TEXT NOT NULL,
    content TEXT NOT NULL
);
CREATE UNIQUE INDEX sieve_script_name ON sieve_script (account, name);

CREATE TABLE remembered (
    account INTEGER NOT NULL,
    key TEXT NOT NULL,                   -- of an answer that was sent, or of a letter's id
    expires_at REAL NOT NULL,
    PRIMARY KEY (account, key)
) WITHOUT ROWID;
