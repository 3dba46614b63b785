-- Schema 18.  What left mailboxes is remembered in few rows: runs of UIDs, and one list for each change.

ALTER TABLE expunged ADD COLUMN last INTEGER NOT NULL DEFAULT 0;     -- of the UIDs from `uid` on that left together
UPDATE expunged SET last = uid;

CREATE TABLE departed (
    account INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    emails TEXT NOT NULL,                -- a JSON list of [message, thread]
    PRIMARY KEY (account, modseq, mailbox)
) WITHOUT ROWID;
INSERT INTO departed (account, modseq, mailbox, emails)
    SELECT account, modseq, mailbox, json_group_array(json_array(message, thread))
    FROM gone WHERE message <> 0 GROUP BY account, modseq, mailbox;

CREATE TEMP TABLE mailboxes_gone AS SELECT account, modseq, mailbox FROM gone WHERE message = 0;
DROP TABLE gone;
CREATE TABLE gone (
    account INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,            -- that was deleted
    PRIMARY KEY (account, modseq, mailbox)
) WITHOUT ROWID;
INSERT INTO gone (account, modseq, mailbox) SELECT account, modseq, mailbox FROM mailboxes_gone;
DROP TABLE mailboxes_gone;
