"""The node's one writer: a group-commit loop on the event loop of its process.

Requests that arrive while a group is being committed form the next group: batching without any delay of its own.
Requests that are quick are applied on the event loop (a thread would fight for the interpreter lock at every
statement, up to 5 ms each time) and only COMMIT, which waits for the disk with the lock released, runs in the writer's
thread.  Groups with long requests run in the thread as a whole.  The connection is used by one of both at a time: by
the thread while `_busy`, else by the loop.  In a process that does nothing but write, small groups are committed on the
loop too: what arrives meanwhile waits for that commit either way, and two changes of thread are saved.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import apsw

from posthouse.core.errors import InUse, MailError, Unavailable
from posthouse.core.ports import Clock
from posthouse.storage.blobs.files import BlobFiles
from posthouse.storage.rows import Hint
from posthouse.storage.sqlite.checkpoint import Checkpointer
from posthouse.storage.sqlite.connection import DATABASE_NAME, log
from posthouse.storage.sqlite.recent import Claims
from posthouse.storage.sqlite.request_class import Request
from posthouse.storage.sqlite.transaction import INLINE_S, Transactor, Unexpected
from posthouse.storage.sqlite.versions import Versions

GROUP_MAX: Final = 512
"""Requests in one transaction."""
SMALL_GROUP: Final = 64
"""Requests that a process of its own commits without its thread: a seventh of its CPU with ten or fifty sessions."""
BUSY_RETRY_S: Final = 0.02
BUSY_LIMIT_S: Final = 2.0
"""How long another process may hold the write lock before requests are answered with Unavailable."""
RESERVE_PAGES: Final = 256
"""Pages in the WAL (1 MiB) from which on it is given all the room that it will take; quiet nodes never need it."""
FLAG_SYNC_S: Final = 0.5
"""When flag changes that nothing else brought to the disk are synced."""

_Waiting = tuple[Request, Callable[[Any], None]]


def _settle(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)


class LockTable:
    """Exclusive locks of one node, each with its holder."""

    def __init__(self) -> None:
        self._holders: dict[str, object] = {}

    def acquire(self, name: str, holder: object) -> None:
        if name in self._holders:
            raise InUse(name)
        self._holders[name] = holder

    def release(self, name: str, holder: object) -> None:
        if self._holders.get(name) is holder:
            del self._holders[name]

    def release_all(self, holder: object) -> None:
        self._holders = {name: h for name, h in self._holders.items() if h is not holder}


class Writer:
    """`submit` requests; `on_done` is called when the requests of a group are answered, with its hints."""

    def __init__(
        self,
        root: Path,
        files: BlobFiles,
        clock: Clock,
        on_done: Callable[[list[Hint]], None],
        *,
        own_process: bool = False,
    ) -> None:
        self._versions = Versions(root)
        self._loop = asyncio.get_running_loop()
        self._own_process = own_process
        self._small_group = SMALL_GROUP if own_process else 0
        self._crowded = False  # the last group was of several requests
        self._on_done = on_done
        path = root / DATABASE_NAME
        self.claims = Claims()
        self._transactor = Transactor(path, files, clock, self.claims)
        self._checkpointer = Checkpointer(path, self._finish_checkpoint)
        self.locks = LockTable()
        self._waiting: deque[_Waiting] = deque()
        self._busy = False
        self._scheduled = False
        self._closing: asyncio.Future[None] | None = None
        self._checkpoint_due: Callable[[], None] | None = None
        self._busy_since: float | None = None
        self._reserved = False  # the WAL has its room
        self._sync_timer: asyncio.TimerHandle | None = None
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    async def open(self) -> None:
        """Create or migrate the database."""
        await asyncio.get_running_loop().run_in_executor(None, self._open)

    def _open(self) -> None:
        assert self._transactor.connection is not None

    def submit(self, request: Request) -> asyncio.Future[Any]:
        future = self._loop.create_future()
        self.call(request, partial(_settle, future))
        return future

    def call(self, request: Request, answer: Callable[[Any], None], holder: object = None) -> None:
        """`answer` is called once, on the loop, with the result or what to raise; `holder`: the worker that asks."""
        if self._closing is not None:
            answer(Unavailable("the store is closing"))
            return
        self.claims.note(request, holder)
        self._waiting.append((request, answer))
        self._schedule()

    def _schedule(self) -> None:
        if not self._busy and not self._scheduled and self._waiting:
            self._scheduled = True
            self._loop.call_soon(self._let_others_run if self._crowded else self._start)

    def _let_others_run(self) -> None:
        """Where groups are made of several requests, the processes that wait for this processor may have more.

        perf: with ten sessions on two cores groups get larger and the writer's CPU per message a fifth less; where no
        process waits, a system call of a microsecond.  A lone session is alone in its groups and comes not here.
        """
        os.sched_yield()
        self._loop.call_soon(self._start)  # behind a look at the sockets

    # ------------------------------------------------------------------ one group

    def _start(self) -> None:
        self._scheduled = False
        if self._busy or not self._waiting:
            return
        group = self._take_group()
        self._crowded = self._own_process and len(group) > 1
        requests = [request for request, _ in group]
        self._busy = True
        if not all(request.light for request in requests):
            self._jobs.put(lambda: self._run_all(group, requests))
            return
        try:
            results = self._transactor.apply(requests, INLINE_S)
        except Unexpected:
            self._jobs.put(lambda: self._run_all(group, requests))
        except MailError as error:
            self._refused(group, error)
        except BaseException:
            self._busy = False
            raise
        else:
            self._busy_since = None
            self._waiting.extendleft(reversed(group[len(results) :]))
            if len(results) <= self._small_group:
                self._done(group, *self._commit(results))
            else:
                self._jobs.put(lambda: self._run_commit(group, results))

    def _take_group(self) -> list[_Waiting]:
        waiting = self._waiting
        if len(waiting) <= GROUP_MAX:
            group = list(waiting)
            waiting.clear()
            return group
        return [waiting.popleft() for _ in range(GROUP_MAX)]

    def _refused(self, group: list[_Waiting], error: MailError) -> None:
        """Nothing could be applied.  A lock is waited for; everything else is told at once."""
        now = self._loop.time()
        if isinstance(error.__cause__, apsw.BusyError):
            if self._busy_since is None:
                self._busy_since = now
            if now - self._busy_since < BUSY_LIMIT_S:
                self._waiting.extendleft(reversed(group))
                self._loop.call_later(BUSY_RETRY_S, self._done, [], [], [])
                return
            log.error("the database has been locked by another process for %.1f s", now - self._busy_since)
        self._done(group, [error] * len(group), [])

    def _commit(self, results: list[Any]) -> tuple[list[Any], list[Hint]]:
        try:
            return results, self._transactor.commit()
        except MailError as error:
            return [error] * len(results), []
        except Exception as error:
            log.exception("a commit failed")
            return [Unavailable(repr(error))] * len(results), []

    # In the writer's thread:

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _run_commit(self, group: list[_Waiting], results: list[Any]) -> None:
        self._loop.call_soon_threadsafe(self._done, group, *self._commit(results))

    def _run_all(self, group: list[_Waiting], requests: list[Request]) -> None:
        try:
            results, hints = self._transactor.run(requests)
        except MailError as error:
            self._loop.call_soon_threadsafe(self._refused, group, error)
            return
        except Exception as error:
            log.exception("a group of writes failed")
            results, hints = [Unavailable(repr(error))] * len(requests), []
        self._loop.call_soon_threadsafe(self._done, group, results, hints)

    # Back on the loop:

    def _done(self, group: list[_Waiting], results: list[Any], hints: list[Hint]) -> None:
        self._busy = False
        if hints:
            self._versions.note(hints)
        for (_, answer), result in zip(group, results, strict=False):
            answer(result)
        if group:
            self._on_done(hints)
        if self._transactor.unsynced and self._sync_timer is None:
            self._sync_timer = self._loop.call_later(FLAG_SYNC_S, self._sync)
        self._checkpointer.note(self._transactor.wal_pages)
        if self._transactor.wal_pages > RESERVE_PAGES and self._own_process and not self._reserved:
            self._reserved = True
            self._checkpoint_due = self._checkpoint_due or self._transactor.reserve
        if self._checkpoint_due is not None:
            work, self._checkpoint_due = self._checkpoint_due, None
            self._between(work)
        elif self._waiting:
            # After the callers answered just now: what they ask next joins the group.  A turn later still, because
            # the loop writes at the end of a turn: their answers must not wait for the next commit.
            self._loop.call_soon(self._schedule)
        elif self._closing is not None and not self._busy and not self._closing.done():
            self._closing.set_result(None)

    def _finish_checkpoint(self, idle: bool) -> None:  # noqa: FBT001
        work = partial(self._transactor.checkpoint, cut=idle and not self._reserved)
        if self._busy:
            self._checkpoint_due = work
        else:
            self._between(work)

    def _between(self, work: Callable[[], None]) -> None:
        """Run in the writer's thread, between two groups."""
        self._busy = True
        self._jobs.put(lambda: self._run_between(work))

    def _run_between(self, work: Callable[[], None]) -> None:
        work()
        self._loop.call_soon_threadsafe(self._done, [], [], [])

    def _sync(self) -> None:
        """Sync flag changes, between two groups."""
        if self._busy:
            self._sync_timer = self._loop.call_later(BUSY_RETRY_S, self._sync)
            return
        self._sync_timer = None
        self._between(self._transactor.sync)

    async def close(self) -> None:
        """Finish what was submitted, then close the database."""
        if self._closing is None:
            self._closing = self._loop.create_future()
            if not self._busy and not self._waiting:
                self._closing.set_result(None)
            await self._closing
            if self._sync_timer is not None:
                self._sync_timer.cancel()
            await self._checkpointer.close()
            self._jobs.put(self._transactor.close)
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)
            self._versions.close()
