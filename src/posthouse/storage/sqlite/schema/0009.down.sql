-- Back to schema 8, which signs nothing.
DELETE FROM setting WHERE name LIKE 'dkim:%';
ALTER TABLE queue_message DROP COLUMN sign_as;
