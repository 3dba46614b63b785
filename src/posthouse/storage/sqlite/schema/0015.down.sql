-- Back to schema 14.
DROP INDEX credential_certificate;
