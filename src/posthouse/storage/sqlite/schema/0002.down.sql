-- Back to schema 1.
DROP TABLE metadata;
