-- Back to schema 10.
DROP TABLE reader;
DROP TABLE seen;
ALTER TABLE mailbox DROP COLUMN own_seen;
