"""Every command as a value: a slots dataclass per command, named after it.

`tag` is bytes, ready to be sent back.  Mailbox names are str, decoded, `INBOX` in capitals.  Flags are
names as sent (`\\Seen`, `$Forwarded`), system flags in their canonical spelling.  UID variants are the same
class with `uid=True`.
APPEND is not here: it streams (`engine.AppendBegin`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from msgspec import Struct

from posthouse.core.discreet import Discreet

from .fetch_item import BinarySection, BodySection, FetchItem
from .notify_events import Wanted
from .search_key import SearchKey
from .sequence_set import SequenceSet


class Command(Struct):
    NAME: ClassVar[str] = ""
    tag: bytes


# --- any state: RFC 9051 §6.1 ---


class Capability(Command):
    NAME: ClassVar[str] = "CAPABILITY"


class Noop(Command):
    NAME: ClassVar[str] = "NOOP"


class Logout(Command):
    NAME: ClassVar[str] = "LOGOUT"


class Id(Command):
    """RFC 2971 §3.1: `params` is None for NIL; names in lower case."""

    NAME: ClassVar[str] = "ID"
    params: Mapping[str, str | None] | None


class Language(Command):
    """RFC 5255 §3.2: `ranges` in the client's order; none asks for the list."""

    NAME: ClassVar[str] = "LANGUAGE"
    ranges: tuple[str, ...]


class Compress(Command):
    """RFC 4978 §3."""

    NAME: ClassVar[str] = "COMPRESS"
    mechanism: str  # upper case


# --- not authenticated: RFC 9051 §6.2 ---


class StartTls(Command):
    NAME: ClassVar[str] = "STARTTLS"


class Authenticate(Discreet, Command):
    """`initial`: the base64 text (or `=`) as sent, None when there was none (RFC 4959)."""

    NAME: ClassVar[str] = "AUTHENTICATE"
    HIDDEN: ClassVar[tuple[str, ...]] = ("initial",)  # PLAIN has the password in it
    mechanism: str  # upper case
    initial: bytes | None


class Login(Discreet, Command):
    NAME: ClassVar[str] = "LOGIN"
    user: str
    password: str


# --- authenticated: RFC 9051 §6.3 ---


class Enable(Command):
    NAME: ClassVar[str] = "ENABLE"
    capabilities: tuple[str, ...]  # upper case


class Qresync(Struct):
    """RFC 7162 §3.2.5."""

    uidvalidity: int
    modseq: int
    known_uids: SequenceSet | None = None
    match_sequence: SequenceSet | None = None
    match_uids: SequenceSet | None = None


class Select(Command):
    """SELECT; `Examine` is the same with read-only access."""

    NAME: ClassVar[str] = "SELECT"
    mailbox: str
    condstore: bool = False
    qresync: Qresync | None = None


class Examine(Select):
    NAME: ClassVar[str] = "EXAMINE"


class Create(Command):
    """`special_use`: `\\Sent` etc. asked for with USE (RFC 6154 §3), canonical spelling.  A trailing `/` is
    kept."""

    NAME: ClassVar[str] = "CREATE"
    mailbox: str
    special_use: tuple[str, ...] = ()


class Delete(Command):
    NAME: ClassVar[str] = "DELETE"
    mailbox: str


class Rename(Command):
    NAME: ClassVar[str] = "RENAME"
    mailbox: str
    new_name: str


class Subscribe(Command):
    NAME: ClassVar[str] = "SUBSCRIBE"
    mailbox: str


class Unsubscribe(Command):
    NAME: ClassVar[str] = "UNSUBSCRIBE"
    mailbox: str


class List(Command):
    """LIST, basic or extended (RFC 5258, RFC 5819, RFC 6154).

    `select`: of SUBSCRIBED REMOTE RECURSIVEMATCH SPECIAL-USE.  `returns`: of SUBSCRIBED CHILDREN
    SPECIAL-USE STATUS MYRIGHTS (RFC 8440) METADATA, whose entries stand in `metadata` (RFC 9590).
    `extended`: selection options, several patterns or RETURN were used, so the basic meaning of an empty
    pattern (RFC 9051 §6.3.9: ask for the delimiter) does not apply.
    """

    NAME: ClassVar[str] = "LIST"
    reference: str
    patterns: tuple[str, ...]
    select: frozenset[str] = frozenset()
    returns: frozenset[str] = frozenset()
    status_items: tuple[str, ...] = ()
    extended: bool = False
    metadata: tuple[str, ...] = ()


class Lsub(Command):
    NAME: ClassVar[str] = "LSUB"
    reference: str
    pattern: str


class Namespace(Command):
    NAME: ClassVar[str] = "NAMESPACE"


class Status(Command):
    """`items`: upper case, of MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE RECENT HIGHESTMODSEQ
    MAILBOXID APPENDLIMIT DELETED-STORAGE."""

    NAME: ClassVar[str] = "STATUS"
    mailbox: str
    items: tuple[str, ...]


class Catenate(Command):
    """An APPEND or REPLACE whose message is made of URLs alone (RFC 4469)."""

    NAME: ClassVar[str] = "APPEND"
    mailbox: str
    flags: tuple[str, ...]
    date: float | None
    urls: tuple[str, ...]
    replaces: SequenceSet | None = None
    uid: bool = False


class GetQuota(Command):
    """RFC 9208 §4.1.1."""

    NAME: ClassVar[str] = "GETQUOTA"
    root: str


class GetQuotaRoot(Command):
    """RFC 9208 §4.1.2."""

    NAME: ClassVar[str] = "GETQUOTAROOT"
    mailbox: str


