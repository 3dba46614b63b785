"""Mailboxes: names, roles, subscriptions, UIDVALIDITY."""

from __future__ import annotations

from pathlib import Path

import pytest

from posthouse.core.errors import Conflict, Exists, Forbidden, NotFound
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Mailbox
from posthouse.storage.sqlite import open_store
from tests.storage.fixtures import ALL, deliver, make_account, message, open_backend, rows


async def names(store: Store, account: Account) -> list[str]:
    return [mailbox.name for mailbox in await store.mailboxes.list(account.id)]


async def test_defaults_are_there_and_subscribed(store: Store, account: Account) -> None:
    mailboxes = await store.mailboxes.list(account.id)
    assert {m.role for m in mailboxes} == {"inbox", "sent", "drafts", "junk", "trash", "archive"}
    assert all(m.subscribed for m in mailboxes)
    assert len({m.uidvalidity for m in mailboxes}) == 6
    assert await store.mailboxes.subscriptions(account.id) == sorted(m.name for m in mailboxes)


async def test_create(store: Store, account: Account) -> None:
    made = await store.mailboxes.create(account.id, "项目/二〇二四")
    assert (made.name, made.role, made.uidnext, made.messages, made.subscribed) == (
        "项目/二〇二四",
        None,
        1,
        0,
        False,
    )
    assert await store.mailboxes.get(account.id, "项目/二〇二四") == made
    assert await store.mailboxes.by_id(account.id, made.id) == made
    with pytest.raises(Exists):
        await store.mailboxes.create(account.id, "项目/二〇二四")
    with pytest.raises(Exists):
        await store.mailboxes.create(account.id, "Junk 2", "junk")
    with pytest.raises(NotFound):
        await store.mailboxes.get(account.id, "Junk 2")


async def test_a_name_used_again_has_a_larger_uidvalidity(store: Store, account: Account) -> None:
    first = await store.mailboxes.create(account.id, "a")
    await deliver(store, first, message(1))
    await store.mailboxes.delete(account.id, "a")
    second = await store.mailboxes.create(account.id, "a")
    assert second.uidvalidity > first.uidvalidity
    assert second.id != first.id
    assert await rows(store, second, "uid") == []


async def test_rename_takes_inferiors_along(store: Store, account: Account) -> None:
    for name in ("a", "a/b", "a/b/c", "a-z", "ab"):
        await store.mailboxes.create(account.id, name)
    await deliver(store, await store.mailboxes.get(account.id, "a/b"), message(1))
    await store.mailboxes.rename(account.id, "a", "x/y")
    assert {"x/y", "x/y/b", "x/y/b/c", "a-z", "ab"} < set(await names(store, account))
    assert (await store.mailboxes.get(account.id, "x/y/b")).messages == 1


async def test_rename_refuses(store: Store, account: Account) -> None:
    for name in ("a", "a/b", "c", "d/b"):
        await store.mailboxes.create(account.id, name)
    before = await names(store, account)
    for name, new_name, error in (
        ("a", "c", Exists),
        ("a", "d", Exists),  # a/b would become d/b
        ("a", "a/b/c", Conflict),
        ("none", "e", NotFound),
    ):
        with pytest.raises(error):
            await store.mailboxes.rename(account.id, name, new_name)
    assert await names(store, account) == before


async def test_rename_of_inbox_moves_its_messages(store: Store, account: Account, inbox: Mailbox) -> None:
    await store.mailboxes.create(account.id, "INBOX/inner")
    await deliver(store, inbox, message(1), message(2))
    await store.mailboxes.rename(account.id, "INBOX", "old")
    old = await store.mailboxes.get(account.id, "old")
    assert [content for (content,) in await rows(store, old, "content")] == [message(1), message(2)]
    assert await rows(store, inbox, "uid") == []
    assert {"INBOX", "INBOX/inner", "old"} < set(await names(store, account))
    assert await deliver(store, inbox, message(3)) == [3]


