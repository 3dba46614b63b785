"""What only one worker of a node does: the one that holds a lock; when it ends, another takes over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from posthouse.core.errors import InUse, MailError
from posthouse.storage.ports import Lock, Locks

log = logging.getLogger(__name__)
LOOK_AGAIN_S: Final = 30.0
"""For the lock, and for a store that is away."""


@asynccontextmanager
async def one_worker(locks: Locks, name: str) -> AsyncIterator[None]:
    """Waits until the lock of this name is ours."""
    lock: Lock | None = None
    while lock is None:
        try:
            lock = await locks.acquire(name)
        except InUse:
            await asyncio.sleep(LOOK_AGAIN_S)
        except MailError as error:
            log.warning("%s: the store is away: %s", name, error.detail)
            await asyncio.sleep(LOOK_AGAIN_S)
    try:
        yield
    finally:
        with suppress(MailError):  # it ends with the process
            await lock.release()
