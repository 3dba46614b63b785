"""Snapshots, changes, flags, copy, move, expunge, fetch in chunks."""

from __future__ import annotations

import asyncio

import pytest

from posthouse.core.errors import Invalid, NotFound, OverQuota
from posthouse.core.flags import ANSWERED, DELETED, FIRST_KEYWORD_BIT, FLAGGED, SEEN
from posthouse.core.ids import MailboxId
from posthouse.storage.ports import Store
from posthouse.storage.rows import COLUMNS, Account, LocalCopy, Mailbox
from posthouse.storage.sqlite import fetch
from posthouse.storage.sqlite.reads import Reader
from tests.storage.fixtures import ALL, deliver, deliver_one, make_account, message, rows

MANY = [f"kw{n:03}" for n in range(70)]


async def test_snapshot_is_shared_until_something_happens(
    store: Store, account: Account, inbox: Mailbox
) -> None:
    await deliver(store, inbox, *(message(n) for n in range(5)))
    first = await store.messages.snapshot(account.id, inbox.id)
    assert first is await store.messages.snapshot(account.id, inbox.id)
    await store.messages.expunge(account.id, inbox.id, [(2, 3)], only_deleted=False)
    await deliver(store, inbox, message(9))
    second = await store.messages.snapshot(account.id, inbox.id)
    assert (list(first.uids), list(second.uids)) == ([1, 2, 3, 4, 5], [1, 4, 5, 6])
    assert (second.uidnext, second.uidvalidity) == (7, inbox.uidvalidity)
    with pytest.raises(NotFound):
        await store.messages.snapshot(account.id, MailboxId(999))


async def test_snapshot_of_a_mailbox_with_more_gaps_than_messages(store: Store, inbox: Mailbox) -> None:
    await deliver(store, inbox, *(message(n) for n in range(200)))
    await store.messages.expunge(inbox.account, inbox.id, [(2, 199)], only_deleted=False)
    snapshot = await store.messages.snapshot(inbox.account, inbox.id)
    assert list(snapshot.uids) == [1, 200]


async def test_changes(store: Store, account: Account, inbox: Mailbox) -> None:
    await deliver(store, inbox, *(message(n) for n in range(4)))
    before = (await store.messages.snapshot(account.id, inbox.id)).modseq
    await store.messages.store_flags(account.id, inbox.id, [(2, 2)], add=SEEN)
    await store.messages.expunge(account.id, inbox.id, [(1, 1)], only_deleted=False)
    await deliver(store, inbox, message(8))
    changes = await store.messages.changes(account.id, inbox.id, before)
    assert [(uid, flags) for uid, flags, _ in changes.changed] == [(2, SEEN), (5, 0)]
    assert changes.expunged == [1]
    assert changes.uidnext == 6
    again = await store.messages.changes(account.id, inbox.id, changes.modseq)
    assert (again.changed, again.expunged) == ([], [])


async def test_store_flags_names_what_others_had_changed(
    store: Store, account: Account, inbox: Mailbox
) -> None:
    await deliver(store, inbox, *[message(n) for n in range(1, 4)])
    known = (await store.mailboxes.by_id(account.id, inbox.id)).modseq
    await store.messages.store_flags(account.id, inbox.id, [(1, 1)], add=FLAGGED)
    await store.messages.store_flags(account.id, inbox.id, [(2, 2)], add=SEEN)
    stored = await store.messages.store_flags(account.id, inbox.id, [(1, 3)], add=SEEN, known_modseq=known)
    # the second has the flag already: it was changed all the same
    assert stored.surprising == [1, 2]
    assert (await store.messages.store_flags(account.id, inbox.id, [(1, 3)], remove=SEEN)).surprising == []


