-- Back to schema 20.
UPDATE blob SET refs = refs - 1 WHERE id IN (SELECT blob FROM card_original);
DELETE FROM blob WHERE refs < 1;
DROP TABLE card_original;
