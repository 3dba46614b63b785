"""The write requests: what a worker asks of the node's writer, in process or over its socket.

Each names its result type, so that an answer that crossed the socket is decoded to the same values.  Flags travel as
int, or as little-endian bytes once they pass 63 bits (MessagePack has no longer ints).
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from posthouse.core.ids import AccountId, MailboxId, RecipientId
from posthouse.storage.rows import (
    Account,
    Alias,
    Attempt,
    Copied,
    Domain,
    Expunged,
    Hint,
    JournalLine,
    Mailbox,
    QueueJob,
    SieveScript,
    Stored,
    UidRanges,
)
from posthouse.storage.sqlite.access_requests import AccessWrite
from posthouse.storage.sqlite.contact_requests import ContactWrite
from posthouse.storage.sqlite.email_requests import (
    AddUpload,
    ChangeEmails,
    ChangeMailbox,
    CutHistory,
    DeleteMailboxById,
    ExpireUploads,
    PutObjects,
)
from posthouse.storage.sqlite.flow_requests import AddFlow, Ring
from posthouse.storage.sqlite.packed import PackedDelivery
from posthouse.storage.sqlite.request_class import LIGHT_UIDS, Request
from posthouse.storage.sqlite.sharing_requests import NoteAudit, PruneAudit, SetOwnSeen, SetRights
from posthouse.storage.sqlite.team_requests import TeamWrite
from posthouse.storage.sqlite.token_requests import TokenWrite

Flags = int | bytes
FlagRow = tuple[int, Flags, int]


class Deliver(Request):
    result = list[Stored]
    deliveries: list[PackedDelivery]
    long_flags: list[tuple[int, int, bytes]] = field(default_factory=list)  # (delivery, copy, flags)
    together: bool = False

    @property
    def light(self) -> bool:
        return len(self.deliveries) <= 64


class Replace(Request):
    result = Stored
    account: AccountId
    mailbox: MailboxId
    uid: int
    delivery: PackedDelivery
    user: AccountId = AccountId(0)


class FlagsAnswer(Struct):
    changed: list[FlagRow]
    refused: list[int]
    modseq: int
    surprising: list[int] = []
    before: int = -1
    alike: list[tuple[Flags, list[int]]] = []  # flags, and the UIDs of those that have them since `modseq`


class StoreFlags(Request):
    result = FlagsAnswer
    synced = False
    account: AccountId
    mailbox: MailboxId
    uids: UidRanges
    add: Flags = 0
    remove: Flags = 0
    replace: Flags | None = None
    unchanged_since: int | None = None
    known_modseq: int | None = None
    changeable: int = -1  # bits outside of it stay; of `core.rights.changeable_flags`
    user: AccountId = AccountId(0)  # who does it, if not the owner

    @property
    def light(self) -> bool:
        return is_short(self.uids)


class ClaimRecent(Request):
    result = int
    synced = False
    account: AccountId
    mailbox: MailboxId
    stay: bool = False


class EndClaim(Request):
    synced = False
    account: AccountId
    mailbox: MailboxId
    told: int


class Copy(Request):
    result = Copied
    account: AccountId
    mailbox: MailboxId
    uids: UidRanges
    to_account: AccountId
    to_mailbox: MailboxId
    move: bool = False
    keep: int = -1
    user: AccountId = AccountId(0)

    @property
    def light(self) -> bool:
        return is_short(self.uids)


class Expunge(Request):
    result = Expunged
    account: AccountId
    mailbox: MailboxId
    uids: UidRanges | None = None
    only_deleted: bool = True
    user: AccountId = AccountId(0)

    @property
    def light(self) -> bool:
        return self.uids is not None and is_short(self.uids)


class KeywordBits(Request):
    result = bytes  # little-endian
    account: AccountId
    names: list[str]


class CreateMailbox(Request):
    result = Mailbox
    account: AccountId
    name: str
    role: str | None = None
    user: AccountId = AccountId(0)


class RenameMailbox(Request):
    account: AccountId
    name: str
    new_name: str
    user: AccountId = AccountId(0)

    @property
    def light(self) -> bool:
        return False


class DeleteMailbox(Request):
    account: AccountId
    name: str
    user: AccountId = AccountId(0)

    @property
    def light(self) -> bool:
        return False


class Subscribe(Request):
    account: AccountId
    name: str
    on: bool


class SetRole(Request):
    account: AccountId
    name: str
    role: str | None


class SetMetadata(Request):
    result = int
    account: AccountId
    mailbox: MailboxId
    values: dict[str, bytes | None]
    entries_max: int


class PutScript(Request):
    script: SieveScript
    count_max: int


class RenameScript(Request):
    account: AccountId
    name: str
    new_name: str


class DeleteScript(Request):
    account: AccountId
    name: str


class ActivateScript(Request):
    account: AccountId
    name: str | None


class Remember(Request):
    account: AccountId
    keys: list[tuple[str, float]]
    now: float
    count_max: int


class PutDomain(Request):
    domain: Domain


class DeleteDomain(Request):
    name: str


class CreateAccount(Request):
    result = Account
    account: Account
    mailboxes: list[tuple[str, str | None]]


class UpdateAccount(Request):
    result = Account
    account: AccountId
    changes: dict[str, Any]


class DeleteAccount(Request):
    account: AccountId

    @property
    def light(self) -> bool:
        return False


class PutAlias(Request):
    alias: Alias


class DeleteAlias(Request):
    address: str


class PutSetting(Request):
    name: str
    value: bytes


class Lease(Request):
    result = list[QueueJob]
    synced = False  # a lost lease means a second attempt, as after any crash
    owner: str
    now: float
    lease_s: float
    limit: int
    crowded: list[str]


class ReleaseLeases(Request):
    synced = False
    owner: str


class Report(Request):
    attempts: list[Attempt]
    journal: list[tuple[str, JournalLine]]


class Control(Request):
    result = int
    recipients: list[RecipientId]
    state: str
    next_attempt: float
    route: str | None


class PruneJournal(Request):
    """Drop the oldest entries, a limited number at a time; how many."""

    result = int
    synced = False
    before: float
    limit: int


class AcquireLock(Request):
    """Answered by the writer process itself; nothing is written."""

    name: str


class ReleaseLock(Request):
    name: str


WriteRequest = (
    Deliver
    | Replace
    | StoreFlags
    | ClaimRecent
    | EndClaim
    | Copy
    | Expunge
    | KeywordBits
    | CreateMailbox
    | RenameMailbox
    | DeleteMailbox
    | Subscribe
    | SetRole
    | SetMetadata
    | SetRights
    | SetOwnSeen
    | PutScript
    | RenameScript
    | DeleteScript
    | ActivateScript
    | Remember
    | PutDomain
    | DeleteDomain
    | CreateAccount
    | UpdateAccount
    | DeleteAccount
    | PutAlias
    | DeleteAlias
    | PutSetting
    | Lease
    | ReleaseLeases
    | Report
    | Control
    | NoteAudit
    | PruneAudit
    | PruneJournal
    | AddFlow
    | Ring
    | ChangeEmails
    | ChangeMailbox
    | DeleteMailboxById
    | PutObjects
    | AddUpload
    | ExpireUploads
    | CutHistory
    | ContactWrite
    | TeamWrite
    | TokenWrite
    | AccessWrite
)
AnyRequest = WriteRequest | AcquireLock | ReleaseLock

Hints = list[Hint]


def is_short(uids: UidRanges) -> bool:
    return sum(last - first + 1 for first, last in uids) <= LIGHT_UIDS


def pack_flags(flags: int) -> Flags:
    """The stored and sent form."""
    return flags if flags < 1 << 63 else flags.to_bytes((flags.bit_length() + 7) // 8, "little")


def unpack_flags(flags: Flags) -> int:
    return flags if isinstance(flags, int) else int.from_bytes(flags, "little")
