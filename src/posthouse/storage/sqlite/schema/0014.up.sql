-- Schema 14.  How many placements a message has stands beside the messages: COPY of a mailbox wrote each of them, with all
-- its facts, for one number.  `message.refs` means nothing any more; a table of all messages is not rewritten for that.

CREATE TABLE shared (
    account INTEGER NOT NULL,
    message INTEGER NOT NULL,            -- that has more than one placement
    refs INTEGER NOT NULL,               -- how many
    PRIMARY KEY (account, message)
) WITHOUT ROWID;
INSERT INTO shared (account, message, refs) SELECT account, id, refs FROM message WHERE refs > 1 ORDER BY 1, 2;
DROP INDEX message_shared;
