-- Schema 12.  The authorization server (OAuth 2.0): clients, grants, access tokens, pending requests.

CREATE TABLE oauth_client (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    secret BLOB NOT NULL,                -- SHA-256; empty: a public client
    redirects TEXT NOT NULL,             -- a JSON list
    scope TEXT NOT NULL,                 -- the most it may ask for
    grants TEXT NOT NULL,                -- grant types, separated by spaces
    registered INTEGER NOT NULL,         -- 1: by itself
    created_at REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE oauth_grant (
    id INTEGER PRIMARY KEY,              -- never given twice: refresh tokens name it
    account INTEGER NOT NULL,
    client TEXT NOT NULL,
    scope TEXT NOT NULL,
    audience TEXT NOT NULL,              -- a JSON list
    refresh BLOB NOT NULL,               -- SHA-256 of the refresh token that is good now; empty: none
    generation INTEGER NOT NULL,
    signed_in_at REAL NOT NULL,
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    used_at REAL NOT NULL,               -- 0: never
    used_ip TEXT NOT NULL,
    used_protocol TEXT NOT NULL
);
CREATE INDEX oauth_grant_account ON oauth_grant (account);
CREATE INDEX oauth_grant_client ON oauth_grant (client);

CREATE TABLE oauth_token (
    hash BLOB PRIMARY KEY,
    scope TEXT NOT NULL,
    audience TEXT NOT NULL,
    expires_at REAL NOT NULL,
    grant_id INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX oauth_token_grant ON oauth_token (grant_id);

CREATE TABLE oauth_request (
    hash BLOB PRIMARY KEY,               -- SHA-256 of the authorization code, of the device code
    kind TEXT NOT NULL,                  -- 'code', 'device'
    user_code TEXT,                      -- what a person types for a device
    account INTEGER NOT NULL,            -- 0: nobody yet
    expires_at REAL NOT NULL,
    facts TEXT NOT NULL                  -- JSON
) WITHOUT ROWID;
CREATE UNIQUE INDEX oauth_request_user_code ON oauth_request (user_code) WHERE user_code IS NOT NULL;
CREATE INDEX oauth_request_end ON oauth_request (expires_at);
