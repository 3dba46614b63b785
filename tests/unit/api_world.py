"""The HTTP API on a real store, with tokens of its own authorization server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import msgspec
from starlette.applications import Starlette

from posthouse.app.config import Config
from posthouse.app.node_view import View
from posthouse.http.api.endpoint import Endpoint
from posthouse.http.api.operation import Api, LensAccess
from posthouse.http.api.table import OPERATIONS
from posthouse.http.oauth.routes import make_context, routes
from posthouse.servers.board import Board
from posthouse.services.api_access import ApiAccess
from posthouse.services.lens_view import LensView
from posthouse.services.live import LiveSession, LiveSessions
from posthouse.services.oauth.clients import ADMIN, WEBMAIL
from posthouse.services.passkeys import Passkeys
from posthouse.services.web_sessions import WebSessions
from tests.unit.oauth_world import ISSUER, LI, PASSWORD, OAuthWorld, open_oauth, request
from tests.unit.service_world import World

VERIFIER = "v" * 43


class Program:
    """Something with a token; `status` and `headers` are of its last answer."""

    def __init__(self, world: ApiWorld, token: str, *, ip: str = "192.0.2.1", language: str = "en") -> None:
        transport = httpx.ASGITransport(app=world.app, client=(ip, 1234))
        self.http = httpx.AsyncClient(transport=transport, base_url=f"{ISSUER}/api/v1")
        self.http.headers["accept-language"] = language
        if token:
            self.http.headers["authorization"] = f"Bearer {token}"
        self.token = token

    async def ask(self, method: str, path: str, **options: Any) -> Any:
        answer = await self.http.request(method, path, **options)
        self.status, self.headers = answer.status_code, answer.headers
        return answer.json() if answer.content else None

    async def get(self, path: str, **query: Any) -> Any:
        found = await self.ask("GET", path, params=query)
        assert self.status == 200, found
        return found

    async def do(self, method: str, path: str, **body: Any) -> Any:
        """A change that has to succeed."""
        found = await self.ask(method, path, **({"json": body} if body else {}))
        assert self.status in (200, 201, 204), found
        return found

    async def refused(self, method: str, path: str, **body: Any) -> str:
        """The name of the problem."""
        found = await self.ask(method, path, **({"json": body} if body else {}))
        assert self.status >= 400, found
        assert self.headers["content-type"] == "application/problem+json"
        assert found["status"] == self.status
        assert found["title"]
        assert found["detail"]
        self.problem = found
        return str(found["type"]).rpartition("/")[2]

    async def prove(self, password: str = PASSWORD, **more: str) -> None:
        """Sign in again; from here on the proof goes along."""
        found = await self.do("POST", "/self/reauthenticate", password=password, **more)
        self.http.headers["posthouse-proof"] = found["proof"]


class ApiWorld(OAuthWorld):
    def __init__(self, path: Path, world: World, **settings: Any) -> None:
        self.path = path
        super().__init__(world, **settings)

    def serve(self, **options: Any) -> None:
        context = make_context(self.server, self.signin, self.two_step, "en", **options)
        self.passkeys = Passkeys(self.store, self.clock, ISSUER, "mail.post.test")
        self.access = ApiAccess(self.store, self.clock, self.signin, self.tokens)
        config = Config(hostname="mail.post.test", data=str(self.path))
        view = View(self.store, self.clock, config, Board(4))
        self.connected: list[LiveSession] = []
        self.ended: list[str] = []
        self.live = LiveSessions(self.store, 1, lambda: self.connected, self._end)
        self.api = Api(
            self.store,
            self.clock,
            self.signin,
            self.world.accounts,
            self.access,
            self.two_step,
            WebSessions(self.store, self.clock),
            self.passkeys,
            "en",
            LensAccess(LensView([]), enabled=False, users=True, everybody=False, practice=None),
            view,
            self.live,
        )
        self.app = Starlette(routes=[*routes(context), *Endpoint(self.api, OPERATIONS).routes()])

    def _end(self, number: str) -> bool:
        self.ended.append(number)
        return True

    async def admin(self, address: str = LI, scope: str = "admin account") -> Program:
        """Somebody at the admin page."""
        return await self.program(address, client=ADMIN, page="/admin/", scope=scope)

    async def token(
        self, address: str = LI, *, client: str = WEBMAIL, page: str = "/mail/", scope: str = "jmap account"
    ) -> str:
        """What a page of ours gets when somebody signs in there."""
        browser = self.browser()
        asked = request(VERIFIER, client_id=client, redirect_uri=ISSUER + page, scope=scope)
        await browser.open("/oauth/authorize", **asked)
        back = await browser.sign_in(address)
        code = dict(parse_qsl(urlsplit(back.headers["location"]).query))["code"]
        answer = await self.exchange(code, VERIFIER, client_id=client, redirect_uri=ISSUER + page)
        return str(answer.json()["access_token"])

    async def program(self, address: str = LI, **options: Any) -> Program:
        return Program(self, await self.token(address, **options))

    def with_token(self, token: str, **options: Any) -> Program:
        return Program(self, token, **options)


@asynccontextmanager
async def open_api(tmp_path: Path, **settings: Any) -> AsyncIterator[ApiWorld]:
    async with open_oauth(tmp_path, make=partial(ApiWorld, tmp_path), **settings) as world:
        assert isinstance(world, ApiWorld)
        yield world
        world.live.close()


def plain(value: Any) -> Any:
    return msgspec.to_builtins(value)
