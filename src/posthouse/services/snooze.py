"""Letters that are put aside until a time: the keyword `$Snoozed`, and when they are due (`docs/keywords.md`).

One worker of the node, whoever holds the lock, wakes what is due: it becomes unread, loses `$Snoozed`, gets `$Woken`,
by which lists put it on top.  What lost the keyword before, by any client, is not woken.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final

import msgspec
from msgspec import Struct

from posthouse.core.errors import InUse, MailError, NotFound
from posthouse.core.flags import SEEN
from posthouse.core.ids import AccountId, MessageId
from posthouse.core.ports import Clock
from posthouse.storage.email_rows import EmailChange, StoredObject
from posthouse.storage.ports import Lock, Store
from posthouse.storage.rows import Hint

log = logging.getLogger(__name__)

KIND: Final = "Snooze"
SNOOZED: Final = "$Snoozed"
WOKEN: Final = "$Woken"
LOCK: Final = "snooze"
LOOK_AGAIN_S: Final = 30.0
"""For the lock, and for a store that is away."""
WAIT_MAX_S: Final = 300.0
SNOOZES_MAX: Final = 1000
"""Of one account."""


class Snooze(Struct):
    email: int
    until: float


async def snoozes(store: Store, account: AccountId) -> dict[int, tuple[float, int]]:
    """By email: until when, and the number of the object."""
    _, rows = await store.objects.get(account, KIND)
    found = {row.id: msgspec.json.decode(row.value or b"", type=Snooze) for row in rows}
    return {one.email: (one.until, number) for number, one in found.items()}


async def snooze(store: Store, account: AccountId, times: dict[int, float]) -> list[str]:
    """Put these emails aside; per email "" or the domain error.  Raises OverQuota."""
    known = await snoozes(store, account)
    put = [
        StoredObject(
            KIND, known[email][1] if email in known else 0, msgspec.json.encode(Snooze(email, until))
        )
        for email, until in times.items()
    ]
    await store.objects.put(account, put, count_max=SNOOZES_MAX)
    aside = await store.messages.keyword_bits(account, [SNOOZED])
    back = await store.messages.keyword_bits(account, [WOKEN])
    changes = [EmailChange(MessageId(email), add=aside, remove=back) for email in times]
    return (await store.emails.change(account, changes)).errors


async def wake(store: Store, account: AccountId, emails: list[int], *, due: bool) -> list[str]:
    """Bring these emails back; `due`: as unread ones on top.  What is not put aside (any more) stays as it is."""
    known = await snoozes(store, account)
    aside = await store.messages.keyword_bits(account, [SNOOZED])
    read = await store.emails.get(account, emails, ("thread",))
    still = [e for e in emails if any(flags & aside for _, flags in read.places.get(e, ()))]
    woken = await store.messages.keyword_bits(account, [WOKEN]) if due else 0
    changes = [EmailChange(MessageId(e), add=woken, remove=aside | (SEEN if due else 0)) for e in still]
    failed: dict[int, str] = {}
    if changes:
        failed = dict(zip(still, (await store.emails.change(account, changes)).errors, strict=True))
    if gone := [StoredObject(KIND, known[e][1], None) for e in emails if e in known]:
        with suppress(NotFound):  # another request was first
            await store.objects.put(account, gone)
    return [failed.get(e, "") for e in emails]


class Waker:
    """One per worker."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        lock: Lock | None = None
        unsubscribe = self._store.hints.subscribe(self._on_hint)
        try:
            while True:
                self._changed.clear()
                wait = LOOK_AGAIN_S
                try:
                    if lock is None:
                        lock = await self._store.locks.acquire(LOCK)
                    wait = await self.look()
                except InUse:
                    pass
                except MailError as error:
                    log.warning("snooze: the store is away: %s", error.detail)
                except Exception:
                    log.exception("snooze: a look at what is due failed")
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._changed.wait()
        finally:
            unsubscribe()
            if lock is not None:
                with suppress(MailError):  # it ends with the process
                    await lock.release()

    def _on_hint(self, hint: Hint) -> None:
        if hint.kind == "objects" and hint.what == KIND:
            self._changed.set()

    async def look(self) -> float:
        """Wake what is due; seconds until the next is."""
        now = self._clock.now()
        due: dict[AccountId, list[int]] = {}
        following = now + WAIT_MAX_S
        for row in await self._store.objects.everywhere(KIND):
            one = msgspec.json.decode(row.value or b"", type=Snooze)
            if one.until <= now:
                due.setdefault(row.account, []).append(one.email)
            else:
                following = min(following, one.until)
        for account, emails in due.items():
            await wake(self._store, account, emails, due=True)
        return max(0.05, following - now)
