-- Back to schema 12.
DROP TABLE audit;
