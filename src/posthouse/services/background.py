"""Work that nobody waits for: kept from being collected, its faults reported, finished or cancelled at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from posthouse.core.errors import MailError


class Background:
    """A `MailError` of such work is dropped: it will not come back, or the work is tried again at the next occasion."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, MailError):
            context = {"message": f"{self._what} failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)

    async def settled(self) -> None:
        """What runs is done, and what it began."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