async def test_delete(store: Store, account: Account) -> None:
    made = await store.mailboxes.create(account.id, "a")
    await store.mailboxes.create(account.id, "a/b")
    await deliver(store, made, message(1))
    await store.messages.expunge(account.id, made.id, ALL, only_deleted=False)
    await deliver(store, made, message(2))
    with pytest.raises(Conflict):
        await store.mailboxes.delete(account.id, "a")
    await store.mailboxes.delete(account.id, "a/b")
    await store.mailboxes.delete(account.id, "a")
    with pytest.raises(NotFound):
        await store.mailboxes.delete(account.id, "a")
    with pytest.raises(Forbidden):
        await store.mailboxes.delete(account.id, "INBOX")
    with pytest.raises(NotFound):
        await store.messages.snapshot(account.id, made.id)


async def test_subscriptions_outlive_mailboxes(store: Store, account: Account) -> None:
    await store.mailboxes.subscribe(account.id, "Sent", on=False)
    await store.mailboxes.subscribe(account.id, "later", on=True)
    await store.mailboxes.subscribe(account.id, "later", on=True)
    await store.mailboxes.delete(account.id, "Junk")
    subscribed = await store.mailboxes.subscriptions(account.id)
    assert "Sent" not in subscribed
    assert {"later", "Junk"} < set(subscribed)
    assert not (await store.mailboxes.get(account.id, "Sent")).subscribed


async def test_roles(store: Store, account: Account) -> None:
    await store.mailboxes.set_role(account.id, "Sent", None)
    made = await store.mailboxes.create(account.id, "已发送", "sent")
    assert made.role == "sent"
    with pytest.raises(Exists):
        await store.mailboxes.set_role(account.id, "Drafts", "sent")
    await store.mailboxes.set_role(account.id, "已发送", "sent")
    with pytest.raises(NotFound):
        await store.mailboxes.set_role(account.id, "none", None)


async def test_recent_is_claimed_once(store: Store, account: Account, inbox: Mailbox) -> None:
    await deliver(store, inbox, message(1), message(2))
    assert await store.mailboxes.claim_recent(account.id, inbox.id) == 1
    assert await store.mailboxes.claim_recent(account.id, inbox.id) == 3
    await deliver(store, inbox, message(3))
    assert await store.mailboxes.claim_recent(account.id, inbox.id) == 3


async def recent_from(store: Store, inbox: Mailbox) -> int:
    return (await store.mailboxes.by_id(inbox.account, inbox.id)).recent_from


async def test_deliveries_claim_for_those_who_are_told(store: Store, inbox: Mailbox) -> None:
    key, claimed = (inbox.account, inbox.id), []
    store.hints.subscribe(lambda hint: claimed.append(hint.claimed))
    await deliver(store, inbox, message(1))
    assert await store.mailboxes.claim_recent(*key, stay=True) == 1
    await deliver(store, inbox, message(2))
    await deliver(store, inbox, message(3))
    assert claimed == [False, True, True]
    assert await recent_from(store, inbox) == 4
    # Nobody was told of the last one.
    await store.mailboxes.end_claim(*key, 3)
    assert await recent_from(store, inbox) == 3
    await deliver(store, inbox, message(4))
    assert claimed[3:] == [False]
    assert await recent_from(store, inbox) == 3
    assert await store.mailboxes.claim_recent(*key) == 3


async def test_what_was_claimed_by_a_selection_is_not_given_back(store: Store, inbox: Mailbox) -> None:
    key = inbox.account, inbox.id
    await store.mailboxes.claim_recent(*key, stay=True)
    await deliver(store, inbox, message(1))
    assert await store.mailboxes.claim_recent(*key) == 2
    await deliver(store, inbox, message(2))
    await store.mailboxes.end_claim(*key, 1)
    assert await recent_from(store, inbox) == 2


async def test_claims_end_with_who_made_them(tmp_path: Path) -> None:
    """Of two stores at one writer."""
    async with open_backend(tmp_path, "process") as store:
        account = await make_account(store)
        inbox = await store.mailboxes.get(account.id, "INBOX")
        key = account.id, inbox.id
        other = await open_store(tmp_path, role="client", content_cache_bytes=1 << 20)
        try:
            await other.mailboxes.claim_recent(*key, stay=True)
            await store.mailboxes.claim_recent(*key, stay=True)
            await store.mailboxes.end_claim(*key, 1)
            await deliver(store, inbox, message(1))
            assert await recent_from(store, inbox) == 2
        finally:
            await other.close()
        while (await store.mailboxes.by_id(*key)).recent_from == (
            await store.mailboxes.by_id(*key)
        ).uidnext:  # until the writer has seen the connection end
            await deliver(store, inbox, message(2))
