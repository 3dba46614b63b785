"""The ports about what stands beside mailboxes; see `ports` for what holds for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from posthouse.core.ids import AccountId, MailboxId
from posthouse.storage.rows import AuditEntry, FlowCount, RightsEntry

NOBODY: Final = AccountId(0)
"""As the `user` of a change: the owner of the account, or an administrator."""


class Audit(Protocol):
    """Who did what in accounts of others, and as an administrator; the writer keeps it with the change itself.

    Kept for a year, and not more than a million entries.
    """

    async def note(self, entry: AuditEntry) -> None:
        """What is not the writer's to know."""
        ...

    async def recent(self, limit: int, account: AccountId | None = None) -> list[AuditEntry]:
        """The newest, the oldest of them first; of what was done to an account, or by it."""
        ...

    async def page(
        self, before: int, limit: int, *, account: str = "", domains: Sequence[str] | None = None
    ) -> list[tuple[int, AuditEntry]]:
        """(number, entry), the newest first: those with a lower number than `before` (0: all), of what was done to
        or by an address, and to or by accounts of these domains."""
        ...


class Flow(Protocol):
    """How many letters came and went, by the hour; kept for 400 days."""

    async def add(self, counts: Sequence[FlowCount]) -> None:
        """Not awaited on stable storage."""
        ...

    async def read(self, since: int, domains: Sequence[str] | None = None) -> list[FlowCount]:
        """From that hour on, the oldest first; of these domains."""
        ...


class Acls(Protocol):
    """Access control lists (RFC 4314).  Who may do what is `services.rights`' to say."""

    async def entries(self, account: AccountId, mailbox: MailboxId) -> list[RightsEntry]:
        """The list of one mailbox; mailbox 0: what is granted on all of the account, which only administrators do."""
        ...

    async def entries_of(self, account: AccountId) -> list[RightsEntry]:
        """The lists of all mailboxes of an account."""
        ...

    async def granted(
        self, user: AccountId, account: AccountId | None = None, mailbox: MailboxId | None = None
    ) -> list[RightsEntry]:
        """All entries that apply to a user, as a member of teams too: of a mailbox (with those of the whole account),
        of an account, or of all accounts but its own."""
        ...

    async def set(
        self,
        account: AccountId,
        mailbox: MailboxId,
        grantee: AccountId,
        *,
        negative: bool,
        change: tuple[str, int],
        entries_max: int,
        user: AccountId = NOBODY,
    ) -> None:
        """Add ("+"), remove ("-") or put ("=") rights; an entry that is left without any goes.

        Raises NotFound without the mailbox or the grantee, OverQuota when the list would pass `entries_max`.
        """
        ...

    async def unseen(self, user: AccountId, mailbox: MailboxId | None = None) -> dict[MailboxId, int]:
        """What has to be added to `Mailbox.unseen` for this user, in mailboxes where each user has its own \\Seen."""
        ...

    async def set_own_seen(self, account: AccountId, mailbox: MailboxId, *, on: bool) -> None:
        """Whether each user has its own \\Seen; switched off, what was told apart is forgotten."""
        ...


class Metadata(Protocol):
    """Annotations (RFC 5464) that an account sees, of its own mailboxes and private ones of others.

    Mailbox 0 is the server; entry names are in lower case.
    """

    async def entries(
        self, account: AccountId, mailbox: MailboxId | None = None
    ) -> list[tuple[MailboxId, str, bytes]]:
        """(mailbox, entry, value) of one mailbox, or of all, by mailbox and entry."""
        ...

    async def set(
        self, account: AccountId, mailbox: MailboxId, values: dict[str, bytes | None], *, entries_max: int
    ) -> int:
        """All of the values (None removes) or nothing; the account's modseq of the change.

        Raises NotFound without the mailbox, OverQuota when the account would have more than `entries_max`.
        """
        ...

    async def changed(self, account: AccountId, since: int) -> list[tuple[MailboxId, str]]:
        """(mailbox, entry) set or removed after a modseq of the account."""
        ...

    async def moved(self, account: AccountId, mailbox: MailboxId) -> int:
        """The modseq that the last of its private annotations gave a mailbox of somebody else, for it; 0: none."""
        ...
