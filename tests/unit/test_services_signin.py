"""Sign-in: who gets in, what it costs, and that unknown and wrong cannot be told apart."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.errors import Forbidden, SignInFailed, Unavailable
from posthouse.services.bans import BanSettings
from posthouse.services.grant import Origin
from posthouse.services.passwords import HashSettings
from posthouse.services.signin import SignIn, SignInSettings, hash_password
from posthouse.storage.rows import Account
from tests.unit.service_world import World, open_world

PASSWORD = "correct horse"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        await world.account("li")
        yield world


class Sign:
    """Sign-in with a count of slow hashes and of the seconds failures had to wait."""

    def __init__(self, world: World, **settings: Any) -> None:
        self.hashes = 0
        self.waits: list[float] = []
        self.service = SignIn(
            world.store,
            world.clock,
            SignInSettings(hashing=HashSettings(memory_kib=8, time_cost=1), **settings),
            sleep=self._sleep,
        )
        matches = self.service._matches

        def counted(phc: str, password: str) -> bool:
            self.hashes += 1
            return matches(phc, password)

        self.service._matches = counted  # type: ignore[method-assign]

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def __call__(
        self,
        address: str = "li@post.test",
        password: str = PASSWORD,
        protocol: str = "imap",
        ip: str = "192.0.2.1",
    ) -> Account:
        grant = await self.service.check_password(address, password, Origin(protocol, "c1", ip))
        return grant.account

    async def fails(self, *args: str, **facts: str) -> None:
        with pytest.raises(SignInFailed):
            await self(*args, **facts)


@pytest.fixture
async def sign(world: World) -> AsyncIterator[Sign]:
    sign = Sign(world)
    yield sign
    sign.service.close()


def test_the_default_hash_is_argon2id_of_19_mebibytes() -> None:
    assert hash_password("x").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_the_full_address_signs_in_whatever_its_case(sign: Sign) -> None:
    assert (await sign("Li@POST.test")).address == "li@post.test"


@pytest.mark.parametrize(
    "address", ["li", "li@", "nobody@post.test", "li@else.test", "", "li+x@post.test", "\ud800@post.test"]
)
async def test_everybody_else_fails_at_the_price_of_one_hash(sign: Sign, address: str) -> None:
    await sign.fails(address)
    assert sign.hashes == 1


async def test_wrong_and_disabled_fail_alike(world: World, sign: Sign) -> None:
    await sign.fails(password="wrong")
    await sign.fails(password="x" * 5000)
    await world.accounts.create_account("none@post.test", None)
    await sign.fails("none@post.test")
    await world.accounts.update_account("li@post.test", enabled=False)
    await sign.fails()
    await world.accounts.update_account("li@post.test", enabled=True)
    await world.accounts.update_domain("post.test", enabled=False)
    await sign.fails()
    assert sign.hashes == 5


async def test_a_protocol_can_be_switched_off(world: World, sign: Sign) -> None:
    await world.accounts.update_account("li@post.test", protocols=("imap",))
    with pytest.raises(Forbidden):
        await sign(protocol="pop3")
    await sign.fails(password="wrong", protocol="pop3")
    assert await sign()


async def test_a_known_password_costs_no_hash_until_it_is_old_or_changed(world: World, sign: Sign) -> None:
    for _ in range(3):
        await sign()
    assert sign.hashes == 1
    await sign.fails(password="wrong")
    await sign()
    assert sign.hashes == 2
    world.clock.move(301)
    await sign()
    assert sign.hashes == 3
    await world.accounts.update_account("li@post.test", password="another horse")
    await sign.fails()
    assert await sign(password="another horse")


async def test_a_changed_password_is_noticed_without_a_hint(world: World, sign: Sign) -> None:
    await sign()
    sign.service._unsubscribe()
    await world.accounts.update_account("li@post.test", password="another horse")
    await sign.fails()
    assert await sign(password="another horse")


async def test_many_at_once_cost_one_hash(sign: Sign) -> None:
    await asyncio.gather(*(sign() for _ in range(50)))
    assert sign.hashes == 1


async def test_too_many_waiting_are_told_to_come_back(world: World) -> None:
    sign = Sign(world, waiting_max=2)
    results = await asyncio.gather(*(sign(password=f"wrong{n}") for n in range(5)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["SignInFailed"] * 2 + ["Unavailable"] * 3
    sign.service.close()


async def test_repeated_failures_wait_longer_and_are_forgotten(world: World) -> None:
    sign = Sign(world, bans=BanSettings(failures_max=12))
    for number in range(12):
        await sign.fails(password=f"wrong{number}")
    assert sign.waits == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0, 8.0]
    with pytest.raises(Unavailable):
        await sign(password="wrong")
    await sign.fails(password="wrong", ip="192.0.2.2")
    world.clock.move(601)
    assert await sign()
    sign.service.close()


async def test_the_fast_path_is_fast(sign: Sign) -> None:
    await sign()
    rounds = 300
    start = time.process_time()
    for _ in range(rounds):
        await sign()
    assert (time.process_time() - start) / rounds < 0.001


async def test_all_addresses_of_an_ipv6_customer_fail_together(world: World) -> None:
    sign = Sign(world, bans=BanSettings(failures_max=3))
    for number in range(3):
        with pytest.raises(SignInFailed):
            await sign(password=f"wrong{number}", ip=f"2001:db8::{number + 1:x}:1")
    with pytest.raises(Unavailable):
        await sign(password="wrong", ip="2001:db8:0:0:ffff::9")
    assert await sign(ip="2001:db8:0:1::1")


async def test_what_opened_a_session_stands_until_it_is_gone(world: World, sign: Sign) -> None:
    service, address = sign.service, "li@post.test"
    origin = Origin("imap", "c", "192.0.2.1")
    by_password = await service.check_password(address, "correct horse", origin)
    _, text = await service.credentials.add(address, "phone")
    by_app = await service.check_password(address, text, origin)
    assert await service.stands(by_password)
    assert await service.stands(by_app)
    await world.accounts.update_account(address, name="Li")  # which changes nothing of it
    assert await service.stands(by_password)
    # Whoever knows the old password must not go on with it; what it gave to programs is a matter of its own.
    await world.accounts.update_account(address, password="another horse")
    assert not await service.stands(by_password)
    assert await service.stands(by_app)
    await service.credentials.revoke(address, "phone")
    assert not await service.stands(by_app)
    now = await service.check_password(address, "another horse", origin)
    await world.accounts.update_account(address, enabled=False)
    assert not await service.stands(now)


async def test_a_better_hash_of_the_same_password_ends_no_session(world: World, sign: Sign) -> None:
    account = await world.accounts.account("li@post.test")
    old = "{SSHA}" + base64.b64encode(hashlib.sha1(b"correct horsesalt").digest() + b"salt").decode()
    await world.store.directory.update_account(account.id, {"password": old})
    grant = await sign.service.check_password(
        "li@post.test", "correct horse", Origin("imap", "c", "192.0.2.1")
    )
    await sign.service.settled()
    assert (await world.accounts.account("li@post.test")).password != old
    assert await sign.service.stands(grant)
