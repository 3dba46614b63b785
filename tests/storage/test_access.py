"""Sign-ins, devices, bans and web sessions in the store."""

from __future__ import annotations

from posthouse.core.ids import AccountId
from posthouse.storage.access import (
    BLOCKED,
    DEVICES_KEPT,
    HELD,
    KNOWN,
    SIGN_INS_KEPT,
    Ban,
    Device,
    SignInRecord,
    WebSession,
)
from posthouse.storage.ports import Store
from posthouse.storage.rows import Credential, Domain, Hint
from tests.storage.fixtures import DOMAIN, make_account


def device(account: AccountId, key: str, state: str = KNOWN, used_at: float = 1.0) -> Device:
    return Device(
        account,
        key,
        state,
        "imap",
        "192.0.2.0/24",
        "Thunderbird",
        "app",
        "phone",
        "CN",
        1.0,
        used_at,
        "192.0.2.1",
    )


async def test_sign_ins_are_listed_newest_first_and_bounded(store: Store) -> None:
    account = await make_account(store)
    other = await make_account(store, "wang")
    first = SignInRecord(account.id, 1.0, "wrong", "imap", "192.0.2.1", "x", "app", "phone", "CN")
    await store.access.record([first, SignInRecord(other.id, 1.0, "ok", "pop3", "")], [])
    assert await store.access.sign_ins(account.id) == [first]
    many = [SignInRecord(account.id, float(n), "ok", "imap", "") for n in range(2, SIGN_INS_KEPT + 10)]
    await store.access.record(many, [])
    kept = await store.access.sign_ins(account.id)
    assert [one.at for one in kept] == [one.at for one in reversed(many)][:SIGN_INS_KEPT]
    assert len(await store.access.sign_ins(account.id, 3)) == 3
    assert len(await store.access.sign_ins(other.id)) == 1
    await store.access.record([SignInRecord(AccountId(999), 1.0, "ok", "imap", "")], [])  # deleted meanwhile


async def test_a_device_is_added_once_and_its_state_stays(store: Store) -> None:
    account = await make_account(store)
    hints: list[Hint] = []
    store.hints.subscribe(hints.append)
    added = await store.access.add_device(device(account.id, "k", HELD))
    assert added.id
    assert await store.access.add_device(device(account.id, "k", KNOWN)) == added
    assert [hint for hint in hints if hint.kind == "access"] == [Hint("access", account.id)]
    await store.access.record([], [(added.id, 9.0, "192.0.2.9")])
    [kept] = await store.access.devices(account.id)
    assert (kept.state, kept.used_at, kept.used_ip, kept.client) == (HELD, 9.0, "192.0.2.9", "Thunderbird")
    assert await store.access.set_devices(account.id, [added.id, 999], BLOCKED) == 1
    assert await store.access.set_devices(AccountId(999), [added.id], KNOWN) == 0
    assert [one.state for one in await store.access.devices(account.id)] == [BLOCKED]
    assert await store.access.set_devices(account.id, [added.id], None) == 1
    assert await store.access.devices(account.id) == []


async def test_devices_are_bounded_and_what_waits_is_kept(store: Store) -> None:
    account = await make_account(store)
    await store.access.add_device(device(account.id, "held", HELD, 0.0))
    for number in range(DEVICES_KEPT + 3):
        await store.access.add_device(device(account.id, str(number), used_at=float(number)))
    keys = {one.key for one in await store.access.devices(account.id)}
    assert "held" in keys
    assert "0" not in keys
    assert len(keys) == DEVICES_KEPT + 1


async def test_bans(store: Store) -> None:
    await store.access.ban(Ban("address", "192.0.2.1", "guessing", 1.0, 50.0))
    await store.access.ban(Ban("account", "li@example.test", "by hand", 2.0, 0.0))
    await store.access.ban(Ban("address", "192.0.2.1", "again", 3.0, 60.0))
    assert await store.access.bans() == [
        Ban("account", "li@example.test", "by hand", 2.0, 0.0),
        Ban("address", "192.0.2.1", "again", 3.0, 60.0),
    ]
    await store.access.ban(Ban("network", "2001:db8::/48", "guessing", 86461.0, 90000.0))
    assert [ban.kind for ban in await store.access.bans()] == ["account", "network"]
    assert await store.access.lift("network", "2001:db8::/48")
    assert not await store.access.lift("network", "2001:db8::/48")


async def test_web_sessions(store: Store) -> None:
    account = await make_account(store)
    for number, end in enumerate((10.0, 20.0, 30.0)):
        await store.access.add_web_session(
            WebSession(account.id, f"h{number}", "passkey", 1.0, end, 1.0, "192.0.2.1", "Firefox")
        )
    found = await store.access.web_session("h1")
    assert found is not None
    assert (found.account, found.expires_at, found.client) == (account.id, 20.0, "Firefox")
    assert await store.access.web_session("h9") is None
    await store.access.add_web_session(WebSession(account.id, "h3", "two-step", 15.0, 99.0))
    kept = await store.access.web_sessions(account.id)
    assert [one.hash for one in kept] == ["h1", "h2", "h3"]  # what ran out is gone
    assert await store.access.end_web_sessions(account.id, [kept[0].id, 999]) == 1
    assert await store.access.end_web_sessions(account.id) == 2
    assert await store.access.web_sessions(account.id) == []


async def test_a_secret_is_replaced_only_while_it_is_the_known_one(store: Store) -> None:
    account = await make_account(store)
    await store.credentials.put(Credential(account.id, "totp", "", "one"))
    [kept] = await store.credentials.of_account(account.id)
    assert not await store.credentials.replace(account.id, kept.id, "zero", "two")
    assert not await store.credentials.replace(AccountId(999), kept.id, "one", "two")
    assert await store.credentials.replace(account.id, kept.id, "one", "two")
    assert [one.secret for one in await store.credentials.of_account(account.id)] == ["two"]
    assert not await store.credentials.replace(account.id, kept.id, "one", None)
    assert await store.credentials.replace(account.id, kept.id, "two", None)
    assert await store.credentials.of_account(account.id) == []


async def test_policies_are_kept(store: Store) -> None:
    account = await make_account(store)
    assert (account.two_step, account.new_device, account.second_address) == (False, "off", "")
    changes = {"two_step": True, "new_device": "hold", "second_address": "li@other.test"}
    await store.directory.update_account(account.id, changes)
    found = await store.directory.account(account.id)
    assert found is not None
    assert (found.two_step, found.new_device, found.second_address) == (True, "hold", "li@other.test")
    await store.directory.put_domain(Domain(DOMAIN, two_step="required"))
    domain = await store.directory.domain(DOMAIN)
    assert domain is not None
    assert domain.two_step == "required"


async def test_all_goes_with_the_account(store: Store) -> None:
    account = await make_account(store)
    await store.access.record([SignInRecord(account.id, 1.0, "ok", "imap", "")], [])
    await store.access.add_device(device(account.id, "k"))
    await store.access.add_web_session(WebSession(account.id, "h", "password", 1.0, 9.0))
    await store.directory.delete_account(account.id)
    assert await store.access.devices(account.id) == []
    assert await store.access.sign_ins(account.id) == []
    assert await store.access.web_session("h") is None
