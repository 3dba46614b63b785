-- Schema 29.  What changed since a modseq is found by stretches of UIDs in which flags were changed: the index of modseqs
-- had an entry for each message, which every STORE of a mailbox moved and every letter wrote.

CREATE TABLE stretch (
    account INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    number INTEGER NOT NULL,             -- of 64 UIDs: the UID / 64
    modseq INTEGER NOT NULL,             -- of the last change of flags there
    PRIMARY KEY (account, mailbox, number)
) WITHOUT ROWID;
INSERT INTO stretch (account, mailbox, number, modseq)
    SELECT account, mailbox, uid / 64, max(modseq) FROM placement GROUP BY account, mailbox, uid / 64;
DROP INDEX placement_modseq;
