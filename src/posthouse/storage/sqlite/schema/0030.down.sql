-- Back to schema 29.
ALTER TABLE metadata DROP COLUMN moved;
