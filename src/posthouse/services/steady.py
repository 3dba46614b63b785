"""Answers whose time says nothing: they leave at whole steps after the question came, whatever was done meanwhile.

The timers of the event loop do not do for it: epoll counts milliseconds from when it begins to wait, and what took
longer before would still be longer in the end.  A thread that sleeps until a moment wakes at that moment.
"""

from __future__ import annotations

import asyncio
import math
import time
from concurrent.futures import ThreadPoolExecutor


class Steady:
    def __init__(self, step_s: float) -> None:
        self._step_s = step_s
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="steady")

    async def step(self, begun: float) -> None:
        """Until the next whole step after `begun`, which is a time of `time.monotonic`."""
        steps = math.ceil((time.monotonic() - begun) / self._step_s)
        await asyncio.get_running_loop().run_in_executor(
            self._pool, _sleep_until, begun + steps * self._step_s
        )

    def close(self) -> None:
        self._pool.shutdown(wait=False)


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
