"""What the rest of the house may ask of a store; the conformance suite in `tests/storage` is the specification.

Every method is set-shaped and async, so that a backend may be a local file or a cluster.  Errors are the domain
errors of `core.errors`: `NotFound`, `Exists`, `OverQuota`, `Conflict`, `InUse`, `Invalid`, and `Unavailable` /
`StorageFull` when nothing was changed and the caller may try again.

Durability: a write has reached stable storage when its coroutine returns, except where the method says otherwise.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Protocol

from posthouse.core.ids import AccountId, MailboxId, QueueId, RecipientId
from posthouse.mime.search_text import Extract
from posthouse.storage.access import Access, Credentials
from posthouse.storage.answers import Answers
from posthouse.storage.contact_ports import Contacts
from posthouse.storage.content_ports import Contents
from posthouse.storage.email_ports import Emails, Objects, Uploads
from posthouse.storage.mailbox_ports import NOBODY, Acls, Audit, Flow, Metadata
from posthouse.storage.rows import (
    Account,
    Actor,
    Alias,
    AlikeFound,
    AlikeSought,
    Attempt,
    Changes,
    Copied,
    Delivery,
    Domain,
    Expunged,
    FlagsStored,
    Hint,
    JournalLine,
    Mailbox,
    MessagesFound,
    Problem,
    QueueEntry,
    QueueJob,
    SieveScript,
    Snapshot,
    Stored,
    TextFound,
    TextSought,
    UidRanges,
)
from posthouse.storage.team_ports import TeamWork
from posthouse.storage.tokens import Tokens

Names = list[str]


class Directory(Protocol):
    """Domains, accounts, aliases.  Reads may be answered from a cache that hints invalidate."""

    async def domain(self, name: str) -> Domain | None: ...
    async def domains(self) -> list[Domain]: ...
    async def put_domain(self, domain: Domain) -> None: ...
    async def delete_domain(self, name: str) -> None:
        """Raises Conflict while accounts or aliases remain."""
        ...

    async def account(self, account: AccountId) -> Account | None: ...
    async def quota_of(self, account: AccountId) -> Account | None:
        """`account` for those who ask whether something fits: without a quota, what is used may be an old figure."""

    async def account_by_address(self, address: str) -> Account | None:
        """By normalised address, exactly; aliases and plus addressing are `services.resolve`'s."""

    async def account_signing_in(self, address: str) -> Account | None:
        """The same for a sign-in: what is used, and the modseq, may be old figures."""

    async def accounts(self, domain: str | None = None) -> list[Account]: ...
    async def find_accounts(
        self, domains: Sequence[str] | None, *, search: str = "", kind: str = "", after: str = "", limit: int
    ) -> list[Account]:
        """By address, behind `after`: of these domains, with a text in address or name, of a kind of `rows.KINDS`."""
        ...

    async def count(self, domain: str) -> tuple[int, int]: ...  # accounts, aliases

    async def create_account(self, account: Account, mailboxes: Sequence[tuple[str, str | None]]) -> Account:
        """Create with its (name, role) mailboxes, all subscribed; `account.id` is ignored and assigned."""
        ...

    async def update_account(self, account: AccountId, changes: dict[str, Any]) -> Account: ...
    async def delete_account(self, account: AccountId) -> None: ...

    async def alias(self, address: str) -> Alias | None: ...
    async def aliases(self, domain: str | None = None) -> list[Alias]: ...
    async def put_alias(self, alias: Alias) -> None: ...
    async def delete_alias(self, address: str) -> None: ...

    async def setting(self, name: str) -> bytes | None: ...
    async def put_setting(self, name: str, value: bytes) -> None: ...


class Mailboxes(Protocol):
    async def list(self, account: AccountId) -> list[Mailbox]:
        """All mailboxes of the account, by name, counters included."""

    async def subscriptions(self, account: AccountId) -> Names:
        """Subscribed names; they may name mailboxes that no longer exist (RFC 9051 §6.3.7)."""

    async def get(self, account: AccountId, name: str) -> Mailbox:
        """By name; INBOX in capitals.  Raises NotFound."""

    async def find(self, account: AccountId, name: str) -> Mailbox:
        """`get` for those who want to write there: its counters may be old, and nothing may need to be read."""

    async def by_id(self, account: AccountId, mailbox: MailboxId) -> Mailbox: ...

    async def create(
        self, account: AccountId, name: str, role: str | None = None, *, user: AccountId = NOBODY
    ) -> Mailbox: ...
    async def rename(self, account: AccountId, name: str, new_name: str, *, user: AccountId = NOBODY) -> None:
        """Inferiors move along; INBOX's messages move and INBOX stays (RFC 9051 §6.3.6)."""
        ...

    async def delete(self, account: AccountId, name: str, *, user: AccountId = NOBODY) -> None:
        """Raises Conflict if it has inferiors, Forbidden for INBOX."""
        ...

    async def subscribe(self, account: AccountId, name: str, *, on: bool) -> None: ...
    async def set_role(self, account: AccountId, name: str, role: str | None) -> None: ...

    async def claim_recent(self, account: AccountId, mailbox: MailboxId, *, stay: bool = False) -> int:
        """The old `recent_from`, set to uidnext; not awaited on stable storage.

        `stay`: deliveries do the same from now on (`Hint.claimed`), until `end_claim` or the end of this store.
        """
        ...

    async def end_claim(self, account: AccountId, mailbox: MailboxId, told: int) -> None:
        """Nobody of this store is told any more; UIDs from `told` on came since somebody was."""
        ...


