"""The invariants of the data model: name -> (query for the rows that break it, what is wrong with them).

Plain SQL over the tables that every SQL backend shares; `low_flags(flags)` gives the first eight flag bits.  The
backends add what is particular to them: files, integrity of the database.
"""

from __future__ import annotations

from typing import Final

_COUNTED: Final = """
    SELECT m.account, m.id, m.name FROM mailbox m LEFT JOIN (
        SELECT mailbox, count(*) AS messages, sum(size) AS size,
            sum(low_flags(flags) & 1 = 0) AS unseen, sum(low_flags(flags) & 8 <> 0) AS deleted,
            sum(CASE WHEN low_flags(flags) & 8 <> 0 THEN size ELSE 0 END) AS deleted_size
        FROM placement GROUP BY account, mailbox
    ) p ON p.mailbox = m.id
    WHERE m.messages <> coalesce(p.messages, 0) OR m.size_bytes <> coalesce(p.size, 0)
        OR m.unseen <> coalesce(p.unseen, 0) OR m.deleted <> coalesce(p.deleted, 0)
        OR m.deleted_bytes <> coalesce(p.deleted_size, 0)"""

INVARIANTS: Final[dict[str, tuple[str, str]]] = {
    "claim-modseq": (
        "SELECT c.account, c.thread FROM claim c LEFT JOIN account a ON a.id = c.account"
        " LEFT JOIN account h ON h.id = c.holder WHERE a.id IS NULL OR c.modseq > a.modseq"
        " OR (c.holder <> 0 AND h.id IS NULL)",
        "a claim has no account, no holder, or a modseq past its account",
    ),
    "note-modseq": (
        "SELECT n.account, n.id FROM note n LEFT JOIN account a ON a.id = n.account"
        " WHERE a.id IS NULL OR n.modseq > a.modseq OR n.created > n.modseq",
        "a note has no account, or a modseq past it",
    ),
    "mailbox-counters": (_COUNTED, "the counters of the mailbox are not the sums over its messages"),
    "account-usage": (
        "SELECT a.id, a.address, a.used_bytes, a.used_messages FROM account a LEFT JOIN ("
        " SELECT account, count(*) AS n, sum(size) AS s FROM placement GROUP BY account) p ON p.account = a.id"
        " WHERE a.used_messages <> coalesce(p.n, 0) OR a.used_bytes <> coalesce(p.s, 0)",
        "the usage of the account is not the sum over its messages",
    ),
    "uid-below-uidnext": (
        "SELECT p.account, p.mailbox, p.uid FROM placement p JOIN mailbox m ON m.id = p.mailbox"
        " WHERE p.uid >= m.uidnext OR p.uid < 1",
        "a UID is not below UIDNEXT",
    ),
    "recent-below-uidnext": (
        "SELECT account, id FROM mailbox WHERE recent_from > uidnext OR recent_from < 1",
        "the mark of recent messages is past UIDNEXT",
    ),
    "uidvalidity-once": (
        "SELECT m.account, m.id FROM mailbox m JOIN account a ON a.id = m.account"
        " WHERE m.uidvalidity > a.uidvalidity OR m.uidvalidity < 1"
        " UNION ALL SELECT account, uidvalidity FROM mailbox GROUP BY account, uidvalidity HAVING count(*) > 1",
        "a UIDVALIDITY was not given out by the account, or twice",
    ),
    "placement-modseq": (
        "SELECT p.account, p.mailbox, p.uid FROM placement p JOIN mailbox m ON m.id = p.mailbox"
        " WHERE p.modseq > m.modseq",
        "a message has a modseq past its mailbox",
    ),
    "stretch-modseq": (
        # A message that stands before one with an older modseq was changed after it had come.
        "SELECT p.account, p.mailbox, p.uid FROM (SELECT account, mailbox, uid, modseq, min(modseq) OVER"
        " (PARTITION BY account, mailbox ORDER BY uid DESC) AS least FROM placement) p LEFT JOIN stretch s"
        " ON s.account = p.account AND s.mailbox = p.mailbox AND s.number = p.uid / 64"
        " WHERE p.least < p.modseq AND coalesce(s.modseq, 0) < p.modseq"
        " UNION ALL SELECT s.account, s.mailbox, s.number FROM stretch s LEFT JOIN mailbox m ON m.id = s.mailbox"
        " AND m.account = s.account WHERE m.id IS NULL OR s.modseq > m.modseq",
        "a change of flags was not noted, or where there is none",
    ),
    "mailbox-modseq": (
        "SELECT m.account, m.id FROM mailbox m JOIN account a ON a.id = m.account WHERE m.modseq > a.modseq",
        "a mailbox has a modseq past its account",
    ),
    "expunged-modseq": (
        "SELECT e.account, e.mailbox, e.uid FROM expunged e LEFT JOIN mailbox m"
        " ON m.id = e.mailbox AND m.account = e.account"
        " WHERE m.id IS NULL OR e.modseq > m.modseq OR e.last >= m.uidnext OR e.last < e.uid",
        "an expunge is recorded past the state of its mailbox",
    ),
    "expunged-absent": (
        "SELECT e.account, e.mailbox, e.uid FROM expunged e JOIN placement p"
        " ON p.account = e.account AND p.mailbox = e.mailbox AND p.uid BETWEEN e.uid AND e.last",
        "an expunged UID is still present",
    ),
    "expunged-once": (
        "SELECT account, mailbox, uid FROM (SELECT account, mailbox, uid,"
        " lag(last) OVER (PARTITION BY account, mailbox ORDER BY uid, last) AS before FROM expunged)"
        " WHERE uid <= before",
        "a UID was expunged twice",
    ),
    "mailbox-has-account": (
        "SELECT m.account, m.id FROM mailbox m LEFT JOIN account a ON a.id = m.account WHERE a.id IS NULL",
        "a mailbox has no account",
    ),
    "inbox-exists": (
        "SELECT a.id, a.address FROM account a WHERE NOT EXISTS"
        " (SELECT 1 FROM mailbox m WHERE m.account = a.id AND m.name = 'INBOX' AND m.role = 'inbox')",
        "an account has no INBOX",
    ),
    "account-has-domain": (
        "SELECT a.id, a.address FROM account a LEFT JOIN domain d ON d.name = a.domain WHERE d.name IS NULL",
        "an account has no domain",
    ),
    "metadata-has-mailbox": (
        "SELECT d.account, d.mailbox, d.entry FROM metadata d JOIN account a ON a.id = d.account"
        " LEFT JOIN mailbox m ON m.id = d.mailbox"
        " WHERE (d.mailbox <> 0 AND m.id IS NULL) OR d.modseq > a.modseq",
        "an annotation has no mailbox, or a modseq past its account",
    ),
    "script-has-account": (
        "SELECT s.account, s.name FROM sieve_script s LEFT JOIN account a ON a.id = s.account WHERE a.id IS NULL"
        " UNION ALL SELECT r.account, r.key FROM remembered r LEFT JOIN account a ON a.id = r.account"
        " WHERE a.id IS NULL",
        "a script, or what it remembers, has no account",
    ),
    "one-active-script": (
        "SELECT account, count(*) FROM sieve_script WHERE active GROUP BY account HAVING count(*) > 1",
        "more than one script of an account is active",
    ),
    "acl-has-mailbox": (
        "SELECT c.account, c.mailbox, c.grantee FROM acl c LEFT JOIN mailbox m"
        " ON m.id = c.mailbox AND m.account = c.account LEFT JOIN account a ON a.id = c.grantee"
        " LEFT JOIN account o ON o.id = c.account WHERE (c.mailbox <> 0 AND m.id IS NULL) OR o.id IS NULL"
        " OR (c.grantee <> 0 AND a.id IS NULL)",
        "rights are granted on no mailbox of the account, or to nobody",
    ),
    "acl-rights": (
        "SELECT account, mailbox, grantee FROM acl WHERE rights NOT BETWEEN 1 AND 2047 OR negative NOT IN (0, 1)"
        " OR grantee = account",
        "an entry grants no rights, unknown ones, or something to the owner",
    ),
    "seen-has-message": (
        "SELECT s.account, s.mailbox, s.uid, s.user FROM seen s LEFT JOIN mailbox m ON m.id = s.mailbox"
        " AND m.account = s.account LEFT JOIN placement p ON p.account = s.account AND p.mailbox = s.mailbox"
        " AND p.uid = s.uid LEFT JOIN account a ON a.id = s.user"
        " WHERE p.uid IS NULL OR a.id IS NULL OR NOT m.own_seen OR s.modseq > m.modseq",
        "what a user has seen is not there, or not told apart",
    ),
    "reader-difference": (
        "SELECT r.account, r.mailbox, r.user FROM reader r LEFT JOIN (SELECT s.mailbox, s.user,"
        " sum((low_flags(p.flags) & 1) - s.seen) AS n FROM seen s JOIN placement p ON p.account = s.account"
        " AND p.mailbox = s.mailbox AND p.uid = s.uid GROUP BY s.mailbox, s.user) f"
        " ON f.mailbox = r.mailbox AND f.user = r.user WHERE r.difference <> coalesce(f.n, 0)"
        " UNION ALL SELECT s.account, s.mailbox, s.user FROM seen s LEFT JOIN reader r"
        " ON r.mailbox = s.mailbox AND r.user = s.user WHERE r.user IS NULL",
        "the unseen messages of a user were counted wrongly",
    ),
    "team-has-no-password": (
        "SELECT a.id, a.address FROM account a WHERE a.team AND (a.password IS NOT NULL"
        " OR EXISTS (SELECT 1 FROM credential c WHERE c.account = a.id))",
        "somebody could sign in as a team",
    ),
    "credential-has-account": (
        "SELECT c.account, c.kind, c.name FROM credential c LEFT JOIN account a ON a.id = c.account"
        " WHERE a.id IS NULL OR c.kind NOT IN ('password', 'app', 'totp', 'recovery', 'email',"
        " 'passkey', 'certificate', 'api')",
        "a credential has no account, or its kind is unknown",
    ),
    "administrator-of-domains": (
        "SELECT a.id, a.address, a.admin FROM account a WHERE a.admin <> '' AND (a.team OR (a.admin <> '*'"
        " AND NOT EXISTS (SELECT 1 FROM domain d WHERE ' ' || a.admin || ' ' LIKE '% ' || d.name || ' %')))",
        "a team administrates something, or an account a domain that is not there",
    ),
    "access-has-account": (
        "SELECT d.account FROM (SELECT account FROM sign_in UNION SELECT account FROM device"
        " UNION SELECT account FROM web_session) d LEFT JOIN account a ON a.id = d.account WHERE a.id IS NULL",
        "a sign-in, a device or a web session has no account",
    ),
    "oauth-grant-has-account": (
        "SELECT g.id, g.account, g.client FROM oauth_grant g LEFT JOIN account a ON a.id = g.account"
        " WHERE a.id IS NULL UNION ALL SELECT t.grant_id, 0, '' FROM oauth_token t"
        " LEFT JOIN oauth_grant g ON g.id = t.grant_id WHERE g.id IS NULL",
        "a grant has no account, or an access token has no grant",
    ),
    "placement-has-mailbox": (
        "SELECT p.account, p.mailbox, p.uid FROM placement p LEFT JOIN mailbox m"
        " ON m.id = p.mailbox AND m.account = p.account WHERE m.id IS NULL",
        "a placement has no mailbox of its account",
    ),
    "placement-has-message": (
        "SELECT p.account, p.mailbox, p.uid FROM placement p LEFT JOIN message m"
        " ON m.id = p.message AND m.account = p.account WHERE m.id IS NULL",
        "a placement has no message of its account",
    ),
    "placement-size": (
        "SELECT p.account, p.mailbox, p.uid FROM placement p JOIN message m ON m.id = p.message"
        " JOIN blob b ON b.id = m.blob WHERE b.size <> p.size",
        "a message has another size than its bytes",
    ),
    "placement-thread": (
        "SELECT p.account, p.mailbox, p.uid FROM placement p JOIN message m ON m.id = p.message"
        " WHERE p.thread <> m.thread",
        "a message is in another thread than its placement says",
    ),
    "placement-once": (
        "SELECT account, mailbox, message FROM placement WHERE message IN (SELECT message FROM shared)"
        " GROUP BY account, mailbox, message HAVING count(*) > 1",
        "a message is in a mailbox twice",
    ),
    "account-history": (
        "SELECT a.id, a.history FROM account a WHERE a.history > a.modseq"
        " UNION ALL SELECT m.account, m.id FROM message m JOIN account a ON a.id = m.account"
        " WHERE m.created > a.modseq",
        "the history of an account, or a message of it, is past its modseq",
    ),
    "object-has-account": (
        "SELECT o.account, o.kind, o.id FROM object o LEFT JOIN account a ON a.id = o.account"
        " WHERE a.id IS NULL OR o.modseq > a.modseq OR o.created > o.modseq",
        "an object has no account, or a modseq past it",
    ),
    "upload-has-account": (
        "SELECT u.id FROM upload u LEFT JOIN account a ON a.id = u.account WHERE a.id IS NULL",
        "an upload has no account",
    ),
    "book-has-account": (
        "SELECT b.account, b.id FROM address_book b LEFT JOIN account a ON a.id = b.account"
        " WHERE a.id IS NULL OR b.modseq > a.modseq OR b.contents > a.modseq OR b.created > b.modseq"
        " UNION ALL SELECT account, sum(is_default) FROM address_book GROUP BY account"
        " HAVING sum(is_default) > 1 OR sum(collects) > 1",
        "an address book has no account, or a modseq past it, or there are two of what there is one of",
    ),
    "card-has-account": (
        "SELECT c.account, c.id FROM card c LEFT JOIN account a ON a.id = c.account"
        " WHERE a.id IS NULL OR c.modseq > a.modseq OR c.created > c.modseq"
        " UNION ALL SELECT g.account, g.card FROM card_gone g LEFT JOIN account a ON a.id = g.account"
        " WHERE a.id IS NULL OR g.modseq > a.modseq",
        "a card, or what is remembered of one, has no account, or a modseq past it",
    ),
    "card-has-book": (
        "SELECT c.account, c.id FROM card c WHERE NOT EXISTS (SELECT 1 FROM card_place p JOIN address_book b"
        " ON b.account = p.account AND b.id = p.book WHERE p.account = c.account AND p.card = c.id)"
        " UNION ALL SELECT p.account, p.card FROM card_place p LEFT JOIN address_book b"
        " ON b.account = p.account AND b.id = p.book LEFT JOIN card c ON c.account = p.account AND c.id = p.card"
        " WHERE b.id IS NULL OR c.id IS NULL",
        "a card is in no address book, or a place in a book is of no card",
    ),
    "card-has-keys": (
        "SELECT c.account, c.id FROM card c LEFT JOIN card_key k ON k.account = c.account AND k.card = c.id"
        " WHERE k.card IS NULL UNION ALL SELECT k.account, k.card FROM card_key k LEFT JOIN card c"
        " ON c.account = k.account AND c.id = k.card WHERE c.id IS NULL"
        " UNION ALL SELECT e.account, e.card FROM card_email e LEFT JOIN card c"
        " ON c.account = e.account AND c.id = e.card WHERE c.id IS NULL",
        "a card cannot be found, or what is found is no card",
    ),
    "card-media-has-card": (
        "SELECT m.account, m.card FROM card_media m LEFT JOIN card c ON c.account = m.account AND c.id = m.card"
        " LEFT JOIN blob b ON b.id = m.blob WHERE c.id IS NULL OR b.id IS NULL OR b.size <> m.size",
        "a picture has no card, or no bytes",
    ),
    "book-right-has-book": (
        "SELECT r.account, r.book, r.grantee FROM book_right r LEFT JOIN address_book b ON b.account = r.account"
        " AND b.id = r.book LEFT JOIN account g ON g.id = r.grantee WHERE b.id IS NULL OR g.id IS NULL"
        " UNION ALL SELECT r.account, r.book, r.user FROM book_reader r LEFT JOIN address_book b"
        " ON b.account = r.account AND b.id = r.book LEFT JOIN account g ON g.id = r.user"
        " WHERE b.id IS NULL OR g.id IS NULL",
        "somebody was given an address book that is not there, or there is no such somebody",
    ),
    "card-original-has-card": (
        "SELECT o.account, o.card FROM card_original o LEFT JOIN card c ON c.account = o.account AND c.id = o.card"
        " LEFT JOIN blob b ON b.id = o.blob WHERE c.id IS NULL OR b.id IS NULL OR b.size <> o.size",
        "a vCard as it was sent has no card, or no bytes",
    ),
    "message-refs": (
        "SELECT m.account, m.id, s.refs FROM message m LEFT JOIN shared s ON s.account = m.account AND s.message = m.id"
        " LEFT JOIN (SELECT message, count(*) AS n FROM placement GROUP BY message) p ON p.message = m.id"
        " WHERE coalesce(s.refs, 1) <> coalesce(p.n, 0) OR s.refs < 2"
        " UNION ALL SELECT s.account, s.message, s.refs FROM shared s LEFT JOIN message m"
        " ON m.id = s.message AND m.account = s.account WHERE m.id IS NULL",
        "the references of a message are not the count of its placements",
    ),
    "message-has-blob": (
        "SELECT m.account, m.id FROM message m LEFT JOIN blob b ON b.id = m.blob WHERE b.id IS NULL",
        "a message has no bytes",
    ),
    "blob-refs": (
        "SELECT b.id, b.refs FROM blob b LEFT JOIN (SELECT blob, count(*) AS n FROM"
        " (SELECT blob FROM message UNION ALL SELECT blob FROM queue_message"
        " UNION ALL SELECT blob FROM upload UNION ALL SELECT blob FROM card_media"
        " UNION ALL SELECT blob FROM card_original) GROUP BY blob) r ON r.blob = b.id"
        " WHERE b.refs <> coalesce(r.n, 0) OR b.refs < 1",
        "the references of a blob are not the count of what uses it",
    ),
    "ids-reserved": (
        "SELECT name, reserved FROM sequence WHERE reserved <= CASE name"
        " WHEN 'message' THEN coalesce((SELECT max(id) FROM message), 0)"
        " WHEN 'blob' THEN coalesce((SELECT max(id) FROM blob), 0)"
        " WHEN 'account' THEN coalesce((SELECT max(id) FROM account), 0)"
        " WHEN 'mailbox' THEN coalesce((SELECT max(id) FROM mailbox), 0)"
        " WHEN 'queue' THEN coalesce((SELECT max(id) FROM queue_message), 0)"
        " WHEN 'recipient' THEN coalesce((SELECT max(id) FROM queue_recipient), 0) END",
        "an id is in use that was never given out",
    ),
    "queue-has-blob": (
        "SELECT q.id FROM queue_message q LEFT JOIN blob b ON b.id = q.blob WHERE b.id IS NULL",
        "a queued message has no bytes",
    ),
    "queue-has-open-recipients": (
        "SELECT q.id FROM queue_message q WHERE NOT EXISTS (SELECT 1 FROM queue_recipient r"
        " WHERE r.message = q.id AND r.state IN ('due', 'held'))",
        "a queued message has no recipient left to deliver to",
    ),
    "queue-recipient-has-message": (
        "SELECT r.id, r.message FROM queue_recipient r LEFT JOIN queue_message q ON q.id = r.message"
        " WHERE q.id IS NULL",
        "a recipient has no queued message",
    ),
    "queue-state": (
        "SELECT id, state FROM queue_recipient WHERE state NOT IN ('due', 'held', 'delivered', 'failed', 'cancelled')"
        " OR due_at < next_attempt",
        "a recipient's state is unknown or it is due before its next attempt",
    ),
}
