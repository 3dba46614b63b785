-- Back to schema 5, which knows no other credentials.
DELETE FROM credential WHERE kind NOT IN ('password', 'app');
ALTER TABLE domain DROP COLUMN two_step;
ALTER TABLE account DROP COLUMN second_address;
ALTER TABLE account DROP COLUMN new_device;
ALTER TABLE account DROP COLUMN two_step;
DROP TABLE web_session;
DROP TABLE ban;
DROP TABLE device;
DROP TABLE sign_in;
