"""All HTTP listeners of one worker as the configuration puts them together, and a person whose browser is signed in."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from posthouse.app.config import Config
from posthouse.app.config_provider import ProviderConfig
from posthouse.app.factories import Factories
from posthouse.app.web import Signs, Web
from posthouse.http.api.operation import LensAccess
from posthouse.servers.board import Board
from posthouse.services.lens_view import LensView
from posthouse.services.live import LiveSessions
from posthouse.services.signin import SignIn
from tests.unit.oauth_world import ISSUER, LI, PASSWORD, Browser
from tests.unit.service_world import CountingIds, EvenRng, World, open_world


class Site:
    """All listeners of one worker, and a person whose browser is signed in."""

    def __init__(self, path: Path, world: World, web: Web, sign_in: SignIn) -> None:
        self.path, self.world, self.web, self._sign_in = path, world, web, sign_in
        self.apps = {"secure": web.secure, "plain": web.plain, "challenge": web.challenge}
        self.routes = [
            (name, route)
            for name, app in (("secure", web._secure), ("plain", web._plain), ("challenge", web._challenge))
            for route in app.routes
        ]
        self.cookies: dict[str, str] = {}

    def client(self, ip: str = "192.0.2.1", listener: str = "secure") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.apps[listener], client=(ip, 1234))
        return httpx.AsyncClient(transport=transport, base_url=ISSUER, follow_redirects=False)

    def browser(self) -> Browser:
        return Browser(self)  # type: ignore[arg-type]  # it needs `client` only

    async def sign_in(self) -> None:
        """By the page and by the endpoints: both cookies are there."""
        browser = self.browser()
        await browser.open("/oauth/device")
        await browser.sign_in()
        assert 'name="user_code"' in browser.page, browser.page
        answer = await browser.http.post(
            "/auth/sign-in", json={"address": LI, "password": PASSWORD}, headers={"origin": ISSUER}
        )
        assert answer.status_code == 200, answer.text
        self.cookies = dict(browser.http.cookies)
        assert len(self.cookies) == 2
        assert (await browser.http.get("/oauth/jwks")).status_code == 200  # the first one makes the keys
        await self._sign_in.settled()

    def stored(self) -> dict[str, list[Any]]:
        """Everything that is kept, by table."""
        base = sqlite3.connect(f"file:{self.path / 'mail.db'}?mode=ro", uri=True)
        try:
            names = [name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: base.execute(f"SELECT * FROM {name}").fetchall() for name in names}
        finally:
            base.close()


@asynccontextmanager
async def open_site(tmp_path: Path) -> AsyncIterator[Site]:
    config = Config(hostname="mail.post.test", data=str(tmp_path))
    config.oauth.issuer = ISSUER
    config.oauth.registration = True
    config.providers = [
        ProviderConfig(name="other", issuer="http://127.0.0.1:1", client_id="us", domains=["post.test"])
    ]
    async with open_world(tmp_path) as world:
        await world.account("li")
        factories = Factories(
            world.store, config, owner="w", clock=world.clock, ids=CountingIds(), rng=EvenRng()
        )

        async def text() -> str:
            return ""

        live = LiveSessions(world.store, 1)
        lens = LensAccess(LensView([]), enabled=False, users=True, everybody=False, practice=None)
        web = Web(
            world.store, world.clock, factories, config, lens=lens, signs=Signs(text, text, Board(4), live)
        )
        yield Site(tmp_path, world, web, factories.sign_in)
        web.stop()
        live.close()
        await factories.close()


async def raw(
    app: Any, path: str, host: str, headers: tuple[tuple[bytes, bytes], ...] = ()
) -> tuple[int, str]:
    """Status and Location; as the octets came, not as a browser would make them."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "https",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(b"host", host.encode()), *headers], "client": ("192.0.2.9", 1), "server": ("mail.post.test", 443),
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(event: Any) -> None:
        sent.append(event)

    await app(scope, receive, send)
    found = {key.lower(): value for key, value in sent[0]["headers"]}
    return sent[0]["status"], found.get(b"location", b"").decode("latin-1")


async def takes_socket(app: Any, headers: dict[str, str]) -> bool:
    """Whether a WebSocket of JMAP is opened."""
    sent: list[dict[str, Any]] = []
    events = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]
    head = [(b"host", b"mail.post.test"), *((k.encode(), v.encode()) for k, v in headers.items())]
    scope = {
        "type": "websocket", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "wss", "path": "/jmap/ws",
        "raw_path": b"/jmap/ws", "query_string": b"", "root_path": "", "headers": head, "subprotocols": ["jmap"],
        "client": ("192.0.2.9", 1), "server": ("mail.post.test", 443),
        "extensions": {"websocket.http.response": {}},
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return events.pop(0)

    async def send(event: Any) -> None:
        sent.append(event)

    await app(scope, receive, send)
    return bool(sent[0]["type"] == "websocket.accept")
