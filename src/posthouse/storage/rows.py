"""The values that cross the storage ports.

`msgspec` structs: cheap to make, typed, and encodable, because a write request may cross a socket to the writer
process.  Rows of messages are plain tuples in the order of the columns asked for (`COLUMNS`), never objects.
Times are seconds since the epoch (UTC, float); sizes are bytes.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct, field

from posthouse.core import scope
from posthouse.core.ids import AccountId, BlobId, MailboxId, MessageId, QueueId, RecipientId
from posthouse.core.protocols import PROTOCOLS
from posthouse.mime.facts import MessageFacts
from posthouse.storage.email_rows import StoredObject

UidRanges = list[tuple[int, int]]
"""Ascending, disjoint, inclusive (first, last) UID ranges."""

PLACEMENT_COLUMNS: Final = ("uid", "message", "flags", "modseq", "size", "date", "savedate")
"""Columns that cost one row of the clustered placement table and nothing else."""
NUMBER_COLUMNS: Final = frozenset(("uid", "message", "flags", "modseq", "size"))
"""Those of whole numbers."""
MESSAGE_COLUMNS: Final = (
    "envelope",
    "bodystructure",
    "body",
    "preview",
    "header_fields",
    "kept_fields",
    "layout",
    "thread",
    "message_id",
    "subject",
    "base_subject",
    "header_size",
    "has_attachment",
    "sort_from",
    "sort_to",
    "sort_cc",
    "sent_at",
)
"""Facts computed at delivery (`mime.facts.MessageFacts`); kept_fields are header_fields in the form of `mime.kept`."""
CONTENT_COLUMN: Final = "content"
"""The message itself: `bytes`, or a `ports.LargeContent` when it is longer than `INLINE_CONTENT_MAX_BYTES`."""
COLUMNS: Final = (*PLACEMENT_COLUMNS, *MESSAGE_COLUMNS, CONTENT_COLUMN)

EVERYTHING: Final = "*"
KINDS: Final = ("people", "teams", "disabled", "administrators", "full")
"""Of accounts; full ones have used nine tenths of a quota."""
ROLES: Final = ("inbox", "sent", "drafts", "junk", "trash", "archive")


class Domain(Struct, frozen=True):
    """A domain we receive mail for.  `name` is the lower-case A-label form."""

    name: str
    catch_all: str | None = None  # address that takes mail for unknown local parts
    enabled: bool = True
    created_at: float = 0.0
    two_step: str = "optional"  # of its accounts: "off", "optional", "required"
    protocols_off: tuple[str, ...] = ()  # for all of its accounts
    oauth_only: bool = False  # mail programs sign in by token, not by any password
    dmarc: str = "none"  # the policy that its record is to have: "none", "quarantine", "reject"
    redirects: str = (
        "any"  # where to rules may send mail on: "any", "confirmed", "inside" (services/redirects.py)
    )


class Account(Struct, frozen=True):
    """One who can own mailboxes.  `address` is the normalised full address and the login name."""

    id: AccountId
    address: str
    name: str = ""
    language: str = "zh"  # names of the default mailboxes, LANG of POP3
    password: str | None = None  # Argon2id hash in PHC form; None: nobody can sign in
    enabled: bool = True
    protocols: tuple[str, ...] = PROTOCOLS  # switched on, for the account and for its domain
    quota_bytes: int = 0  # 0: no limit
    quota_messages: int = 0
    used_bytes: int = 0
    used_messages: int = 0
    modseq: int = 0
    pop3_delete: str = "delete"  # at QUIT: "delete", "trash", or "keep:DAYS"
    created_at: float = 0.0
    app_only: tuple[str, ...] = ()  # protocols which only app passwords open
    two_step: bool = False  # a second factor is set up
    new_device: str = "off"  # first sign-in of a device: "off", "notify" or "hold"
    second_address: str = ""  # where approvals are asked for
    team: bool = False  # owned by several people: has no password, its members see it below Shared/
    admin: tuple[str, ...] = ()  # domains that it administrates; `EVERYTHING`: the server
    own_protocols: tuple[str, ...] = PROTOCOLS  # switched on for the account, whatever its domain says


class Credential(Struct, frozen=True):
    """What opens an account beside its password, or the SCRAM keys of that password (kind "password")."""

    account: AccountId
    kind: str  # "password", "app", "totp", "recovery", "email", "passkey", "certificate"
    name: str  # "" for the password
    secret: (
        str  # "password": the hash its keys belong to; "app", "recovery": keyed hash; else see its service
    )
    scram: tuple[str, ...] = ()  # RFC 5803
    protocols: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()  # CIDR; empty: from everywhere
    created_at: float = 0.0
    expires_at: float = 0.0  # 0: never
    used_at: float = 0.0
    used_ip: str = ""
    used_protocol: str = ""
    id: int = 0
    actions: int = scope.ALL  # bits of `core.scope`
    folders: tuple[str, ...] = ()  # names of mailboxes; empty: all


class SieveScript(Struct, frozen=True):
    """A script of an account (RFC 5804); of one account at most one is active."""

    account: AccountId
    name: str
    content: str
    active: bool = False
    changed_at: float = 0.0
    id: int = 0


class Alias(Struct, frozen=True):
    """Mail for `address` goes to every one of `targets` (local or remote addresses)."""

    address: str
    targets: tuple[str, ...]


class Mailbox(Struct, frozen=True):
    """A mailbox with its counters; STATUS never counts rows."""

    account: AccountId
    id: MailboxId
    name: str  # Unicode, hierarchy delimiter "/", "INBOX" in capitals
    role: str | None
    uidvalidity: int
    uidnext: int
    modseq: int  # highest of the mailbox
    messages: int
    unseen: int
    deleted: int  # messages with \Deleted
    size_bytes: int
    deleted_bytes: int
    recent_from: int  # UIDs from here on were never shown to a session that could claim \Recent
    subscribed: bool
    created: int = 0  # modseq of the account when it was made, when one of its properties was changed last
    changed: int = 0
    sort_order: int = 0
    own_seen: bool = False  # each user has its own \\Seen; `unseen` counts that of nobody in particular


class RightsEntry(Struct, frozen=True, array_like=True):
    """An entry of the access control list of a mailbox.  `rights` are bits of `core.rights`."""

    account: AccountId  # the owner
    mailbox: MailboxId  # 0: all of the account
    grantee: AccountId  # 0: every account of the owner's domain; a team: its members
    negative: bool  # the rights are taken away
    rights: int


class AuditEntry(Struct):
    """Who did what in an account that is not its own, or as an administrator."""

    at: float
    account: str  # address of the account it was done to; "": to the server
    actor: str  # address of the one who did it; of administrators, the user of the operating system
    action: (
        str  # "flags", "expunge", "copy", "move", "append", "create", "rename", "delete", "rights", "command"
    )
    mailbox: str = ""
    facts: dict[str, Any] = {}


class Actor(Struct, frozen=True, array_like=True):
    """Who works in a mailbox of somebody else, with what rights (bits of `core.rights`)."""

    user: AccountId
    rights: int


class Snapshot(Struct, frozen=True):
    """The UIDs of a mailbox at one modseq; immutable, shared between sessions."""

    account: AccountId
    mailbox: MailboxId
    uidvalidity: int
    uidnext: int
    modseq: int
    uids: Any  # array("I"), ascending


class Changes(Struct, frozen=True):
    """What happened in a mailbox after a modseq."""

    modseq: int
    uidnext: int
    changed: list[tuple[int, int, int]]  # (uid, flags, modseq) of new and re-flagged messages, by uid
    expunged: list[int]  # uids, ascending


class ContentDraft(Struct, array_like=True):
    """Bytes on their way into the store, finished by `ContentWriter.finish`.

    Small: `packed` holds the stored form and it is committed with the rows.  Large: `file` names a synced file that
    the commit adopts; one never adopted is swept as an orphan.
    """

    size: int  # bytes of the message
    codec: int
    packed: bytes | None = None
    file: str | None = None


class LocalCopy(Struct, array_like=True):
    """A placement to make: one mailbox of one account, by id, or by role (created if it was deleted).

    With both, the role stands in when the mailbox is gone.
    """

    account: AccountId
    mailbox: MailboxId | None = None
    role: str | None = None
    flags: int = 0
    keywords: tuple[str, ...] = ()
    date: float = 0.0  # INTERNALDATE
    enforce_quota: bool = True
    user: AccountId = AccountId(0)  # who puts it there, if not the owner


class QueueRecipient(Struct):
    """A remote recipient of a queued message, with its DSN parameters (RFC 3461 §4)."""

    address: str
    orcpt: str | None = None
    notify: tuple[str, ...] = ()  # of NEVER, SUCCESS, FAILURE, DELAY; empty: the default
    id: RecipientId = RecipientId(0)
    state: str = "due"  # due, held, delivered, failed, cancelled
    attempts: int = 0
    next_attempt: float = 0.0
    lease_owner: str | None = None
    lease_until: float = 0.0
    warned: bool = False  # the delay warning was sent
    route: str | None = None  # rerouted by hand: HOST:PORT
    last_status: str = ""  # "451 4.3.0 text" of the last attempt
    remote: str = ""  # the host that said it


class QueueEntry(Struct):
    """A message with remote recipients."""

    sender: str  # "" is the null sender
    recipients: list[QueueRecipient]
    trace: str
    arrived_at: float
    expires_at: float
    size: int = 0
    body: str = "7BIT"  # 7BIT, 8BITMIME, BINARYMIME
    smtputf8: bool = False
    requiretls: bool = False
    ret: str | None = None  # FULL or HDRS
    envid: str | None = None
    account: AccountId | None = None  # who submitted it
    not_before: float = 0.0  # FUTURERELEASE
    message_id: str = ""
    id: QueueId = QueueId(0)
    blob: BlobId = BlobId(0)
    sign_as: str = ""  # domain whose DKIM keys sign it when it leaves; "": it is not signed


class JournalLine(Struct):
    """One step of a letter's way: what was checked, what was found, what was decided."""

    at: float
    step: str  # "received", "resolved", "stored", "queued", "attempt", "delivered", "bounced", ...
    facts: dict[str, Any] = field(default_factory=dict)


