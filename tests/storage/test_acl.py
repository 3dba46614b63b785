"""Access control lists in the store: set, inherited, kept and dropped."""

from __future__ import annotations

import asyncio

import pytest

from posthouse.core.errors import NotFound, OverQuota
from posthouse.core.flags import DELETED, SEEN
from posthouse.core.ids import AccountId, MailboxId
from posthouse.core.rights import LOOKUP, READ, WRITE
from posthouse.core.rights import SEEN as SEEN_RIGHT
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Actor, Hint, Mailbox, RightsEntry
from tests.storage.fixtures import ALL, deliver, make_account, message, rows

ANYONE = AccountId(0)


async def put(
    store: Store,
    mailbox: Mailbox,
    grantee: AccountId,
    rights: int,
    sign: str = "=",
    *,
    negative: bool = False,
) -> None:
    await store.acls.set(
        mailbox.account, mailbox.id, grantee, negative=negative, change=(sign, rights), entries_max=3
    )


async def test_changes_are_relative_to_what_is_there(store: Store, account: Account, inbox: Mailbox) -> None:
    wang = (await make_account(store, "wang")).id
    await put(store, inbox, wang, LOOKUP, "+")
    await put(store, inbox, wang, READ | WRITE, "+")
    await put(store, inbox, wang, WRITE, "-")
    await put(store, inbox, wang, WRITE, negative=True)
    assert await store.acls.entries(account.id, inbox.id) == [
        RightsEntry(account.id, inbox.id, wang, False, LOOKUP | READ),
        RightsEntry(account.id, inbox.id, wang, True, WRITE),
    ]
    await put(store, inbox, wang, LOOKUP | READ, "-")
    await put(store, inbox, wang, 0, negative=True)
    assert await store.acls.entries(account.id, inbox.id) == []


async def test_what_applies_to_a_user(store: Store, account: Account, inbox: Mailbox) -> None:
    wang, other = [(await make_account(store, name)).id for name in ("wang", "zhao")]
    trash = await store.mailboxes.get(account.id, "Trash")
    await put(store, inbox, wang, LOOKUP)
    await put(store, trash, ANYONE, READ)
    await put(store, trash, other, WRITE)
    mine, everybody = (
        RightsEntry(account.id, inbox.id, wang, False, LOOKUP),
        RightsEntry(account.id, trash.id, ANYONE, False, READ),
    )
    assert sorted(await store.acls.granted(wang), key=lambda one: one.mailbox) == [mine, everybody]
    assert await store.acls.granted(wang, account.id, inbox.id) == [mine]
    assert await store.acls.granted(wang, account.id, trash.id) == [everybody]
    assert await store.acls.granted(account.id) == []


async def test_refusals(store: Store, account: Account, inbox: Mailbox) -> None:
    wang = (await make_account(store, "wang")).id
    with pytest.raises(NotFound):
        await put(store, inbox, AccountId(99), LOOKUP)
    with pytest.raises(NotFound):
        await store.acls.set(
            wang, inbox.id, ANYONE, negative=False, change=("=", LOOKUP), entries_max=3
        )  # of somebody else
    for negative, grantee in ((False, wang), (True, wang), (False, ANYONE)):
        await put(store, inbox, grantee, LOOKUP, negative=negative)
    with pytest.raises(OverQuota):
        await put(store, inbox, ANYONE, LOOKUP, negative=True)
    await put(store, inbox, ANYONE, READ)
    assert len(await store.acls.entries(account.id, inbox.id)) == 3


async def test_lists_follow_their_mailboxes(store: Store, account: Account) -> None:
    wang = (await make_account(store, "wang")).id
    top = await store.mailboxes.create(account.id, "Top")
    await put(store, top, wang, LOOKUP)
    below = await store.mailboxes.create(account.id, "Top/below")
    await store.mailboxes.rename(account.id, "Top", "New")
    assert await store.acls.entries(account.id, below.id) == [
        RightsEntry(account.id, below.id, wang, False, LOOKUP)
    ]
    await store.mailboxes.delete(account.id, "New/below")
    assert await store.acls.granted(wang) == [RightsEntry(account.id, top.id, wang, False, LOOKUP)]


async def test_an_account_that_goes_leaves_nothing_behind(
    store: Store, account: Account, inbox: Mailbox
) -> None:
    wang, zhao = [(await make_account(store, name)).id for name in ("wang", "zhao")]
    his = await store.mailboxes.get(wang, "INBOX")
    await put(store, inbox, wang, LOOKUP)
    await put(store, his, zhao, LOOKUP)
    await store.metadata.set(wang, inbox.id, {"/private/comment": b"x"}, entries_max=9)
    await store.metadata.set(zhao, his.id, {"/private/comment": b"x"}, entries_max=9)
    await store.directory.delete_account(wang)
    assert await store.acls.entries(account.id, inbox.id) == []
    assert await store.acls.granted(zhao) == []
    assert await store.metadata.entries(zhao) == []


async def test_hints_go_to_those_who_look_and_to_the_grantee(
    store: Store, account: Account, inbox: Mailbox
) -> None:
    wang = (await make_account(store, "wang")).id
    hints: list[Hint] = []
    enough = asyncio.Event()

    def note(hint: Hint) -> None:
        hints.append(hint)
        if len(hints) == 2:
            enough.set()

    store.hints.subscribe(note)
    await put(store, inbox, wang, LOOKUP)
    await asyncio.wait_for(enough.wait(), 5)
    assert Hint("rights", account.id, inbox.id) in hints
    assert Hint("mailboxes", wang, MailboxId(0)) in hints


async def test_an_actor_changes_what_it_may(store: Store, account: Account, inbox: Mailbox) -> None:
    await deliver(store, inbox, message(1), flags=DELETED)
    bits = await store.messages.keyword_bits(account.id, [f"k{n}" for n in range(70)])
    acting = store.messages.acting(Actor(AccountId(5), SEEN_RIGHT))
    await acting.store_flags(account.id, inbox.id, ALL, replace=bits | SEEN)
    assert await rows(store, inbox, "flags") == [(DELETED | SEEN,)]
    acting = store.messages.acting(Actor(AccountId(5), WRITE))
    await acting.store_flags(account.id, inbox.id, ALL, replace=bits)
    assert await rows(store, inbox, "flags") == [(DELETED | SEEN | bits,)]


async def test_a_copy_keeps_what_it_may(store: Store, account: Account, inbox: Mailbox) -> None:
    wang = (await make_account(store, "wang")).id
    theirs = await store.mailboxes.get(wang, "INBOX")
    trash = await store.mailboxes.get(account.id, "Trash")
    bits = await store.messages.keyword_bits(account.id, ["key"])
    await deliver(store, inbox, message(1), flags=DELETED | SEEN | bits)
    for target in (theirs, trash):
        await store.messages.copy(account.id, inbox.id, ALL, target.account, target.id, keep=SEEN)
        assert await rows(store, target, "flags") == [(SEEN,)]
    assert await store.messages.keywords(wang) == ()
