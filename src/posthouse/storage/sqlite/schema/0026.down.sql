-- Back to schema 25.
ALTER TABLE upload DROP COLUMN maker;
