"""What changed in an account, told to whoever listens, by type of record (RFC 8620 §7).

One feed per account with listeners; hints of the store wake it, and it asks the store what they mean: a change of
keywords is no change of threads, a new message is a delivery.  Hints that come together are told together.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from posthouse.core.errors import MailError
from posthouse.core.ids import AccountId
from posthouse.services.presence import HINT as PRESENCE_HINT
from posthouse.services.presence import KIND as PRESENCE
from posthouse.services.push_types import SUBSCRIPTION
from posthouse.storage.email_rows import Since
from posthouse.storage.ports import Store
from posthouse.storage.rows import Hint
from posthouse.storage.share_notice import KIND as SHARED
from posthouse.storage.team_rows import MENTION

log = logging.getLogger(__name__)

Listener = Callable[[int, frozenset[str]], None]
"""Called with the modseq of the account and the types of records that changed."""
GATHER_S: Final = 0.002
"""Hints that come so soon after others are told together; the first one is not waited with."""
KINDS: Final = (
    "Identity",
    "EmailSubmission",
    "VacationResponse",
    "Settings",
    "WebmailItem",
    "Snooze",
    SHARED,
    MENTION,
)
MAIL: Final = frozenset(("Email", "Mailbox", "Quota"))


class _Feed:
    __slots__ = ("kinds", "listeners", "looked_at", "modseq", "timer")

    def __init__(self, modseq: int) -> None:
        self.modseq = modseq
        self.listeners: dict[object, Listener] = {}
        self.kinds: set[str] = set()
        self.timer: asyncio.TimerHandle | None = None
        self.looked_at = 0.0


class PushFeed:
    """One per worker."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._feeds: dict[AccountId, _Feed] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsubscribe = store.hints.subscribe(self._on_hint)

    def close(self) -> None:
        self._unsubscribe()
        for feed in self._feeds.values():
            if feed.timer is not None:
                feed.timer.cancel()
        for task in self._tasks:
            task.cancel()

    def listeners(self, account: AccountId) -> int:
        feed = self._feeds.get(account)
        return 0 if feed is None else len(feed.listeners)

    async def listen(self, account: AccountId, listener: Listener) -> tuple[int, Callable[[], None]]:
        """The modseq from which on changes are told, and how to stop."""
        modseq = -1
        feed = self._feeds.get(account)
        if feed is None:
            modseq = await self._store.emails.modseq(account)
            feed = self._feeds.setdefault(account, _Feed(modseq))
        key = object()
        feed.listeners[key] = listener
        if feed.modseq == modseq and await self._store.emails.modseq(account) != modseq:
            self._soon(account, feed)  # changed before there was a feed to wake

        def stop() -> None:
            feed.listeners.pop(key, None)
            if not feed.listeners and self._feeds.get(account) is feed:
                del self._feeds[account]
                if feed.timer is not None:
                    feed.timer.cancel()

        return feed.modseq, stop

    def _on_hint(self, hint: Hint) -> None:
        if self._feeds and hint.kind == PRESENCE_HINT:
            self._tell_presence(hint.account)
        if not self._feeds or hint.kind not in {"mailbox", "mailboxes", "objects"}:
            return
        if hint.what == SUBSCRIPTION:
            return  # RFC 8620 §7.2: no record that has a state
        for account in (hint.account,) if hint.account else tuple(self._feeds):
            feed = self._feeds.get(account)
            if feed is None:
                continue
            if hint.what:
                feed.kinds.add(hint.what)
            self._soon(account, feed)

    def _tell_presence(self, account: AccountId) -> None:
        """Nothing that was stored, so the state of the account stays."""
        if (feed := self._feeds.get(account)) is not None:
            for listener in list(feed.listeners.values()):
                listener(feed.modseq, frozenset((PRESENCE,)))

    def _soon(self, account: AccountId, feed: _Feed) -> None:
        if feed.timer is None:
            loop = asyncio.get_running_loop()
            pause = max(0.0, feed.looked_at + GATHER_S - loop.time())
            feed.timer = loop.call_later(pause, self._look_soon, account, feed)

    def _look_soon(self, account: AccountId, feed: _Feed) -> None:
        feed.timer = None
        loop = asyncio.get_running_loop()
        feed.looked_at = loop.time()
        task = loop.create_task(self._look(account, feed))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look(self, account: AccountId, feed: _Feed) -> None:
        kinds, feed.kinds = feed.kinds, set()
        since = feed.modseq
        try:
            modseq, types = await self.changed(account, since)
        except MailError as error:
            log.warning("push: the store is away: %s", error.detail)
            return
        types |= kinds
        if not types or modseq <= since or feed.modseq != since:
            return
        feed.modseq = modseq
        for listener in list(feed.listeners.values()):
            listener(modseq, frozenset(types))

    async def changed(self, account: AccountId, since: int) -> tuple[int, set[str]]:
        """The modseq of the account, and the types of records that changed after another one."""
        emails = self._store.emails
        changes = await emails.changes(account, Since(since))
        types: set[str] = set()
        if await emails.words_since(account, since):
            types |= MAIL  # some member's emails; to the others the changes show none
        if changes.changed:
            types |= MAIL
            if any(one.moved for one in changes.changed):
                types.add("Thread")
            # RFC 8621 §1.5: EmailDelivery changes when an email was added.
            if any(not one.known and one.in_view for one in changes.changed):
                types.add("EmailDelivery")
        boxes = await emails.mailbox_changes(account, since)
        if boxes.created or boxes.changed or boxes.gone or boxes.counted:
            types.add("Mailbox")
        types.update(await self._store.objects.changed_kinds(account, KINDS, since))
        types |= await self._store.team.changed(account, since)
        contacts = self._store.contacts
        _, _, books, gone = await contacts.book_changes(account, since)
        if books or gone:
            types.add("AddressBook")
        cards = await contacts.changes(account, since, 1)
        if cards.created or cards.changed or cards.gone:
            types.add("ContactCard")
        return changes.modseq, types
