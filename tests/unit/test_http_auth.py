"""Signing in by browser: password, second step, passkeys, sessions, and the page that approves a device."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from posthouse.core import totp
from posthouse.core.errors import NotApproved
from posthouse.http.auth.context import agent_of
from posthouse.http.auth.routes import auth_routes, make_auth
from posthouse.http.pages import Pages
from posthouse.services.alerts import Alerts, EmailSender
from posthouse.services.grant import Origin
from posthouse.services.signin import SignIn
from posthouse.services.two_step import TwoStep
from posthouse.services.web_sessions import LIFE_S
from posthouse.storage.access import BLOCKED, KNOWN
from posthouse.storage.rows import Account
from tests.unit.authenticator import PRESENT, Authenticator
from tests.unit.service_world import CHEAP_HASH, World, open_world

URL = "https://mail.post.test"
PASSWORD = "correct horse"
LI = "li@post.test"


class Web:
    def __init__(self, world: World) -> None:
        self.world = world
        self.signin = SignIn(world.store, world.clock, CHEAP_HASH, sleep=self._sleep)
        alerts = self.signin.devices.alerts = Alerts(world.delivery, world.clock, "mx.test", URL)
        self.two_step = TwoStep(world.store, world.clock)
        self.two_step.senders["email"] = EmailSender(alerts)
        auth = make_auth(
            world.store,
            world.clock,
            self.signin,
            self.two_step,
            Pages("mail.post.test", "en", secure=True),
            URL,
        )
        self.app = Starlette(routes=auth_routes(auth))

    async def _sleep(self, _seconds: float) -> None: ...

    def browser(self, ip: str = "192.0.2.1") -> Browser:
        transport = httpx.ASGITransport(app=self.app, client=(ip, 1234))
        agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        return Browser(httpx.AsyncClient(transport=transport, base_url=URL, headers={"user-agent": agent}))

    async def account(self) -> Account:
        return await self.world.accounts.account(LI)

    async def switch_on(self) -> bytes:
        """Two-step sign-in by an app; its key."""
        made = await self.two_step.enrol(await self.account())
        key = base64.b32decode(made.secret)
        await self.two_step.confirm(await self.account(), self.code(key))
        self.world.clock.move(60)
        return key

    def code(self, key: bytes) -> str:
        return totp.hotp(key, int(self.world.clock.now() // totp.STEP_S))


class Browser:
    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def post(self, path: str, headers: dict[str, str] | None = None, **body: Any) -> tuple[int, Any]:
        head = {"origin": URL, "sec-fetch-site": "same-origin"} | (headers or {})
        answer = await self.http.post(f"/auth/{path}", json=body, headers=head)
        return answer.status_code, answer.json()

    async def get(self, path: str) -> tuple[int, Any]:
        answer = await self.http.get(f"/auth/{path}")
        return answer.status_code, answer.json()

    async def sign_in(self, password: str = PASSWORD, address: str = LI) -> tuple[int, Any]:
        return await self.post("sign-in", address=address, password=password)

    async def register(self, name: str = "laptop") -> Authenticator:
        status, options = await self.post("passkeys/options")
        assert status == 200, options
        device = Authenticator(URL)
        assert (await self.post("passkeys/register", name=name, passkey=device.create(options)))[0] == 201
        return device

    async def by_passkey(self, device: Authenticator, **ticket: str) -> tuple[int, Any]:
        _, options = await self.post("passkey/options", **ticket)
        answer = device.get(options)
        if ticket:
            return await self.post("sign-in/second", passkey=answer, **ticket)
        return await self.post("passkey/sign-in", passkey=answer)


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    async with open_world(tmp_path) as world:
        await world.account("li")
        await world.account("wang")
        web = Web(world)
        yield web
        await web.signin.settled()
        web.signin.close()


async def test_a_password_begins_a_session(web: Web) -> None:
    browser = web.browser()
    assert await browser.get("session") == (401, {"error": "wrong", "detail": ""})
    assert (await browser.sign_in("wrong"))[0] == 401
    response = await browser.http.post(
        "/auth/sign-in", json={"address": LI, "password": PASSWORD}, headers={"origin": URL}
    )
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("__Host-posthouse-session=")
    assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"))
    status, session = await browser.get("session")
    assert (status, session["account"], session["kind"]) == (200, LI, "password")
    token = response.cookies["__Host-posthouse-session"]
    assert token not in repr(await web.world.store.access.web_sessions((await web.account()).id))
    _, found = await browser.get("sessions")
    assert [(one["client"], one["ip"], one["own"]) for one in found["sessions"]] == [
        ("Firefox Linux", "192.0.2.1", True)
    ]
    assert (await browser.post("sign-out"))[0] == 200
    assert (await browser.get("session"))[0] == 401


async def test_sessions_end(web: Web) -> None:
    one, two = web.browser(), web.browser("198.51.100.1")
    for browser in (one, two):
        await browser.sign_in()
    assert await one.post("sessions/end") == (200, {"ended": 1})
    assert (await two.get("session"))[0] == 401
    assert (await one.get("session"))[0] == 200
    assert (await one.post("sessions/end", sessions=["x"]))[0] == 400
    await web.world.accounts.update_account(LI, password="another horse")
    assert (await one.get("session"))[0] == 401  # a new password ends them all
    await one.sign_in("another horse")
    await web.world.accounts.update_account(LI, enabled=False)
    assert (await one.get("session"))[0] == 401
    await web.world.accounts.update_account(LI, enabled=True)
    web.world.clock.move(LIFE_S)
    assert (await one.get("session"))[0] == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.test"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
    ],
)
async def test_pages_of_others_get_nothing(web: Web, headers: dict[str, str]) -> None:
    browser = web.browser()
    status, _ = await browser.post("sign-in", headers, address=LI, password=PASSWORD)
    assert status in (400, 403)
    await browser.sign_in()
    assert (await browser.post("sign-out", headers))[0] in (400, 403)
    assert (await browser.get("session"))[0] == 200


async def test_another_name_that_leads_here_gets_nothing(web: Web) -> None:
    answer = await web.browser().http.get("/auth/session", headers={"host": "evil.test"})
    assert answer.status_code == 421


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"null", b'{"address": 1}', b'{"address":"a"}', b"[" * 9000]
)
async def test_malformed_bodies(web: Web, body: bytes) -> None:
    head = {"content-type": "application/json", "origin": URL}
    answer = await web.browser().http.post("/auth/sign-in", content=body, headers=head)
    assert answer.status_code == 400
    long = await web.browser().http.post("/auth/sign-in", content=b" " * 20_000, headers=head)
    assert long.status_code == 413


async def test_the_second_step(web: Web) -> None:
    key = await web.switch_on()
    browser = web.browser()
    status, step = await browser.sign_in()
    assert (status, step["state"], set(step["methods"])) == (200, "second-step", {"totp", "recovery"})
    assert (await browser.get("session"))[0] == 401  # half way is nowhere
    ticket = step["ticket"]
    assert (await browser.post("sign-in/second", ticket=ticket, code="000000"))[0] == 401
    for bad in ("", "x", ticket[:-4] + "AAAA", "é"):
        assert (await browser.post("sign-in/second", ticket=bad, code=web.code(key)))[0] == 401
    assert (await browser.post("sign-in/second", ticket=ticket, code=web.code(key)))[0] == 200
    assert (await browser.get("session"))[1]["kind"] == "two-step"
    status, _ = await web.browser().post("sign-in/second", ticket=ticket, code=web.code(key))
    assert status == 401  # the code was used
    _, step = await browser.sign_in()
    web.world.clock.move(301)
    assert (await browser.post("sign-in/second", ticket=step["ticket"], code=web.code(key)))[0] == 401
    _, step = await browser.sign_in()
    await web.world.accounts.update_account(LI, password="another horse")
    assert (await browser.post("sign-in/second", ticket=step["ticket"], code=web.code(key)))[0] == 401


async def test_a_code_by_mail(web: Web) -> None:
    await web.switch_on()
    await web.world.accounts.update_account(LI, second_address="wang@post.test")
    browser = web.browser()
    _, step = await browser.sign_in()
    assert step["methods"]["email"] == "w…@post.test"
    assert (await browser.post("sign-in/send", ticket=step["ticket"], method="email"))[0] == 200
    assert (await browser.post("sign-in/send", ticket=step["ticket"], method="sms"))[0] == 404
    [letter] = await web.world.letters("wang")
    code = re.findall(r"\b\d{8}\b", letter.get_content())[0]
    assert (await browser.post("sign-in/second", ticket=step["ticket"], code=code))[0] == 200


async def test_required_and_not_set_up(web: Web) -> None:
    await web.world.accounts.update_domain("post.test", two_step="required")
    assert (await web.browser().sign_in())[0] == 403


async def test_a_passkey_signs_in_alone(web: Web) -> None:
    browser = web.browser()
    await browser.sign_in()
    device = await browser.register()
    assert (await browser.get("passkeys"))[1]["passkeys"][0]["name"] == "laptop"
    other = web.browser()
    assert await other.by_passkey(device) == (200, {"state": "signed-in", "account": LI})
    assert (await other.get("session"))[1]["kind"] == "passkey"
    assert (await web.browser().sign_in())[1]["state"] == "signed-in"  # the password goes on being enough
    await web.world.accounts.update_account(LI, enabled=False)
    assert (await web.browser().by_passkey(device))[0] == 401


async def test_a_passkey_as_second_step(web: Web) -> None:
    browser = web.browser()
    await browser.sign_in()
    device = await browser.register()
    await web.switch_on()
    other = web.browser()
    _, step = await other.sign_in()
    assert "passkey" in step["methods"]
    device.flags = PRESENT  # a key without a PIN: enough behind a password
    assert (await other.by_passkey(device, ticket=step["ticket"]))[0] == 200
    assert (await web.browser().by_passkey(device))[0] == 401  # but not alone


async def test_a_passkey_of_a_number_that_no_account_has(web: Web) -> None:
    browser = web.browser()
    await browser.sign_in()
    device = await browser.register()
    device.handle = "__________8"  # 2^64 - 1
    assert (await web.browser().by_passkey(device))[0] == 401


async def test_a_passkey_whose_answer_is_nested_without_end(web: Web) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 6000).decode()
    answer = {"id": "a", "rawId": "a", "response": {"clientDataJSON": deep}}
    assert (await web.browser().post("passkey/sign-in", passkey=answer))[0] in (401, 409)


async def test_what_is_wrong_with_a_passkey(web: Web) -> None:
    browser = web.browser()
    await browser.sign_in()
    device = await browser.register()
    _, options = await browser.post("passkey/options")
    answer = device.get(options)
    assert (await web.browser().post("passkey/sign-in", passkey=answer))[0] == 200
    assert (await web.browser().post("passkey/sign-in", passkey=answer))[0] == 401  # replayed
    _, options = await browser.post("passkey/options")
    web.world.clock.move(301)
    assert (await web.browser().post("passkey/sign-in", passkey=device.get(options)))[0] == 401  # too late
    evil = Authenticator("https://mail.post.test.evil.test")
    evil.key, evil.id, evil.handle, evil.count = device.key, device.id, device.handle, 99
    assert (await web.browser().by_passkey(evil))[0] == 401  # a phishing page
    stranger = Authenticator(URL)
    stranger.handle, stranger.count = device.handle, 99
    assert (await web.browser().by_passkey(stranger))[0] == 401  # a key that nobody registered
    thief = Authenticator(URL)
    thief.id, thief.handle, thief.count = device.id, device.handle, 99
    assert (await web.browser().by_passkey(thief))[0] == 401  # another key under its name
    device.count = 0
    assert (await web.browser().by_passkey(device))[0] == 401  # a copy, by its counter
    _, step = await browser.post("passkeys/options")
    assert (
        await web.browser().post("passkey/sign-in", passkey=device.get(step | {"rpId": "mail.post.test"}))
    )[0] == 401  # a challenge for something else
    for bad in ({}, {"id": 1}, {"id": "x", "response": {}}, {"response": {"clientDataJSON": "e30"}}):
        assert (await web.browser().post("passkey/sign-in", passkey=bad))[0] == 401


async def test_passkeys_are_changed_soon_after_signing_in_only(web: Web) -> None:
    browser = web.browser()
    assert (await browser.post("passkeys/options"))[0] == 401
    await browser.sign_in()
    await browser.register()
    _, options = await browser.post("passkeys/options")
    twice = Authenticator(URL)
    made = twice.create(options)
    assert (await browser.post("passkeys/register", name="laptop", passkey=made))[
        0
    ] == 409  # the name is taken
    assert (await browser.post("passkeys/register", name=" ", passkey=made))[0] == 400
    weak = Authenticator(URL)
    weak.flags = PRESENT
    _, options = await browser.post("passkeys/options")
    assert (await browser.post("passkeys/register", name="weak", passkey=weak.create(options)))[0] == 400
    assert (await browser.post("passkeys/remove", name="nothing"))[0] == 404
    web.world.clock.move(601)
    assert (await browser.post("passkeys/options"))[0] == 403
    assert (await browser.post("passkeys/remove", name="laptop"))[0] == 403
    await browser.sign_in()
    assert (await browser.post("passkeys/remove", name="laptop"))[0] == 200


async def test_a_held_device_is_approved_at_the_page(web: Web) -> None:
    await web.world.accounts.update_account(LI, new_device="hold", second_address="wang@post.test")
    origin = Origin("imap", "c1", "198.51.100.7", "Thunderbird")
    with pytest.raises(NotApproved):
        await web.signin.check_password(LI, PASSWORD, origin)
    assert await web.browser().sign_in() == (403, {"error": "held", "detail": ""})
    await web.signin.settled()
    links = [
        re.search(r"https://mail\.post\.test(/auth/device\?t=\S+)", letter.get_content())
        for letter in await web.world.letters("wang")
    ]
    first, second = (link[1] for link in links if link is not None)
    http = web.browser().http
    for _ in range(2):  # looking changes nothing
        page = await http.get(first)
        assert page.status_code == 200
        assert "198.51.100.7" in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        # Told in the reader's time zone by the one script that may run here.
        assert re.search(r'<time datetime="[-\dT:]+Z">[-\d]+ [\d:]+ UTC</time>', page.text)
        assert "script-src 'self'; " in page.headers["content-security-policy"]
    account = await web.account()
    assert KNOWN not in {one.state for one in await web.world.store.access.devices(account.id)}
    approval = first.partition("t=")[2]
    done = await http.post("/auth/device", data={"t": approval, "answer": "allow"})
    assert "Approved" in done.text
    assert await web.signin.check_password(LI, PASSWORD, origin)
    assert (await http.post("/auth/device", data={"t": approval, "answer": "block"})).status_code == 404
    page = (await http.get(second)).text
    assert all(word in page for word in (LI, "Time", "From"))  # whose it is, and what is known of the device
    blocked = await http.post("/auth/device", data={"t": second.partition("t=")[2], "answer": "block"})
    assert "change it at once" in blocked.text
    assert BLOCKED in {one.state for one in await web.world.store.access.devices(account.id)}
    assert (await http.get("/auth/device?t=nonsense")).status_code == 404


async def test_many_requests_are_told_to_wait(web: Web) -> None:
    browser = web.browser()
    for _ in range(120):
        await browser.get("session")
    assert (await browser.get("session"))[0] == 429
    assert (await web.browser("198.51.100.1").get("session"))[0] == 401


def test_the_name_of_a_browser_has_no_version() -> None:
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) AppleWebKit/605 Version/19 Safari/604"
    scope = {"type": "http", "headers": [(b"user-agent", agent.encode())]}
    assert agent_of(Request(scope)) == "Safari iPhone"
