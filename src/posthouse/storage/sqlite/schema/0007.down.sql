-- Back to schema 6.
UPDATE blob SET refs = refs - (SELECT count(*) FROM upload u WHERE u.blob = blob.id)
    WHERE id IN (SELECT blob FROM upload);
DELETE FROM blob WHERE refs = 0;
DROP TABLE upload;
DROP TABLE object;
DROP TABLE gone;
DROP INDEX placement_date;
DROP INDEX placement_thread;
ALTER TABLE placement DROP COLUMN thread;
DROP INDEX message_shared;
ALTER TABLE message DROP COLUMN created;
ALTER TABLE mailbox DROP COLUMN sort_order;
ALTER TABLE mailbox DROP COLUMN changed;
ALTER TABLE mailbox DROP COLUMN created;
ALTER TABLE account DROP COLUMN history;
DELETE FROM sequence WHERE name IN ('object', 'upload');
