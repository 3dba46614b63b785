-- Schema 26.  What a credential for some mailboxes uploaded is told from what others of the account did.

ALTER TABLE upload ADD COLUMN maker TEXT NOT NULL DEFAULT '';
