"""What may be asked of a store about emails by account, about objects beside mail, and about uploads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Protocol

from posthouse.core.ids import AccountId, MailboxId
from posthouse.storage.email_rows import (
    Condition,
    EmailChange,
    EmailChanges,
    EmailsChanged,
    EmailsRead,
    MailboxChanges,
    ObjectsPut,
    Order,
    Since,
    StoredObject,
    Upload,
)
from posthouse.storage.rows import ContentDraft, Mailbox


class Emails(Protocol):
    def acting(self, user: AccountId) -> Emails:
        """As this user of the account has it: its own \\Seen where mailboxes have it for each."""
        ...

    async def modseq(self, account: AccountId) -> int:
        """Raises NotFound."""
        ...

    async def get(
        self,
        account: AccountId,
        messages: Sequence[int],
        columns: Sequence[str],
        *,
        known: Collection[int] = (),
    ) -> EmailsRead:
        """Those of the messages that are in view; of `known` ones only the places.

        Columns: `rows.MESSAGE_COLUMNS`, and "blob", "size", "date", "created".
        """
        ...

    def contents(
        self, account: AccountId, messages: Sequence[int]
    ) -> AsyncIterator[list[tuple[int, bytes, bytes]]]:
        """(message, layout, bytes of the message), a few mebibytes at a time."""
        ...

    async def threads(self, account: AccountId, threads: Sequence[int]) -> list[tuple[int, int]]:
        """(thread, message) of the emails in view, oldest first within a thread."""
        ...

    async def places(
        self, account: AccountId, threads: Sequence[int] | None = None
    ) -> tuple[int, list[tuple[int, int, int, int]]]:
        """The account's modseq and (thread, message, mailbox, flags) of placements in view: all, or of some threads.

        Flags are the first eight bits.
        """
        ...

    async def by_uid(self, account: AccountId, mailbox: MailboxId, uids: Sequence[int]) -> list[int]:
        """The messages at these UIDs."""
        ...

    async def query(
        self,
        account: AccountId,
        condition: Condition,
        order: Sequence[Order],
        *,
        collapse: bool = False,
        first: int | None = None,
    ) -> list[tuple[int, int]]:
        """(message, thread) of the emails that match, sorted; ties by message, newest first.

        `collapse`: only the first of each thread.  `first`: so many are enough.
        """
        ...

    async def count(self, account: AccountId, condition: Condition, *, collapse: bool = False) -> int: ...

    async def changes(
        self,
        account: AccountId,
        since: Since,
        mailboxes: Collection[int] | None = None,
        *,
        limit: int | None = None,
    ) -> EmailChanges:
        """With `mailboxes` as if there were no others: what happens elsewhere is no change."""
        ...

    async def words_since(self, account: AccountId, since: int) -> bool:
        """Whether any user of the account said after this modseq what it has seen for itself."""
        ...

    async def mailbox_changes(self, account: AccountId, since: int) -> MailboxChanges: ...

    async def change(
        self, account: AccountId, changes: Sequence[EmailChange], *, if_modseq: int | None = None
    ) -> EmailsChanged:
        """All of them in one transaction; each succeeds or fails by itself.

        Raises Conflict when the account is not at `if_modseq` any more, and nothing is changed.
        """
        ...

    async def change_mailbox(
        self,
        account: AccountId,
        mailbox: MailboxId,
        *,
        name: str | None = None,
        role: str | None = None,
        sort_order: int | None = None,
        subscribed: bool | None = None,
    ) -> Mailbox:
        """All or nothing; `role` "" takes it away.  Raises NotFound, Exists, Conflict, Forbidden."""
        ...

    async def delete_mailbox(self, account: AccountId, mailbox: MailboxId, *, with_emails: bool) -> None:
        """Raises NotFound, Forbidden (INBOX), Conflict (it has inferiors), InUse (it has emails)."""
        ...


class Objects(Protocol):
    async def get(
        self, account: AccountId, kind: str, ids: Sequence[int] | None = None
    ) -> tuple[int, list[StoredObject]]:
        """The account's modseq, and the objects that are there, by id."""
        ...

    async def changes(self, account: AccountId, kind: str, since: int) -> tuple[int, int, list[StoredObject]]:
        """The account's modseq, its history, and what was made, changed or removed (no value) since, by modseq."""
        ...

    async def changed_kinds(self, account: AccountId, kinds: Sequence[str], since: int) -> list[str]:
        """Those of the kinds of which something was made, changed or removed after a modseq."""
        ...

    async def put(
        self,
        account: AccountId,
        objects: Sequence[StoredObject],
        *,
        if_modseq: int | None = None,
        count_max: int = 1000,
    ) -> ObjectsPut:
        """All or nothing.  Raises NotFound (an id), OverQuota (more than `count_max` of a kind), Conflict."""
        ...

    async def everywhere(self, kind: str) -> list[StoredObject]:
        """Those of all accounts."""
        ...


class Uploads(Protocol):
    async def add(
        self,
        account: AccountId,
        content: ContentDraft,
        media_type: str,
        *,
        maker: str,
        bytes_max: int,
        count_max: int,
    ) -> Upload:
        """`maker`: the credential for some mailboxes that made it, or "".

        Raises OverQuota when the account's uploads would pass a limit; the content is gone then.
        """
        ...

    async def get(self, account: AccountId, upload: int, maker: str) -> Upload | None:
        """`maker`: nobody else's; "": whoever made it."""
        ...

    async def expire(self, before: float) -> int:
        """Drop older ones; how many."""
        ...
