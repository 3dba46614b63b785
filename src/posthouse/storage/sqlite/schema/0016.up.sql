-- Schema 16.  Contacts: address books, cards, what cards are found by, their pictures, what went.

CREATE TABLE address_book (
    account INTEGER NOT NULL,
    id INTEGER NOT NULL,
    modseq INTEGER NOT NULL,             -- of the account, when its own properties last changed
    created INTEGER NOT NULL,
    contents INTEGER NOT NULL,           -- modseq of what last happened to a card in it
    is_default INTEGER NOT NULL,
    collects INTEGER NOT NULL,           -- people written to are put here
    subscribed INTEGER NOT NULL,
    sort_order INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    path TEXT NOT NULL,                  -- the name of the collection in CardDAV
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX address_book_path ON address_book (account, path);

CREATE TABLE card (
    account INTEGER NOT NULL,
    id INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    created INTEGER NOT NULL,            -- modseq
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    uid TEXT NOT NULL,
    value BLOB NOT NULL,                 -- JSContact, JSON
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX card_uid ON card (account, uid);
CREATE INDEX card_modseq ON card (account, modseq);

CREATE TABLE card_key (                  -- narrow, as searches read all of an account's
    account INTEGER NOT NULL,
    card INTEGER NOT NULL,
    kind TEXT NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    uses INTEGER NOT NULL,               -- letters written to it
    used_at REAL NOT NULL,
    given TEXT NOT NULL,
    surname TEXT NOT NULL,
    surname2 TEXT NOT NULL,
    people TEXT NOT NULL,                -- cards/keys.py
    keys TEXT NOT NULL,
    PRIMARY KEY (account, card)
) WITHOUT ROWID;

CREATE TABLE card_email (
    account INTEGER NOT NULL,
    email TEXT NOT NULL,                 -- folded
    card INTEGER NOT NULL,
    PRIMARY KEY (account, email, card)
) WITHOUT ROWID;
CREATE INDEX card_email_card ON card_email (account, card);

CREATE TABLE card_place (
    account INTEGER NOT NULL,
    book INTEGER NOT NULL,
    card INTEGER NOT NULL,
    resource TEXT NOT NULL,              -- its name in CardDAV
    PRIMARY KEY (account, book, card)
) WITHOUT ROWID;
CREATE UNIQUE INDEX card_place_resource ON card_place (account, book, resource);
CREATE INDEX card_place_card ON card_place (account, card);

CREATE TABLE card_media (
    account INTEGER NOT NULL,
    id INTEGER NOT NULL,                 -- of the bytes
    card INTEGER NOT NULL,
    blob INTEGER NOT NULL,
    size INTEGER NOT NULL,
    type TEXT NOT NULL,
    PRIMARY KEY (account, id, card)
) WITHOUT ROWID;
CREATE INDEX card_media_card ON card_media (account, card);

CREATE TABLE card_gone (
    account INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    book INTEGER NOT NULL,               -- that the card left, or that went (card 0); 0: the card was removed
    card INTEGER NOT NULL,
    created INTEGER NOT NULL,
    resource TEXT NOT NULL,
    PRIMARY KEY (account, modseq, book, card)
) WITHOUT ROWID;
