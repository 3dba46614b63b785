"""The embedded backend: one SQLite database and the files of long messages under one directory.

    mail.db, mail.db-wal   metadata and short messages (`schema/`)
    blobs/ab/cd/*.zst      long messages
    staging/               nameless files of messages on their way in
    writer.lock            held by the one process that writes
    run/writer.sock        where other processes hand it their writes

Concurrency: one writer per directory (`writer.py`), applying groups of requests (`requests.py`) through the table in
`operations.py`; every process reads by itself (`reads.py`, `fetch.py`).  A `Store` belongs to the event loop
that opened it.  May import `storage.ports`, `storage.rows`, `storage.blobs`, `mime.facts` and `core`; only `app` may
import this.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from posthouse.core.errors import InUse
from posthouse.core.ports import Clock, SystemClock
from posthouse.storage.ports import Store
from posthouse.storage.sqlite.client import open_client
from posthouse.storage.sqlite.local import open_local
from posthouse.storage.sqlite.server import serve_writer
from posthouse.storage.sqlite.store import SqliteStore

__all__ = ["open_store", "serve_writer"]


async def open_store(
    path: Path,
    *,
    role: Literal["local", "client", "auto"],
    clock: Clock | None = None,
    content_cache_bytes: int = 0,
    answers_bytes: int = 0,
) -> Store:
    """Open the store under a directory.

    role "local": this process is the writer; raises InUse while another one is.  "client": the writer is a process
    that runs `serve_writer`; raises Unavailable if there is none.  "auto": local if no process writes yet, else client.
    `content_cache_bytes`: memory of this process for messages read a moment ago.
    `answers_bytes`: disk for `Store.answers`.
    """
    store = await _open(path, role, clock or SystemClock())
    store.keep_contents(content_cache_bytes)
    store.answers.limit_bytes = answers_bytes
    return store


async def _open(path: Path, role: Literal["local", "client", "auto"], clock: Clock) -> SqliteStore:
    if role != "client":
        try:
            return await open_local(path, clock)
        except InUse:
            if role == "local":
                raise
    return await open_client(path)