class Delivery(Struct):
    """All that one accepted message changes: committed in one transaction or not at all."""

    trace: str
    content: ContentDraft
    facts: MessageFacts
    copies: list[LocalCopy]
    queue: list[QueueEntry] = field(default_factory=list)
    journal: list[JournalLine] = field(default_factory=list)
    objects: list[StoredObject] = field(default_factory=list)  # `ref` becomes the first queue entry


class Placed(Struct, array_like=True):
    """Where a copy went; `error` names the domain error class that kept it out (`OverQuota`, `NotFound`)."""

    account: AccountId
    mailbox: MailboxId = MailboxId(0)
    uidvalidity: int = 0
    uid: int = 0
    message: MessageId = MessageId(0)
    modseq: int = 0
    error: str | None = None


class Stored(Struct, array_like=True):
    """The outcome of one `Delivery`: one `Placed` per copy in order, one id per queue entry."""

    placed: list[Placed]
    queued: list[QueueId]


class FlagsStored(Struct):
    changed: list[tuple[int, int, int]]  # (uid, flags, modseq) of all that the command touched and that exist
    refused: list[int]  # uids whose modseq passed UNCHANGEDSINCE
    modseq: int
    surprising: list[int] = []  # uids of `changed` that somebody else had changed after `known_modseq`
    before: int = -1  # the mailbox's modseq before that; -1: more than flags of placements may have changed


