"""The index of an account: made, kept up with deliveries and expunges, damaged, crashed, forgotten."""

from __future__ import annotations

import asyncio
import random
import shutil
from pathlib import Path

import pytest

from posthouse.core.flags import DELETED
from posthouse.mime.layout import unpack_layout
from posthouse.mime.search_text import fold, search_text
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Mailbox, TextSought
from posthouse.storage.search import AccountIndexes, writing
from posthouse.storage.search.manifest import NAME, read_manifest
from tests.storage.fixtures import ALL, deliver, make_account, message, open_backend

WORDS = ["alpha", "beta", "gamma", "季度报告", "天气", "delta,epsilon"]


def letter(number: int) -> bytes:
    chance = random.Random(number)
    body = " ".join(chance.choices(WORDS, k=3)) + f" n{number}"
    head, _, rest = message(number, subject=chance.choice(WORDS[:3])).partition(b"\r\n\r\n")
    return head + b"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + body.encode() + b"\r\n" + rest


def sought(needle: str, where: str = "TEXT", field: str = "") -> TextSought:
    return TextSought(where, fold(needle), field)


async def by_reading(store: Store, mailbox: Mailbox, one: TextSought, through: int) -> list[int]:
    uids: list[int] = []
    if not through:
        return uids
    columns = ("uid", "layout", "content")
    async for rows in store.messages.fetch(mailbox.account, mailbox.id, [(1, through)], columns):
        for uid, layout, content in rows:
            text = search_text(content, unpack_layout(layout))
            if one.where == "HEADER":
                holds = text.field_holds(one.field, one.needle)
            else:
                holds = text.body_holds(one.needle) or (one.where == "TEXT" and text.header_holds(one.needle))
            if holds:
                uids.append(uid)
    return uids


ASKED = [
    sought("alpha"),
    sought("季度"),
    sought("度报告"),
    sought("delta, eps"),
    sought("a,eps", "BODY"),
    sought("gamma", "BODY"),
    sought("bet", "HEADER", "subject"),
    sought("@qq", "HEADER", "message-id"),
    sought("absent"),
]


async def assert_exact(store: Store, mailbox: Mailbox) -> int:
    """The last UID that the index covers."""
    found = await store.search.find(mailbox.account, mailbox.id, ASKED)
    assert found is not None
    read = [await by_reading(store, mailbox, one, found.through) for one in ASKED]
    there = set((await store.messages.snapshot(mailbox.account, mailbox.id)).uids)
    for one, uids, expected in zip(ASKED, found.uids, read, strict=True):
        assert [uid for uid in uids if uid in there] == [uid for uid in expected if uid in there], one
    await assert_groups_exact(store, mailbox, found.uids)
    return found.through


async def assert_groups_exact(store: Store, mailbox: Mailbox, uids: list[list[int]]) -> None:
    """Messages with one of several texts are those that have the one or the other."""
    account = mailbox.account
    groups = [ASKED[at : at + size] for at in range(len(ASKED)) for size in (1, 3)]
    found = await store.search.find_messages(account, groups, mailbox.id)
    anywhere = await store.search.find_messages(account, groups)
    assert found is not None
    assert anywhere is not None
    assert anywhere.through == found.through
    there = (await store.messages.snapshot(account, mailbox.id)).uids
    read = [(uid, await store.emails.by_uid(account, mailbox.id, [uid])) for uid in there]
    by_uid = {uid: messages[0] for uid, messages in read if messages}  # others work meanwhile
    here = set(by_uid.values())
    for group, messages, all_messages in zip(groups, found.messages, anywhere.messages, strict=True):
        expected = {by_uid[uid] for one in group for uid in uids[ASKED.index(one)] if uid in by_uid}
        assert messages & here == all_messages & here == expected, group
        assert messages <= all_messages


