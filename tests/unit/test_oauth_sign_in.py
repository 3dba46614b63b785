"""Signing in at the page: the second step cannot be gone round, and devices wait for their approval."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from posthouse.core import totp
from posthouse.services.passkeys import Passkeys
from tests.unit.authenticator import Authenticator
from tests.unit.oauth_world import ISSUER, LI, PASSWORD, Browser, OAuthWorld, open_oauth, request


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


# --- passkeys ---


@pytest.fixture
async def passkey(world: OAuthWorld) -> Authenticator:
    """Li's."""
    authenticator = Authenticator(ISSUER)
    passkeys = Passkeys(world.store, world.clock, ISSUER, "Posthouse")
    account = await world.world.accounts.account(LI)
    await passkeys.register(account, "laptop", authenticator.create(await passkeys.registration(account)))
    return authenticator


def options_of(browser: Browser) -> dict[str, Any]:
    [text] = re.findall('data-options="([^"]*)"', browser.page)
    found: dict[str, Any] = json.loads(unescape(text))
    return found


async def use(
    browser: Browser, passkey: Authenticator, form: int, answer: dict[str, Any] | None = None
) -> None:
    made = answer or passkey.get(options_of(browser))
    await browser.submit(form, passkey=json.dumps(made))


@pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/device"])
async def test_a_passkey_signs_in_without_name_and_password(
    world: OAuthWorld, passkey: Authenticator, path: str
) -> None:
    browser = world.browser()
    await browser.open(path, **(request() if path == "/oauth/authorize" else {}))
    await use(browser, passkey, 1)
    assert browser.status == 200
    assert ("Allow access?" if path == "/oauth/authorize" else 'name="user_code"') in browser.page
    if path == "/oauth/authorize":
        assert "code" in await browser.allow()


async def test_a_passkey_is_a_second_step_and_the_password_alone_is_none(
    world: OAuthWorld, passkey: Authenticator
) -> None:
    account = await world.world.accounts.account(LI)
    await world.store.directory.update_account(account.id, {"two_step": True})
    browser = await begin(world)
    assert "Second step" in browser.page
    assert 'name="code"' not in browser.page  # there is nothing but the passkey
    options = options_of(browser)
    assert len(options["allowCredentials"]) == 1
    # One that is asked for without a person is none for the second step, and the other way round.
    alone = world.browser()
    await alone.open("/oauth/authorize", **request())
    await use(browser, passkey, 0, passkey.get(options_of(alone)))
    assert browser.status == 403
    await use(alone, passkey, 1, passkey.get(options_of(browser)))
    assert alone.status == 403
    await use(browser, passkey, 0)
    assert "Allow access?" in browser.page


async def test_passkeys_that_open_nothing(world: OAuthWorld, passkey: Authenticator) -> None:
    browser = world.browser()
    await browser.open("/oauth/authorize", **request())
    used = passkey.get(options_of(browser))
    stranger = Authenticator(ISSUER)
    stranger.handle = passkey.handle
    stranger.id = passkey.id
    elsewhere = Authenticator("https://evil.test")
    elsewhere.key, elsewhere.id, elsewhere.handle = passkey.key, passkey.id, passkey.handle
    options = options_of(browser)
    for answer in ("", "null", "[]", "{}", '{"response": 1}', "[" * 5000, "x" * 15000):
        await browser.submit(1, passkey=answer)
        assert browser.status == 403
        assert "passkey is not accepted" in browser.page
    for answer in (stranger.get(options), elsewhere.get(options)):
        await use(browser, passkey, 1, answer)
        assert browser.status == 403
    await use(browser, passkey, 1, used)
    assert "Allow access?" in browser.page
    again = world.browser()
    await again.open("/oauth/authorize", **request())
    await use(again, passkey, 1, used)  # a second time
    assert again.status == 403
    world.clock.move(1)
    await again.open("/oauth/authorize", **request())
    await world.world.accounts.update_account(LI, protocols=("imap",))
    await use(again, passkey, 1)
    assert "cannot sign in on pages" in again.page
    await world.world.accounts.update_account(LI, enabled=False)
    await use(again, passkey, 1)
    assert again.status == 403
    world.clock.move(301)
    late = passkey.get(options_of(again))
    await world.world.accounts.update_account(LI, enabled=True, protocols=("imap", "http"))
    await use(again, passkey, 1, late)
    assert again.status == 403
