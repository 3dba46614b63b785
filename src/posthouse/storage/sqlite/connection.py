"""How connections to the database are opened, and what its errors mean.

Page size 4096: commits of 8192 are 10 to 15 % quicker, but real mail takes 5 % more room in them (half a page is lost
for each message that fills most of one) and twice the WAL for one message.  `mmap_size` lets readers
use the page cache of the system without a copy; the private cache stays small, since every worker has its own.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from posthouse.core.errors import MailError, StorageFull, Unavailable
from posthouse.core.sentence import Sentence
from posthouse.storage.blobs.files import file_error

DATABASE_NAME: Final = "mail.db"
PAGE_SIZE: Final = 4096
WAL_KEPT_BYTES: Final = 16 << 20
"""A WAL that grew past this is cut back when it starts over; under load the writer process gives it so much at once."""
READER_CACHE_KIB: Final = 2048
WRITER_CACHE_KIB: Final = 16384
MMAP_BYTES: Final = 1 << 36
log = logging.getLogger("posthouse.storage")

READ_BUSY_MS: Final = 2000
"""Readers meet a lock only while a WAL is recovered after a crash."""


def open_writer(path: Path) -> apsw.Connection:
    """The connection that writes; creates the database if it is missing."""
    connection = apsw.Connection(str(path))
    connection.pragma("page_size", PAGE_SIZE)
    connection.pragma("journal_mode", "wal")
    connection.wal_autocheckpoint(0)  # the checkpointer does that, on its own connection
    connection.pragma("journal_size_limit", WAL_KEPT_BYTES)
    connection.pragma("synchronous", "FULL")
    connection.pragma("cache_size", -WRITER_CACHE_KIB)
    connection.pragma("mmap_size", MMAP_BYTES)
    return connection


def open_reader(path: Path) -> apsw.Connection:
    """A connection that reads; never used by two threads at once, though by one after the other."""
    # perf: without a mutex that nobody contends for, rows cost a quarter less.
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOMUTEX
    connection = apsw.Connection(str(path), flags=flags)
    connection.set_busy_timeout(READ_BUSY_MS)
    connection.pragma("query_only", 1)
    connection.pragma("cache_size", -READER_CACHE_KIB)
    connection.pragma("mmap_size", MMAP_BYTES)
    return connection


def translate(error: BaseException) -> MailError | None:
    """The domain error for a failure of SQLite or of the file system; None for anything else (a bug)."""
    if isinstance(error, MailError):
        return error
    if isinstance(error, apsw.FullError):
        return StorageFull(Sentence("store.full", said=str(error)))
    if isinstance(error, _TEMPORARY):
        return Unavailable(Sentence("store.fault", said=f"{type(error).__name__}: {error}"))
    if isinstance(error, OSError):
        return file_error(error)
    return None


_TEMPORARY: Final = (
    apsw.BusyError,
    apsw.LockedError,
    apsw.IOError,
    apsw.ReadOnlyError,
    apsw.CantOpenError,
    apsw.NoMemError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.ConnectionClosedError,
    apsw.InterruptError,
)


@contextmanager
def reading() -> Iterator[None]:
    """Raise what goes wrong inside as a domain error, with a log line."""
    try:
        yield
    except (apsw.Error, OSError) as error:
        meaning = translate(error)
        if meaning is None:
            raise
        log.error("reading from the store failed: %s", meaning.detail)
        raise meaning from error
