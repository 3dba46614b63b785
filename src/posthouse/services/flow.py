"""Counts of letters for charts: kept in memory, and added to the store a few times a minute."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from posthouse.core.errors import MailError
from posthouse.core.ports import Clock
from posthouse.storage.ports import Store
from posthouse.storage.rows import FlowCount

HOUR_S: Final = 3600
FLUSH_S: Final = 10.0
"""What a crash may lose."""
RECEIVED: Final = "received"
SUBMITTED: Final = "submitted"
REFUSED: Final = "refused"
DELIVERED: Final = "delivered"
DEFERRED: Final = "deferred"
FAILED: Final = "failed"
WHAT: Final = (RECEIVED, SUBMITTED, REFUSED, DELIVERED, DEFERRED, FAILED)
"""Came from others, was submitted by our people, was refused; of the queue: went out, waits, came back."""


class Flow:
    """One per worker."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._counts: dict[tuple[int, str, str], int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def count(self, what: str, domain: str, number: int = 1) -> None:
        key = (int(self._clock.now()) // HOUR_S, what, domain)
        self._counts[key] = self._counts.get(key, 0) + number
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self._due)

    def _due(self) -> None:
        task = asyncio.get_running_loop().create_task(self.flush())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        counts, self._counts = self._counts, {}
        if counts:
            rows = [FlowCount(*key, number) for key, number in counts.items()]
            with contextlib.suppress(MailError):  # a chart that lacks some letters is no reason to keep them
                await self._store.flow.add(rows)
