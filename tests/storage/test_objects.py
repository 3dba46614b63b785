"""Objects of accounts and uploads."""

from __future__ import annotations

from typing import Any

import pytest

from posthouse.core.errors import Conflict, NotFound, OverQuota
from posthouse.storage.email_rows import StoredObject
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, QueueEntry, QueueRecipient
from posthouse.storage.sqlite.objects import REMOVED_KEPT
from tests.storage.fixtures import delivery, make_account, message


async def test_objects_come_change_and_go(store: Store, account: Account) -> None:
    put = await store.objects.put(account.id, [StoredObject("A", 0, b"1"), StoredObject("B", 0, b"2")])
    first, second = put.ids
    modseq, found = await store.objects.get(account.id, "A")
    assert (modseq, [(o.id, o.value) for o in found]) == (put.modseq, [(first, b"1")])
    assert (await store.objects.get(account.id, "A", [second]))[1] == []
    await store.objects.put(account.id, [StoredObject("A", first, b"3")], if_modseq=modseq)
    with pytest.raises(Conflict):
        await store.objects.put(account.id, [StoredObject("A", first, b"4")], if_modseq=modseq)
    await store.objects.put(account.id, [StoredObject("A", first, None)])
    _, _, changes = await store.objects.changes(account.id, "A", modseq)
    assert [(o.id, o.value, o.created) for o in changes] == [(first, None, put.modseq)]
    with pytest.raises(NotFound):
        await store.objects.put(account.id, [StoredObject("A", first, b"5")])
    assert [o.account for o in await store.objects.everywhere("B")] == [account.id]
    other = await make_account(store, "wang")
    with pytest.raises(NotFound):
        await store.objects.put(other.id, [StoredObject("B", second, b"5")])


async def test_objects_are_bounded(store: Store, account: Account) -> None:
    with pytest.raises(OverQuota):
        await store.objects.put(account.id, [StoredObject("A", 0, b"1")] * 3, count_max=2)
    assert (await store.objects.get(account.id, "A"))[1] == []
    made = await store.objects.put(account.id, [StoredObject("A", 0, b"1")] * (REMOVED_KEPT + 1))
    await store.objects.put(account.id, [StoredObject("A", one, None) for one in made.ids])
    _, history, left = await store.objects.changes(account.id, "A", 0)
    assert len(left) < REMOVED_KEPT
    assert history > 0


async def test_an_object_of_a_delivery_knows_its_queue_entry(store: Store, account: Account) -> None:
    entry = QueueEntry("li@example.test", [QueueRecipient("a@b.test")], "t", 0.0, 9e9)
    one = delivery(store, message(1), queue=[entry])
    one.objects.append(StoredObject("S", 0, b"x", account.id))
    [stored] = await store.messages.deliver([one])
    _, [found] = await store.objects.get(account.id, "S")
    assert found.ref == stored.queued[0]


async def test_uploads(store: Store, account: Account) -> None:
    limits: dict[str, Any] = {"maker": "", "bytes_max": 1000, "count_max": 2}
    one = await store.uploads.add(account.id, store.contents.draft(b"a" * 600), "text/plain", **limits)
    assert await store.uploads.get(account.id, one.id, "") == one
    assert await store.contents.read(one.blob) == b"a" * 600
    with pytest.raises(OverQuota):
        await store.uploads.add(account.id, store.contents.draft(b"a" * 600), "text/plain", **limits)
    other = await make_account(store, "wang")
    assert await store.uploads.get(other.id, one.id, "") is None
    assert await store.uploads.expire(9e12) == 1
    assert await store.uploads.get(account.id, one.id, "") is None
    limits["maker"] = "app 1"
    two = await store.uploads.add(account.id, store.contents.draft(b"b"), "text/plain", **limits)
    assert [await store.uploads.get(account.id, two.id, maker) for maker in ("", "app 1", "app 2")] == [
        two,
        two,
        None,
    ]
    await store.directory.delete_account(account.id)
