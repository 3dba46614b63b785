-- Back to schema 23.
ALTER TABLE domain DROP COLUMN redirects;
