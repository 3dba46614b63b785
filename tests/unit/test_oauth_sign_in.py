"""Signing in at the page: the second step cannot be gone round, and devices wait for their approval."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.core import totp
from tests.unit.oauth_world import LI, PASSWORD, Browser, OAuthWorld, open_oauth, request


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[OAuthWorld]:
    async with open_oauth(tmp_path) as opened:
        yield opened


class App:
    """An authenticator app of li."""

    def __init__(self, world: OAuthWorld) -> None:
        self.world = world
        self.recovery: list[str] = []
        self.key = b""

    def code(self) -> str:
        """One that was not used yet."""
        self.world.clock.move(totp.STEP_S)
        return totp.hotp(self.key, int(self.world.clock.now() // totp.STEP_S))

    async def switch_on(self) -> None:
        account = await self.world.world.accounts.account(LI)
        self.key = base64.b32decode((await self.world.two_step.enrol(account)).secret)
        self.recovery = await self.world.two_step.confirm(account, self.code())


@pytest.fixture
async def app(world: OAuthWorld) -> App:
    made = App(world)
    await made.switch_on()
    return made


async def begin(world: OAuthWorld, path: str = "/oauth/authorize") -> Browser:
    browser = world.browser()
    await browser.open(path, **(request() if path == "/oauth/authorize" else {}))
    await browser.sign_in()
    return browser


async def test_a_password_alone_gets_no_further(world: OAuthWorld, app: App) -> None:
    browser = await begin(world)
    assert browser.status == 200
    assert "Second step" in browser.page
    assert "Allow access?" not in browser.page
    cookie = browser.http.cookies["__Host-posthouse"]
    for code in ("", "000000", "x" * 500, "<b>"):
        await browser.submit(code=code)
        assert browser.status == 403
        assert "<b>" not in browser.page
    stolen = world.browser()
    stolen.http.cookies.set("__Host-posthouse", cookie, domain="mail.post.test", path="/")
    await stolen.open("/oauth/authorize", **request())
    assert 'name="password"' in stolen.page
    await browser.submit(code=app.code())
    assert "Allow access?" in browser.page
    assert "code" in await browser.allow()


@pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/device"])
async def test_recovery_codes_work_once(world: OAuthWorld, app: App, path: str) -> None:
    browser = await begin(world, path)
    await browser.submit(code=app.recovery[0])
    assert browser.status == 200
    assert "Second step" not in browser.page
    again = await begin(world, path)
    await again.submit(code=app.recovery[0])
    assert again.status == 403


async def test_codes_can_be_sent_to_the_second_address(world: OAuthWorld, app: App) -> None:
    await world.world.accounts.update_account(LI, second_address="wang@post.test")
    browser = await begin(world)
    assert "Send a code to w\u2026@post.test" in browser.page
    await browser.submit(1, method="email")
    assert "A code is on its way" in browser.page
    account = await world.world.accounts.account("wang@post.test")
    inbox = await world.store.mailboxes.get(account.id, "INBOX")
    assert inbox.messages == 1
    await browser.submit(1, method="sms")
    assert browser.status == 403


async def test_half_way_belongs_to_one_browser_and_ends(world: OAuthWorld, app: App) -> None:
    browser = await begin(world)
    half_way = browser.hidden()["half_way"]
    other = world.browser()
    await other.open("/oauth/authorize", **request())
    page = other.page
    await other.submit(step="second", half_way=half_way, code=app.code())
    assert "too long" in other.page
    for forged in ("", "x", "x.y", half_way[:-2] + "AA"):
        other.page = page
        await other.submit(step="second", half_way=forged, code=app.code())
        assert "too long" in other.page
    world.clock.move(301)
    await browser.submit(code=app.code())
    assert "too long" in browser.page


async def test_guessing_codes_ends_soon(world: OAuthWorld, app: App) -> None:
    browser = await begin(world)
    for _ in range(11):
        await browser.submit(code="000000")
    assert "Too many failed attempts" in browser.page
    await browser.submit(code=app.code())
    assert "Allow access?" not in browser.page


async def test_who_has_to_have_a_second_step_and_has_none_gets_no_token(world: OAuthWorld) -> None:
    await world.world.accounts.update_domain("post.test", two_step="required")
    browser = await begin(world)
    assert browser.status == 403
    assert "two-step sign-in has to be set up" in browser.page


async def test_a_device_that_waits_for_approval_waits(world: OAuthWorld) -> None:
    await world.world.accounts.update_account(LI, new_device="hold")
    first = await begin(world)
    known = first.status  # the first of an account, or one more that waits
    other = world.browser(ip="203.0.113.77")
    await other.open("/oauth/authorize", **request())
    await other.sign_in(LI, PASSWORD)
    assert (known, other.status) in ((200, 403), (403, 403))
    assert "waits for your approval" in other.page