async def test_store_flags(store: Store, account: Account, inbox: Mailbox) -> None:
    await deliver(store, inbox, message(1), message(2), message(3))
    stored = await store.messages.store_flags(account.id, inbox.id, [(1, 2), (9, 12)], add=SEEN | FLAGGED)
    assert stored.changed == [(1, SEEN | FLAGGED, stored.modseq), (2, SEEN | FLAGGED, stored.modseq)]
    same = await store.messages.store_flags(account.id, inbox.id, [(1, 1)], add=SEEN)
    assert same.changed == [(1, SEEN | FLAGGED, stored.modseq)]
    removed = await store.messages.store_flags(account.id, inbox.id, [(1, 1)], remove=SEEN)
    assert removed.changed == [(1, FLAGGED, stored.modseq + 1)]
    replaced = await store.messages.store_flags(account.id, inbox.id, ALL, replace=ANSWERED | DELETED)
    assert [flags for _, flags, _ in replaced.changed] == [ANSWERED | DELETED] * 3
    now = await store.mailboxes.by_id(account.id, inbox.id)
    assert (now.unseen, now.deleted, now.modseq) == (3, 3, replaced.modseq)


async def test_unchanged_since(store: Store, account: Account, inbox: Mailbox) -> None:
    await deliver(store, inbox, message(1), message(2))
    modseq = (await store.mailboxes.by_id(account.id, inbox.id)).modseq
    await store.messages.store_flags(account.id, inbox.id, [(1, 1)], add=SEEN)
    stored = await store.messages.store_flags(account.id, inbox.id, ALL, add=FLAGGED, unchanged_since=modseq)
    assert stored.refused == [1]
    assert [uid for uid, _, _ in stored.changed] == [2]


async def test_any_number_of_keywords(store: Store, account: Account, inbox: Mailbox) -> None:
    bits = await store.messages.keyword_bits(account.id, MANY)
    assert bits == (1 << 70) - 1 << FIRST_KEYWORD_BIT
    await deliver(store, inbox, message(1), flags=bits | SEEN)
    await deliver_one(store, message(2), LocalCopy(account.id, inbox.id, keywords=("KW069",)))
    last = await store.messages.keyword_bits(account.id, ["kw069"])
    assert await rows(store, inbox, "uid", "flags") == [(1, bits | SEEN), (2, last)]
    stored = await store.messages.store_flags(account.id, inbox.id, [(1, 1)], remove=bits ^ last)
    assert stored.changed == [(1, last | SEEN, stored.modseq)]
    changes = await store.messages.changes(account.id, inbox.id, 0)
    assert [flags for _, flags, _ in changes.changed] == [last | SEEN, last]
    assert await rows(store, inbox, "flags", "content", uids=[(2, 2)]) == [(last, message(2))]


async def test_keywords_follow_into_another_account(store: Store, account: Account, inbox: Mailbox) -> None:
    other = await make_account(store, "other")
    theirs = await store.mailboxes.get(other.id, "INBOX")
    await store.messages.keyword_bits(other.id, ["first", "second"])
    bits = await store.messages.keyword_bits(account.id, ["second", "third"])
    await deliver(store, inbox, message(1), flags=bits | SEEN)
    copied = await store.messages.copy(account.id, inbox.id, ALL, other.id, theirs.id, move=True)
    assert (copied.source, copied.target, copied.uidvalidity) == ([1], [1], theirs.uidvalidity)
    expected = await store.messages.keyword_bits(other.id, ["second", "third"])
    assert await rows(store, theirs, "flags", "content") == [(expected | SEEN, message(1))]
    assert await rows(store, inbox, "uid") == []


async def test_copy_shares_the_message(store: Store, account: Account, inbox: Mailbox) -> None:
    sent = await store.mailboxes.get(account.id, "Sent")
    await deliver(store, inbox, *(message(n) for n in range(4)), flags=FLAGGED)
    copied = await store.messages.copy(account.id, inbox.id, [(2, 3)], account.id, sent.id)
    assert (copied.source, copied.target) == ([2, 3], [1, 2])
    assert await rows(store, sent, "message", "flags", "date") == await rows(
        store, inbox, "message", "flags", "date", uids=[(2, 3)]
    )
    await store.messages.expunge(account.id, inbox.id, only_deleted=False)
    assert await rows(store, sent, "content") == [(message(1),), (message(2),)]


