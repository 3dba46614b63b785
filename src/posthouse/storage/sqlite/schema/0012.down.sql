-- Back to schema 11.
DROP TABLE oauth_request;
DROP TABLE oauth_token;
DROP TABLE oauth_grant;
DROP TABLE oauth_client;
DELETE FROM sequence WHERE name = 'oauth_grant';
DELETE FROM setting WHERE name = 'oauth.keys';
