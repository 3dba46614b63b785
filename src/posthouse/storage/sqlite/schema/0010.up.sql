-- Schema 10.  Teams: accounts without a password that several people own (entries of acl with mailbox 0).

ALTER TABLE account ADD COLUMN team INTEGER NOT NULL DEFAULT 0;
-- The name of the mailboxes of teams; a personal mailbox that was called so gets another.
UPDATE OR IGNORE mailbox SET name = 'Shared (own)' || substr(name, 7)
    WHERE name = 'Shared' OR name >= 'Shared/' AND name < 'Shared0';
UPDATE OR IGNORE subscription SET name = 'Shared (own)' || substr(name, 7)
    WHERE name = 'Shared' OR name >= 'Shared/' AND name < 'Shared0';
