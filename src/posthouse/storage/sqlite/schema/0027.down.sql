-- Back to schema 26.
ALTER TABLE oauth_grant DROP COLUMN used_client;