class Messages(Protocol):
    def acting(self, actor: Actor) -> Messages:
        """The same for somebody who is not the owner: with the \\Seen that this one sees, where each user has its own,
        and changing what this one may change."""
        ...

    async def deliver(self, deliveries: Sequence[Delivery], *, together: bool = False) -> list[Stored]:
        """Commit each delivery; grouped with what other callers commit at the same moment.

        `together`: all of them or none; raises NotFound or OverQuota when one copy has no place.
        """
        ...

    async def replace(self, account: AccountId, mailbox: MailboxId, uid: int, delivery: Delivery) -> Stored:
        """Commit the delivery and expunge one message in one transaction, or neither.

        The quota is that of the account without the old message.  Raises NotFound when there is none, OverQuota.
        """
        ...

    async def snapshot(self, account: AccountId, mailbox: MailboxId) -> Snapshot: ...
    async def changes(self, account: AccountId, mailbox: MailboxId, since: int) -> Changes: ...
    async def changed_uids(
        self, account: AccountId, mailbox: MailboxId, since: int, limit: int
    ) -> list[int] | None:
        """Ascending UIDs of messages that changed after a modseq; None when they are more than `limit`."""
        ...

    def fetch(
        self, account: AccountId, mailbox: MailboxId, uids: UidRanges, columns: Sequence[str]
    ) -> AsyncIterator[list[tuple[Any, ...]]]:
        """Rows in UID order, in chunks that hold the event loop for at most 10 ms each."""
        ...

    def fetch_numbers(
        self, account: AccountId, mailbox: MailboxId, uids: UidRanges, columns: Sequence[str]
    ) -> AsyncIterator[list[list[int]]]:
        """`fetch` of "uid" and others of NUMBER_COLUMNS, a list for each column: quicker where there are many."""
        ...

    async def keywords(self, account: AccountId) -> tuple[str, ...]:
        """Keyword i of the account has bit `1 << (FIRST_KEYWORD_BIT + i)`; only ever appended to."""
        ...

    async def keyword_bits(self, account: AccountId, names: Sequence[str]) -> int:
        """The bits of these keywords, registering the unknown ones (case-insensitive)."""
        ...

    async def store_flags(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: UidRanges,
        *,
        add: int = 0,
        remove: int = 0,
        replace: int | None = None,
        unchanged_since: int | None = None,
        known_modseq: int | None = None,
    ) -> FlagsStored:
        """Survives any kill of a process when it returns, a power failure after at most a second.

        `known_modseq`: up to where the caller knows the flags; asks for `FlagsStored.surprising`.
        """
        ...

    async def copy(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: UidRanges,
        to_account: AccountId,
        to_mailbox: MailboxId,
        *,
        move: bool = False,
        keep: int = -1,
    ) -> Copied:
        """`keep`: bits of the flags that the copies have if the messages had them (-1: all)."""
        ...

    async def expunge(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: UidRanges | None = None,
        *,
        only_deleted: bool = True,
    ) -> Expunged:
        """Remove the messages in uids (all if None), by default only those with \\Deleted."""
        ...


class Scripts(Protocol):
    """Sieve scripts, and what they remember of letters (RFC 5230 §4.2, RFC 7352)."""

    async def of_account(self, account: AccountId) -> list[SieveScript]:
        """All of them, by name."""
        ...

    async def active(self, account: AccountId) -> SieveScript | None: ...

    async def put(self, script: SieveScript, *, count_max: int) -> None:
        """Make or replace the script of that name; `active` and `id` are ignored: a replaced one stays what it was.

        Raises NotFound without the account, OverQuota when it would have more than `count_max`.
        """
        ...

    async def rename(self, account: AccountId, name: str, new_name: str) -> None:
        """Raises NotFound, Exists."""
        ...

    async def delete(self, account: AccountId, name: str) -> None:
        """Raises NotFound, Conflict for the active one."""
        ...

    async def activate(self, account: AccountId, name: str | None) -> None:
        """None: no script is active.  Raises NotFound."""
        ...

    async def remembered(self, account: AccountId, now: float) -> frozenset[str]:
        """The keys that have not expired."""
        ...

    async def remember(
        self, account: AccountId, keys: Sequence[tuple[str, float]], now: float, *, count_max: int
    ) -> None:
        """(key, expires at) pairs; of more than `count_max` those that expire first are forgotten."""
        ...


