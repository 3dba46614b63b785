"""A full, failing, read-only or locked disk: refused at once, nothing acknowledged is lost, no restart needed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.errors import StorageFull, Unavailable
from posthouse.core.ports import SystemClock
from posthouse.storage.ports import Store
from posthouse.storage.rows import Mailbox
from posthouse.storage.sqlite import local, writer
from posthouse.storage.sqlite.connection import WAL_KEPT_BYTES
from tests.storage.fixtures import deliver, make_account, message, open_backend, rows

HOLD_LOCK = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_backend(tmp_path) as opened:
        yield opened


@pytest.fixture
async def inbox(store: Store) -> Mailbox:
    account = await make_account(store)
    return await store.mailboxes.get(account.id, "INBOX")


@contextlib.contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file of this process may grow past size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def connection_of(store: Any) -> Any:
    return store._writer._transactor.connection


async def still_works(store: Store, inbox: Mailbox, before: list[bytes]) -> None:
    """What was acknowledged is there, and only that; and a new message is taken."""
    await deliver(store, inbox, message(1000))
    assert await rows(store, inbox, "content") == [(data,) for data in (*before, message(1000))]


async def test_full_disk(store: Store, inbox: Mailbox, caplog: pytest.LogCaptureFixture) -> None:
    connection = connection_of(store)
    kept: list[bytes] = []
    connection.pragma("max_page_count", connection.pragma("page_count") + 20)
    for number in range(500):
        data = message(number, 6000)
        try:
            await deliver(store, inbox, data)
        except StorageFull:
            break
        kept.append(data)
    assert 0 < len(kept) < 500
    with pytest.raises(StorageFull):
        await deliver(store, inbox, *(message(n, 60_000) for n in range(50)))
    assert "rolled back" in caplog.text
    connection.pragma("max_page_count", 1 << 30)
    await still_works(store, inbox, kept)


async def test_expunge_makes_room_on_a_full_disk(store: Store, inbox: Mailbox) -> None:
    await deliver(store, inbox, *(message(n, 50_000) for n in range(50)))
    connection = connection_of(store)
    connection.pragma("max_page_count", connection.pragma("page_count"))
    with pytest.raises(StorageFull):
        await deliver(store, inbox, *(message(n, 60_000) for n in range(50)))
    await store.messages.expunge(inbox.account, inbox.id, only_deleted=False)
    await deliver(store, inbox, message(1))


async def test_failing_writes(store: Store, inbox: Mailbox, tmp_path: Path) -> None:
    await deliver(store, inbox, message(1))
    wal = tmp_path / "mail.db-wal"
    with file_size_limit(wal.stat().st_size + 8192):
        for _ in range(2):
            results = await asyncio.gather(
                *(deliver(store, inbox, message(n, 6000)) for n in range(20)), return_exceptions=True
            )
            assert all(isinstance(result, Unavailable) for result in results)
        assert await rows(store, inbox, "content") == [(message(1),)]
    await still_works(store, inbox, [message(1)])


async def test_flag_changes_survive_a_failed_delivery(store: Store, inbox: Mailbox, tmp_path: Path) -> None:
    await deliver(store, inbox, message(1))
    await store.messages.store_flags(inbox.account, inbox.id, [(1, 1)], add=4)
    with file_size_limit((tmp_path / "mail.db-wal").stat().st_size + 8192), pytest.raises(Unavailable):
        await deliver(store, inbox, message(2, 60_000))
    assert await rows(store, inbox, "flags") == [(4,)]
    await still_works(store, inbox, [message(1)])


async def test_staging_and_message_files_on_a_full_disk(store: Store, inbox: Mailbox, tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(3 << 20)
    with file_size_limit(200_000):
        arriving = store.contents.writer()
        arriving.write(noise)
        with pytest.raises(StorageFull):
            await arriving.drain()
        arriving.abort()
        late = store.contents.writer()
        late.write(noise)
        with pytest.raises(StorageFull):
            await late.finish()
        with pytest.raises(StorageFull):
            store.contents.draft(noise)
    assert list((tmp_path / "blobs").glob("*/*/*")) == []
    await still_works(store, inbox, [])


async def test_no_room_is_set_aside_on_a_full_disk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    wal = tmp_path / "mail.db-wal"
    async with open_backend(tmp_path, "process") as store:
        account = await make_account(store)
        box = await store.mailboxes.get(account.id, "INBOX")
        sent = [message(number, 60_000) for number in range(100)]
        with file_size_limit(WAL_KEPT_BYTES - 1):
            for data in sent:
                await deliver(store, box, data)
        assert "no room could be set aside" in caplog.text
        assert 0 < wal.stat().st_size < WAL_KEPT_BYTES // 2
        assert await rows(store, box, "content") == [(data,) for data in sent]


async def test_under_load_the_wal_is_given_its_room_once(tmp_path: Path) -> None:
    wal = tmp_path / "mail.db-wal"
    async with open_backend(tmp_path, "process") as store:
        account = await make_account(store)
        box = await store.mailboxes.get(account.id, "INBOX")
        assert wal.stat().st_size < 1 << 20
        noise = random.Random(1)
        for _ in range(40):
            await deliver(store, box, noise.randbytes(30_000))
        await deliver(store, box, message(1))
        assert wal.stat().st_size == WAL_KEPT_BYTES
        assert wal.stat().st_blocks * 512 >= WAL_KEPT_BYTES


async def test_read_only(store: Store, inbox: Mailbox) -> None:
    await deliver(store, inbox, message(1))
    connection_of(store).pragma("query_only", 1)
    with pytest.raises(Unavailable):
        await deliver(store, inbox, message(2))
    # The failure made the writer open the database again, which is writable by now.
    await still_works(store, inbox, [message(1)])


@contextlib.contextmanager
def locked(root: Path) -> Iterator[Callable[[], None]]:
    """Another process holds the write lock, until the value is called or the block left."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, str(root / "mail.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield process.stdin.close


async def test_a_short_lock_is_waited_for(store: Store, inbox: Mailbox, tmp_path: Path) -> None:
    with locked(tmp_path) as let_go:
        waiting = asyncio.ensure_future(deliver(store, inbox, message(1)))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        let_go()
        assert await waiting == [1]


async def test_a_long_lock_is_told(
    store: Store,
    inbox: Mailbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(writer, "BUSY_LIMIT_S", 0.1)
    with locked(tmp_path):
        results = await asyncio.gather(
            deliver(store, inbox, message(1)),
            store.messages.store_flags(inbox.account, inbox.id, [(1, 1)], add=1),
            store.mailboxes.rename(inbox.account, "Sent", "Outgoing"),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [Unavailable] * 3
        assert "locked by another process" in caplog.text
        assert await rows(store, inbox, "uid") == []  # reads go on
    await still_works(store, inbox, [])


async def test_a_directory_that_cannot_be_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable):
        await local.open_local(tmp_path / "file" / "data", SystemClock())
    (tmp_path / "mail.db").write_bytes(b"this is no database, and long enough to tell" * 100)
    with pytest.raises(Unavailable):
        await local.open_local(tmp_path, SystemClock())
