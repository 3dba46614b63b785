"""What an authorization server remembers, in the store."""

from __future__ import annotations

import msgspec
import pytest

from posthouse.core.errors import Conflict, Exists, NotFound, OverQuota
from posthouse.core.ids import AccountId
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account
from posthouse.storage.tokens import AccessToken, TokenClient, TokenGrant, TokenRequest
from tests.storage.fixtures import make_account

CLIENT = TokenClient(
    "app", "App", b"s" * 32, ("http://localhost/",), "imap smtp", ("authorization_code",), created_at=1.0
)


@pytest.fixture
async def owner(store: Store) -> Account:
    await store.tokens.put_client(CLIENT)
    return await make_account(store)


def grant(account: Account, **changes: object) -> TokenGrant:
    made = TokenGrant(account.id, "app", "imap", ("https://a/",), b"r0", created_at=1.0, expires_at=9.0)
    return msgspec.structs.replace(made, **changes)


def code(name: bytes, account: Account, **changes: object) -> TokenRequest:
    made = TokenRequest(name, "code", "app", "imap", ("https://a/",), 9.0, account.id, state="granted")
    return msgspec.structs.replace(made, **changes)


def token(name: bytes, expires_at: float = 5.0) -> AccessToken:
    return AccessToken(name, "imap", ("https://a/",), expires_at)


async def redeemed(store: Store, owner: Account, name: bytes = b"code", **changes: object) -> int:
    await store.tokens.ask(code(name, owner), 1.0, waiting_max=10)
    return await store.tokens.redeem(name, grant(owner, **changes), token(b"t" + name), grants_max=3)


async def test_clients_are_kept_and_go_with_their_grants(store: Store, owner: Account) -> None:
    assert await store.tokens.client("app") == CLIENT
    assert await store.tokens.clients() == [CLIENT]
    with pytest.raises(Exists):
        await store.tokens.put_client(CLIENT)
    number = await redeemed(store, owner)
    await store.tokens.delete_client("app")
    assert await store.tokens.client("app") is None
    assert await store.tokens.grant(number) is None
    with pytest.raises(NotFound):
        await store.tokens.delete_client("app")


async def test_only_so_many_clients_register_themselves(store: Store) -> None:
    for name in ("one", "two"):
        await store.tokens.put_client(
            msgspec.structs.replace(CLIENT, id=name, registered=True), registered_max=2
        )
    with pytest.raises(OverQuota):
        await store.tokens.put_client(
            msgspec.structs.replace(CLIENT, id="three", registered=True), registered_max=2
        )
    await store.tokens.put_client(msgspec.structs.replace(CLIENT, id="three"))


async def test_a_code_is_good_once_and_a_second_use_revokes(store: Store, owner: Account) -> None:
    number = await redeemed(store, owner)
    found = await store.tokens.access(b"tcode")
    assert found == (
        msgspec.structs.replace(token(b"tcode"), grant=number),
        msgspec.structs.replace(grant(owner), id=number),
    )
    assert await store.tokens.grants(owner.id) == [found[1]]
    assert await store.tokens.redeem(b"code", grant(owner), token(b"other"), grants_max=3) == 0
    assert await store.tokens.access(b"tcode") is None
    assert await store.tokens.access(b"other") is None
    assert await store.tokens.grants() == []


async def test_what_is_not_granted_is_not_redeemed(store: Store, owner: Account) -> None:
    await store.tokens.ask(code(b"c", owner, state="waiting"), 1.0, waiting_max=10)
    for name in (b"c", b"unknown"):
        with pytest.raises(NotFound):
            await store.tokens.redeem(name, grant(owner), token(b"t"), grants_max=3)


async def test_requests_are_few_and_expire(store: Store, owner: Account) -> None:
    await store.tokens.ask(code(b"1", owner), 1.0, waiting_max=1)
    with pytest.raises(OverQuota):
        await store.tokens.ask(code(b"2", owner), 1.0, waiting_max=1)
    await store.tokens.ask(code(b"2", owner, expires_at=20.0), 9.0, waiting_max=1)
    assert await store.tokens.request(b"1") is None
    assert (await store.tokens.request(b"2") or code(b"", owner)).hash == b"2"


