-- Schema 25.  Whom somebody types an address of is found in the order of use, without reading what else a card is found by.

CREATE INDEX card_key_people ON card_key (account, uses DESC, used_at DESC, card, kind, people);
