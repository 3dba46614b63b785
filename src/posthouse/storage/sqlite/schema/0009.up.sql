-- Schema 9.  Outgoing mail is signed: as which domain ('': not at all).
ALTER TABLE queue_message ADD COLUMN sign_as TEXT NOT NULL DEFAULT '';
