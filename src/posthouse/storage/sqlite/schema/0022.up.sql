-- Schema 22.  Teams: who has taken which conversation, and what members write to each other about it.

CREATE TABLE claim (
    account INTEGER NOT NULL,
    thread INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    created INTEGER NOT NULL,            -- modseq
    holder INTEGER NOT NULL,             -- 0: given back
    by INTEGER NOT NULL,                 -- who said so last
    at REAL NOT NULL,
    keyword TEXT NOT NULL,               -- names the holder on each message of the conversation
    PRIMARY KEY (account, thread)
) WITHOUT ROWID;
CREATE INDEX claim_modseq ON claim (account, modseq);
CREATE INDEX claim_holder ON claim (holder) WHERE holder <> 0;

CREATE TABLE note (
    account INTEGER NOT NULL,
    id INTEGER NOT NULL,
    thread INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    created INTEGER NOT NULL,            -- modseq
    author INTEGER NOT NULL,
    author_address TEXT NOT NULL,        -- outlives the account
    author_name TEXT NOT NULL,
    at REAL NOT NULL,
    edited_at REAL NOT NULL,             -- 0: never
    mentions TEXT NOT NULL,              -- a JSON list of accounts
    text TEXT,                           -- NULL: removed
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE INDEX note_thread ON note (account, thread);
CREATE INDEX note_modseq ON note (account, modseq);
