-- Schema 11.  Mailboxes of teams in which each user has its own \Seen.

ALTER TABLE mailbox ADD COLUMN own_seen INTEGER NOT NULL DEFAULT 0;

CREATE TABLE seen (                      -- where a user's \Seen was set or cleared; else that of placement counts
    account INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    user INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    modseq INTEGER NOT NULL,             -- of the account, as seen by this user
    PRIMARY KEY (account, mailbox, uid, user)
) WITHOUT ROWID;
CREATE INDEX seen_modseq ON seen (mailbox, user, modseq);

CREATE TABLE reader (
    account INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    user INTEGER NOT NULL,
    difference INTEGER NOT NULL,         -- the user's unseen messages less mailbox.unseen
    PRIMARY KEY (mailbox, user)
) WITHOUT ROWID;
CREATE INDEX reader_user ON reader (user);
