"""Hints and locks, within one store and between the workers of a node."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from posthouse.core.errors import InUse
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Hint, LocalCopy, Mailbox
from posthouse.storage.sqlite import open_store
from tests.storage.fixtures import deliver, deliver_one, make_account, message, open_backend
from tests.storage.test_queue import entry, put


async def test_hints_follow_the_commit(store: Store, account: Account, inbox: Mailbox) -> None:
    got: list[Hint] = []
    unsubscribe = store.hints.subscribe(got.append)
    await deliver(store, inbox, message(1), message(2))
    modseq = (await store.mailboxes.by_id(account.id, inbox.id)).modseq
    arrived = ((1, 0, modseq - 1), (2, 0, modseq))
    assert got == [Hint("mailbox", account.id, inbox.id, modseq, since=inbox.modseq, arrived=arrived)]
    got.clear()
    await store.mailboxes.create(account.id, "a")
    await store.directory.update_account(account.id, {"name": "x"})
    await put(store, entry("a@a.test"))
    assert [hint.kind for hint in got] == ["mailboxes", "directory", "queue"]
    got.clear()
    unsubscribe()
    unsubscribe()
    await deliver(store, inbox, message(3))
    assert got == []


async def test_hints_tell_what_arrived_while_nothing_else_happened(store: Store, inbox: Mailbox) -> None:
    got: list[Hint] = []
    store.hints.subscribe(got.append)
    messages, key = store.messages, (inbox.account, inbox.id)
    copy = LocalCopy(*key)
    # In one group, whose hints are one.
    await asyncio.gather(
        deliver_one(store, message(1), copy),
        messages.store_flags(*key, [(1, 1)], add=1),
        deliver_one(store, message(2), copy),
    )
    await asyncio.gather(*(deliver_one(store, message(n), copy) for n in range(100)))
    many = await messages.keyword_bits(inbox.account, [f"k{n}" for n in range(80)])
    await deliver_one(store, message(3), LocalCopy(*key, flags=many))
    for hint in got:
        before = await messages.changes(*key, hint.since)
        assert hint.since == -1 or hint.arrived == tuple(
            row for row in before.changed if row[2] <= hint.modseq
        )
    # How the others are grouped is a matter of time; whatever the groups, what a hint tells is all that happened.
    assert got[-1].since == -1
    assert len(got) >= 3


async def test_one_listener_does_not_hurt_the_next(store: Store, account: Account) -> None:
    got: list[Hint] = []

    def broken(hint: Hint) -> None:
        raise RuntimeError(hint.kind)

    store.hints.subscribe(broken)
    store.hints.subscribe(got.append)
    await deliver_one(store, message(1), LocalCopy(account.id))
    assert len(got) == 1


async def test_locks(store: Store) -> None:
    lock = await store.locks.acquire("pop3/1")
    with pytest.raises(InUse):
        await store.locks.acquire("pop3/1")
    other = await store.locks.acquire("pop3/2")
    await lock.release()
    await lock.release()
    again = await store.locks.acquire("pop3/1")
    await again.release()
    await other.release()


async def test_a_second_worker_sees_everything(tmp_path: Path) -> None:
    async with open_backend(tmp_path, "process") as one:
        two = await open_store(tmp_path, role="client")
        hinted = asyncio.Event()
        two.hints.subscribe(lambda hint: hinted.set())
        await put(one, entry("a@a.test"))
        await asyncio.wait_for(hinted.wait(), 5)
        assert len(await two.queue.entries()) == 1
        await two.locks.acquire("maildrop")
        with pytest.raises(InUse):
            await one.locks.acquire("maildrop")
        await two.close()
        # The lock goes with its holder's connection.
        async with asyncio.timeout(5):
            while True:
                try:
                    await one.locks.acquire("maildrop")
                    break
                except InUse:
                    await asyncio.sleep(0.001)


async def test_one_writer_per_directory(tmp_path: Path) -> None:
    async with open_backend(tmp_path, "local"):
        with pytest.raises(InUse):
            await open_store(tmp_path, role="local")
    store = await open_store(tmp_path, role="auto")
    await store.close()


async def test_auto_is_a_client_while_a_writer_runs(tmp_path: Path) -> None:
    async with open_backend(tmp_path, "process"):
        store = await open_store(tmp_path, role="auto")
        await store.directory.put_setting("a", b"b")
        assert await store.directory.setting("a") == b"b"
        await store.close()


async def test_a_waiting_worker_is_not_woken_for_every_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("posthouse.storage.sqlite.server.HINT_PAUSE_S", 3600.0)
    async with open_backend(tmp_path, "process") as one:
        account = await make_account(one)
        two = await open_store(tmp_path, role="client")
        got: list[Hint] = []
        hinted = asyncio.Event()
        two.hints.subscribe(lambda hint: (got.append(hint), hinted.set()))
        for number in range(3):
            await deliver_one(one, message(number), LocalCopy(account.id))
        await asyncio.wait_for(hinted.wait(), 5)
        (first,) = [hint.modseq for hint in got]  # it comes at once; the others are held
        hinted.clear()
        await one.directory.update_account(account.id, {"name": "x"})
        await asyncio.wait_for(hinted.wait(), 5)
        assert [hint.kind for hint in got[1:]] == ["mailbox", "mailbox", "directory"]
        assert [hint.modseq for hint in got[1:3]] == [first + 1, first + 2]
        await two.close()
