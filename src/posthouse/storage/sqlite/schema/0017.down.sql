-- Back to schema 16.
DROP TABLE flow;
ALTER TABLE domain DROP COLUMN dmarc;
ALTER TABLE domain DROP COLUMN oauth_only;
ALTER TABLE domain DROP COLUMN protocols_off;
ALTER TABLE account DROP COLUMN admin;
