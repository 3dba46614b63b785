-- Back to schema 24.
DROP INDEX card_key_people;