class Copied(Struct):
    """COPYUID: `source` and `target` uids pair up; with MOVE the source rows are expunged at `modseq`."""

    uidvalidity: int
    source: list[int]
    target: list[int]
    modseq: int


class Expunged(Struct):
    uids: list[int]
    modseq: int


class QueueJob(Struct):
    """Leased work: one message and those of its recipients that go to one destination."""

    entry: QueueEntry  # its `recipients` are only the leased ones
    destination: str  # domain, or HOST:PORT of a route
    lease_until: float


class Attempt(Struct):
    """What became of one recipient; written by `Queue.report`."""

    recipient: RecipientId
    state: str  # "delivered", "failed", "due" (deferred), "held"
    next_attempt: float = 0.0
    status: str = ""
    remote: str = ""
    warned: bool = False


class FlowCount(Struct, frozen=True, array_like=True):
    """So many letters in one hour (since the epoch)."""

    hour: int
    what: str  # "received", "submitted", "refused", "delivered", "deferred", "failed"
    domain: str  # of ours, or ""
    count: int


class Hint(Struct, frozen=True, omit_defaults=True):
    """Something changed; a lost hint costs latency, never correctness.

    kind: "access" (an account's devices; without account: bans), "mailbox" (account, mailbox, modseq),
    "mailboxes" (an account's list;
    without account: of all accounts, and their mailboxes, as hints were lost), "directory" (accounts, domains,
    aliases), "queue", "objects" (an account's, of the kind `what`), "rights" (who may do what with a
    mailbox, or all of an account's; without account: what everybody may), "sessions" (every worker is to say who is
    connected, `what` names the question), "end-session" (of the connection `what`).
    """

    kind: str
    account: AccountId = AccountId(0)
    mailbox: MailboxId = MailboxId(0)
    modseq: int = 0
    what: str = ""
    since: int = -1
    """Of "mailbox": all that happened since the mailbox had this modseq is in `arrived`; -1: it has to be read."""
    arrived: tuple[tuple[int, int, int], ...] = ()
    """(UID, flags, modseq) of messages that came, in the order of their UIDs."""
    claimed: bool = False
    """They are \\Recent for nobody who comes later: their delivery has seen to that."""


class TextSought(Struct, frozen=True):
    """A folded text (`mime.search_text.fold`) that the decoded text of messages is to contain."""

    where: str  # "TEXT": header or body, "BODY", "HEADER": a field
    needle: str
    field: str = ""  # of HEADER, in lower case; an empty needle: it exists


class TextFound(Struct, frozen=True):
    """What an index knows of one mailbox."""

    through: int  # messages up to this UID were looked at; what is newer has to be read
    uids: list[list[int]]  # by what was sought, ascending; UIDs since expunged may be among them


class MessagesFound(Struct, frozen=True):
    """What an index knows of an account."""

    through: dict[int, int]
    """By mailbox: messages up to this UID were looked at; what is newer has to be read."""
    messages: list[set[int]]  # by what was sought; some may be gone, or elsewhere by now


class AlikeSought(Struct, frozen=True):
    """What the text of messages is to be like (`mime.fuzzy`)."""

    where: str  # as in TextSought
    value: str  # as it was typed
    field: str = ""  # of HEADER, in lower case
    scored: bool = True  # how much each message is alike is asked for, not only whether it is


class AlikeFound(Struct, frozen=True):
    """What an index knows of one mailbox; UIDs since expunged may be among them."""

    through: int  # as in TextFound
    likeness: list[dict[int, float]]  # by what was sought: UIDs that are alike -> how much, (0 to 1]


class Problem(Struct):
    """A broken invariant found by `Store.check`."""

    invariant: str
    where: str
    text: str
