"""One transaction for a group of write requests, and recovery when the disk fails under it.

Every request succeeds or fails on its own.  Most refuse before they change anything; the rest have a savepoint; and
when one fails in a way that nobody foresaw, the group is rolled back and each request is tried alone.

Durability.  A group that holds any `synced` request commits with synchronous=FULL: the WAL is fsynced.  A group of flag
changes commits with synchronous=NORMAL: its frames are in the WAL file, which survives any kill of the process;
`sync` (called within half a second) or the next FULL commit, whichever is first, brings them to the disk, because
both fsync the whole WAL file.  Checkpoints fsync the WAL before they copy from it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any, Final

import apsw

from posthouse.core.errors import MailError, Unavailable
from posthouse.core.ports import Clock
from posthouse.storage.blobs.files import BlobFiles
from posthouse.storage.rows import Hint
from posthouse.storage.sqlite.connection import WAL_KEPT_BYTES, log, open_writer, translate
from posthouse.storage.sqlite.ledger import Ledger
from posthouse.storage.sqlite.operations import OPERATIONS
from posthouse.storage.sqlite.request_class import Request
from posthouse.storage.sqlite.schema import migrate

_ZEROS: Final = bytes(1 << 20)
INLINE_S: Final = 0.006
"""How long a group may hold the event loop before the rest of it has to wait for the next."""


class Unexpected(Exception):
    """A request failed in an unforeseen way; the group was rolled back."""


def _fill(descriptor: int, size: int) -> None:
    """Make a WAL so long.  What follows its last frame is not read: its checksums are not those of frames."""
    before = os.fstat(descriptor).st_size
    missing = size - before
    try:
        while missing > 0:
            missing -= os.pwrite(descriptor, _ZEROS[:missing], size - missing)
        os.fdatasync(descriptor)
    except OSError:  # what is left of the disk is for mail
        os.ftruncate(descriptor, before)
        raise


class Transactor:
    """Applies and commits; to be used by one thread at a time."""

    def __init__(
        self, path: Path, files: BlobFiles, clock: Clock, claims: Container[tuple[int, int]]
    ) -> None:
        self._path = path
        self._files = files
        self._clock = clock
        self._claims = claims
        self._connection: apsw.Connection | None = None
        self._ledger: Ledger | None = None
        self._full = True
        self.wal_pages = 0
        self.unsynced = False

    @property
    def connection(self) -> apsw.Connection:
        if self._connection is None:
            self._open()
        assert self._connection is not None
        return self._connection

    @property
    def ledger(self) -> Ledger:
        if self._ledger is None:
            self._open()
        assert self._ledger is not None
        return self._ledger

    def _open(self) -> None:
        connection = open_writer(self._path)
        try:
            migrate(connection)
        except BaseException:
            connection.close()
            raise
        connection.set_wal_hook(self._note_wal)
        self._connection = connection
        self._ledger = Ledger(connection, self._clock, self._claims)
        self._full = True

    def _note_wal(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self.wal_pages = pages
        return apsw.SQLITE_OK

    # ------------------------------------------------------------------ one group

    def apply(self, group: Sequence[Request], budget_s: float | None = None) -> list[Any]:
        """Begin, run and write; returns one result or MailError each, of as many as the budget allowed (one at least).

        Raises a MailError when the store cannot write now, Unexpected when the requests must be tried one by one;
        nothing is changed then.
        """
        try:
            self._set_level(full=any(type(request).synced for request in group))
            self.ledger.execute("BEGIN IMMEDIATE")
            deadline = None if budget_s is None else time.perf_counter() + budget_s
            results: list[Any] = []
            for request in group:
                results.append(self._run(request))
                if deadline is not None and time.perf_counter() > deadline:
                    break
            self.ledger.flush()
        except BaseException as error:
            self.rollback(error)
            meaning = translate(error)
            if meaning is not None:
                raise meaning from error
            raise Unexpected from error
        return results

    def _run(self, request: Request) -> Any:
        ledger = self.ledger
        operation = OPERATIONS[type(request)]
        if operation.flush:
            ledger.flush()
        if not operation.savepoint:
            try:
                return operation.run(ledger, request)
            except MailError as error:
                return error
        hints, dropped = dict(ledger.hints), list(ledger.dropped_files)
        ledger.execute("SAVEPOINT request")
        try:
            result = operation.run(ledger, request)
            ledger.flush()
        except MailError as error:
            ledger.execute("ROLLBACK TO request")
            ledger.forget_savepoint(hints, dropped)
            result = error
        ledger.execute("RELEASE request")
        return result

    def _set_level(self, *, full: bool) -> None:
        if full != self._full or self._connection is None:
            self.connection.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
            self._full = full

    def commit(self) -> list[Hint]:
        """Make what was applied durable; raises a MailError if that failed and nothing was changed."""
        ledger = self.ledger
        try:
            ledger.execute("COMMIT")
        except BaseException as error:
            self.rollback(error)
            meaning = translate(error)
            if meaning is None:
                raise
            raise meaning from error
        self.unsynced = not self._full
        hints = list(ledger.hints.values())
        ledger.hints.clear()
        dropped, ledger.dropped_files = ledger.dropped_files, []
        ledger.trim()
        for name in dropped:
            try:
                self._files.delete(name)
            except OSError as error:  # the sweeper comes by later
                log.warning("cannot delete the message file %s: %s", name, error)
        return hints

    def rollback(self, cause: BaseException) -> None:
        """Back to what was committed; after a failure of the disk with a new connection."""
        if not isinstance(cause, apsw.BusyError):
            log.error("a group of writes was rolled back: %s: %s", type(cause).__name__, cause)
        if self._ledger is not None:
            self._ledger.forget()
        if self._connection is None:
            return
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except apsw.Error:
            self.close()
            return
        if isinstance(cause, apsw.IOError | apsw.CorruptError | apsw.ReadOnlyError | apsw.CantOpenError):
            self.close()

    def run(self, group: Sequence[Request]) -> tuple[list[Any], list[Hint]]:
        """Apply and commit, one by one if that is what it takes; raises a MailError while the database is locked."""
        try:
            results = self.apply(group)
            return results, self.commit()
        except MailError as error:
            if isinstance(error.__cause__, apsw.BusyError):
                raise
            return [error] * len(group), []
        except Unexpected as error:
            if len(group) == 1:
                log.exception("a write request failed: %s", type(group[0]).__name__, exc_info=error.__cause__)
                return [Unavailable(f"{type(group[0]).__name__} failed: {error.__cause__!r}")], []
        results, hints = [], []
        for request in group:
            try:
                one, noted = self.run([request])
            except MailError as error:
                one, noted = [error], []
            results += one
            hints += noted
        return results, hints

    # ------------------------------------------------------------------ the WAL

    def sync(self) -> None:
        """Bring commits of flag changes to the disk."""
        if self.unsynced:
            # The WAL file carries no locks of SQLite, so opening and closing it here is harmless.
            try:
                descriptor = os.open(f"{self._path}-wal", os.O_RDONLY)
                try:
                    os.fdatasync(descriptor)
                finally:
                    os.close(descriptor)
            except OSError as error:
                log.error("syncing flag changes failed, it will be tried again: %s", error)
            else:
                self.unsynced = False

    def reserve(self) -> None:
        """Give the WAL the room that it takes under load: files that do not grow are synced faster."""
        try:
            # As in `sync`, no lock is lost by this.
            descriptor = os.open(f"{self._path}-wal", os.O_WRONLY)
            try:
                _fill(descriptor, WAL_KEPT_BYTES)
            finally:
                os.close(descriptor)
        except OSError as error:
            log.warning("no room could be set aside for the log of the database: %s", error)

    def checkpoint(self, *, cut: bool) -> None:
        """Copy what is left in the WAL, and perhaps cut it to nothing; fails quietly, since the next time will do."""
        mode = apsw.SQLITE_CHECKPOINT_TRUNCATE if cut else apsw.SQLITE_CHECKPOINT_PASSIVE
        try:
            pages, done = self.connection.wal_checkpoint(mode=mode)
            if pages == done:
                self.wal_pages = 0
        except apsw.BusyError:
            return  # somebody reads
        except apsw.Error as error:
            log.warning("a checkpoint failed, it will be tried again: %s", error)

    def close(self) -> None:
        connection, self._connection, self._ledger = self._connection, None, None
        if connection is not None:
            try:
                connection.close()
            except apsw.Error as error:
                log.error("closing the database failed: %s", error)
