-- Schema 23.  Address books that others were given, and which of those each of them wants to see.

CREATE TABLE book_right (
    account INTEGER NOT NULL,
    book INTEGER NOT NULL,
    grantee INTEGER NOT NULL,            -- an account; a team: its members
    rights INTEGER NOT NULL,             -- storage/contact_rows.py; 0: they were taken back
    modseq INTEGER NOT NULL,             -- of the owner's account, when they were last changed
    PRIMARY KEY (account, book, grantee)
) WITHOUT ROWID;
CREATE INDEX book_right_grantee ON book_right (grantee);

CREATE TABLE book_reader (
    user INTEGER NOT NULL,
    account INTEGER NOT NULL,
    book INTEGER NOT NULL,
    PRIMARY KEY (user, account, book)
) WITHOUT ROWID;
