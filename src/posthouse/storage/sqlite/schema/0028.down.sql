-- Back to schema 27.
DROP INDEX object_ref;