async def test_a_refresh_token_is_replaced_once(store: Store, owner: Account) -> None:
    number = await redeemed(store, owner)
    old = msgspec.structs.replace(grant(owner), id=number)
    new = msgspec.structs.replace(
        old, refresh=b"r1", generation=1, used_at=6.0, used_ip="::1", expires_at=20.0
    )
    await store.tokens.refresh(old, new, token(b"t2", 12.0))
    assert await store.tokens.grant(number) == new
    assert await store.tokens.access(b"tcode") is None  # it had expired
    assert await store.tokens.access(b"t2") is not None
    with pytest.raises(Conflict):
        await store.tokens.refresh(old, new, token(b"t3"))
    assert await store.tokens.access(b"t3") is None
    await store.tokens.revoke_access(b"t2")
    assert await store.tokens.access(b"t2") is None
    assert await store.tokens.revoke([number, 99]) == 1
    assert await store.tokens.grant(number) is None


async def test_the_grants_not_used_for_longest_give_way(store: Store, owner: Account) -> None:
    first, second, third = [await redeemed(store, owner, b"%d" % n) for n in range(3)]
    await store.tokens.used(first, 7.0, "192.0.2.1", "imap", "Thunderbird")
    fourth = await redeemed(store, owner, b"4", created_at=8.0)
    kept = await store.tokens.grants(owner.id)
    assert {one.id for one in kept} in ({fourth, first, second}, {fourth, first, third})
    used = next(one for one in kept if one.id == first)
    assert (used.used_at, used.used_ip, used.used_protocol) == (7.0, "192.0.2.1", "imap")
    assert used.used_client == "Thunderbird"


async def test_a_device_waits_is_answered_once_and_slowed_down(store: Store, owner: Account) -> None:
    waiting = TokenRequest(b"d", "device", "app", "imap", (), 9.0, user_code="BCDF", interval_s=5.0)
    await store.tokens.ask(waiting, 1.0, waiting_max=10)
    with pytest.raises(Exists):
        await store.tokens.ask(msgspec.structs.replace(waiting, hash=b"e"), 1.0, waiting_max=10)
    assert await store.tokens.device("BCDF") == waiting
    assert await store.tokens.device("XXXX") is None
    polls = [await store.tokens.poll(b"d", now, 5.0) for now in (1.0, 2.0, 8.0, 18.0)]
    assert [one.too_fast for one in polls] == [False, True, True, True]
    assert [one.interval_s for one in polls] == [5.0, 10.0, 15.0, 20.0]
    answered = msgspec.structs.replace(polls[-1], state="granted", account=owner.id)
    await store.tokens.answer(answered)
    assert (await store.tokens.poll(b"d", 40.0, 5.0)).state == "granted"
    with pytest.raises(Conflict):
        await store.tokens.answer(answered)
    with pytest.raises(NotFound):
        await store.tokens.poll(b"x", 40.0, 5.0)
    with pytest.raises(NotFound):
        await store.tokens.answer(msgspec.structs.replace(answered, hash=b"x"))


async def test_all_of_it_goes_with_the_account(store: Store, owner: Account) -> None:
    number = await redeemed(store, owner)
    await store.tokens.ask(code(b"c2", owner), 1.0, waiting_max=10)
    await store.directory.delete_account(owner.id)
    assert await store.tokens.grant(number) is None
    assert await store.tokens.access(b"tcode") is None
    assert await store.tokens.request(b"c2") is None
    await store.tokens.ask(code(b"c3", owner), 1.0, waiting_max=10)
    with pytest.raises(NotFound):
        await store.tokens.redeem(b"c3", grant(owner), token(b"t"), grants_max=3)
    assert AccountId(0) not in {one.account for one in await store.tokens.grants()}
