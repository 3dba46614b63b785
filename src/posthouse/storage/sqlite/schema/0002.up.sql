-- Schema 2.  Annotations of mailboxes and of the server (RFC 5464).

CREATE TABLE metadata (
    account INTEGER NOT NULL,            -- who sees it: the owner for /shared, the user for /private
    mailbox INTEGER NOT NULL,            -- 0 for annotations of the server
    entry TEXT NOT NULL,                 -- lower case
    modseq INTEGER NOT NULL,             -- of the account
    value BLOB,                          -- NULL: removed, kept a while so that other sessions hear of it
    PRIMARY KEY (account, mailbox, entry)
) WITHOUT ROWID;
CREATE INDEX metadata_modseq ON metadata (account, modseq);
