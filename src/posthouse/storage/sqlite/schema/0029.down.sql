-- Back to schema 28.
CREATE INDEX placement_modseq ON placement (account, mailbox, modseq);
DROP TABLE stretch;
