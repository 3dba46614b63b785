"""Session fixation: whichever way somebody signs in, the cookie afterwards is none that was there before."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from html import unescape
from pathlib import Path
from typing import Any, Final

import pytest

from posthouse.core import totp
from posthouse.services.passkeys import Passkeys
from posthouse.services.two_step import TwoStep
from tests.unit.authenticator import Authenticator
from tests.unit.http_site import Site, open_site
from tests.unit.oauth_world import ISSUER, LI, PASSWORD, Browser

VISIT, SESSION = "__Host-posthouse", "__Host-posthouse-session"
SHOWN: Final = {VISIT: ("/oauth/device", 'name="user_code"'), SESSION: ("/auth/session", LI)}
"""What only somebody who is signed in sees."""


class Person:
    """Li, with a browser, an authenticator app and a passkey."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.browser = site.browser()
        self.key = b""
        self.device = Authenticator(ISSUER)

    async def own_passkey(self) -> None:
        world = self.site.world
        passkeys = Passkeys(world.store, world.clock, ISSUER, "mail.post.test")
        account = await world.accounts.account(LI)
        await passkeys.register(account, "laptop", self.device.create(await passkeys.registration(account)))

    async def own_app(self) -> None:
        world = self.site.world
        two_step = TwoStep(world.store, world.clock)
        made = await two_step.enrol(await world.accounts.account(LI))
        self.key = base64.b32decode(made.secret)
        await two_step.confirm(await world.accounts.account(LI), self.code())

    def code(self) -> str:
        clock = self.site.world.clock
        clock.move(totp.STEP_S)
        return totp.hotp(self.key, int(clock.now() // totp.STEP_S))

    async def post(self, path: str, **body: Any) -> Any:
        answer = await self.browser.http.post(f"/auth/{path}", json=body, headers={"origin": ISSUER})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def options(self) -> dict[str, Any]:
        [text] = re.findall('data-options="([^"]*)"', self.browser.page)
        found: dict[str, Any] = json.loads(unescape(text))
        return found

    # --- ways in ---

    async def by_page(self) -> None:
        await self.browser.open("/oauth/device")
        await self.browser.sign_in()

    async def by_page_in_two_steps(self) -> None:
        await self.own_app()
        await self.by_page()
        assert "Second step" in self.browser.page
        await self.browser.submit(code=self.code())

    async def by_page_and_passkey(self) -> None:
        await self.own_passkey()
        await self.browser.open("/oauth/device")
        await self.browser.submit(1, passkey=json.dumps(self.device.get(self.options())))

    async def by_endpoint(self) -> None:
        await self.post("sign-in", address=LI, password=PASSWORD)

    async def by_endpoint_in_two_steps(self) -> None:
        await self.own_app()
        asked = await self.post("sign-in", address=LI, password=PASSWORD)
        assert asked["state"] == "second-step"
        await self.post("sign-in/second", ticket=asked["ticket"], code=self.code())

    async def by_endpoint_and_passkey(self) -> None:
        await self.own_passkey()
        await self.post("passkey/sign-in", passkey=self.device.get(await self.post("passkey/options")))


WAYS: Final[dict[str, tuple[Callable[[Person], Awaitable[None]], str]]] = {
    "a password at the page": (Person.by_page, VISIT),
    "two steps at the page": (Person.by_page_in_two_steps, VISIT),
    "a passkey at the page": (Person.by_page_and_passkey, VISIT),
    "a password": (Person.by_endpoint, SESSION),
    "two steps": (Person.by_endpoint_in_two_steps, SESSION),
    "a passkey": (Person.by_endpoint_and_passkey, SESSION),
}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as site:
        yield site


async def sees(site: Site, cookies: dict[str, str], name: str) -> bool:
    path, mark = SHOWN[name]
    async with site.client("203.0.113.5") as client:
        client.cookies.update(cookies)
        return mark in (await client.get(path)).text


def cookies_of(browser: Browser, name: str) -> list[str]:
    return [one.value or "" for one in browser.http.cookies.jar if one.name == name]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("planted", ["made up", "a stranger's visit", "an own session that was given away"])
async def test_what_was_there_before_is_worth_nothing_after(site: Site, way: str, planted: str) -> None:
    enter, name = WAYS[way]
    before = {VISIT: "x.y", SESSION: "x"}
    if planted != "made up":
        stranger = site.browser()
        await stranger.open("/oauth/device")
        before |= dict(stranger.http.cookies)
    if planted.startswith("an own"):
        # The attacker's own, signed in: the person who is given it must not go on in it.
        await site.world.account("mallory")
        await stranger.sign_in("mallory@post.test")
        answer = await stranger.http.post(
            "/auth/sign-in", json={"address": "mallory@post.test", "password": PASSWORD}
        )
        assert answer.status_code == 200
        before |= {one.name: one.value or "" for one in stranger.http.cookies.jar}
        before.pop(VISIT)  # with a visit that is signed in there is no form to sign in by
    person = Person(site)
    for key, value in before.items():
        person.browser.http.cookies.set(key, value, domain="mail.post.test")
    await enter(person)
    mine = cookies_of(person.browser, name)[-1]
    assert mine not in before.values()
    assert await sees(site, {name: mine}, name)
    if planted.startswith("an own"):
        path, mark = SHOWN[SESSION]
        async with site.client() as client:
            client.cookies.update({SESSION: before[SESSION]})
            assert mark not in (await client.get(path)).text
    else:
        assert not await sees(site, before, name)


async def test_every_way_is_another(site: Site) -> None:
    """Twice the same way are two sessions: one that ends takes the other with it nowhere."""
    found = set()
    for _ in range(3):
        person = Person(site)
        await person.by_endpoint()
        found.add(cookies_of(person.browser, SESSION)[-1])
    assert len(found) == 3
