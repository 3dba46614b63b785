"""An authorization server on a real store, with a browser and a program that talk to it."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import msgspec
from starlette.applications import Starlette

from posthouse.http.oauth.routes import make_context, routes
from posthouse.services.alerts import Alerts, EmailSender
from posthouse.services.grant import Grant, Origin
from posthouse.services.oauth.server import AuthorizationServer
from posthouse.services.oauth.settings import OAuthSettings
from posthouse.services.oauth.verifier import OwnTokens
from posthouse.services.signin import SignIn
from posthouse.services.two_step import TwoStep
from tests.unit.service_world import CHEAP_HASH, World, open_world

ISSUER = "https://mail.post.test"
LI = "li@post.test"
PASSWORD = "correct horse"
APP = "https://app.test/back"


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class Browser:
    """Follows forms and cookies as a browser does; `page` is what it shows."""

    def __init__(self, world: OAuthWorld, ip: str = "192.0.2.1", language: str = "en") -> None:
        self.http = world.client(ip)
        self.http.headers["accept-language"] = language
        self.page = ""
        self.status = 0
        self.headers: httpx.Headers = httpx.Headers()

    def _keep(self, response: httpx.Response) -> httpx.Response:
        self.page, self.status, self.headers = response.text, response.status_code, response.headers
        self.url = response.url
        return response

    async def open(self, path: str, **query: Any) -> httpx.Response:
        return self._keep(await self.http.get(path + ("?" + urlencode(query, doseq=True) if query else "")))

    def hidden(self, form: int = 0) -> dict[str, str]:
        part = re.findall(r"<form.*?</form>", self.page, re.DOTALL)[form]
        found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', part)
        return {name: unescape(value) for name, value in found}

    async def submit(
        self, form: int = 0, *, headers: dict[str, str] | None = None, **fields: str
    ) -> httpx.Response:
        head = {"origin": ISSUER, "sec-fetch-site": "same-origin"} | (headers or {})
        return self._keep(await self.http.post(self.url, data=self.hidden(form) | fields, headers=head))

    async def sign_in(self, address: str = LI, password: str = PASSWORD) -> httpx.Response:
        return await self.submit(address=address, password=password)

    async def allow(self) -> dict[str, str]:
        """What the client gets back in the address."""
        return answer_of(await self.submit(answer="allow"))


def answer_of(response: httpx.Response) -> dict[str, str]:
    assert response.status_code == 303, response.text
    return dict(parse_qsl(urlsplit(response.headers["location"]).query))


class OAuthWorld:
    def __init__(self, world: World, **settings: Any) -> None:
        self.world = world
        self.store, self.clock = world.store, world.clock
        self.naps: list[float] = []
        self.signin = SignIn(world.store, world.clock, CHEAP_HASH, sleep=self._sleep)
        chosen = OAuthSettings(ISSUER, "mail.post.test", resources=("https://crm.test/",))
        self.settings = msgspec.structs.replace(chosen, **settings)
        self.server = AuthorizationServer(world.store, world.clock, self.settings)
        self.tokens = OwnTokens(self.server)
        self.two_step = TwoStep(world.store, world.clock)
        self.two_step.senders["email"] = EmailSender(Alerts(world.delivery, world.clock, "mail.post.test"))
        self.signin.tokens = self.tokens
        self.serve()

    def serve(self, **options: Any) -> None:
        context = make_context(self.server, self.signin, self.two_step, "en", **options)
        self.app = Starlette(routes=routes(context))

    async def _sleep(self, seconds: float) -> None:
        self.naps.append(seconds)

    def client(self, ip: str = "192.0.2.1") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.app, client=(ip, 1234))
        return httpx.AsyncClient(transport=transport, base_url=ISSUER)

    def browser(self, **options: Any) -> Browser:
        return Browser(self, **options)

    async def add_client(
        self, name: str = "app", *, redirects: tuple[str, ...] = (APP,), **options: Any
    ) -> str:
        """Its secret."""
        _, secret = await self.server.clients.add(name, f"The {name}", redirects=redirects, **options)
        return secret

    async def post(self, path: str, *, ip: str = "192.0.2.1", **fields: Any) -> httpx.Response:
        headers = fields.pop("headers", None)
        auth = fields.pop("auth", None)
        async with self.client(ip) as client:
            return await client.post(path, data=fields, headers=headers, auth=auth)

    async def check(self, token: str, protocol: str = "imap", username: str = LI) -> Grant:
        return await self.signin.check_token(username, token, Origin(protocol, "c1", "192.0.2.9"))

    # --- the usual way ---

    async def code(self, *, browser: Browser | None = None, **query: Any) -> tuple[str, str]:
        """(code, verifier) that `app` gets from li."""
        browser = browser or self.browser()
        verifier = secrets.token_urlsafe(40)
        await browser.open("/oauth/authorize", **(request(verifier) | query))
        if 'name="password"' in browser.page:
            await browser.sign_in()
        if browser.status == 303:
            back = parse_qs(urlsplit(browser.headers["location"]).query)
            return back["code"][0], verifier
        return (await browser.allow())["code"], verifier

    async def exchange(self, code: str, verifier: str, **fields: Any) -> httpx.Response:
        values = {"client_id": "app", "redirect_uri": APP, "code": code, "code_verifier": verifier} | fields
        return await self.post("/oauth/token", grant_type="authorization_code", **values)

    async def issued(self, **query: Any) -> dict[str, Any]:
        """The tokens that `app` gets from li."""
        answer = await self.exchange(*await self.code(**query))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refresh(self, token: str, **fields: Any) -> httpx.Response:
        values = {"client_id": "app", "refresh_token": token} | fields
        return await self.post("/oauth/token", grant_type="refresh_token", **values)


def request(verifier: str = "v" * 43, **changes: Any) -> dict[str, Any]:
    """An authorization request in order."""
    return {
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": APP,
        "scope": "imap smtp",
        "state": "st",
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
    } | changes


@asynccontextmanager
async def open_oauth(
    tmp_path: Path, make: Callable[..., OAuthWorld] = OAuthWorld, **settings: Any
) -> AsyncIterator[OAuthWorld]:
    async with open_world(tmp_path) as world:
        account = await world.account("li")
        await world.store.directory.update_account(account.id, {"name": "李四"})
        await world.account("wang")
        made = make(world, **settings)
        await made.add_client()
        try:
            yield made
        finally:
            made.tokens.close()
            made.signin.close()
