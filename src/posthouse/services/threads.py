"""Long work on bytes that go away with their owner."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: partial[T]) -> T:
    """A cancelled caller waits for it, because it reads from what would be unmapped."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
