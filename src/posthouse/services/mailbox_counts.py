"""How many emails and threads each mailbox shows, and how many of them are unread (RFC 8621 §2).

The counters of a mailbox row count placements; here an email in several mailboxes is read when any of its placements
is, and threads count.  What each thread adds is remembered per account, so that after a change only threads that
changed are looked at again.

Concurrency: on the event loop; the first count of an account reads its placements in a thread.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from posthouse.core.flags import DRAFT, SEEN
from posthouse.core.ids import AccountId, MailboxId
from posthouse.storage.email_ports import Emails
from posthouse.storage.email_rows import Since
from posthouse.storage.ports import Store

THREADS_MAX: Final = 400_000
"""Threads of all accounts that are remembered, a hundred bytes each; the account unused for longest goes first."""
RECOUNT_FROM: Final = 5_000
"""Changed threads from which on an account is counted anew."""

Counts = tuple[int, int, int, int]
"""Emails, unread emails, threads, unread threads."""
Share = tuple[tuple[int, int, int, int], ...]
"""What a thread adds: (mailbox, emails, unread emails, whether it is unread) for each."""
Place = tuple[int, int, int, int]
_Key = tuple[AccountId, frozenset[int] | None, int]
NOTHING: Final[Counts] = (0, 0, 0, 0)


class _Account:
    __slots__ = ("modseq", "shares", "totals", "trash", "visible")

    def __init__(self, modseq: int, trash: MailboxId | None, visible: frozenset[int] | None) -> None:
        self.modseq = modseq
        self.trash = trash
        self.visible = visible  # the others are as if they were not there; None: all count
        self.shares: dict[int, Share] = {}
        self.totals: dict[int, Counts] = {}

    def add(self, share: Share, sign: int) -> None:
        totals = self.totals
        for mailbox, emails, unread, thread_unread in share:
            a, b, c, d = totals.get(mailbox, NOTHING)
            totals[mailbox] = (
                a + sign * emails,
                b + sign * unread,
                c + sign,
                d + sign * thread_unread,
            )


class MailboxCounts:
    """One per worker."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._accounts: OrderedDict[_Key, _Account] = OrderedDict()
        self._size = 0
        self._locks: dict[_Key, asyncio.Lock] = {}

    async def of(
        self,
        account: AccountId,
        trash: MailboxId | None,
        visible: frozenset[int] | None = None,
        *,
        user: AccountId | None = None,
    ) -> tuple[int, dict[int, Counts]]:
        """The modseq of the account, and the counts of each mailbox that is not empty; to those who see some mailboxes
        only, an unread email of a thread that lies elsewhere is not told.  `user`: who has \\Seen of its own there."""
        key = (account, visible, user or 0)
        emails = self._store.emails if user is None else self._store.emails.acting(user)
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            known = self._accounts.pop(key, None)
            if known is not None:
                self._size -= len(known.shares)
            if known is None or known.trash != trash or not await self._catch_up(emails, account, known):
                known = await self._count(emails, account, trash, visible)
            self._accounts[key] = known
            self._size += len(known.shares)
            while self._size > THREADS_MAX and len(self._accounts) > 1:
                _, oldest = self._accounts.popitem(last=False)
                self._size -= len(oldest.shares)
        if len(self._locks) > len(self._accounts) + 100:
            self._locks = {one: held for one, held in self._locks.items() if held.locked()}
        return known.modseq, known.totals

    async def threads(
        self, account: AccountId, trash: MailboxId | None, visible: frozenset[int] | None = None
    ) -> int:
        """Of the whole account, or of all that is visible."""
        await self.of(account, trash, visible)
        return len(self._accounts[account, visible, 0].shares)

    async def _catch_up(self, emails: Emails, account: AccountId, known: _Account) -> bool:
        modseq = await emails.modseq(account)
        if modseq == known.modseq:
            return True
        changes = await emails.changes(account, Since(known.modseq))
        threads = list({one.thread for one in changes.changed})
        if known.modseq < changes.history or len(threads) > RECOUNT_FROM:
            return False
        now, places = await emails.places(account, threads)
        if now != changes.modseq:
            return False  # something else came between; rare, and counting anew is right
        fresh = _shares(places, known.trash, known.visible)
        for thread in threads:
            known.add(known.shares.pop(thread, ()), -1)
            if thread in fresh:
                known.shares[thread] = fresh[thread]
                known.add(fresh[thread], 1)
        known.modseq = now
        return True

    async def _count(
        self, emails: Emails, account: AccountId, trash: MailboxId | None, visible: frozenset[int] | None
    ) -> _Account:
        modseq, places = await emails.places(account)
        return await asyncio.to_thread(_counted, modseq, places, trash, visible)


def _counted(
    modseq: int, places: list[Place], trash: MailboxId | None, visible: frozenset[int] | None
) -> _Account:
    counted = _Account(modseq, trash, visible)
    counted.shares = _shares(places, trash, visible)
    for share in counted.shares.values():
        counted.add(share, 1)
    return counted


def _shares(
    places: Iterable[Place], trash: MailboxId | None, visible: frozenset[int] | None
) -> dict[int, Share]:
    """What each thread adds.  Equal shares are one object: most threads are a read email in one mailbox."""
    threads: dict[int, list[Place]] = {}
    for place in places if visible is None else [one for one in places if one[2] in visible]:
        threads.setdefault(place[0], []).append(place)
    alike: dict[Share, Share] = {}
    found = {}
    for thread, rows in threads.items():
        share = _share(rows, trash)
        found[thread] = alike.setdefault(share, share)
    return found


def _share(rows: list[Place], trash: MailboxId | None) -> Share:
    if len(rows) == 1:
        _, _, mailbox, flags = rows[0]
        unread = int(not flags & (SEEN | DRAFT))
        return ((mailbox, 1, unread, unread),)
    flags_of: dict[int, int] = {}
    boxes: dict[int, list[int]] = {}
    for _, message, mailbox, flags in rows:
        flags_of[message] = flags_of.get(message, 0) | flags
        boxes.setdefault(mailbox, []).append(message)
    new = {message for message, flags in flags_of.items() if not flags & (SEEN | DRAFT)}
    in_trash = set(boxes.get(trash or 0, ()))
    elsewhere = {message for box, messages in boxes.items() if box != trash for message in messages}
    share = []
    for mailbox, messages in sorted(boxes.items()):
        # RFC 8621 §2: for the trash only what is in it counts, elsewhere what is only in the trash does not.
        counted = in_trash if mailbox == trash else elsewhere
        mine = len(new.intersection(messages))
        share.append((mailbox, len(messages), mine, int(bool(new & counted))))
    return tuple(share)
