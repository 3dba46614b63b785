-- Back to schema 7.
DROP INDEX metadata_mailbox;
DROP TABLE acl;
