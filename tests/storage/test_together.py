"""Several messages that are stored together or not at all (MULTIAPPEND)."""

from __future__ import annotations

import pytest

from posthouse.core.errors import NotFound, OverQuota
from posthouse.core.ids import MailboxId
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, LocalCopy, Mailbox
from tests.storage.fixtures import delivery, message, rows


def letters(store: Store, mailbox: Mailbox, count: int):  # type: ignore[no-untyped-def]
    return [delivery(store, message(n, 1000), LocalCopy(mailbox.account, mailbox.id)) for n in range(count)]


async def test_all_of_them(store: Store, inbox: Mailbox) -> None:
    stored = await store.messages.deliver(letters(store, inbox, 3), together=True)
    assert [one.placed[0].uid for one in stored] == [1, 2, 3]


@pytest.mark.parametrize("quota", [{"quota_messages": 2}, {"quota_bytes": 2500}])
async def test_none_when_the_last_has_no_room(
    store: Store, account: Account, inbox: Mailbox, quota: dict[str, int]
) -> None:
    await store.directory.update_account(account.id, quota)
    with pytest.raises(OverQuota):
        await store.messages.deliver(letters(store, inbox, 3), together=True)
    assert await rows(store, inbox, "uid") == []
    # each for itself, what fits is kept
    stored = await store.messages.deliver(letters(store, inbox, 3))
    assert [one.placed[0].error for one in stored] == [None, None, "OverQuota"]


async def test_none_without_the_mailbox(store: Store, inbox: Mailbox) -> None:
    both = letters(store, inbox, 1)
    both.append(delivery(store, message(), LocalCopy(inbox.account, MailboxId(999))))
    with pytest.raises(NotFound):
        await store.messages.deliver(both, together=True)
    assert await rows(store, inbox, "uid") == []


async def test_one_is_replaced_within_the_quota(store: Store, account: Account, inbox: Mailbox) -> None:
    await store.messages.deliver(letters(store, inbox, 3), together=True)
    await store.directory.update_account(account.id, {"quota_messages": 3})
    [new] = letters(store, inbox, 1)
    stored = await store.messages.replace(account.id, inbox.id, 2, new)
    assert stored.placed[0].uid == 4
    assert await rows(store, inbox, "uid") == [(1,), (3,), (4,)]


async def test_nothing_is_replaced_when_one_half_fails(
    store: Store, account: Account, inbox: Mailbox
) -> None:
    await store.messages.deliver(letters(store, inbox, 2), together=True)
    [new] = letters(store, inbox, 1)
    with pytest.raises(NotFound):
        await store.messages.replace(account.id, inbox.id, 9, new)
    await store.directory.update_account(account.id, {"quota_bytes": 10})
    [new] = letters(store, inbox, 1)
    with pytest.raises(OverQuota):
        await store.messages.replace(account.id, inbox.id, 1, new)
    assert await rows(store, inbox, "uid") == [(1,), (2,)]
