"""Threads for slow hashes, shared fairly: each client address waits behind itself, not behind everybody.

Who is known (a user at a network that a device of theirs is known from) does not wait behind strangers, however many
they are: of four turns strangers have one.  When the queue is full the longest line gives way, so a flood is refused at
its own end while others are served.
All methods on the event loop; what is submitted runs in a thread.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from posthouse.core.errors import Unavailable

STRANGERS_TURN: Final = 4
NICENESS: Final = 5
"""Of the threads, where the system knows that of a thread (Linux): what waits on the event loop goes first."""
_Job = tuple["asyncio.Future[Any]", Callable[[], Any]]
_Lines = OrderedDict[str, deque[_Job]]


def _step_back() -> None:
    # perf: bench/sign_in.py.  A hash holds the interpreter's lock for a fraction of its time only, but a processor for
    # all of it: without this the event loop wakes up to 30 ms late while every processor has a hash.
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.nice(0) + NICENESS)


class FairPool:
    def __init__(self, threads: int, waiting_max: int, name: str) -> None:
        self._threads = threads
        self._waiting_max = waiting_max
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name, initializer=_step_back)
        self._strangers: _Lines = OrderedDict()  # who is first has the next turn
        self._known: _Lines = OrderedDict()
        self._turn = 0
        self._running = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.waiting = 0

    async def run(self, source: str, work: Callable[[], Any], *, known: bool = False) -> Any:
        """The result of `work()`; raises Unavailable when there is no room for another of `source`."""
        lines = self._known if known else self._strangers
        if self.waiting + self._running >= self._waiting_max and not self._make_room(source, lines):
            raise Unavailable("sign-in is busy")
        future = asyncio.get_running_loop().create_future()
        lines.setdefault(source, deque()).append((future, work))
        self.waiting += 1
        self._start()
        try:
            return await future
        finally:
            # perf: bench/sign_in.py.  An exception knows this frame, which would know the future that knows it: such
            # circles of a flood of refusals take the collector 20 ms at once.
            del future

    def _make_room(self, source: str, lines: _Lines) -> bool:
        """Take the last one out of the longest line, unless that is the newcomer's own; strangers give way first."""
        if lines is self._known and self._strangers:
            lines, own = self._strangers, 0
        else:
            own = len(lines.get(source, ())) + 1
        if not lines:
            return False
        longest = max(lines, key=lambda name: len(lines[name]))
        if len(lines[longest]) <= own:
            return False
        future, _ = lines[longest].pop()
        if not lines[longest]:
            del lines[longest]
        self.waiting -= 1
        if not future.done():
            future.set_exception(Unavailable("sign-in is busy"))
        return True

    def _next_lines(self) -> _Lines:
        self._turn += 1
        strangers_first = self._turn % STRANGERS_TURN == 0
        first, second = (self._strangers, self._known) if strangers_first else (self._known, self._strangers)
        return first or second

    def _start(self) -> None:
        while (self._known or self._strangers) and self._running < self._threads:
            lines = self._next_lines()
            source, line = next(iter(lines.items()))
            future, work = line.popleft()
            self.waiting -= 1
            if line:
                lines.move_to_end(source)
            else:
                del lines[source]
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
        for lines in (self._known, self._strangers):
            for line in lines.values():
                for future, _ in line:
                    future.cancel()
            lines.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)
