"""Credentials in the store."""

from __future__ import annotations

import pytest

from posthouse.core.errors import Conflict, Exists, NotFound
from posthouse.core.ids import AccountId
from posthouse.storage.ports import Store
from posthouse.storage.rows import Credential
from tests.storage.fixtures import make_account


async def test_app_passwords_are_kept_used_and_revoked(store: Store) -> None:
    account = await make_account(store)
    phone = Credential(
        account.id, "app", "phone", "ab", ("r1", "r2"), ("imap", "pop3"), ("192.0.2.0/24",), 1.0, 2.0
    )
    await store.credentials.put(phone)
    with pytest.raises(Exists):
        await store.credentials.put(phone)
    [kept] = await store.credentials.of_account(account.id)
    assert (kept.scram, kept.protocols, kept.networks) == (phone.scram, phone.protocols, phone.networks)
    assert (kept.secret, kept.created_at, kept.expires_at, kept.used_at) == ("ab", 1.0, 2.0, 0.0)
    await store.credentials.used(kept.id, 5.0, "192.0.2.1", "imap")
    [kept] = await store.credentials.of_account(account.id)
    assert (kept.used_at, kept.used_ip, kept.used_protocol) == (5.0, "192.0.2.1", "imap")
    await store.credentials.revoke(account.id, "app", "phone")
    assert await store.credentials.of_account(account.id) == []
    with pytest.raises(NotFound):
        await store.credentials.revoke(account.id, "app", "phone")


async def test_the_keys_of_the_password_are_replaced_and_come_first(store: Store) -> None:
    account = await make_account(store, password="hash")
    await store.credentials.put(Credential(account.id, "app", "phone", "ab"))
    for record in ("one", "two"):
        await store.credentials.put(Credential(account.id, "password", "", "hash", (record,)))
    assert [one.scram for one in await store.credentials.of_account(account.id)] == [("two",), ()]


async def test_keys_of_a_password_that_was_changed_meanwhile_are_refused(store: Store) -> None:
    account = await make_account(store, password="hash")
    await store.credentials.put(Credential(account.id, "password", "", "hash", ("one",)))
    with pytest.raises(Conflict):
        await store.credentials.put(Credential(account.id, "password", "", "older", ("two",)))
    assert [one.scram for one in await store.credentials.of_account(account.id)] == [("one",)]


async def test_they_go_with_their_account(store: Store) -> None:
    account = await make_account(store)
    await store.credentials.put(Credential(account.id, "app", "phone", "ab"))
    await store.directory.delete_account(account.id)
    assert await store.credentials.of_account(account.id) == []
    with pytest.raises(NotFound):
        await store.credentials.put(Credential(AccountId(99), "app", "phone", "ab"))


async def test_protocols_for_app_passwords_only(store: Store) -> None:
    account = await make_account(store)
    assert account.app_only == ()
    changed = await store.directory.update_account(account.id, {"app_only": ("imap", "pop3")})
    assert changed.app_only == ("imap", "pop3")
    assert await store.directory.account(account.id) == changed


async def test_each_store_has_its_own_secret(store: Store) -> None:
    secret = await store.directory.setting("signin.secret")
    assert secret is not None
    assert len(secret) == 32
