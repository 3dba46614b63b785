-- Back to schema 2.
DELETE FROM setting WHERE name = 'signin.secret';
ALTER TABLE account DROP COLUMN app_only;
DROP TABLE credential;
