-- Schema 20.  Letters are found by Message-ID in packed hashes of a thousand: an index of hashes cost each letter a page.

CREATE TABLE journal_index (
    id INTEGER PRIMARY KEY,
    first TEXT NOT NULL,                 -- the traces that it tells of lie between these
    last TEXT NOT NULL,
    hashes BLOB NOT NULL                 -- `journal.message_hash` of each, 64 bits, big-endian
);
INSERT INTO journal_index (first, last, hashes)
    SELECT min(trace), max(trace), unhex(group_concat(printf('%016x', message_hash), '')) FROM (
        SELECT trace, message_hash, (row_number() OVER (ORDER BY trace) - 1) / 1000 AS part
        FROM journal WHERE message_hash IS NOT NULL)
    GROUP BY part;
DROP INDEX journal_message;