class Queue(Protocol):
    async def lease(
        self, owner: str, now: float, lease_s: float, limit: int, *, crowded: Sequence[str] = ()
    ) -> list[QueueJob]:
        """Take due recipients (unleased, or whose lease ran out), oldest first, grouped by message and domain.

        Mail for the `crowded` destinations is left for some seconds, so that it does not stand before the rest.
        """
        ...

    async def release_leases(self, owner: str) -> None:
        """Give back all that the owner still holds (graceful stop)."""
        ...

    async def report(self, attempts: Sequence[Attempt], journal: Sequence[tuple[str, JournalLine]]) -> None:
        """Write outcomes, drop entries with nothing left to do, append (trace, line) pairs; one transaction."""
        ...

    async def next_due(self) -> float | None: ...
    async def entries(self, ids: Sequence[QueueId] | None = None, limit: int = 1000) -> list[QueueEntry]: ...
    async def control(
        self,
        recipients: Sequence[RecipientId],
        *,
        state: str,
        next_attempt: float = 0.0,
        route: str | None = None,
    ) -> int:
        """Set state ("due", "held", "cancelled") of recipients that are not finished; how many changed."""
        ...

    async def counts(self) -> dict[str, int]:
        """Recipients per state."""
        ...


class Journal(Protocol):
    async def by_trace(self, trace: str) -> list[JournalLine]: ...
    async def traces_of(self, message_id: str) -> list[str]: ...
    async def recent(self, limit: int) -> list[tuple[str, JournalLine]]:
        """(trace, line) of the newest letters, the oldest of them first, each with its lines in order."""
        ...


class Lock(Protocol):
    async def release(self) -> None: ...


class Locks(Protocol):
    async def acquire(self, name: str) -> Lock:
        """An exclusive lock over all workers; released by itself when the holder's process dies.  Raises InUse."""
        ...


class Hints(Protocol):
    async def ring(self, hint: Hint) -> None:
        """Send a hint that no change goes with to all workers, this one too."""
        ...

    def subscribe(self, callback: Callable[[Hint], None]) -> Callable[[], None]:
        """Call back on the event loop for every hint of any worker, own ones included; returns unsubscribe."""
        ...


class Search(Protocol):
    """Indexes of the text of messages, one for each account that searches; derived, so never in the way.

    An answer is exact: the same as that of reading every message (`mime.search_text`).
    """

    extract: Extract | None
    """With what the text of attached documents is searched; set before the first question, by the composition root."""

    async def find(
        self, account: AccountId, mailbox: MailboxId, sought: Sequence[TextSought]
    ) -> TextFound | None:
        """None: no index covers the mailbox, or it is damaged; the caller reads the messages."""
        ...

    async def find_messages(
        self, account: AccountId, sought: Sequence[Sequence[TextSought]], mailbox: MailboxId | None = None
    ) -> MessagesFound | None:
        """Messages that have one text at least of each group, of all the account or of one mailbox.

        None: there is no index, or it is damaged; the caller reads the messages.
        """
        ...

    async def find_alike(
        self, account: AccountId, mailbox: MailboxId, sought: Sequence[AlikeSought]
    ) -> AlikeFound | None: ...

    def want(self, account: AccountId) -> None:
        """Ask that the index be made or brought up to date, by whoever `pending` is called by, some time soon."""
        ...

    def on_want(self, callback: Callable[[], None] | None) -> None:
        """Call back in this process when an index is wanted."""
        ...

    async def pending(self) -> list[AccountId]:
        """Accounts whose index is wanted."""
        ...

    async def update(self, account: AccountId) -> int:
        """Make the index or bring it up to date; messages read, 0 while another process does it.  Takes long."""
        ...

    async def forget(self, account: AccountId) -> None:
        """Remove the index."""
        ...

    async def check(self) -> list[Problem]:
        """What is damaged; removed at the next search."""
        ...

    def close(self) -> None: ...


class Store(Protocol):
    directory: Directory
    mailboxes: Mailboxes
    messages: Messages
    metadata: Metadata
    acls: Acls
    audit: Audit
    credentials: Credentials
    scripts: Scripts
    access: Access
    tokens: Tokens
    contents: Contents
    queue: Queue
    journal: Journal
    locks: Locks
    hints: Hints
    flow: Flow
    search: Search
    emails: Emails
    objects: Objects
    uploads: Uploads
    contacts: Contacts
    team: TeamWork

    @property
    def answers(self) -> Answers: ...

    async def check(self) -> list[Problem]:
        """Verify every invariant of the stored data; empty: all hold."""
        ...

    async def close(self) -> None: ...
