"""Threads for slow hashes, shared fairly: each client address waits behind itself, not behind everybody.

When the queue is full the longest line gives way, so a flood from one address is refused while others are served.
All methods on the event loop; what is submitted runs in a thread.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from posthouse.core.errors import Unavailable

_Job = tuple["asyncio.Future[Any]", Callable[[], Any]]


class FairPool:
    def __init__(self, threads: int, waiting_max: int, name: str) -> None:
        self._threads = threads
        self._waiting_max = waiting_max
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._lines: OrderedDict[str, deque[_Job]] = OrderedDict()  # who is first has the next turn
        self._running = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.waiting = 0

    async def run(self, source: str, work: Callable[[], Any]) -> Any:
        """The result of `work()`; raises Unavailable when there is no room for another of `source`."""
        if self.waiting + self._running >= self._waiting_max and not self._make_room(source):
            raise Unavailable("sign-in is busy")
        future = asyncio.get_running_loop().create_future()
        self._lines.setdefault(source, deque()).append((future, work))
        self.waiting += 1
        self._start()
        return await future

    def _make_room(self, source: str) -> bool:
        """Take the last one out of the longest line, unless that is the newcomer's own."""
        if not self._lines:
            return False
        longest = max(self._lines, key=lambda name: len(self._lines[name]))
        if len(self._lines[longest]) <= len(self._lines.get(source, ())) + 1:
            return False
        future, _ = self._lines[longest].pop()
        self.waiting -= 1
        if not future.done():
            future.set_exception(Unavailable("sign-in is busy"))
        return True

    def _start(self) -> None:
        while self._lines and self._running < self._threads:
            source, line = next(iter(self._lines.items()))
            future, work = line.popleft()
            self.waiting -= 1
            if line:
                self._lines.move_to_end(source)
            else:
                del self._lines[source]
            if future.done():  # its caller has gone
                continue
            self._running += 1
            task = asyncio.get_running_loop().create_task(self._run(future, work))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, future: asyncio.Future[Any], work: Callable[[], Any]) -> None:
        try:
            result = await asyncio.get_running_loop().run_in_executor(self._pool, work)
        except BaseException as error:
            if not future.done():
                future.set_exception(error)
            if isinstance(error, asyncio.CancelledError):
                raise
        else:
            if not future.done():
                future.set_result(result)
        finally:
            self._running -= 1
            self._start()

    def close(self) -> None:
        for line in self._lines.values():
            for future, _ in line:
                future.cancel()
        self._lines.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)
