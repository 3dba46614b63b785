"""Checkpoints, on a connection and thread of their own, so that they never hold a commit back.

PASSIVE copies what no reader needs any more into the database while commits go on.  Under load it never quite catches
up, so the writer copies the few pages that are left between two groups (`finish`), and its next commit starts the WAL
over.  What a pause leaves is copied when the writer has been idle, and the WAL cut to nothing, unless it was given its
room (`Transactor.reserve`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw

from posthouse.storage.sqlite.connection import log

PAGES: Final = 2048
"""Pages in the WAL (8 MiB) from which on it is copied back."""
IDLE_S: Final = 0.5
"""After so long without a commit the rest is copied."""


class Checkpointer:
    """`finish` is called when only little is left to copy; it should do that between two commits; its
    argument tells whether the writer is idle."""

    def __init__(self, path: Path, finish: Callable[[bool], None]) -> None:
        self._path = path
        self._finish = finish
        self._loop = asyncio.get_running_loop()
        self._running: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._connection: apsw.Connection | None = None
        self._pages = 0
        self._done_pages = 0
        self._closed = False

    def note(self, pages: int) -> None:
        """After a commit or a finished checkpoint: so many pages in the WAL are not known to be copied."""
        self._pages = pages
        if pages < self._done_pages:  # the WAL was started over
            self._done_pages = 0
        if self._closed or pages == self._done_pages:
            return
        if pages - self._done_pages >= PAGES:
            self._begin(idle=False)
        elif self._idle is None:
            self._idle = self._loop.call_later(IDLE_S, self._when_idle, pages)

    def _when_idle(self, pages: int) -> None:
        self._idle = None
        if pages == self._pages:
            self._begin(idle=True)
        else:
            self._idle = self._loop.call_later(IDLE_S, self._when_idle, self._pages)

    def _begin(self, *, idle: bool) -> None:
        if self._running is None and not self._closed:
            self._running = self._loop.create_task(self._run(idle=idle))

    async def _run(self, *, idle: bool) -> None:
        try:
            self._done_pages = await asyncio.to_thread(self._checkpoint)
            if not self._closed:
                self._finish(idle)
        except apsw.Error as error:
            log.error("a checkpoint failed, it will be tried again: %s", error)
        finally:
            self._running = None

    def _checkpoint(self) -> int:
        if self._connection is None:
            self._connection = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READWRITE)
            self._connection.wal_autocheckpoint(0)
            # A connection that has read nothing does not know of the WAL yet, and would find nothing to copy.
            self._connection.execute("SELECT 1 FROM sqlite_schema").fetchall()
        _, done = self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        return done

    async def close(self) -> None:
        self._closed = True
        if self._idle is not None:
            self._idle.cancel()
        if self._running is not None:
            await self._running
        if self._connection is not None:
            await asyncio.to_thread(self._connection.close)
            self._connection = None
