"""The hub: one snapshot per mailbox, a bounded memory of changes, warm mailboxes up to a limit."""

from __future__ import annotations

import asyncio
import random
from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.core.errors import NotFound
from posthouse.services.mailboxes import MailboxHub, MailboxSettings, without
from posthouse.storage.rows import Changes, Mailbox
from tests.unit.imap_world import World, imap_world


async def mailbox_of(world: World, name: str = "INBOX") -> Mailbox:
    return await world.store.mailboxes.get(world.account.id, name)


async def test_two_that_open_at_once_share(tmp_path: Path) -> None:
    async with imap_world(tmp_path) as world:
        await world.letters(2)
        row = await mailbox_of(world)
        one, two = await asyncio.gather(world.hub.open(row), world.hub.open(row))
        assert one is two
        assert one.users == 2
        world.hub.release(one)
        world.hub.release(two)
        assert world.hub._unused_uids == 2


async def test_an_opener_that_comes_late_takes_it_back_into_use(tmp_path: Path, monkeypatch) -> None:
    async with imap_world(tmp_path) as world:
        await world.letters(2)
        row = await mailbox_of(world)
        read = world.store.messages.snapshot

        async def slow(account, mailbox):
            snapshot = await read(account, mailbox)
            monkeypatch.undo()
            world.hub.release(await world.hub.open(row))  # another comes and goes meanwhile
            return snapshot

        monkeypatch.setattr(world.store.messages, "snapshot", slow)
        shared = await world.hub.open(row)
        assert (shared.users, world.hub._unused, world.hub._unused_uids) == (1, {}, 0)
        world.hub.release(shared)


async def test_warm_mailboxes_are_bounded(tmp_path: Path) -> None:
    async with imap_world(tmp_path) as world:
        hub = MailboxHub(world.store, MailboxSettings(warm_max_uids=500))
        for name in ("Sent", "Drafts", "Trash"):
            hub.release(await hub.open(await mailbox_of(world, name)))
        kept = {shared.mailbox for shared in hub._open[world.account.id].values()}
        assert kept == {(await mailbox_of(world, name)).id for name in ("Drafts", "Trash")}
        hub.close()


async def test_the_memory_of_changes_is_bounded(tmp_path: Path) -> None:
    async with imap_world(tmp_path) as world:
        shared = await world.hub.open(await mailbox_of(world))
        start = shared.modseq
        for step in range(1, 8):
            changes = Changes(start + step, step + 1, [(step, 0, start + step)], [])
            shared.apply(changes, log_max_rows=6)
        assert list(shared.uids) == [1, 2, 3, 4, 5, 6, 7]
        assert shared.changes_since(start) is None
        found = shared.changes_since(start + 5)
        assert found is not None
        assert [change.modseq - start for change in found] == [6, 7]
        assert shared.changes_since(start + 7) == []
        world.hub.release(shared)


async def test_arrivals_are_taken_from_hints(tmp_path: Path, monkeypatch) -> None:
    """What a hint tells of whole is not read; what it does not, and what a lost hint told of, is."""
    async with imap_world(tmp_path) as world:
        shared = await world.hub.open(await mailbox_of(world))
        moved: list[tuple[int, list[int]]] = []

        def listener() -> None:
            moved.append((shared.modseq, list(shared.uids)))

        world.hub.listen(shared, listener)
        with monkeypatch.context() as patch:
            patch.setattr(world.store.messages, "changes", None)
            await world.letters(2)
            await world.letters(1)
        assert [uids for _, uids in moved] == [[1, 2], [1, 2, 3]]
        assert moved[-1][0] == (await mailbox_of(world)).modseq == shared.modseq
        assert shared.uidnext == (await mailbox_of(world)).uidnext
        key = shared.account, shared.mailbox
        world.hub._unsubscribe()  # these hints are lost
        await world.letters(1)
        world.hub._unsubscribe = world.store.hints.subscribe(world.hub._on_hint)
        await world.letters(1)
        await asyncio.gather(*world.hub._tasks)
        assert list(shared.uids) == [1, 2, 3, 4, 5]
        read = await world.store.messages.changes(*key, 0)
        assert (shared.modseq, shared.uidnext) == (read.modseq, read.uidnext)
        world.hub.unlisten(shared, listener)
        world.hub.release(shared)


async def test_a_deleted_mailbox_is_forgotten(tmp_path: Path) -> None:
    async with imap_world(tmp_path) as world:
        shared = await world.hub.open(await mailbox_of(world, "Drafts"))
        await world.store.mailboxes.delete(world.account.id, "Drafts")
        with pytest.raises(NotFound):
            await world.hub.refresh(shared)
        world.hub.release(shared)
        assert world.hub._open == {}


@given(
    st.sets(st.integers(1, 5000), min_size=1),
    st.randoms(use_true_random=False),
    st.sampled_from((0, 1, 2, 9)),
)
def test_without(uids: set[int], chance: random.Random, count: int) -> None:
    many = array("I", sorted(uids | set(range(6000, 9000))))
    gone = sorted(chance.sample(list(many), min(count, len(many))) + [5500] * (count > 1))
    before = many[:]
    assert list(without(many, gone)) == [uid for uid in many if uid not in gone]
    assert many == before
    assert list(without(array("I", sorted(uids)), gone)) == [uid for uid in sorted(uids) if uid not in gone]
