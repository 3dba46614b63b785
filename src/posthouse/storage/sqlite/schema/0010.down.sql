-- Back to schema 9.
DELETE FROM acl WHERE mailbox = 0;
ALTER TABLE account DROP COLUMN team;
