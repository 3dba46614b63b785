"""Annotations of mailboxes and of the server."""

from __future__ import annotations

import pytest

from posthouse.core.errors import NotFound, OverQuota
from posthouse.core.ids import MailboxId
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Mailbox

SERVER = MailboxId(0)


async def test_set_read_remove(store: Store, account: Account, inbox: Mailbox) -> None:
    metadata = store.metadata
    first = await metadata.set(
        account.id, inbox.id, {"/private/b": b"two", "/private/a": b"\x00"}, entries_max=9
    )
    await metadata.set(account.id, SERVER, {"/private/c": b""}, entries_max=9)
    assert await metadata.entries(account.id) == [
        (SERVER, "/private/c", b""), (inbox.id, "/private/a", b"\x00"), (inbox.id, "/private/b", b"two"),
    ]  # fmt: skip
    assert await metadata.changed(account.id, first) == [(SERVER, "/private/c")]
    last = await metadata.set(
        account.id, inbox.id, {"/private/a": None, "/private/b": b"three"}, entries_max=9
    )
    assert last > first
    assert await metadata.entries(account.id, inbox.id) == [(inbox.id, "/private/b", b"three")]
    assert len(await metadata.changed(account.id, first)) == 3


async def test_too_many_change_nothing(store: Store, account: Account, inbox: Mailbox) -> None:
    await store.metadata.set(account.id, inbox.id, {"/private/a": b"1"}, entries_max=2)
    with pytest.raises(OverQuota):
        await store.metadata.set(
            account.id, inbox.id, {"/private/a": b"2", "/private/b": b"", "/private/c": b""}, entries_max=2
        )
    assert await store.metadata.entries(account.id) == [(inbox.id, "/private/a", b"1")]
    with pytest.raises(NotFound):
        await store.metadata.set(account.id, MailboxId(99), {"/private/a": b"1"}, entries_max=2)


async def test_they_go_with_the_mailbox(store: Store, account: Account) -> None:
    made = await store.mailboxes.create(account.id, "Made")
    await store.metadata.set(account.id, made.id, {"/shared/comment": b"1"}, entries_max=9)
    await store.mailboxes.delete(account.id, "Made")
    assert await store.metadata.entries(account.id) == []


async def test_removed_entries_are_forgotten_in_the_end(
    store: Store, account: Account, inbox: Mailbox
) -> None:
    for number in range(105):
        await store.metadata.set(account.id, inbox.id, {f"/private/{number}": None}, entries_max=9)
    changed = await store.metadata.changed(account.id, 0)
    assert len(changed) == 100
    assert (inbox.id, "/private/4") not in changed
    assert (inbox.id, "/private/104") in changed
