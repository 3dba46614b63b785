-- Schema 21.  vCards as a client sent them, beside the cards they became, until somebody else changes those.

CREATE TABLE card_original (
    account INTEGER NOT NULL,
    card INTEGER NOT NULL,
    blob INTEGER NOT NULL,
    size INTEGER NOT NULL,
    version TEXT NOT NULL,               -- of vCard
    PRIMARY KEY (account, card)
) WITHOUT ROWID;
