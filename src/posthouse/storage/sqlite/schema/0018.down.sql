-- Back to schema 17.
INSERT OR IGNORE INTO expunged (account, mailbox, modseq, uid, last)
    WITH RECURSIVE each (account, mailbox, modseq, uid, last) AS (
        SELECT account, mailbox, modseq, uid, last FROM expunged
        UNION ALL SELECT account, mailbox, modseq, uid + 1, last FROM each WHERE uid < last)
    SELECT account, mailbox, modseq, uid, uid FROM each;
ALTER TABLE expunged DROP COLUMN last;

CREATE TEMP TABLE mailboxes_gone AS SELECT account, modseq, mailbox FROM gone;
DROP TABLE gone;
CREATE TABLE gone (
    account INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    message INTEGER NOT NULL,            -- that left a mailbox; 0: the mailbox itself went
    thread INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    PRIMARY KEY (account, modseq, message)
) WITHOUT ROWID;
INSERT INTO gone (account, modseq, message, thread, mailbox)
    SELECT account, modseq, 0, 0, mailbox FROM mailboxes_gone;
DROP TABLE mailboxes_gone;
INSERT OR IGNORE INTO gone (account, modseq, message, thread, mailbox)
    SELECT d.account, d.modseq, e.value ->> 0, e.value ->> 1, d.mailbox FROM departed d, json_each(d.emails) e;
DROP TABLE departed;