async def test_the_index_follows_the_mailbox(store: Store, account: Account, inbox: Mailbox) -> None:
    assert await store.search.find(account.id, inbox.id, ASKED) is None
    await deliver(store, inbox, *map(letter, range(50)))
    store.search.want(account.id)
    assert await store.search.pending() == [account.id]
    assert await store.search.update(account.id) == 50
    assert await store.search.pending() == []
    assert await assert_exact(store, inbox) == 50
    await deliver(store, inbox, *map(letter, range(50, 60)))
    # What is newer is the caller's to read.
    assert await assert_exact(store, inbox) == 50
    assert await store.search.update(account.id) == 10
    assert await assert_exact(store, inbox) == 60


async def test_copies_share_what_was_read(store: Store, account: Account, inbox: Mailbox) -> None:
    await deliver(store, inbox, *map(letter, range(20)))
    archive = await store.mailboxes.get(account.id, "Archive")
    await store.messages.copy(account.id, inbox.id, [(5, 9)], account.id, archive.id)
    await store.messages.copy(account.id, inbox.id, [(1, 3)], account.id, archive.id, move=True)
    assert await store.search.update(account.id) == 20
    await store.messages.copy(account.id, inbox.id, [(10, 12)], account.id, archive.id)
    assert await store.search.update(account.id) == 0
    assert await assert_exact(store, archive) == 11
    assert await assert_exact(store, inbox) == 20


async def test_what_was_expunged_leaves_the_index(
    store: Store, account: Account, inbox: Mailbox, tmp_path: Path
) -> None:
    directory = tmp_path / "search" / f"{account.id:x}"
    for start in range(0, 400, 50):
        await deliver(store, inbox, *map(letter, range(start, start + 50)))
        await store.search.update(account.id)
    manifest = read_manifest(directory)
    assert len(manifest.segments) == 1, "eight segments of one size are merged"
    await store.messages.store_flags(account.id, inbox.id, [(1, 300)], add=DELETED)
    await store.messages.expunge(account.id, inbox.id)
    assert await assert_exact(store, inbox) == 400
    await store.search.update(account.id)
    assert await assert_exact(store, inbox) == 400
    manifest = read_manifest(directory)
    assert [docs for _, docs, _ in manifest.segments] == [100]
    assert len(list(directory.glob("*.seg"))) == 1
    await store.messages.store_flags(account.id, inbox.id, ALL, add=DELETED)
    await store.messages.expunge(account.id, inbox.id)
    await store.search.update(account.id)
    assert read_manifest(directory).segments == []


async def test_a_deleted_mailbox_leaves_the_index(store: Store, account: Account) -> None:
    box = await store.mailboxes.create(account.id, "Work")
    await deliver(store, box, *map(letter, range(100)))
    await store.search.update(account.id)
    await store.mailboxes.delete(account.id, "Work")
    await store.search.update(account.id)
    assert await store.search.find(account.id, box.id, ASKED) is None


@pytest.mark.parametrize("damage", ["segment", "segment-cut", "segment-lost", "manifest", "manifest-lost"])
async def test_damage_costs_the_index_and_nothing_else(
    store: Store, account: Account, inbox: Mailbox, tmp_path: Path, damage: str
) -> None:
    await deliver(store, inbox, *map(letter, range(30)))
    await store.search.update(account.id)
    directory = tmp_path / "search" / f"{account.id:x}"
    path = next(directory.glob("*.seg")) if damage.startswith("segment") else directory / NAME
    if damage.endswith("lost"):
        path.unlink()
    elif damage.endswith("cut"):
        path.write_bytes(path.read_bytes()[:100])
    else:
        data = bytearray(path.read_bytes())
        data[10] ^= 0xFF
        path.write_bytes(data)
    if damage != "manifest-lost":
        assert [problem.invariant for problem in await store.search.check()] in (["search-index"], [])
    assert await store.search.find(account.id, inbox.id, ASKED) is None
    assert await store.search.update(account.id) == 30
    assert await assert_exact(store, inbox) == 30
    assert await store.search.check() == []


async def test_check_reads_every_byte(store: Store, account: Account, inbox: Mailbox, tmp_path: Path) -> None:
    await deliver(store, inbox, *map(letter, range(30)))
    await store.search.update(account.id)
    path = next((tmp_path / "search" / f"{account.id:x}").glob("*.seg"))
    data = path.read_bytes()
    path.write_bytes(data[:-3] + b"xyz")
    assert [problem.invariant for problem in await store.check()] == ["search-index"]
    path.write_bytes(data)


