-- Back to an empty database.
DROP TABLE journal;
DROP TABLE queue_recipient;
DROP TABLE queue_message;
DROP TABLE thread_ref;
DROP TABLE expunged;
DROP TABLE placement;
DROP TABLE message;
DROP TABLE blob;
DROP TABLE keyword;
DROP TABLE subscription;
DROP TABLE mailbox;
DROP TABLE setting;
DROP TABLE alias;
DROP TABLE account;
DROP TABLE domain;
DROP TABLE sequence;
