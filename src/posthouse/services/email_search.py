"""Text search over the emails of an account: the indexes where there are some, else the messages themselves.

Exact as SEARCH of IMAP is: substrings of decoded, folded text.  What is found is a set of messages.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from posthouse.core.ids import AccountId, MailboxId
from posthouse.mime.layout import unpack_layout
from posthouse.mime.search_text import Extract, SearchText, search_text
from posthouse.storage.ports import Store
from posthouse.storage.rows import Mailbox, TextSought

WANT_FROM: Final = 64
"""Messages read by a search that make the index wanted."""
FIELDS: Final = ("from", "to", "cc", "bcc", "subject")
"""RFC 8621 §4.4.1: where `text` looks besides the body."""


class EmailSearch:
    """One per worker."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(
        self, account: AccountId, mailboxes: Sequence[Mailbox], sought: Sequence[Sequence[TextSought]]
    ) -> list[set[int]]:
        """By what is sought: the messages that have one of its texts at least; some may be in other mailboxes."""
        only = MailboxId(mailboxes[0].id) if len(mailboxes) == 1 else None
        answer = await self._store.search.find_messages(account, sought, only)
        found = [set() for _ in sought] if answer is None else answer.messages
        unread: set[int] = set()
        for mailbox in mailboxes:
            through = 0 if answer is None else answer.through.get(mailbox.id, 0)
            if mailbox.messages and mailbox.uidnext - 1 > through:
                unread |= await self._newer(mailbox, through)
        if unread:
            if len(unread) >= WANT_FROM:
                self._store.search.want(account)
            await self._read(account, sorted(unread), sought, found)
        return found

    async def _newer(self, mailbox: Mailbox, through: int) -> set[int]:
        """Messages that no index knows."""
        store, account = self._store, mailbox.account
        snapshot = await store.messages.snapshot(account, mailbox.id)
        newer = snapshot.uids[bisect_right(snapshot.uids, through) :].tolist()
        return set(await store.emails.by_uid(account, mailbox.id, newer)) if newer else set()

    async def _read(
        self,
        account: AccountId,
        messages: list[int],
        sought: Sequence[Sequence[TextSought]],
        found: list[set[int]],
    ) -> None:
        async for chunk in self._store.emails.contents(account, messages):
            hits = await asyncio.to_thread(_look, chunk, sought, self._store.search.extract)
            for every, new in zip(found, hits, strict=True):
                every.update(new)


def _look(
    chunk: list[tuple[int, bytes, bytes]], sought: Sequence[Sequence[TextSought]], extract: Extract | None
) -> list[list[int]]:
    hits: list[list[int]] = [[] for _ in sought]
    for message, layout, content in chunk:
        text = search_text(content, unpack_layout(layout), extract)
        for at, group in enumerate(sought):
            if any(_holds(text, one) for one in group):
                hits[at].append(message)
    return hits


def _holds(text: SearchText, one: TextSought) -> bool:
    if one.where == "HEADER":
        return text.field_holds(one.field, one.needle)
    if one.where == "TEXT" and text.header_holds(one.needle):
        return True
    return text.body_holds(one.needle)
