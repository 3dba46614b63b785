"""The store of a process that writes by itself."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw

from posthouse.core.errors import InUse, MailError
from posthouse.core.ports import Clock
from posthouse.core.sentence import Sentence
from posthouse.storage import ports
from posthouse.storage.blobs.files import BlobFiles
from posthouse.storage.rows import Hint
from posthouse.storage.sqlite.connection import DATABASE_NAME, log, open_reader, reading, translate
from posthouse.storage.sqlite.email_requests import CutHistory, ExpireUploads
from posthouse.storage.sqlite.history import HISTORY_ROWS_MAX, long_histories
from posthouse.storage.sqlite.requests import PruneJournal
from posthouse.storage.sqlite.sharing_requests import PruneAudit
from posthouse.storage.sqlite.store import HintBoard, SqliteStore
from posthouse.storage.sqlite.team_requests import PruneTeams
from posthouse.storage.sqlite.writer import LockTable, Writer

LOCK_NAME: Final = "writer.lock"
ORPHAN_AGE_S: Final = 3600.0
"""A message file that no row names is swept once it is so old: younger ones may be about to be adopted."""


JOURNAL_DAYS: Final = 90
"""How long the journal of a message is kept."""
AUDIT_DAYS: Final = 366
AUDIT_ENTRIES: Final = 1_000_000
"""How long the audit log is kept, and how much of it at most."""
UPLOAD_HOURS: Final = 24
"""What was uploaded and not used goes after that long (RFC 8620 §6: an hour at least)."""
PRUNED_AT_ONCE: Final = 500
CHORES_EVERY_S: Final = 3600.0


class LocalLock:
    def __init__(self, table: LockTable, name: str) -> None:
        self._table = table
        self._name = name

    async def release(self) -> None:
        self._table.release(self._name, self)


class LocalLocks:
    def __init__(self, table: LockTable) -> None:
        self._table = table

    async def acquire(self, name: str) -> ports.Lock:
        lock = LocalLock(self._table, name)
        self._table.acquire(name, lock)
        return lock


class WriterLock:
    """The right to be the one writer of a directory; the system takes it back when the process dies."""

    def __init__(self, root: Path) -> None:
        self._descriptor = os.open(root / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise InUse(Sentence("store.in_use", path=root)) from error

    def release(self) -> None:
        os.close(self._descriptor)


class OwnedWriter(Writer):
    """A writer that holds its directory until it is closed."""

    def __init__(
        self,
        root: Path,
        files: BlobFiles,
        clock: Clock,
        on_done: Callable[[list[Hint]], None],
        *,
        own_process: bool = False,
    ) -> None:
        self._lock = WriterLock(root)
        try:
            super().__init__(root, files, clock, on_done, own_process=own_process)
        except BaseException:
            self._lock.release()
            raise
        self._root = root
        self._files = files
        self._clock = clock
        self._chores: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """Create or migrate the database, sweep orphans, and see to both from now on."""
        await self.open()
        await asyncio.to_thread(sweep_orphans, self._root, self._files)
        self._chores = asyncio.create_task(self._do_chores())

    async def _do_chores(self) -> None:
        while True:
            await asyncio.sleep(CHORES_EVERY_S)
            try:
                await self.prune_journal()
                await self.prune_audit()
                await self.prune_teams()
                await self.expire_uploads()
                await self.cut_histories()
                await asyncio.to_thread(sweep_orphans, self._root, self._files)
            except (MailError, OSError) as error:
                log.warning("chores of the store failed, they will be done later: %s", error)

    async def prune_journal(self) -> None:
        before = self._clock.now() - JOURNAL_DAYS * 86_400
        pruned = PRUNED_AT_ONCE
        while pruned == PRUNED_AT_ONCE:
            pruned = await self.submit(PruneJournal(before, PRUNED_AT_ONCE))

    async def prune_audit(self) -> None:
        before = self._clock.now() - AUDIT_DAYS * 86_400
        pruned = PRUNED_AT_ONCE
        while pruned == PRUNED_AT_ONCE:
            pruned = await self.submit(PruneAudit(before, AUDIT_ENTRIES, PRUNED_AT_ONCE))

    async def prune_teams(self) -> None:
        pruned = PRUNED_AT_ONCE
        while pruned == PRUNED_AT_ONCE:
            pruned = await self.submit(PruneTeams(PRUNED_AT_ONCE))

    async def expire_uploads(self) -> None:
        before = self._clock.now() - UPLOAD_HOURS * 3600
        dropped = PRUNED_AT_ONCE
        while dropped == PRUNED_AT_ONCE:
            dropped = await self.submit(ExpireUploads(before, PRUNED_AT_ONCE))

    async def cut_histories(self) -> None:
        for account in await asyncio.to_thread(long_histories, self._root):
            await self.submit(CutHistory(account, HISTORY_ROWS_MAX // 2))

    async def close(self) -> None:
        if self._chores is not None:
            self._chores.cancel()
            await asyncio.wait([self._chores])
        await super().close()
        self._lock.release()


async def prepare(
    root: Path, clock: Clock, on_done: Callable[[list[Hint]], None], *, own_process: bool = False
) -> tuple[OwnedWriter, BlobFiles]:
    """Make this process the writer of a directory: create or migrate the database, sweep orphans."""
    files = BlobFiles(root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        files.prepare()
        writer = OwnedWriter(root, files, clock, on_done, own_process=own_process)
        try:
            await writer.prepare()
        except BaseException:
            await writer.close()
            raise
    except (OSError, apsw.Error) as error:
        meaning = translate(error)
        if meaning is None:
            raise
        raise meaning from error
    return writer, files


async def open_local(root: Path, clock: Clock) -> SqliteStore:
    hints = HintBoard()
    writer, files = await prepare(root, clock, hints.publish)
    return SqliteStore(root, files=files, writer=writer, locks=LocalLocks(writer.locks), hints=hints)


def sweep_orphans(root: Path, files: BlobFiles, age_s: float = ORPHAN_AGE_S) -> int:
    """Delete the message files that a crash left without a row; how many."""
    limit = time.time() - age_s
    old = [name for name, stat in files.names() if stat.st_mtime < limit]
    if not old:
        return 0
    with reading():
        connection = open_reader(root / DATABASE_NAME)
        try:
            rows = connection.execute("SELECT file FROM blob WHERE file IS NOT NULL").fetchall()
        finally:
            connection.close()
    orphans = set(old) - {name for (name,) in rows}
    for name in orphans:
        files.delete(name)
    if orphans:
        log.info("swept %d message files that no message names", len(orphans))
    return len(orphans)
