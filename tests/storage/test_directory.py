"""Domains, accounts, aliases, settings."""

from __future__ import annotations

import pytest

from posthouse.core.errors import Conflict, Exists, Invalid, NotFound
from posthouse.core.ids import AccountId
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Alias, Domain, LocalCopy
from tests.storage.fixtures import DOMAIN, MAILBOXES, deliver_one, make_account, message


async def test_domains(store: Store) -> None:
    directory = store.directory
    await directory.put_domain(Domain("b.test", "all@b.test", enabled=False, created_at=5.0))
    await directory.put_domain(Domain("a.test"))
    await directory.put_domain(Domain("b.test", None, enabled=True, created_at=9.0))
    assert await directory.domain("b.test") == Domain("b.test", None, enabled=True, created_at=5.0)
    assert [domain.name for domain in await directory.domains()] == ["a.test", "b.test"]
    await directory.delete_domain("a.test")
    assert await directory.domain("a.test") is None
    with pytest.raises(NotFound):
        await directory.delete_domain("a.test")


async def test_a_domain_in_use_stays(store: Store) -> None:
    directory = store.directory
    account = await make_account(store)
    with pytest.raises(Conflict):
        await directory.delete_domain(DOMAIN)
    await directory.delete_account(account.id)
    await directory.put_alias(Alias(f"x@{DOMAIN}", ("y@qq.test",)))
    with pytest.raises(Conflict):
        await directory.delete_domain(DOMAIN)
    await directory.delete_alias(f"x@{DOMAIN}")
    await directory.delete_domain(DOMAIN)


async def test_accounts(store: Store) -> None:
    directory = store.directory
    account = await make_account(
        store, "li", name="李四", password="$argon2id$", protocols=("imap",), quota_bytes=9
    )
    assert await directory.account(account.id) == account
    assert await directory.account_by_address(f"li@{DOMAIN}") == account
    assert await directory.account_by_address(f"LI@{DOMAIN}") is None
    assert (account.name, account.protocols, account.quota_bytes, account.enabled) == (
        "李四",
        ("imap",),
        9,
        True,
    )
    other = await make_account(store, "abc")
    assert [a.id for a in await directory.accounts()] == [other.id, account.id]
    assert await directory.accounts("else.test") == []
    with pytest.raises(Exists):
        await make_account(store, "li")
    with pytest.raises(NotFound):
        await directory.create_account(Account(AccountId(0), "a@else.test"), MAILBOXES)


async def test_update_account(store: Store, account: Account) -> None:
    directory = store.directory
    await make_account(store, "other")
    changes = {
        "enabled": False,
        "protocols": ("smtp", "pop3"),
        "address": f"new@{DOMAIN}",
        "quota_messages": 1,
    }
    updated = await directory.update_account(account.id, changes)
    assert (updated.enabled, updated.protocols, updated.address) == (False, ("smtp", "pop3"), f"new@{DOMAIN}")
    assert await directory.account_by_address(f"li@{DOMAIN}") is None
    # The writer knows of the new limit at once.
    await deliver_one(store, message(1), LocalCopy(account.id))
    assert (await deliver_one(store, message(2), LocalCopy(account.id)))[0].error == "OverQuota"
    with pytest.raises(Exists):
        await directory.update_account(account.id, {"address": f"other@{DOMAIN}"})
    with pytest.raises(Invalid):
        await directory.update_account(account.id, {"used_bytes": 0})
    with pytest.raises(NotFound):
        await directory.update_account(AccountId(99), {"name": "x"})


async def test_delete_account_leaves_nothing(store: Store, account: Account) -> None:
    other = await make_account(store, "other")
    await deliver_one(store, message(1), LocalCopy(account.id, keywords=("x",)), LocalCopy(other.id))
    await deliver_one(store, message(2, 2 << 20), LocalCopy(account.id, role="sent"))
    await store.directory.delete_account(account.id)
    assert await store.directory.account(account.id) is None
    assert await store.mailboxes.list(account.id) == []
    again = await make_account(store, "li")
    assert again.id > other.id
    with pytest.raises(NotFound):
        await store.directory.delete_account(account.id)


async def test_aliases(store: Store) -> None:
    directory = store.directory
    await directory.put_alias(Alias("team@a.test", ("a@a.test", "b@qq.test")))
    await directory.put_alias(Alias("team@a.test", ("c@a.test",)))
    await directory.put_alias(Alias("x@b.test", ("c@a.test",)))
    assert await directory.alias("team@a.test") == Alias("team@a.test", ("c@a.test",))
    assert [a.address for a in await directory.aliases("a.test")] == ["team@a.test"]
    assert len(await directory.aliases()) == 2
    await directory.delete_alias("x@b.test")
    assert await directory.alias("x@b.test") is None
    with pytest.raises(NotFound):
        await directory.delete_alias("x@b.test")


async def test_settings(store: Store) -> None:
    assert await store.directory.setting("key") is None
    await store.directory.put_setting("key", b"one")
    await store.directory.put_setting("key", b"\0two")
    assert await store.directory.setting("key") == b"\0two"
