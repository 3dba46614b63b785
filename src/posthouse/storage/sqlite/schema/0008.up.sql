-- Schema 8.  Access control lists (RFC 4314).

CREATE TABLE acl (
    account INTEGER NOT NULL,            -- the owner of the mailbox, who keeps all rights and has no entry
    mailbox INTEGER NOT NULL,
    grantee INTEGER NOT NULL,            -- an account; 0: everybody
    negative INTEGER NOT NULL,           -- 1: the rights are taken away
    rights INTEGER NOT NULL,             -- bits of core/rights.py
    PRIMARY KEY (account, mailbox, grantee, negative)
) WITHOUT ROWID;
CREATE INDEX acl_grantee ON acl (grantee);
-- Private annotations of a mailbox that belongs to somebody else stand with the account that made them.
CREATE INDEX metadata_mailbox ON metadata (mailbox);
-- The name of the mailboxes of others; a personal mailbox that was called so gets another.
UPDATE OR IGNORE mailbox SET name = 'Other Users (own)' || substr(name, 12)
    WHERE name = 'Other Users' OR name >= 'Other Users/' AND name < 'Other Users0';
UPDATE OR IGNORE subscription SET name = 'Other Users (own)' || substr(name, 12)
    WHERE name = 'Other Users' OR name >= 'Other Users/' AND name < 'Other Users0';