class SetQuota(Command):
    """RFC 9208 §4.1.3; `limits`: (resource in upper case, limit)."""

    NAME: ClassVar[str] = "SETQUOTA"
    root: str
    limits: tuple[tuple[str, int], ...]


class GetMetadata(Command):
    """RFC 5464 §4.2: entries in lower case; `mailbox` is "" for the server; `depth` is None for infinity."""

    NAME: ClassVar[str] = "GETMETADATA"
    mailbox: str
    entries: tuple[str, ...]
    max_size: int | None = None
    depth: int | None = 0


class SetMetadata(Command):
    """RFC 5464 §4.3: None removes an entry."""

    NAME: ClassVar[str] = "SETMETADATA"
    mailbox: str
    values: dict[str, bytes | None]


class Idle(Command):
    NAME: ClassVar[str] = "IDLE"


class Notify(Command):
    """RFC 5465 §3.1, made by `parse_notify`: None for NOTIFY NONE."""

    NAME: ClassVar[str] = "NOTIFY"
    wanted: Wanted | None = None


class GetJmapAccess(Command):
    """RFC 9698."""

    NAME: ClassVar[str] = "GETJMAPACCESS"


class Unauthenticate(Command):
    """RFC 8437."""

    NAME: ClassVar[str] = "UNAUTHENTICATE"


# --- selected: RFC 9051 §6.4, RFC 3501 §6.4.1 ---


class Check(Command):
    NAME: ClassVar[str] = "CHECK"


class Close(Command):
    NAME: ClassVar[str] = "CLOSE"


class Unselect(Command):
    NAME: ClassVar[str] = "UNSELECT"


class Expunge(Command):
    """`uids` is None for EXPUNGE, the set for UID EXPUNGE (RFC 9051 §6.4.9)."""

    NAME: ClassVar[str] = "EXPUNGE"
    uids: SequenceSet | None = None


class Search(Command):
    """`key`: one tree; several keys come as `search_key.And`.  Strings are decoded from `charset` already.

    `returns`: None without RETURN; else of `parse_search.RETURN_OPTIONS`, with `RETURN ()` as {"ALL"} (RFC 9051
    §6.4.4).  `partial`: the positions PARTIAL asks for, both below zero when counted from the end (RFC 9394 §3.1).
    `updated`: what UPDATE asks to be fetched of new results (RFC 5465 §7).
    """

    NAME: ClassVar[str] = "SEARCH"
    key: SearchKey
    returns: frozenset[str] | None = None
    charset: str = ""
    uid: bool = False
    partial: tuple[int, int] | None = None
    updated: tuple[FetchItem, ...] = ()

    @property
    def scored(self) -> bool:
        """Whether it is asked how well messages match."""
        return "RELEVANCY" in (self.returns or ())


class Esearch(Search):
    """RFC 7377 §2; `sources`: (selector, names), selectors in upper case as in RFC 5465 §6."""

    NAME: ClassVar[str] = "ESEARCH"
    sources: tuple[tuple[str, tuple[str, ...]], ...] = (("SELECTED", ()),)


class Sort(Search):
    """RFC 5256 §3; `criteria`: (key, reverse) pairs, the first one leads."""

    NAME: ClassVar[str] = "SORT"
    criteria: tuple[tuple[str, bool], ...] = ()

    @property
    def by_relevancy(self) -> bool:
        """RFC 6203 §6."""
        return any(name == "RELEVANCY" for name, _ in self.criteria)

    @property
    def scored(self) -> bool:
        return self.by_relevancy or "RELEVANCY" in (self.returns or ())


class CancelUpdate(Command):
    """RFC 5267 §4.3.5; `tags` of commands that used UPDATE."""

    NAME: ClassVar[str] = "CANCELUPDATE"
    tags: tuple[bytes, ...]


class Thread(Command):
    """RFC 5256 §3; `algorithm`: ORDEREDSUBJECT, REFERENCES or REFS."""

    NAME: ClassVar[str] = "THREAD"
    algorithm: str
    key: SearchKey
    charset: str = "US-ASCII"
    uid: bool = False


class Fetch(Command):
    """`items` without repeats, macros expanded, `UID` added for UID FETCH and `MODSEQ` for CHANGEDSINCE."""

    NAME: ClassVar[str] = "FETCH"
    sequence: SequenceSet
    items: tuple[FetchItem, ...]
    uid: bool = False
    changed_since: int | None = None
    vanished: bool = False
    partial: tuple[int, int] | None = None  # RFC 9394 §3.3, UID FETCH only

    @property
    def sets_seen(self) -> bool:
        """RFC 9051 §6.4.5: an item that is not .PEEK sets \\Seen."""
        return any(isinstance(i, BodySection | BinarySection) and not i.peek for i in self.items)


class Store(Command):
    """`action`: "+" adds, "-" removes, "=" replaces.  `unchanged_since`: RFC 7162 §3.1.3."""

    NAME: ClassVar[str] = "STORE"
    sequence: SequenceSet
    action: Literal["+", "-", "="]
    flags: tuple[str, ...]
    silent: bool = False
    uid: bool = False
    unchanged_since: int | None = None


class Copy(Command):
    NAME: ClassVar[str] = "COPY"
    sequence: SequenceSet
    mailbox: str
    uid: bool = False


class Move(Command):
    """RFC 6851."""

    NAME: ClassVar[str] = "MOVE"
    sequence: SequenceSet
    mailbox: str
    uid: bool = False
