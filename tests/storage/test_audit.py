"""The audit log: what others do in an account, with the change itself; nothing of what owners do."""

from __future__ import annotations

from typing import Any

import pytest

from posthouse.core.errors import Conflict, OverQuota
from posthouse.core.flags import DELETED, SEEN
from posthouse.core.ids import AccountId
from posthouse.core.rights import ALL as EVERYTHING
from posthouse.core.rights import READ
from posthouse.storage.ports import Messages, Store
from posthouse.storage.rows import Account, Actor, AuditEntry, LocalCopy, Mailbox
from posthouse.storage.sqlite.audit import ranges
from posthouse.storage.sqlite.requests import PruneAudit
from tests.storage.fixtures import ALL, deliver, delivery, make_account, message


@pytest.fixture
async def wang(store: Store) -> AccountId:
    return (await make_account(store, "wang")).id


def acting(store: Store, user: AccountId) -> Messages:
    return store.messages.acting(Actor(user, EVERYTHING))


async def log(store: Store, account: Account | None = None) -> list[tuple[str, str, str, dict[str, Any]]]:
    entries = await store.audit.recent(100, None if account is None else account.id)
    return [(one.actor, one.action, one.mailbox, one.facts) for one in entries]


async def test_what_owners_do_is_theirs(store: Store, account: Account, inbox: Mailbox) -> None:
    trash = await store.mailboxes.get(account.id, "Trash")
    await deliver(store, inbox, message(1), message(2))
    await store.messages.store_flags(account.id, inbox.id, ALL, add=DELETED)
    await store.messages.copy(account.id, inbox.id, ALL, account.id, trash.id)
    await store.messages.expunge(account.id, inbox.id)
    await store.mailboxes.create(account.id, "x")
    await store.mailboxes.delete(account.id, "x")
    assert await log(store) == []


async def test_what_others_do(store: Store, account: Account, inbox: Mailbox, wang: AccountId) -> None:
    me, messages = "wang@example.test", acting(store, wang)
    trash = await store.mailboxes.get(account.id, "Trash")
    own = await store.mailboxes.get(wang, "INBOX")
    copy = LocalCopy(account.id, inbox.id, user=wang)
    await store.messages.deliver([delivery(store, message(n), copy) for n in range(4)])
    bits = await store.messages.keyword_bits(account.id, ["project"])
    await messages.store_flags(account.id, inbox.id, [(1, 3)], add=bits | SEEN)
    await messages.store_flags(account.id, inbox.id, [(1, 3)], add=SEEN)  # changes nothing
    await messages.copy(account.id, inbox.id, [(1, 1)], account.id, trash.id)
    await messages.copy(account.id, inbox.id, [(1, 2)], account.id, trash.id, move=True)
    await messages.copy(account.id, inbox.id, [(3, 3)], wang, own.id)  # reading
    await messages.copy(account.id, inbox.id, [(3, 3)], wang, own.id, move=True)
    await messages.copy(wang, own.id, [(1, 1)], account.id, inbox.id)
    await messages.expunge(account.id, inbox.id, [(4, 5)], only_deleted=False)
    await store.mailboxes.create(account.id, "x", user=wang)
    await store.mailboxes.rename(account.id, "x", "y", user=wang)
    await store.mailboxes.delete(account.id, "y", user=wang)
    assert await log(store, account) == [
        *[(me, "append", "INBOX", {"uids": str(n + 1), "messages": [f"{n}@qq.test"]}) for n in range(4)],
        (me, "flags", "INBOX", {"uids": "1:3", "add": ["\\Seen", "project"]}),
        (me, "copy", "INBOX", {"uids": "1", "to": "li@example.test/Trash", "as_uids": "1"}),
        (me, "move", "INBOX", {"uids": "1:2", "to": "li@example.test/Trash", "as_uids": "2:3"}),
        (me, "move", "INBOX", {"uids": "3", "to": "wang@example.test/INBOX", "as_uids": "2"}),
        (me, "copy", "INBOX", {"uids": "1", "to": "li@example.test/INBOX", "as_uids": "5"}),
        (me, "expunge", "INBOX", {"uids": "4:5", "messages": ["3@qq.test", "2@qq.test"]}),
        (me, "create", "x", {}),
        (me, "rename", "x", {"to": "y"}),
        (me, "delete", "y", {"messages": 0}),
    ]
    # What is gone stays told.
    await store.directory.delete_account(wang)
    entries = await store.audit.recent(100, account.id)
    assert len(entries) == 13
    assert {(one.account, one.actor) for one in entries} == {("li@example.test", "wang@example.test")}


async def test_what_is_refused_is_not_told(
    store: Store, account: Account, inbox: Mailbox, wang: AccountId
) -> None:
    await store.mailboxes.create(account.id, "a/b")
    await store.mailboxes.create(account.id, "a")
    with pytest.raises(Conflict):
        await store.mailboxes.delete(account.id, "a", user=wang)
    await deliver(store, inbox, message(1))
    theirs = await store.mailboxes.get(wang, "INBOX")
    await store.directory.update_account(wang, {"quota_messages": 1})
    await deliver(store, theirs, message(1))
    with pytest.raises(OverQuota):
        await acting(store, wang).copy(account.id, inbox.id, ALL, wang, theirs.id, move=True)
    assert await log(store) == []


async def test_rights_are_told_whoever_changes_them(
    store: Store, account: Account, inbox: Mailbox, wang: AccountId
) -> None:
    for user in (account.id, AccountId(0)):
        await store.acls.set(
            account.id, inbox.id, wang, negative=True, change=("+", READ), entries_max=9, user=user
        )
    assert await log(store) == [
        ("li@example.test", "rights", "INBOX", {"who": "-wang@example.test", "before": "", "after": "r"}),
        ("", "rights", "INBOX", {"who": "-wang@example.test", "before": "r", "after": "r"}),
    ]


async def test_each_users_own_seen_is_nobodys_business(
    store: Store, account: Account, inbox: Mailbox, wang: AccountId
) -> None:
    await store.acls.set_own_seen(account.id, inbox.id, on=True)
    await deliver(store, inbox, message(1))
    await acting(store, wang).store_flags(account.id, inbox.id, ALL, add=SEEN)
    assert await log(store) == []
    await acting(store, wang).store_flags(account.id, inbox.id, ALL, add=DELETED)
    assert [entry[3] for entry in await log(store)] == [{"uids": "1", "add": ["\\Deleted"]}]


async def test_notes_and_their_limits(store: Store, account: Account) -> None:
    for number in range(5):
        await store.audit.note(
            AuditEntry(float(number), account.address, "root", "command", facts={"n": number})
        )
    assert [one.facts["n"] for one in await store.audit.recent(3, account.id)] == [2, 3, 4]
    submit = store._writer.submit  # type: ignore[attr-defined]
    assert await submit(PruneAudit(1.0, 1000, 2)) == 1
    assert await submit(PruneAudit(1.0, 1000, 2)) == 0
    assert await submit(PruneAudit(0.0, 2, 100)) == 2
    assert [one.facts["n"] for one in await store.audit.recent(9)] == [3, 4]


def test_ranges_are_cut() -> None:
    assert ranges([1, 2, 3, 7]) == "1:3,7"
    assert ranges([]) == ""
    long = ranges(range(1, 2000, 2))
    assert long.endswith(",...")
    assert len(long) < 1000
