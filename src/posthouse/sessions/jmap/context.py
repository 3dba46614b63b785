"""One request: who asks, what it may do, what it made so far."""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

from msgspec.structs import replace

from posthouse.core.ids import AccountId, MailboxId
from posthouse.core.scope import Scope
from posthouse.services.grant import Grant
from posthouse.services.mailbox_counts import Counts
from posthouse.services.namespaces import foreign_name
from posthouse.storage.email_ports import Emails
from posthouse.storage.email_rows import Condition as StoredCondition
from posthouse.storage.email_rows import Every, InMailbox
from posthouse.storage.rows import Account, Mailbox
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError
from posthouse.wire.jmap.reference import Response

from .services import JmapServices


@final
class Context:
    """Handlers get this and their arguments."""

    __slots__ = (
        "account",
        "call_id",
        "created",
        "extra",
        "grant",
        "home",
        "language",
        "services",
        "spent_bytes",
        "using",
    )

    def __init__(
        self,
        services: JmapServices,
        grant: Grant,
        using: Iterable[str],
        created: dict[str, str],
        language: str | None = None,
    ) -> None:
        """`language`: what people are told in, where the client wishes for one (RFC 8620 §3.8)."""
        self.services = services
        self.grant = grant
        self.account: Account = grant.account
        self.home = grant  # of who asks, in whatever account
        self.language = language or grant.account.language
        self.using = frozenset(using)
        self.created = created
        self.extra: list[Response] = []  # implicit calls: their responses follow that of the call
        self.call_id = ""
        self.spent_bytes = 0

    async def acting(self, account_id: object) -> Context:
        """The same request in the account that an argument names; raises MethodError."""
        if not isinstance(account_id, str) or account_id == ids.format_id(ids.ACCOUNT, self.account.id):
            return self
        number = ids.try_number(ids.ACCOUNT, account_id)
        grant: Grant | None = None
        if number == self.home.account.id:
            grant = self.home
        elif number is not None:
            grant = await self.services.shared.acting(self.home, AccountId(number))
        if grant is None:
            raise MethodError("accountNotFound", "there is no such account, or nothing of it is yours to see")
        found = Context(self.services, grant, self.using, self.created, self.language)
        found.home, found.extra, found.call_id = self.home, self.extra, self.call_id
        found.spent_bytes = self.spent_bytes
        return found

    @property
    def foreign(self) -> bool:
        """Somebody works in the account of another."""
        return self.home.account.id != self.account.id

    @property
    def scope(self) -> Scope:
        return self.grant.scope

    def deref(self, text: str) -> str:
        """RFC 8620 §5.3: `#x` is the id of what was created as x in this request; unknown ones stay as they are."""
        return self.created.get(text[1:], text) if text.startswith("#") else text

    def number(self, letter: str, text: object) -> int | None:
        """The number in an id, or in that of a creation."""
        return ids.try_number(letter, self.deref(text)) if isinstance(text, str) else None

    def spend(self, size: int) -> None:
        """Count bytes of the response; raises MethodError."""
        self.spent_bytes += size
        if self.spent_bytes > self.services.limits.response_max_bytes:
            limit = self.services.limits.response_max_bytes
            raise MethodError(
                "requestTooLarge", f"the answers would be longer than {limit} bytes; ask for fewer records"
            )

    @property
    def emails(self) -> Emails:
        """Those of the account, as who asks has seen them."""
        emails = self.services.store.emails
        return emails.acting(self.home.account.id) if self.foreign else emails

    def reader(self, rows: dict[int, Mailbox]) -> AccountId | None:
        """Who asks, where one of these mailboxes has \\Seen for each."""
        return self.home.account.id if self.foreign and any(row.own_seen for row in rows.values()) else None

    async def counts(self) -> tuple[int, dict[int, Counts]]:
        """The modseq of the account, and the counts of its mailboxes, as who asks has them."""
        rows = await self.mailboxes()
        return await self.services.counts.of(
            self.account.id, trash_in(rows), await self.visible(), user=self.reader(rows)
        )

    # --- mailboxes this credential may see ---

    async def mailboxes(self) -> dict[int, Mailbox]:
        scope = self.scope
        rows = await self.services.store.mailboxes.list(self.account.id)
        if self.foreign:
            # RFC 8621 §2: whether it is subscribed is each user's own.
            subscribed = set(await self.services.store.mailboxes.subscriptions(self.home.account.id))
            rows = [replace(row, subscribed=self.own_name(row.name) in subscribed) for row in rows]
        return {row.id: row for row in rows if scope.covers(row.name)}

    def own_name(self, name: str) -> str:
        """What who asks calls a mailbox of this account."""
        if not self.foreign:
            return name
        return foreign_name(self.account.address, name, team=self.account.team)

    async def refresh(self) -> None:
        """What may be done here, after mailboxes came or went."""
        if self.foreign:
            self.grant = await self.services.shared.acting(self.home, self.account.id) or self.grant

    async def visible(self) -> frozenset[int] | None:
        """None: all of them."""
        if not self.scope.folders:
            return None
        return frozenset(await self.mailboxes())

    async def narrowed(self, condition: StoredCondition) -> StoredCondition:
        """The condition, and that the email is in a mailbox this credential may see."""
        visible = await self.visible()
        return condition if visible is None else Every((condition, InMailbox(tuple(visible))))


def trash_in(rows: dict[int, Mailbox]) -> MailboxId | None:
    """Emails in it count for no other mailbox (RFC 8621 §2)."""
    return next((row.id for row in rows.values() if row.role == "trash"), None)
