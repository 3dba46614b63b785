"""How many statements commands cost, and which commits wait for the disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.flags import SEEN
from posthouse.services.mailboxes import MailboxHub
from posthouse.storage.ports import Store
from posthouse.storage.rows import LocalCopy, Mailbox
from posthouse.storage.sqlite import writer
from posthouse.storage.sqlite.reads import SELECT_CHANGED
from tests.storage.fixtures import ALL, deliver, deliver_one, make_account, message, open_backend, rows


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_backend(tmp_path) as opened:
        yield opened


@pytest.fixture
async def inbox(store: Store) -> Mailbox:
    account = await make_account(store)
    mailbox = await store.mailboxes.get(account.id, "INBOX")
    await deliver(store, mailbox, message(1))  # what is held between transactions is held now
    return mailbox


@contextmanager
def statements(connection: Any) -> Iterator[list[str]]:
    """The statements run, one per SQL text of a batch."""
    seen: list[str] = []

    def trace(_cursor: Any, sql: str, _bindings: Any) -> bool:
        if not seen or seen[-1] != sql:
            seen.append(sql)
        return True

    connection.exec_trace = trace
    try:
        yield seen
    finally:
        connection.exec_trace = None


def writing(store: Any) -> Any:
    return store._writer._transactor.connection


def reading(store: Any) -> Any:
    return store._reader.connection


async def test_a_delivery(store: Store, inbox: Mailbox) -> None:
    with statements(writing(store)) as seen:
        await deliver(store, inbox, message(2))
    assert [sql.split("(")[0].split()[:3] for sql in seen] == [
        ["BEGIN", "IMMEDIATE"],
        ["SELECT", "hash,", "thread"],
        ["INSERT", "INTO", "blob"],
        ["INSERT", "INTO", "message"],
        ["INSERT", "INTO", "placement"],
        ["INSERT", "OR", "IGNORE"],
        ["UPDATE", "account", "SET"],
        ["UPDATE", "mailbox", "SET"],
        ["COMMIT"],
    ]


async def test_changes_are_found_without_a_walk_through_the_mailbox(store: Store, inbox: Mailbox) -> None:
    plan = reading(store).execute("EXPLAIN QUERY PLAN " + SELECT_CHANGED, (1, 1, 1)).fetchall()
    steps = [step[-1] for step in plan if " p " in step[-1]]
    assert len(steps) == 2
    assert all("account=? AND mailbox=? AND uid>?" in step for step in steps)


async def test_a_group_of_deliveries_is_one_transaction(
    store: Store, inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "INLINE_S", 60.0)  # on a busy machine fifty may take longer than a group may
    with statements(writing(store)) as seen:
        deliveries = [
            deliver_one(store, message(n), LocalCopy(inbox.account, inbox.id)) for n in range(2, 52)
        ]
        await asyncio.gather(*deliveries)
    assert [sql for sql in seen if sql in ("BEGIN IMMEDIATE", "COMMIT")] == ["BEGIN IMMEDIATE", "COMMIT"]
    assert len(seen) == 9


async def test_flags_of_a_mailbox(store: Store, inbox: Mailbox) -> None:
    await deliver(store, inbox, *(message(n) for n in range(100)))
    with statements(writing(store)) as seen:
        await store.messages.store_flags(inbox.account, inbox.id, ALL, add=SEEN)
    assert len([sql for sql in seen if not sql.startswith("PRAGMA")]) == 7


async def test_fetch_of_flags_touches_no_messages(store: Store, inbox: Mailbox) -> None:
    await deliver(store, inbox, *(message(n) for n in range(100)))
    with statements(reading(store)) as seen:
        assert len(await rows(store, inbox, "uid", "flags")) == 101
    assert len(seen) == 3
    assert not any("message" in sql.partition("FROM")[2] for sql in seen if "placement" in sql)


async def test_a_warm_snapshot_is_one_row(store: Store, inbox: Mailbox) -> None:
    await store.messages.snapshot(inbox.account, inbox.id)
    with statements(reading(store)) as seen:
        await store.messages.snapshot(inbox.account, inbox.id)
    assert [sql.split()[0] for sql in seen] == ["BEGIN", "SELECT", "COMMIT"]


async def test_only_flag_changes_do_not_wait_for_the_disk(store: Store, inbox: Mailbox) -> None:
    connection = writing(store)
    await store.messages.store_flags(inbox.account, inbox.id, ALL, add=SEEN)
    assert connection.pragma("synchronous") == 1
    await asyncio.gather(
        store.messages.store_flags(inbox.account, inbox.id, ALL, remove=SEEN),
        deliver(store, inbox, message(2)),
    )
    assert connection.pragma("synchronous") == 2


async def test_flag_changes_are_synced_soon(
    store: Any, inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "FLAG_SYNC_S", 0.01)
    transactor = store._writer._transactor
    await store.messages.store_flags(inbox.account, inbox.id, ALL, add=SEEN)
    assert transactor.unsynced
    async with asyncio.timeout(5):
        while transactor.unsynced:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_checkpoints_keep_the_wal_short(
    store: Any, inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("posthouse.storage.sqlite.checkpoint.PAGES", 50)
    wal = Path(store._root) / "mail.db-wal"
    for number in range(300):
        await deliver(store, inbox, message(number, 5000))
        if running := store._writer._checkpointer._running:
            await asyncio.wait([running])  # however busy the machine is
    assert wal.stat().st_size < 300 * 5000


async def test_a_checkpointer_copies_from_its_first_run_on(store: Any, inbox: Mailbox) -> None:
    checkpointer = store._writer._checkpointer
    before = (Path(store._root) / "mail.db").stat().st_size
    await deliver(store, inbox, *(message(number, 5000) for number in range(20)))
    assert checkpointer._checkpoint() > 0
    assert (Path(store._root) / "mail.db").stat().st_size > before


async def test_whole_mailboxes_cost_as_many_statements_as_one_message(store: Store, inbox: Mailbox) -> None:
    """And COPY and MOVE write no message, whose facts fill half a page."""
    work = await store.mailboxes.create(inbox.account, "work")
    old = await store.mailboxes.create(inbox.account, "old")
    counts = []
    for messages in (1, 1, 60):
        await deliver(store, inbox, *(message(n) for n in range(messages)))
        with statements(writing(store)) as seen:
            await store.messages.store_flags(inbox.account, inbox.id, ALL, add=SEEN)
            await store.messages.copy(inbox.account, inbox.id, ALL, inbox.account, work.id)
            await store.messages.copy(inbox.account, work.id, ALL, inbox.account, old.id, move=True)
            assert not [sql for sql in seen if sql.startswith(("UPDATE message", "DELETE FROM message"))]
            await store.messages.expunge(inbox.account, inbox.id, only_deleted=False)
            await store.messages.expunge(inbox.account, old.id, only_deleted=False)
        counts.append(len(seen))
    assert counts[1] == counts[2]  # the first time accounts and mailboxes are read as well


async def test_flags_that_were_stored_are_not_read_back(store: Store, inbox: Mailbox) -> None:
    await deliver(store, inbox, *(message(n) for n in range(5)))
    hub = MailboxHub(store)
    shared = await hub.open(await store.mailboxes.by_id(inbox.account, inbox.id))
    start = shared.modseq
    stored = await store.messages.store_flags(inbox.account, inbox.id, [(4, 4), (2, 2)], add=SEEN)
    with statements(reading(store)) as seen:
        hub.apply_flags(shared, stored)
        await hub.refresh(shared)
    assert len(seen) == 1  # where the mailbox stands now
    assert shared.changes_since(start) == [await store.messages.changes(inbox.account, inbox.id, start)]
    # What somebody else did in between is read.
    await store.messages.store_flags(inbox.account, inbox.id, [(1, 1)], add=SEEN)
    stored = await store.messages.store_flags(inbox.account, inbox.id, [(3, 3)], add=SEEN)
    hub.apply_flags(shared, stored)
    assert shared.modseq < stored.before
    await hub.refresh(shared)
    changed = [row[0] for part in shared.changes_since(start) or [] for row in part.changed]
    assert changed == [2, 4, 1, 3]
    hub.release(shared)
    hub.close()


async def test_long_commands_leave_the_loop_alone(store: Store, inbox: Mailbox) -> None:
    trash = await store.mailboxes.create(inbox.account, "old")
    for start in range(0, 6000, 1000):
        await deliver(store, inbox, *(message(n) for n in range(start, start + 1000)))
    worst = 0.0
    done = False

    async def watch() -> None:
        nonlocal worst
        while not done:
            # What this thread computed since, whatever else the machine had to do.
            before = time.thread_time()
            await asyncio.sleep(0.001)
            worst = max(worst, time.thread_time() - before)

    watcher = asyncio.ensure_future(watch())
    await rows(store, inbox, "uid", "flags", "envelope")
    await store.messages.copy(inbox.account, inbox.id, ALL, inbox.account, trash.id)
    await store.messages.expunge(inbox.account, inbox.id, only_deleted=False)
    done = True
    await watcher
    assert worst < 0.1


@pytest.mark.parametrize("third", [None, 10, 80])
@pytest.mark.parametrize("gone", [[(1, 80)], [(1, 40), (42, 80)], [(5, 75)]])
async def test_a_run_of_copies_goes(
    store: Store, inbox: Mailbox, third: int | None, gone: list[tuple[int, int]]
) -> None:
    """Whether all of the run go, or one of it stays or is in a third mailbox: what refers to messages is right."""
    account = inbox.account
    sent, trash = [await store.mailboxes.get(account, name) for name in ("Sent", "Trash")]
    await deliver(store, inbox, *(message(n) for n in range(2, 81)))
    await store.messages.copy(account, inbox.id, ALL, account, sent.id)
    expected = dict.fromkeys([number for (number,) in await rows(store, inbox, "message")], 2)
    if third is not None:
        await store.messages.copy(account, inbox.id, [(third, third)], account, trash.id)
        [(number,)] = await rows(store, trash, "message")
        expected[number] += 1
    for (number,) in await rows(store, sent, "message", uids=gone):
        expected[number] -= 1
    with statements(writing(store)) as seen:
        await store.messages.expunge(account, sent.id, gone, only_deleted=False)
    whole = len(gone) == 1 and (third is None or not gone[0][0] <= third <= gone[0][1])
    assert ("DELETE FROM shared WHERE account = ? AND message BETWEEN ? AND ?" in seen) == whole
    found = reading(store).execute("SELECT message, refs FROM shared").fetchall()
    assert dict(found) == {number: refs for number, refs in expected.items() if refs > 1}
    assert len(await rows(store, inbox, "content")) == 80
