"""Values of the ports that see emails by account: one message however many mailboxes it is in.

An email is in view while one of its placements has no \\Deleted (RFC 8621 §4.1.1); placements with it do not count
anywhere here.  Its keywords are those of all placements in view together; a change is made to all of them.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from posthouse.core.ids import AccountId, BlobId, MailboxId, MessageId

ALL_SINCE: Final = 0xFFFFFFFFFFFFFFF
"""As `Since.message`: everything of the modseq itself is known."""


class Since(Struct, frozen=True, order=True):
    """Up to where somebody knows the changes of an account."""

    modseq: int
    message: int = ALL_SINCE  # of the changes at this modseq, those of messages up to this one


class EmailsRead(Struct):
    """Emails at one modseq of the account."""

    modseq: int
    rows: list[tuple[Any, ...]]  # message first, then the columns asked for; in the order asked for
    places: dict[int, list[tuple[int, int]]]  # message -> (mailbox, flags) of placements in view


class Changed(Struct, array_like=True, frozen=True):
    """What became of an email; `known`: it was in view before."""

    modseq: int
    message: int
    thread: int
    known: bool
    in_view: bool
    moved: bool  # it came into or left a mailbox, so its thread changed


class EmailChanges(Struct):
    modseq: int  # of the account
    history: int  # changes after this modseq are all known
    changed: list[Changed]  # by (modseq, message)


class MailboxChanges(Struct):
    modseq: int
    history: int
    created: list[int]
    changed: list[int]  # name, role, subscription or order
    counted: list[int]  # nothing but the counts
    gone: list[int]


class EmailChange(Struct, array_like=True):
    """One update of `Emails.change`; flags are bits, \\Deleted is not among them."""

    message: MessageId
    add: int | bytes = 0
    remove: int | bytes = 0
    replace: bool = False  # `add` is all that stays
    into: list[MailboxId] = []
    out_of: list[MailboxId] = []
    only: list[MailboxId] | None = None  # the mailboxes to be in, whatever they were
    destroy: bool = False


class EmailsChanged(Struct):
    errors: list[str]  # per change: "", or the domain error class
    modseq: int
    old_modseq: int


SUBMISSION: Final = "EmailSubmission"
"""The kind of object whose value names the `thread` of the letter that was sent; told of notices that come there."""


class StoredObject(Struct, array_like=True):
    """Something of an account that has an id and a value that only its service reads."""

    kind: str
    id: int  # 0: to be given
    value: bytes | None  # None: removed
    account: AccountId = AccountId(0)
    modseq: int = 0
    created: int = 0
    ref: int = 0


class ObjectsPut(Struct):
    ids: list[int]
    modseq: int
    old_modseq: int


class Upload(Struct, frozen=True):
    id: int
    blob: BlobId
    size: int
    type: str


# --- conditions on an email ---


class Every(Struct, frozen=True):
    of: tuple[Condition, ...]


class Either(Struct, frozen=True):
    of: tuple[Condition, ...]


class Neither(Struct, frozen=True):
    of: tuple[Condition, ...]


class InMailbox(Struct, frozen=True):
    """In at least one of these."""

    mailboxes: tuple[int, ...]


class NotOnlyIn(Struct, frozen=True):
    """In at least one that is none of these."""

    mailboxes: tuple[int, ...]


class Compare(Struct, frozen=True):
    column: str  # "date", "size", "sent_at"
    operator: str  # "<", ">="
    value: float


class Keyword(Struct, frozen=True):
    bit: int  # 0: a keyword that nobody has
    present: bool = True


class ThreadKeyword(Struct, frozen=True):
    bit: int
    which: str  # "all", "some", "none" of the emails of its thread
    mailboxes: frozenset[int] | None = None  # that lie in these; None: anywhere


class Attachment(Struct, frozen=True):
    present: bool


class OneOf(Struct, frozen=True):
    messages: tuple[int, ...]


class Threads(Struct, frozen=True):
    threads: tuple[int, ...]


Condition = (
    Every
    | Either
    | Neither
    | InMailbox
    | NotOnlyIn
    | Compare
    | Keyword
    | ThreadKeyword
    | Attachment
    | OneOf
    | Threads
)


class Order(Struct, frozen=True):
    """One key to sort by."""

    key: str  # "date", "size", "from", "to", "subject", "sent_at", "keyword", "all", "some"
    ascending: bool = True
    bit: int = 0  # of the keyword
    mailboxes: frozenset[int] | None = None  # emails of a thread elsewhere do not count; None: anywhere
