-- Back to schema 19.
CREATE INDEX journal_message ON journal (message_hash) WHERE message_hash IS NOT NULL;
DROP TABLE journal_index;
