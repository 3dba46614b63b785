"""The POP3 maildrop: an account's INBOX, held exclusively, and what becomes of what is deleted from it.

A maildrop is a view of INBOX at the moment of sign-in (RFC 1939 §4).  Other protocols go on using the
mailbox: what they add is not seen, what they expunge is missing when it is read.  Deletions are one storage
call in `commit`; whatever ends a session before that deletes nothing.
"""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Collection, Iterable, Sequence
from typing import Final, final

from posthouse.core import flags
from posthouse.core.errors import Invalid, NotFound
from posthouse.core.ports import Clock
from posthouse.core.sentence import Sentence
from posthouse.storage.content_ports import Content
from posthouse.storage.ports import Lock, Store
from posthouse.storage.rows import CONTENT_COLUMN, Account, Mailbox, UidRanges

KEPT_KEYWORD: Final = "$Pop3Deleted"
"""Marks in Trash what a POP3 client deleted under the policy `keep:DAYS`, so that only that is purged."""
TRASH_NAME: Final = "Trash"
ALL_UIDS: Final[UidRanges] = [(1, 0xFFFFFFFF)]
DAY_S: Final = 86400.0


def parse_policy(text: str) -> tuple[str, int]:
    """`Account.pop3_delete` as ("delete" | "trash" | "keep", days); raises Invalid."""
    kind, _, days = text.partition(":")
    if kind == "keep" and days.isascii() and days.isdigit():
        return kind, int(days)
    if text in ("delete", "trash"):
        return text, 0
    raise Invalid(Sentence("account.pop3_delete"))


def uid_ranges(uids: Iterable[int]) -> UidRanges:
    """Ascending uids as ranges."""
    ranges: UidRanges = []
    first = last = -1
    for uid in uids:
        if uid == last + 1:
            last = uid
            continue
        if first >= 0:
            ranges.append((first, last))
        first = last = uid
    if first >= 0:
        ranges.append((first, last))
    return ranges


@final
class Maildrop:
    """Messages are numbered from 1; `uids[n - 1]` and `sizes[n - 1]` are message n's."""

    __slots__ = ("_clock", "_lock", "_seen", "_store", "account", "mailbox", "sizes", "uids")

    def __init__(self, store: Store, clock: Clock, account: Account, mailbox: Mailbox, lock: Lock) -> None:
        self._store = store
        self._clock = clock
        self._lock: Lock | None = lock
        self._seen = bytearray()
        self.account = account
        self.mailbox = mailbox
        self.uids = array("I")
        self.sizes = array("Q")

    async def load(self) -> None:
        columns = ("uid", "size", "flags")
        messages = self._store.messages
        async for rows in messages.fetch(self.account.id, self.mailbox.id, ALL_UIDS, columns):
            self.uids.extend([row[0] for row in rows])
            self.sizes.extend([row[1] for row in rows])
            self._seen.extend([row[2] & flags.SEEN for row in rows])

    def __len__(self) -> int:
        return len(self.uids)

    async def contents(self, numbers: Collection[int]) -> dict[int, Content]:
        """The messages of these numbers in one read; one that was expunged meanwhile is left out."""
        number_of = {self.uids[number - 1]: number for number in numbers}
        found: dict[int, Content] = {}
        columns = ("uid", CONTENT_COLUMN)
        ranges = uid_ranges(sorted(number_of))
        async for rows in self._store.messages.fetch(self.account.id, self.mailbox.id, ranges, columns):
            for uid, content in rows:
                found[number_of[uid]] = content
        return found

    async def commit(self, deleted: Collection[int], read: Collection[int]) -> None:
        """Mark what was read as seen, and remove what was deleted as the account's policy says.

        The removal is one storage call, on stable storage when this returns; on an error nothing was removed.
        """
        unseen = sorted(number for number in read if number not in deleted and not self._seen[number - 1])
        if unseen:
            ranges = uid_ranges(self.uids[number - 1] for number in unseen)
            await self._store.messages.store_flags(self.account.id, self.mailbox.id, ranges, add=flags.SEEN)
        kind, days = parse_policy(self.account.pop3_delete)
        if deleted:
            ranges = uid_ranges(self.uids[number - 1] for number in sorted(deleted))
            if kind == "delete":
                await self._store.messages.expunge(
                    self.account.id, self.mailbox.id, ranges, only_deleted=False
                )
            else:
                await self._move_to_trash(ranges, mark=kind == "keep")
        if kind == "keep":
            await purge_kept(self._store, self._clock, self.account, days)

    async def _move_to_trash(self, ranges: UidRanges, *, mark: bool) -> None:
        account, messages = self.account.id, self._store.messages
        trash = await _trash(self._store, self.account)
        moved = await messages.copy(account, self.mailbox.id, ranges, account, trash.id, move=True)
        if mark and moved.target:
            # The mark comes after the move: a crash between the two keeps a message too long, never too
            # short.
            bit = await messages.keyword_bits(account, [KEPT_KEYWORD])
            await messages.store_flags(account, trash.id, uid_ranges(sorted(moved.target)), add=bit)

    async def release(self) -> None:
        """Give the lock back; harmless when repeated."""
        lock, self._lock = self._lock, None
        if lock is not None:
            await lock.release()


@final
class Maildrops:
    """Opens maildrops; one per process."""

    __slots__ = ("_clock", "_store")

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def open(self, account: Account) -> Maildrop:
        """Lock and list the account's INBOX.  Raises InUse while another POP3 session, of any worker, has it.

        RFC 1939 §4: the lock is exclusive, so that no message disappears under a session that has numbered
        it.
        """
        lock = await self._store.locks.acquire(f"pop3:{account.id}")
        try:
            mailbox = await self._store.mailboxes.get(account.id, "INBOX")
            drop = Maildrop(self._store, self._clock, account, mailbox, lock)
            await drop.load()
        except BaseException:
            await lock.release()
            raise
        return drop


async def purge_kept(store: Store, clock: Clock, account: Account, days: int) -> int:
    """Expunge from Trash what POP3 clients deleted more than `days` ago; how many messages."""
    if KEPT_KEYWORD not in await store.messages.keywords(account.id):
        return 0
    bit = await store.messages.keyword_bits(account.id, [KEPT_KEYWORD])
    trash = await _trash(store, account)
    before = clock.now() - days * DAY_S
    old: list[int] = []
    async for rows in store.messages.fetch(account.id, trash.id, ALL_UIDS, ("uid", "flags", "savedate")):
        old.extend(_kept_before(rows, bit, before))
    if old:
        await store.messages.expunge(account.id, trash.id, uid_ranges(old), only_deleted=False)
    return len(old)


def _kept_before(rows: Sequence[tuple[int, int, float]], bit: int, before: float) -> list[int]:
    return [uid for uid, mask, saved in rows if mask & bit and saved <= before]


async def _trash(store: Store, account: Account) -> Mailbox:
    """The mailbox with the role, made when there is none."""
    for mailbox in await store.mailboxes.list(account.id):
        if mailbox.role == "trash":
            return mailbox
    with contextlib.suppress(NotFound):
        mailbox = await store.mailboxes.get(account.id, TRASH_NAME)
        await store.mailboxes.set_role(account.id, TRASH_NAME, "trash")
        return mailbox
    return await store.mailboxes.create(account.id, TRASH_NAME, "trash")
