-- Schema 15.  Whose a client certificate is, found by its fingerprint.

CREATE INDEX credential_certificate ON credential (secret) WHERE kind = 'certificate';
