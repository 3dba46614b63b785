-- Back to schema 13.
UPDATE message SET refs = 1 WHERE refs <> 1;
UPDATE message SET refs = (SELECT s.refs FROM shared s WHERE s.account = message.account AND s.message = message.id)
    WHERE id IN (SELECT message FROM shared);
CREATE INDEX message_shared ON message (account) WHERE refs > 1;
DROP TABLE shared;