async def test_move(store: Store, account: Account, inbox: Mailbox) -> None:
    trash = await store.mailboxes.get(account.id, "Trash")
    await deliver(store, inbox, *(message(n) for n in range(3)))
    moved = await store.messages.copy(account.id, inbox.id, [(1, 2)], account.id, trash.id, move=True)
    assert (moved.source, moved.target) == ([1, 2], [1, 2])
    changes = await store.messages.changes(account.id, inbox.id, moved.modseq - 1)
    assert changes.expunged == [1, 2]
    nothing = await store.messages.copy(account.id, inbox.id, [(1, 2)], account.id, trash.id, move=True)
    assert (nothing.source, nothing.target) == ([], [])


async def test_copy_onto_itself(store: Store, account: Account, inbox: Mailbox) -> None:
    await deliver(store, inbox, message(1))
    copied = await store.messages.copy(account.id, inbox.id, ALL, account.id, inbox.id)
    assert (copied.source, copied.target) == ([1], [2])
    moved = await store.messages.copy(account.id, inbox.id, ALL, account.id, inbox.id, move=True)
    assert (moved.source, moved.target) == ([1, 2], [3, 4])
    assert await rows(store, inbox, "uid") == [(3,), (4,)]


async def test_copy_over_quota_changes_nothing(store: Store) -> None:
    tight = await make_account(store, "tight", quota_messages=3)
    inbox = await store.mailboxes.get(tight.id, "INBOX")
    sent = await store.mailboxes.get(tight.id, "Sent")
    await deliver(store, inbox, message(1), message(2))
    with pytest.raises(OverQuota):
        await store.messages.copy(tight.id, inbox.id, ALL, tight.id, sent.id)
    moved = await store.messages.copy(tight.id, inbox.id, ALL, tight.id, sent.id, move=True)
    assert moved.target == [1, 2]


async def test_expunge(store: Store, account: Account, inbox: Mailbox) -> None:
    await deliver(store, inbox, *(message(n) for n in range(4)))
    await store.messages.store_flags(account.id, inbox.id, [(2, 4)], add=DELETED)
    some = await store.messages.expunge(account.id, inbox.id, [(1, 2)])
    rest = await store.messages.expunge(account.id, inbox.id)
    none = await store.messages.expunge(account.id, inbox.id)
    assert (some.uids, rest.uids, none.uids) == ([2], [3, 4], [])
    assert none.modseq == rest.modseq > some.modseq
    with pytest.raises(NotFound):
        await store.messages.expunge(account.id, MailboxId(999))


