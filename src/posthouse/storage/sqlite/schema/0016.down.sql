-- Back to schema 15.
UPDATE blob SET refs = refs - (SELECT count(*) FROM card_media m WHERE m.blob = blob.id)
    WHERE id IN (SELECT blob FROM card_media);
DELETE FROM blob WHERE refs = 0;
DROP TABLE card_gone;
DROP TABLE card_media;
DROP TABLE card_place;
DROP TABLE card_email;
DROP TABLE card_key;
DROP TABLE card;
DROP TABLE address_book;
DELETE FROM sequence WHERE name IN ('address_book', 'card');
