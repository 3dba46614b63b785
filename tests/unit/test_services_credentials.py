"""SCRAM keys and app passwords: what opens an account, and that nothing tells who has one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.core import scram
from posthouse.core.errors import Exists, Expired, Forbidden, Invalid, NotFound, SignInFailed, Unavailable
from posthouse.services.credentials import APP_PASSWORDS_MAX, Credentials
from posthouse.services.grant import Origin
from posthouse.services.signin import SignIn
from posthouse.storage.rows import Account
from tests.unit.service_world import CHEAP_HASH, World, open_world

PASSWORD = "correct horse"
LI = "li@post.test"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        await world.account("li")
        yield world


class Sign:
    """Sign-in by password and by SCRAM; `hashes` counts slow hashes."""

    def __init__(self, world: World) -> None:
        self.hashes = 0
        self.service = SignIn(world.store, world.clock, CHEAP_HASH, sleep=self._sleep)
        self.app: Credentials = self.service.credentials
        matches = self.service._matches

        def counted(phc: str, password: str) -> bool:
            self.hashes += 1
            return matches(phc, password)

        self.service._matches = counted  # type: ignore[method-assign]

    async def _sleep(self, seconds: float) -> None:
        assert seconds

    async def plain(
        self, password: str = PASSWORD, name: str = LI, protocol: str = "imap", ip: str = "192.0.2.1"
    ) -> Account:
        grant = await self.service.check_password(name, password, Origin(protocol, "c1", ip))
        return grant.account

    async def scram(
        self,
        password: str = PASSWORD,
        name: str = LI,
        protocol: str = "imap",
        ip: str = "192.0.2.1",
        mechanism: str = "SCRAM-SHA-256",
    ) -> Account:
        """As a client would: only the password is known, and what the server tells."""
        origin = Origin(protocol, "c1", ip)
        claim = await self.service.scram_claim(name, mechanism, origin)
        mine = scram.derive(mechanism, password, claim.keys.salt, claim.keys.iterations)
        found = [at for at, key in enumerate(claim.keys.keys) if key == mine]
        return (await self.service.scram_finish(claim, found[0] if found else None, origin)).account


@pytest.fixture
async def sign(world: World) -> AsyncIterator[Sign]:
    sign = Sign(world)
    yield sign
    await sign.app.settled()
    sign.service.close()


# --- SCRAM ---


@pytest.mark.parametrize("mechanism", list(scram.HASHES))
async def test_a_new_account_signs_in_by_scram_without_a_slow_hash(sign: Sign, mechanism: str) -> None:
    assert (await sign.scram(mechanism=mechanism)).address == LI
    with pytest.raises(SignInFailed):
        await sign.scram("wrong", mechanism=mechanism)
    assert sign.hashes == 0


async def test_an_older_account_gets_its_keys_at_login(world: World, sign: Sign) -> None:
    account = await world.accounts.account(LI)
    await world.store.credentials.revoke(account.id, "password", "")
    with pytest.raises(SignInFailed):
        await sign.scram()
    await sign.plain()
    await sign.service.settled()
    assert await sign.scram()


async def test_keys_of_an_older_password_open_nothing(world: World, sign: Sign) -> None:
    account = await world.accounts.account(LI)
    await world.store.directory.update_account(account.id, {"password": "another hash"})
    with pytest.raises(SignInFailed):
        await sign.scram()  # its keys are still there, and no longer its password's
    await world.accounts.update_account(LI, password="another horse")
    assert await sign.scram("another horse")
    await sign.app.keep_keys(account, PASSWORD)  # a late upgrade of the old one
    assert await sign.scram("another horse")
    with pytest.raises(SignInFailed):
        await sign.scram()


async def test_equal_forms_of_a_password_are_equal(world: World, sign: Sign) -> None:
    await world.accounts.update_account(LI, password="ｐａｓｓ\u00a0ｗｏｒｄ 密码")
    for password in ("pass word 密码", "ｐａｓｓ word 密码", "pass\u00ad\u00a0word 密码"):
        assert await sign.plain(password)
    assert await sign.scram("pass word 密码")
    with pytest.raises(SignInFailed):
        await sign.plain("pass\u0007word 密码")
    with pytest.raises(Invalid):
        await world.accounts.update_account(LI, password="with a bell \u0007")


async def test_an_unknown_address_is_challenged_like_a_known_one(world: World, sign: Sign) -> None:
    origin = Origin("imap", "c1", "192.0.2.1")
    seen = {}
    for name in (LI, "nobody@post.test", "x", "\u0007"):
        one = await sign.service.scram_claim(name, "SCRAM-SHA-1", origin)
        again = await Sign(world).service.scram_claim(name.upper(), "SCRAM-SHA-1", origin)
        assert (len(one.keys.salt), one.keys.iterations, len(one.keys.keys)) == (16, 4096, 1)
        assert "@" not in name or one.keys.salt == again.keys.salt
        seen[name] = one.keys.salt
        with pytest.raises(SignInFailed):
            await sign.service.scram_finish(one, None, origin)
    assert len(set(seen.values())) == 4
    other = await sign.service.scram_claim("nobody@post.test", "SCRAM-SHA-1", origin)
    with pytest.raises(SignInFailed):
        await sign.service.scram_finish(other, 0, origin)  # even if its keys were guessed


async def test_disabled_accounts_and_protocols(world: World, sign: Sign) -> None:
    await world.accounts.update_account(LI, protocols=("imap",))
    with pytest.raises(Forbidden):
        await sign.scram(protocol="pop3")
    await world.accounts.update_account(LI, enabled=False)
    with pytest.raises(SignInFailed):
        await sign.scram()


# --- app passwords ---


async def test_an_app_password_opens_its_protocols_by_every_mechanism(sign: Sign) -> None:
    credential, text = await sign.app.add(LI, "phone", protocols=("imap", "submission"))
    assert text not in repr(credential)
    for way in (sign.plain, sign.scram):
        for protocol in ("imap", "submission"):
            assert (await way(text, protocol=protocol)).address == LI
        with pytest.raises(SignInFailed):
            await way(text, protocol="pop3")
        assert await way(PASSWORD)
    assert sign.hashes == 2  # the password's, and the app password where it is none
    assert await sign.plain(f"{text[:4]}-{text[4:8]} {text[8:]}")


async def test_several_app_passwords_share_one_challenge(world: World, sign: Sign) -> None:
    texts = [(await sign.app.add(LI, name))[1] for name in ("phone", "laptop")]
    await world.accounts.update_account(LI, password="another horse")
    for text in (*texts, "another horse"):
        assert await sign.scram(text)
    await sign.app.revoke(LI, "phone")
    for way in (sign.plain, sign.scram):
        with pytest.raises(SignInFailed):
            await way(texts[0])
        assert await way(texts[1])


async def test_expiry_and_networks(world: World, sign: Sign) -> None:
    _, text = await sign.app.add(
        LI, "phone", networks=("192.0.2.0/24", "2001:db8::/32"), expires_at=world.clock.now() + 60
    )
    for way in (sign.plain, sign.scram):
        for ip in ("192.0.2.9", "2001:db8::1", "::ffff:192.0.2.9"):
            assert await way(text, ip=ip)
        for ip in ("192.0.3.1", "2001:db9::1", ""):
            with pytest.raises(SignInFailed):
                await way(text, ip=ip)
    world.clock.move(61)
    with pytest.raises(Expired):  # who knows it is told so, from where it was allowed
        await sign.plain(text, ip="192.0.2.9")
    with pytest.raises(SignInFailed) as told:
        await sign.plain(text, ip="192.0.3.1")
    assert type(told.value) is SignInFailed
    with pytest.raises(SignInFailed):
        await sign.scram(text, ip="192.0.2.9")


async def test_the_last_use_is_kept(world: World, sign: Sign) -> None:
    _, text = await sign.app.add(LI, "phone")
    [before] = await sign.app.app_passwords(LI)
    await sign.plain(text, protocol="pop3", ip="192.0.2.7")
    await sign.app.settled()
    [after] = await sign.app.app_passwords(LI)
    assert (before.used_at, after.used_at) == (0.0, world.clock.now())
    assert (after.used_ip, after.used_protocol) == ("192.0.2.7", "pop3")


async def test_app_passwords_only(world: World, sign: Sign) -> None:
    _, text = await sign.app.add(LI, "phone")
    await sign.plain()
    await world.accounts.update_account(LI, app_only=("imap", "pop3"))
    for way in (sign.plain, sign.scram):
        for protocol in ("imap", "pop3"):
            assert await way(text, protocol=protocol)
            with pytest.raises(SignInFailed):
                await way(PASSWORD, protocol=protocol)
        assert await way(PASSWORD, protocol="submission")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 101},
        {"name": "a\nb"},
        {"protocols": ("smtp",)},
        {"protocols": ()},
        {"networks": ("300.0.0.0/8",)},
        {"expires_at": 1.0},
    ],
)
async def test_what_is_no_app_password(sign: Sign, wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await sign.app.add(LI, **({"name": "phone"} | wrong))


async def test_names_are_unique_and_have_to_exist(sign: Sign) -> None:
    await sign.app.add(LI, "phone")
    with pytest.raises(Exists):
        await sign.app.add(LI, "phone")
    for work in (
        sign.app.revoke(LI, "car"),
        sign.app.revoke("x@post.test", "a"),
        sign.app.add("x@post.test", "a"),
    ):
        with pytest.raises(NotFound):
            await work
    assert APP_PASSWORDS_MAX == 100


async def test_what_looks_like_an_app_password_and_is_none_costs_a_hash(sign: Sign) -> None:
    for name in (LI, "nobody@post.test"):
        with pytest.raises(SignInFailed):
            await sign.plain("abcdefghijkmnpqrstuv", name=name)
    assert sign.hashes == 2


# --- floods ---


async def test_a_flood_of_bad_passwords_does_not_starve_the_others(world: World) -> None:
    sign = Sign(world)
    for name in ("a", "b", "c", "d"):
        await world.account(name)
    order: list[str] = []

    async def one(name: str, password: str, ip: str) -> str:
        try:
            await sign.plain(password, name=f"{name}@post.test", ip=ip)
        except (SignInFailed, Unavailable) as error:
            order.append(type(error).__name__)
            return type(error).__name__
        order.append("in")
        return "in"

    flood = [asyncio.ensure_future(one("li", f"wrong{n}", "198.51.100.1")) for n in range(500)]
    await asyncio.sleep(0)
    good = [asyncio.ensure_future(one(name, PASSWORD, f"192.0.2.{n}")) for n, name in enumerate("abcd")]
    assert await asyncio.gather(*good) == ["in"] * 4
    # The four good ones waited for a handful of the flood's hashes, not for the two hundred that stood before them.
    assert order.count("SignInFailed") < 20
    results = await asyncio.gather(*flood)
    assert results.count("Unavailable") >= 300
    sign.service.close()
