"""Contents: packing, staging, large messages, orphans."""

from __future__ import annotations

import asyncio
import os
import random
import time
from pathlib import Path

import pytest

from posthouse.core.errors import NotFound, Unavailable
from posthouse.mime.facts import facts_of
from posthouse.storage.blobs import codec
from posthouse.storage.blobs.codec import Codec
from posthouse.storage.blobs.contents import INLINE_CONTENT_MAX_BYTES, MEMORY_MAX_BYTES
from posthouse.storage.content_ports import Content
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, ContentDraft, Delivery, LocalCopy, Mailbox
from posthouse.storage.sqlite import open_store
from tests.storage.fixtures import deliver_one, make_account, message, open_backend, rows

NOISE = random.Random(1).randbytes(3 << 20)
SIZES = (
    0,
    1,
    4096,
    65_536,
    65_537,
    262_144,
    262_145,
    300_000,
    (1 << 20) - 1,
    1 << 20,
    (1 << 20) + 1,
    2_500_001,
)


async def whole(content: Content) -> bytes:
    if isinstance(content, bytes):
        return content
    return b"".join([chunk async for chunk in content.chunks()])


async def put(store: Store, draft: ContentDraft) -> Mailbox:
    """Deliver a draft to a mailbox made for it."""
    accounts = await store.directory.accounts()
    account = accounts[0] if accounts else await make_account(store)
    made = await store.mailboxes.create(account.id, f"m{time.monotonic_ns()}")
    await store.messages.deliver(
        [Delivery("t", draft, facts_of(message(1)), [LocalCopy(account.id, made.id)])]
    )
    return made


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("compressible", [True, False])
async def test_what_goes_in_comes_out(store: Store, size: int, compressible: bool) -> None:
    data = (b"The same line again.\r\n" * (size // 22 + 1))[:size] if compressible else NOISE[:size]
    writer = store.contents.writer()
    for at in range(0, size, 100_000):
        writer.write(data[at : at + 100_000])
        if writer.must_drain:
            await writer.drain()
        assert not writer.must_drain
    assert writer.size == size
    assert bytes(writer.view()) == data
    prefix = b"Received: here\r\n"
    draft = await writer.finish(prefix)
    writer.abort()
    assert draft.size == size + len(prefix)
    mailbox = await put(store, draft)
    [(content,)] = await rows(store, mailbox, "content")
    assert isinstance(content, bytes) == (draft.size <= INLINE_CONTENT_MAX_BYTES)
    assert await whole(content) == prefix + data
    assert (draft.file is None) == (draft.packed is not None)


async def test_draft_equals_writer(store: Store) -> None:
    for size in SIZES:
        mailbox = await put(store, store.contents.draft(NOISE[:size]))
        [(content,)] = await rows(store, mailbox, "content")
        assert await whole(content) == NOISE[:size]


async def test_parts_of_large_content(store: Store, account: Account) -> None:
    mailbox = await put(store, store.contents.draft(NOISE))
    [(content,)] = await rows(store, mailbox, "content")
    assert content.size == len(NOISE)
    for start, stop in (
        (0, 10),
        (5, 5),
        (262_140, 262_150),
        (100, 2_000_000),
        (len(NOISE) - 3, None),
        (9, 1 << 40),
    ):
        chunks = [chunk async for chunk in content.chunks(start, stop)]
        assert b"".join(chunks) == NOISE[start:stop]
        assert all(0 < len(chunk) <= 256 << 10 for chunk in chunks)
    await store.messages.expunge(account.id, mailbox.id, only_deleted=False)
    with pytest.raises(NotFound):
        await whole(content)


@pytest.mark.parametrize("compressible", [True, False])
async def test_what_streams_in_comes_out(store: Store, compressible: bool) -> None:
    for size in SIZES:
        data = (b"The same line again.\r\n" * (size // 22 + 1))[:size] if compressible else NOISE[:size]
        stream = store.contents.stream()
        for at in range(0, size, 100_001):
            stream.write(data[at : at + 100_001])
            if stream.must_drain:
                await stream.drain()
            assert not stream.must_drain
        draft = await stream.finish()
        stream.abort()
        assert draft.size == size == stream.size
        [(content,)] = await rows(store, await put(store, draft), "content")
        assert await whole(content) == data


async def test_of_an_aborted_stream_nothing_is_left(store: Store, tmp_path: Path) -> None:
    for drains in (1, 2, 3):
        stream = store.contents.stream()
        for _ in range(drains):
            stream.write(NOISE * 3)
            await stream.drain()
        stream.abort()  # while the thread packs
    async with asyncio.timeout(10):
        while list(tmp_path.rglob("*.zst")):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert not list(tmp_path.rglob("*.zst"))


async def test_reading_that_is_given_up_closes_the_file(store: Store) -> None:
    [(content,)] = await rows(store, await put(store, store.contents.draft(NOISE)), "content")
    before = set(os.listdir("/proc/self/fd"))
    reading = content.chunks()
    assert len(await anext(reading)) == 256 << 10
    await reading.aclose()  # while the thread reads ahead
    async with asyncio.timeout(10):
        while set(os.listdir("/proc/self/fd")) - before:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_a_long_prefix(store: Store) -> None:
    prefix = NOISE[:300_000]
    writer = store.contents.writer()
    writer.write(NOISE)
    mailbox = await put(store, await writer.finish(prefix))
    [(content,)] = await rows(store, mailbox, "content")
    assert await whole(content) == prefix + NOISE
    assert b"".join([c async for c in content.chunks(299_999, 300_001)]) == prefix[-1:] + NOISE[:1]


async def test_memory_stays_bounded(store: Store) -> None:
    writer = store.contents.writer()
    for _ in range(64):
        writer.write(NOISE[:65_536])
        assert writer._unwritten <= MEMORY_MAX_BYTES + 65_536  # type: ignore[attr-defined]
        await writer.drain()
    writer.abort()
    writer.abort()


def test_small_messages_use_the_dictionary() -> None:
    data = message(1, 2000)
    number, packed = Codec().pack(data)
    assert number == codec.ZSTD_MAIL_V1
    assert len(packed) < len(data) // 3
    assert Codec().unpack(number, packed) == data
    assert Codec().pack(NOISE[:1000]) == (codec.RAW, NOISE[:1000])
    with pytest.raises(Unavailable):
        Codec().unpack(99, packed)


def test_sets_are_unpacked_like_single_ones() -> None:
    packer = Codec()
    messages = [message(1, 5000), NOISE[:3000], b"", b"a" * 100_000, message(2, 300), b"b" * 70_000]
    stored = [packer.pack(data) for data in messages]
    assert len({number for number, _ in stored}) == 3
    assert list(map(bytes, packer.unpack_all(stored))) == messages
    assert packer.unpack_all(stored[:1]) == messages[:1]
    assert packer.unpack_all([]) == []
    with pytest.raises(Unavailable, match="later version"):
        packer.unpack_all([*stored, (99, b"x")])


async def test_files_go_with_their_last_reference(tmp_path: Path) -> None:
    async with open_backend(tmp_path) as store:
        one, two = await make_account(store, "one"), await make_account(store, "two")
        large = message(1, 2 << 20)
        await deliver_one(store, large, LocalCopy(one.id), LocalCopy(two.id))
        blobs = tmp_path / "blobs"
        [file] = blobs.glob("*/*/*")
        for account in (one, two):
            assert file.exists()
            inbox = await store.mailboxes.get(account.id, "INBOX")
            await store.messages.expunge(account.id, inbox.id, only_deleted=False)
        assert not file.exists()


async def test_what_is_read_again_comes_from_memory(tmp_path: Path) -> None:
    sizes = (300, 5000, 500_000, 2 << 20)  # in a row, in a row, in a file, too long to be kept
    async with open_backend(tmp_path) as store:
        account = await make_account(store)
        inbox = await store.mailboxes.get(account.id, "INBOX")
        messages = [message(number, size) for number, size in enumerate(sizes)]
        for data in messages:
            await deliver_one(store, data, LocalCopy(account.id))
        for _ in range(2):
            found = await rows(store, inbox, "uid", "content", "size")
            assert [await whole(row[1]) for row in found] == messages
            assert [row[2] for row in found] == list(map(len, messages))
        kept = store._reader.cache  # type: ignore[attr-defined]
        assert kept.size_bytes == sum(map(len, messages[:3]))
        await store.messages.expunge(account.id, inbox.id, [(2, 2)], only_deleted=False)
        found = await rows(store, inbox, "content")
        assert [await whole(content) for (content,) in found] == [messages[0], *messages[2:]]


async def test_orphans_are_swept_at_start(tmp_path: Path) -> None:
    async with open_backend(tmp_path) as store:
        account = await make_account(store)
        await deliver_one(store, message(1, 2 << 20), LocalCopy(account.id))
        orphan = store.contents.draft(NOISE).file
        young = store.contents.draft(NOISE).file
        assert orphan is not None
        assert young is not None
    long_ago = time.time() - 86_400
    kept = {
        str(path) for path in (tmp_path / "blobs").glob("*/*/*") if not str(path).endswith((orphan, young))
    }
    for path in (*kept, tmp_path / "blobs" / orphan):
        os.utime(path, (long_ago, long_ago))
    store = await open_store(tmp_path, role="local")
    await store.close()
    left = {str(path) for path in (tmp_path / "blobs").glob("*/*/*")}
    assert left == kept | {str(tmp_path / "blobs" / young)}
    assert list((tmp_path / "staging").iterdir()) == []
