"""The second step: codes of an app, recovery codes, codes sent; and that one secret alone then opens nothing."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.core import totp
from posthouse.core.errors import Conflict, Invalid, NotFound, SignInFailed, Unavailable
from posthouse.services.alerts import Alerts, EmailSender
from posthouse.services.grant import Origin
from posthouse.services.signin import SignIn
from posthouse.services.two_step import RECOVERY_CODES, SENT_S, WRONG_MAX, WRONG_S, TwoStep
from posthouse.storage.access import WebSession
from posthouse.storage.rows import Account
from tests.unit.service_world import CHEAP_HASH, World, open_world

PASSWORD = "correct horse"
LI = "li@post.test"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        await world.account("li")
        await world.account("wang")
        yield world


class Steps:
    def __init__(self, world: World) -> None:
        self.world = world
        self.service = TwoStep(world.store, world.clock, "Post House")
        self.service.senders["email"] = EmailSender(Alerts(world.delivery, world.clock, "mx.test"))
        self.key = b""

    async def account(self) -> Account:
        return await self.world.accounts.account(LI)

    def code(self, steps: int = 0) -> str:
        return totp.hotp(self.key, int(self.world.clock.now() // totp.STEP_S) + steps)

    async def switch_on(self) -> list[str]:
        made = await self.service.enrol(await self.account())
        self.key = base64.b32decode(made.secret)
        return await self.service.confirm(await self.account(), self.code())

    async def check(self, code: str) -> str:
        return await self.service.check(await self.account(), code)


@pytest.fixture
def steps(world: World) -> Steps:
    return Steps(world)


# RFC 4226 Appendix D, RFC 6238 Appendix B
@pytest.mark.parametrize(
    ("counter", "code"),
    list(enumerate(["755224", "287082", "359152", "969429", "338314", "254676", "287922"])),
)
def test_hotp(counter: int, code: str) -> None:
    assert totp.hotp(b"12345678901234567890", counter) == code


@pytest.mark.parametrize(
    ("now", "algorithm", "key", "code"),
    [
        (59, "sha1", b"12345678901234567890", "94287082"),
        (1111111109, "sha1", b"12345678901234567890", "07081804"),
        (20000000000, "sha1", b"12345678901234567890", "65353130"),
        (59, "sha256", b"12345678901234567890123456789012", "46119246"),
    ],
)
def test_totp(now: int, algorithm: str, key: bytes, code: str) -> None:
    assert totp.hotp(key, now // 30, 8, algorithm) == code


def test_a_code_is_good_for_three_steps_and_once() -> None:
    key = b"k" * 20
    for skew, wanted in ((-2, None), (-1, 99), (0, 100), (1, 101), (2, None)):
        assert totp.match(key, totp.hotp(key, 100 + skew), 3000.0) == wanted
    assert totp.match(key, totp.hotp(key, 100), 3000.0, last=100) is None
    assert totp.match(key, totp.hotp(key, 101), 3000.0, last=100) == 101


async def test_enrolment(world: World, steps: Steps) -> None:
    account = await steps.account()
    with pytest.raises(NotFound):
        await steps.service.confirm(account, "000000")
    made = await steps.service.enrol(account)
    assert made.uri.startswith("otpauth://totp/Post%20House:li%40post.test?secret=" + made.secret)
    assert not (await steps.account()).two_step
    with pytest.raises(SignInFailed):
        await steps.service.confirm(account, "000000")
    assert await steps.service.methods(account) == {}  # nothing counts before it is confirmed
    codes = await steps.switch_on()
    assert len(set(codes)) == RECOVERY_CODES
    assert (await steps.account()).two_step
    assert set(await steps.service.methods(account)) == {"totp", "recovery"}
    with pytest.raises(Conflict):
        await steps.service.enrol(account)
    await steps.service.disable(await steps.account())
    assert not (await steps.account()).two_step
    assert [one.kind for one in await world.store.credentials.of_account(account.id)] == ["password"]
    with pytest.raises(NotFound):
        await steps.service.disable(await steps.account())


async def test_secrets_are_sealed(world: World, steps: Steps) -> None:
    codes = await steps.switch_on()
    kept = repr(await world.store.credentials.of_account((await steps.account()).id))
    for secret in (
        totp.secret_text(steps.key),
        steps.key.hex(),
        repr(steps.key),
        *codes,
        codes[0].replace("-", ""),
    ):
        assert secret not in kept
    await world.store.directory.put_setting("signin.secret", b"another secret of 32 bytes ......")
    with pytest.raises(Unavailable, match="sealed with another secret"):
        await Steps(world).check("123456")


async def test_a_code_of_the_app_is_good_once(world: World, steps: Steps) -> None:
    await steps.switch_on()
    with pytest.raises(SignInFailed):
        await steps.check(steps.code())  # it confirmed already
    world.clock.move(60)
    assert await steps.check(f"{steps.code()[:3]} {steps.code()[3:]}") == "totp"
    with pytest.raises(SignInFailed):
        await TwoStep(world.store, world.clock).check(await steps.account(), steps.code())  # another worker


async def test_recovery_codes_are_good_once_and_void_when_there_are_new_ones(steps: Steps) -> None:
    codes = await steps.switch_on()
    assert await steps.check(codes[3].upper()) == "recovery"
    with pytest.raises(SignInFailed):
        await steps.check(codes[3])
    new = await steps.service.new_recovery_codes(await steps.account())
    with pytest.raises(SignInFailed):
        await steps.check(codes[4])
    assert await steps.check(new[0].replace("-", "")) == "recovery"


async def test_a_code_by_mail(world: World, steps: Steps) -> None:
    with pytest.raises(NotFound):
        await steps.service.send(await steps.account(), "email")
    await steps.switch_on()
    with pytest.raises(NotFound):  # nowhere to send it
        await steps.service.send(await steps.account(), "email")
    await world.accounts.update_account(LI, second_address="wang@post.test", language="en")
    assert (await steps.service.methods(await steps.account()))["email"] == "w…@post.test"
    for _ in range(2):
        await steps.service.send(await steps.account(), "email")
    first, second = [re.findall(r"\b\d{8}\b", one.get_content())[0] for one in await world.letters("wang")]
    assert await world.letters("li") == []
    with pytest.raises(SignInFailed):
        await steps.check(first)
    assert await steps.check(second) == "email"
    with pytest.raises(SignInFailed):
        await steps.check(second)
    await steps.service.send(await steps.account(), "email")
    late = re.findall(r"\b\d{8}\b", (await world.letters("wang"))[2].get_content())[0]
    world.clock.move(SENT_S)
    with pytest.raises(SignInFailed):
        await steps.check(late)


async def test_guessing_codes_ends(world: World, steps: Steps) -> None:
    await steps.switch_on()
    world.clock.move(60)
    for _ in range(WRONG_MAX):
        with pytest.raises(SignInFailed):
            await steps.check("000000")
    with pytest.raises(Unavailable):
        await steps.check(steps.code())
    world.clock.move(WRONG_S + 1)
    assert await steps.check(steps.code()) == "totp"


async def test_guessing_many_codes_at_once_is_no_way_round(world: World, steps: Steps) -> None:
    await steps.switch_on()
    world.clock.move(60)
    account = await steps.account()
    codes = [f"{number:06}" for number in range(50) if f"{number:06}" != steps.code()]
    found = await asyncio.gather(
        *(steps.service.check(account, code) for code in codes), return_exceptions=True
    )
    assert [type(one) for one in found].count(SignInFailed) == WRONG_MAX
    assert {type(one) for one in found[WRONG_MAX:]} == {Unavailable}


async def test_the_password_alone_opens_no_mail(world: World, steps: Steps) -> None:
    sign = SignIn(world.store, world.clock, CHEAP_HASH)
    origins = [Origin(protocol, "c1", "127.0.0.1") for protocol in ("imap", "pop3", "submission")]
    for origin in origins:
        assert await sign.check_password(LI, PASSWORD, origin)
    _, app = await sign.credentials.add(LI, "phone")
    await steps.switch_on()
    for origin in origins:
        with pytest.raises(SignInFailed):  # also for a password that was remembered
            await sign.check_password(LI, PASSWORD, origin)
        claim = await sign.scram_claim(LI, "SCRAM-SHA-256", origin)
        assert [one.kind for one in claim.credentials] == ["app"]
        assert (await sign.check_password(LI, app, origin)).kind == "app"
    jmap = Origin("http", "c1", "127.0.0.1")
    with pytest.raises(SignInFailed):  # HTTP Basic asks for nothing more
        await sign.check_password(LI, PASSWORD, jmap)
    page = Origin("http", "c1", "127.0.0.1", first_step=True)
    assert await sign.verify_password(LI, PASSWORD, page)  # the first step of two
    await steps.service.disable(await steps.account())
    await world.accounts.update_domain("post.test", two_step="required")
    for origin in (*origins, jmap):
        with pytest.raises(SignInFailed):
            await sign.check_password(LI, PASSWORD, origin)
    await world.accounts.update_domain("post.test", two_step="off")
    assert await sign.check_password(LI, PASSWORD, origins[0])
    with pytest.raises(Invalid):
        await steps.service.enrol(await steps.account())
    await sign.settled()
    sign.close()


async def test_switching_it_on_or_off_ends_all_sessions(world: World, steps: Steps) -> None:
    account = await steps.account()
    await world.store.access.add_web_session(WebSession(account.id, "h", "password", 1.0, 9e9))
    await steps.switch_on()
    assert await world.store.access.web_session("h") is None
