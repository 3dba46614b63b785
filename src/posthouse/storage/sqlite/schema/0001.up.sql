-- Schema 1.  Times are seconds since the epoch (UTC), sizes bytes.  Who may write: the node's one writer.

CREATE TABLE sequence (
    name TEXT PRIMARY KEY,
    reserved INTEGER NOT NULL            -- every id below was or may have been given out; never given again
) WITHOUT ROWID;

CREATE TABLE domain (
    name TEXT PRIMARY KEY,
    catch_all TEXT,
    enabled INTEGER NOT NULL,
    created_at REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    modseq INTEGER NOT NULL,
    used_bytes INTEGER NOT NULL,         -- sum over placements: a message in two mailboxes counts twice
    used_messages INTEGER NOT NULL,
    quota_bytes INTEGER NOT NULL,
    quota_messages INTEGER NOT NULL,
    uidvalidity INTEGER NOT NULL,        -- the last one given to a mailbox of the account
    address TEXT NOT NULL UNIQUE,
    domain TEXT NOT NULL,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    password TEXT,
    enabled INTEGER NOT NULL,
    protocols TEXT NOT NULL,             -- separated by spaces
    pop3_delete TEXT NOT NULL,
    created_at REAL NOT NULL
);
CREATE INDEX account_domain ON account (domain, address);

CREATE TABLE alias (
    address TEXT PRIMARY KEY,
    domain TEXT NOT NULL,
    targets TEXT NOT NULL                -- a JSON list
) WITHOUT ROWID;

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    uidvalidity INTEGER NOT NULL,
    uidnext INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    unseen INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    deleted_bytes INTEGER NOT NULL,
    recent_from INTEGER NOT NULL,
    name TEXT NOT NULL,
    role TEXT
);
CREATE UNIQUE INDEX mailbox_name ON mailbox (account, name);
CREATE UNIQUE INDEX mailbox_role ON mailbox (account, role) WHERE role IS NOT NULL;

CREATE TABLE subscription (
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (account, name)
) WITHOUT ROWID;

CREATE TABLE keyword (
    account INTEGER NOT NULL,
    position INTEGER NOT NULL,           -- bit FIRST_KEYWORD_BIT + position
    name TEXT NOT NULL,
    PRIMARY KEY (account, position)
) WITHOUT ROWID;

CREATE TABLE blob (
    id INTEGER PRIMARY KEY,
    refs INTEGER NOT NULL,               -- message and queue_message rows
    size INTEGER NOT NULL,               -- of the message, before compression
    codec INTEGER NOT NULL,
    file TEXT,                           -- name under blobs/, when bytes is NULL
    bytes BLOB
);

CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    blob INTEGER NOT NULL,
    refs INTEGER NOT NULL,               -- placements
    thread INTEGER NOT NULL,
    sent_at REAL,
    has_attachment INTEGER NOT NULL,
    header_size INTEGER NOT NULL,        -- with its blank line
    envelope BLOB NOT NULL,
    bodystructure BLOB NOT NULL,
    body BLOB NOT NULL,
    layout BLOB NOT NULL,
    header_fields BLOB NOT NULL,         -- codec number and packed text
    message_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    base_subject TEXT NOT NULL,
    sort_from TEXT NOT NULL,
    sort_to TEXT NOT NULL,
    sort_cc TEXT NOT NULL,
    preview TEXT NOT NULL
);

CREATE TABLE placement (
    account INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    message INTEGER NOT NULL,
    flags INTEGER NOT NULL,              -- a little-endian BLOB once it passes 63 bits
    modseq INTEGER NOT NULL,
    size INTEGER NOT NULL,
    date REAL NOT NULL,
    savedate REAL NOT NULL,
    PRIMARY KEY (account, mailbox, uid)
) WITHOUT ROWID;
CREATE INDEX placement_modseq ON placement (account, mailbox, modseq);

CREATE TABLE expunged (
    account INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    PRIMARY KEY (account, mailbox, modseq, uid)
) WITHOUT ROWID;

CREATE TABLE thread_ref (
    account INTEGER NOT NULL,
    hash INTEGER NOT NULL,               -- of a Message-ID
    thread INTEGER NOT NULL,
    PRIMARY KEY (account, hash)
) WITHOUT ROWID;

CREATE TABLE queue_message (
    id INTEGER PRIMARY KEY,
    blob INTEGER NOT NULL,
    sender TEXT NOT NULL,
    trace TEXT NOT NULL,
    arrived_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    not_before REAL NOT NULL,
    size INTEGER NOT NULL,
    body TEXT NOT NULL,
    smtputf8 INTEGER NOT NULL,
    requiretls INTEGER NOT NULL,
    ret TEXT,
    envid TEXT,
    account INTEGER,
    message_id TEXT NOT NULL
);

CREATE TABLE queue_recipient (
    id INTEGER PRIMARY KEY,
    message INTEGER NOT NULL,
    state TEXT NOT NULL,
    due_at REAL NOT NULL,                -- the later of next_attempt and the end of the lease
    next_attempt REAL NOT NULL,
    lease_owner TEXT,
    lease_until REAL NOT NULL,
    attempts INTEGER NOT NULL,
    warned INTEGER NOT NULL,
    address TEXT NOT NULL,
    destination TEXT NOT NULL,           -- the domain, or the HOST:PORT of a route
    route TEXT,
    orcpt TEXT,
    notify TEXT NOT NULL,                -- separated by spaces
    last_status TEXT NOT NULL,
    remote TEXT NOT NULL
);
CREATE INDEX queue_due ON queue_recipient (due_at) WHERE state = 'due';
CREATE INDEX queue_of_message ON queue_recipient (message);
CREATE INDEX queue_lease ON queue_recipient (lease_owner) WHERE lease_owner IS NOT NULL;

CREATE TABLE journal (
    trace TEXT PRIMARY KEY,              -- sorts by time, so rows are appended
    at REAL NOT NULL,
    message_hash INTEGER,                -- of the Message-ID
    lines BLOB NOT NULL                  -- each a length (32 bits, little-endian) and a MessagePack JournalLine
) WITHOUT ROWID;
CREATE INDEX journal_message ON journal (message_hash) WHERE message_hash IS NOT NULL;