class Killed(BaseException):
    pass


async def test_a_crash_at_any_write_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before or after each change of the file system, then gone on with."""
    monkeypatch.setattr(writing, "BATCH_ROWS", 8)
    monkeypatch.setattr(writing, "BUILD_DOCS", 8)
    async with open_backend(tmp_path / "data") as store:
        account = (await make_account(store)).id
        inbox = await store.mailboxes.get(account, "INBOX")
        await deliver(store, inbox, *map(letter, range(80)))
        directory = tmp_path / "data" / "search" / f"{account:x}"
        steps = 0
        real_manifest, real_write = writing.write_manifest, writing.SegmentBuilder.write
        real_merge = writing.merge_segments
        for fatal in range(200):
            shutil.rmtree(directory, ignore_errors=True)
            steps = 0

            def step(do: object, *, fatal: int = fatal) -> object:
                def run(*arguments: object) -> object:
                    nonlocal steps
                    steps += 1
                    if steps == 2 * fatal + 1:
                        raise Killed
                    result = do(*arguments)  # type: ignore[operator]
                    steps += 1
                    if steps == 2 * fatal + 2:
                        raise Killed
                    return result

                return run

            monkeypatch.setattr(writing, "write_manifest", step(real_manifest))
            monkeypatch.setattr(writing, "merge_segments", step(real_merge))
            monkeypatch.setattr(writing.SegmentBuilder, "write", step(real_write))
            killed = False
            try:
                await store.search.update(account)
            except Killed:
                killed = True
            monkeypatch.setattr(writing, "write_manifest", real_manifest)
            monkeypatch.setattr(writing, "merge_segments", real_merge)
            monkeypatch.setattr(writing.SegmentBuilder, "write", real_write)
            if killed and (directory / NAME).exists():
                await assert_exact(store, inbox)
            await store.search.update(account)
            assert await assert_exact(store, inbox) == 80
            assert await store.search.check() == []
            if not killed:
                break
        assert steps > 20


async def test_indexing_beside_deliveries_and_expunges(
    store: Store, account: Account, inbox: Mailbox
) -> None:
    """Whatever moment it is, the index is exact as far as it says it reaches."""
    stop = asyncio.Event()

    async def change() -> None:
        chance = random.Random(3)
        number = 0
        while not stop.is_set():
            await deliver(store, inbox, *map(letter, range(number, number + 5)))
            number += 5
            uid = chance.randint(1, number)
            await store.messages.store_flags(account.id, inbox.id, [(uid, uid + 1)], add=DELETED)
            await store.messages.expunge(account.id, inbox.id)

    changing = asyncio.create_task(change())
    reached = []
    for _ in range(12):
        await store.search.update(account.id)
        reached.append(await assert_exact(store, inbox))
    stop.set()
    await changing
    assert reached == sorted(reached)
    assert reached[-1] > 30


async def test_only_one_writes_an_index(
    store: Store, account: Account, inbox: Mailbox, tmp_path: Path
) -> None:
    await deliver(store, inbox, *map(letter, range(20)))
    other = AccountIndexes(tmp_path / "search", store.mailboxes, store.messages)
    done = await asyncio.gather(store.search.update(account.id), other.update(account.id))
    assert sorted(done) == [0, 20]
    other.close()


async def test_a_deleted_account_takes_its_index_along(
    store: Store, account: Account, inbox: Mailbox, tmp_path: Path
) -> None:
    await deliver(store, inbox, letter(1))
    await store.search.update(account.id)
    assert list((tmp_path / "search").iterdir())
    await store.directory.delete_account(account.id)
    assert list((tmp_path / "search").iterdir()) == []
    store.search.want(account.id)
    assert await store.search.update(account.id) == 0
    assert await store.search.pending() == []


async def test_wanting_calls_back(store: Store, account: Account) -> None:
    calls = []
    store.search.on_want(lambda: calls.append(1))
    store.search.want(account.id)
    store.search.on_want(None)
    store.search.want(account.id)
    assert calls == [1]
