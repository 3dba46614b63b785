-- Schema 30.  A private annotation at a mailbox of somebody else moves the modseq of the mailbox for who set it, and for nobody else.

ALTER TABLE metadata ADD COLUMN moved INTEGER NOT NULL DEFAULT 0; -- modseq of the mailbox's account that it took; 0: of an own mailbox