async def test_fetch_in_chunks(store: Store, inbox: Mailbox) -> None:
    await deliver(store, inbox, *(message(n) for n in range(700)))
    await store.messages.expunge(inbox.account, inbox.id, [(100, 199)], only_deleted=False)
    chunks = [c async for c in store.messages.fetch(inbox.account, inbox.id, ALL, ("uid", "message_id"))]
    assert len(chunks) > 1
    expected = [(n + 1, f"{n}@qq.test") for n in range(700) if not 99 <= n < 199]
    assert [row for chunk in chunks for row in chunk] == expected
    ranges = [(1, 2), (150, 150), (198, 201), (700, 800)]
    assert await rows(store, inbox, "uid", uids=ranges) == [(1,), (2,), (200,), (201,), (700,)]
    assert await rows(store, inbox, "size", uids=[(1, 1)]) == [(len(message(0)),)]


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("chunk", [50, 8192])
async def test_numbers_by_column(
    store: Store, account: Account, inbox: Mailbox, monkeypatch: pytest.MonkeyPatch, *, long: bool, chunk: int
) -> None:
    monkeypatch.setattr(fetch, "NUMBERS_CHUNK_ROWS", chunk)
    await deliver(store, inbox, *(message(n) for n in range(300)))
    await store.messages.expunge(account.id, inbox.id, [(5, 9), (120, 120), (290, 300)], only_deleted=False)
    await store.messages.store_flags(account.id, inbox.id, [(20, 200)], add=SEEN)
    await store.messages.store_flags(account.id, inbox.id, [(100, 102)], add=1 << 62)
    if long:
        last = await store.messages.keyword_bits(account.id, MANY)
        await store.messages.store_flags(account.id, inbox.id, [(150, 160)], add=last)
    wanted = [(1, 3), (4, 130), (135, 135), (140, 0xFFFFFFFF)]

    async def read(*columns: str) -> list[tuple[int, ...]]:
        chunks = [c async for c in store.messages.fetch_numbers(account.id, inbox.id, wanted, columns)]
        assert all(0 < len(lists[0]) <= chunk for lists in chunks)
        return [row for lists in chunks for row in zip(*lists, strict=True)]

    for columns in (("uid", "flags"), ("uid", "size", "flags", "modseq"), ("uid",), ("uid", "message")):
        rows = store.messages.fetch(account.id, inbox.id, wanted, columns)
        expected = [row async for piece in rows for row in piece]
        assert await read(*columns) == expected
        # A keyword may be new between the look at how many there are and the rows.
        with monkeypatch.context() as patch:
            patch.setattr(Reader, "has_long_flags", lambda *_: False)
            assert await read(*columns) == expected
    there = [
        n for n in range(1, 290) if n not in (5, 6, 7, 8, 9, 120) and any(a <= n <= b for a, b in wanted)
    ]
    assert await read("uid") == [(n,) for n in there]
    with pytest.raises(Invalid):
        await read("uid", "date")
    with pytest.raises(NotFound):
        [c async for c in store.messages.fetch_numbers(account.id, MailboxId(999), wanted, ("uid",))]


async def test_fetch_content_in_chunks(store: Store, inbox: Mailbox) -> None:
    sent = [message(n, n * 3000) for n in range(150)]
    await deliver(store, inbox, *sent)
    got = await rows(store, inbox, "content", "uid", uids=[(1, 1), (3, 200)])
    assert got == [(sent[n], n + 1) for n in range(150) if n != 1]


async def test_fetch_every_column(store: Store, inbox: Mailbox) -> None:
    await deliver(store, inbox, message(1))
    [row] = await rows(store, inbox, *COLUMNS)
    assert len(row) == len(COLUMNS)
    [no_content] = await rows(store, inbox, *COLUMNS[:-1])
    assert row == (*no_content, message(1))
    with pytest.raises(Invalid):
        await rows(store, inbox, "password")
    with pytest.raises(NotFound):
        await rows(store, Mailbox(*(inbox.account, MailboxId(99)), *["", None, *[0] * 9, False]), "uid")  # type: ignore[arg-type]


async def test_a_consumer_may_leave_early(store: Store, inbox: Mailbox) -> None:
    await deliver(store, inbox, *(message(n, 30_000) for n in range(300)))
    for _ in range(3):
        chunks = store.messages.fetch(inbox.account, inbox.id, ALL, ("content",))
        async for chunk in chunks:
            assert chunk
            break
        await chunks.aclose()  # type: ignore[attr-defined]


async def test_fetch_while_others_write(store: Store, account: Account, inbox: Mailbox) -> None:
    await deliver(store, inbox, *(message(n) for n in range(600)))

    async def write() -> None:
        for number in range(20):
            await deliver(store, inbox, message(1000 + number))
            await store.messages.store_flags(account.id, inbox.id, [(number + 1, number + 1)], add=SEEN)

    found, _ = await asyncio.gather(rows(store, inbox, "uid", "content"), write())
    assert [uid for uid, _ in found][:600] == list(range(1, 601))
