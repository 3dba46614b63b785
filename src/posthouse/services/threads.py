"""Long work in threads: on bytes that go away with their owner, and what nobody waits for."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Final, TypeVar

PATIENT_NICENESS: Final = 10

T = TypeVar("T")


async def in_thread(work: partial[T]) -> T:
    """A cancelled caller waits for it, because it reads from what would be unmapped."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def patiently(work: Callable[[], T]) -> T:
    """One after the other in a thread of lower priority: what is asked for now comes first."""
    return await asyncio.get_running_loop().run_in_executor(_patient_thread(), work)


@cache
def _patient_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="patient", initializer=_give_way)


def _give_way() -> None:
    # Linux keeps a priority for each thread.  No lower one: what waits for the interpreter lock waits for this thread.
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), PATIENT_NICENESS)
