-- Schema 7.  What JMAP asks: emails of several mailboxes, by thread, by date; changes of an account; objects; uploads.

ALTER TABLE account ADD COLUMN history INTEGER NOT NULL DEFAULT 0;   -- changes after this modseq are all known
UPDATE account SET history = modseq;
ALTER TABLE mailbox ADD COLUMN created INTEGER NOT NULL DEFAULT 0;   -- modseq of the account
ALTER TABLE mailbox ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;   -- the same, of name, role, subscription, order
ALTER TABLE mailbox ADD COLUMN sort_order INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN created INTEGER NOT NULL DEFAULT 0;   -- modseq of the account at which it came into view
CREATE INDEX message_shared ON message (account) WHERE refs > 1;
ALTER TABLE placement ADD COLUMN thread INTEGER NOT NULL DEFAULT 0;  -- of the message
UPDATE placement SET thread = (SELECT m.thread FROM message m WHERE m.id = placement.message);
CREATE INDEX placement_thread ON placement (thread, message);
CREATE INDEX placement_date ON placement (account, mailbox, date, message, thread);

-- A mailbox has a message once; what stands in it again becomes a message of its own.
CREATE TEMP TABLE again AS
    SELECT p.account, p.mailbox, p.uid, p.message, row_number() OVER () - 1 AS n FROM placement p
    WHERE p.message IN (SELECT id FROM message WHERE refs > 1) AND p.uid > (
        SELECT min(q.uid) FROM placement q
        WHERE q.account = p.account AND q.mailbox = p.mailbox AND q.message = p.message);
UPDATE again SET n = n + (SELECT reserved FROM sequence WHERE name = 'message');
UPDATE sequence SET reserved = reserved + (SELECT count(*) FROM again) WHERE name = 'message';
INSERT INTO message (id, account, blob, refs, thread, sent_at, has_attachment, header_size, envelope, bodystructure,
        body, layout, header_fields, message_id, subject, base_subject, sort_from, sort_to, sort_cc, preview)
    SELECT a.n, m.account, m.blob, 1, m.thread, m.sent_at, m.has_attachment, m.header_size, m.envelope,
        m.bodystructure, m.body, m.layout, m.header_fields, m.message_id, m.subject, m.base_subject, m.sort_from,
        m.sort_to, m.sort_cc, m.preview
    FROM again a JOIN message m ON m.id = a.message;
UPDATE placement SET message = (SELECT a.n FROM again a WHERE a.account = placement.account
        AND a.mailbox = placement.mailbox AND a.uid = placement.uid)
    WHERE (account, mailbox, uid) IN (SELECT account, mailbox, uid FROM again);
UPDATE message SET refs = refs - (SELECT count(*) FROM again a WHERE a.message = message.id)
    WHERE id IN (SELECT message FROM again);
UPDATE blob SET refs = refs + (SELECT count(*) FROM again a JOIN message m ON m.id = a.n WHERE m.blob = blob.id)
    WHERE id IN (SELECT m.blob FROM again a JOIN message m ON m.id = a.n);
DROP TABLE again;

CREATE TABLE gone (
    account INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    message INTEGER NOT NULL,            -- that left a mailbox; 0: the mailbox itself went
    thread INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    PRIMARY KEY (account, modseq, message)
) WITHOUT ROWID;

CREATE TABLE object (
    account INTEGER NOT NULL,
    kind TEXT NOT NULL,                  -- "Identity", "EmailSubmission", ...
    id INTEGER NOT NULL,
    modseq INTEGER NOT NULL,             -- of the account
    created INTEGER NOT NULL,            -- the same
    ref INTEGER NOT NULL,                -- what it belongs to: the queue entry of a submission; 0: nothing
    value BLOB,                          -- NULL: removed, kept a while so that clients hear of it
    PRIMARY KEY (account, kind, id)
) WITHOUT ROWID;
CREATE INDEX object_modseq ON object (account, kind, modseq);

CREATE TABLE upload (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    blob INTEGER NOT NULL,
    size INTEGER NOT NULL,
    type TEXT NOT NULL,
    created_at REAL NOT NULL
);
CREATE INDEX upload_account ON upload (account, created_at);
CREATE INDEX upload_age ON upload (created_at);
