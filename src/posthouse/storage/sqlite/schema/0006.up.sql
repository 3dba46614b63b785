-- Schema 6.  Sign-ins, devices, bans, sessions of browsers; the policies of new devices and second factors.

CREATE TABLE sign_in (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    at REAL NOT NULL,
    outcome TEXT NOT NULL,               -- ok, new, held, wrong, refused
    protocol TEXT NOT NULL,
    ip TEXT NOT NULL,
    client TEXT NOT NULL,
    kind TEXT NOT NULL,                  -- of the credential; '' when none fitted
    name TEXT NOT NULL,
    country TEXT NOT NULL
);
CREATE INDEX sign_in_account ON sign_in (account, id);

CREATE TABLE device (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    key TEXT NOT NULL,                   -- digest of what makes it this one
    state TEXT NOT NULL,                 -- known, held, blocked
    protocol TEXT NOT NULL,
    network TEXT NOT NULL,
    client TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    country TEXT NOT NULL,
    created_at REAL NOT NULL,
    used_at REAL NOT NULL,
    used_ip TEXT NOT NULL
);
CREATE UNIQUE INDEX device_key ON device (account, key);

CREATE TABLE ban (
    kind TEXT NOT NULL,                  -- address, network, account
    subject TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL,            -- 0: until lifted
    PRIMARY KEY (kind, subject)
) WITHOUT ROWID;

CREATE TABLE web_session (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    hash TEXT NOT NULL UNIQUE,           -- of the token
    kind TEXT NOT NULL,
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    used_at REAL NOT NULL,
    used_ip TEXT NOT NULL,
    client TEXT NOT NULL
);
CREATE INDEX web_session_account ON web_session (account);

ALTER TABLE account ADD COLUMN two_step INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN new_device TEXT NOT NULL DEFAULT 'off';
ALTER TABLE account ADD COLUMN second_address TEXT NOT NULL DEFAULT '';
ALTER TABLE domain ADD COLUMN two_step TEXT NOT NULL DEFAULT 'optional';
