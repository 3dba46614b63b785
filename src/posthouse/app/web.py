"""What the HTTP listeners of a worker show, put together from the configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from msgspec import Struct
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from posthouse.app import directories, settings
from posthouse.app.client_setup import services_of, signer_of
from posthouse.app.config import Config
from posthouse.app.factories import Factories
from posthouse.app.node_view import View
from posthouse.app.providers import providers
from posthouse.client.imap_source import Way
from posthouse.client.networks import Networks
from posthouse.client.post import Poster, is_public
from posthouse.core.address import parse_network
from posthouse.core.ports import Clock, SystemIds
from posthouse.http.api.endpoint import Endpoint
from posthouse.http.api.operation import Api, LensAccess
from posthouse.http.api.table import OPERATIONS
from posthouse.http.auth.routes import auth_routes, make_auth
from posthouse.http.challenge import challenge_routes
from posthouse.http.client_setup.routes import client_setup_routes
from posthouse.http.dav.routes import carddav_routes
from posthouse.http.door import enter
from posthouse.http.endpoints import health_routes
from posthouse.http.files import file_routes
from posthouse.http.jmap.routes import jmap_routes
from posthouse.http.oauth.routes import make_context, routes
from posthouse.http.pictures import picture_routes
from posthouse.http.web import web_routes
from posthouse.servers.board import Board
from posthouse.services.accounts import Accounts
from posthouse.services.api_access import ApiAccess
from posthouse.services.email_search import EmailSearch
from posthouse.services.live import LiveSessions
from posthouse.services.mailbox_counts import MailboxCounts
from posthouse.services.migration_runner import MigrationRunner
from posthouse.services.migrations import CHECKS_AT_ONCE, Migrations, MigrationSettings
from posthouse.services.oauth.server import AuthorizationServer
from posthouse.services.oauth.verifier import OwnTokens
from posthouse.services.passkeys import Passkeys
from posthouse.services.push_feed import PushFeed
from posthouse.services.push_sender import PushSender
from posthouse.services.two_step import TwoStep
from posthouse.services.web_sessions import WebSessions
from posthouse.storage.ports import Store

Text = Callable[[], Awaitable[str]]


async def _no_answer(_token: str) -> str:
    return ""


class Signs(Struct):
    """What the node tells of itself."""

    ready: Text  # what is missing, or ""
    metrics: Text
    board: Board
    live: LiveSessions


class Web:
    """`plain` and `secure` are ASGI applications that stay the same while a reload replaces what they show."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        factories: Factories,
        config: Config,
        *,
        lens: LensAccess,
        signs: Signs,
    ) -> None:
        self._store = store
        self._clock = clock
        self._factories = factories
        self._sign_in = factories.sign_in
        self._lens = lens
        self._health = health_routes(signs.ready, signs.metrics)
        self._signs = signs
        self._tokens: OwnTokens | None = None
        self.answer: Callable[[str], Awaitable[str]] = _no_answer
        self._counts = MailboxCounts(store)
        self._search = EmailSearch(store)
        self._feed = PushFeed(store)
        subject = f"mailto:{config.postmaster or f'postmaster@{config.hostname}'}"
        self._push = asyncio.get_running_loop().create_task(
            PushSender(store, self._feed, clock, Poster(), subject=subject).run()
        )
        self._pool = ThreadPoolExecutor(config.migration.running + CHECKS_AT_ONCE, "migration")
        self._runner = MigrationRunner(store, clock, SystemIds(), self._migration(config))
        self._moving: asyncio.Task[None] | None = None
        self.configure(config)

    def configure(self, config: Config) -> None:
        pages: list[BaseRoute] = []
        missing: dict[Any, Any] = {}
        chosen = settings.oauth_settings(config)
        self.close()
        self._runner.settings = self._migration(config)
        if config.migration.enabled and self._moving is None:
            self._moving = asyncio.get_running_loop().create_task(self._runner.run())
        if chosen is not None:
            server = AuthorizationServer(self._store, self._clock, chosen)
            self._sign_in.tokens = self._tokens = OwnTokens(server)
            two_step = self._two_step(config)
            context = make_context(
                server,
                self._sign_in,
                two_step,
                config.language,
                providers=providers(config),
                create=directories.creator(config, self._store, self._clock),
            )
            auth = make_auth(self._store, self._clock, self._sign_in, two_step, context.pages, chosen.issuer)
            pages = [*routes(context), *auth_routes(auth)]
            missing[404] = context.pages.nothing_here
        api = self._api(config, auth.passkeys if chosen is not None else None)
        in_clear = chosen is not None and chosen.issuer.startswith("http:")
        jmap: list[BaseRoute] = []
        if config.jmap.enabled:
            services = self._factories.jmap_services(self._counts, self._search)
            jmap = jmap_routes(services, self._sign_in, self._feed)
            jmap += carddav_routes(services.contacts, self._sign_in)
            jmap += picture_routes(services.pictures) + file_routes(services)
            jmap += web_routes()  # pages that speak JMAP and nothing else
        setup = client_setup_routes(
            services_of(config), self._is_ours, lambda: signer_of(config, self._store, self._clock.now())
        )
        secure = chosen.issuer if chosen is not None and not in_clear else ""
        self._challenge = Starlette(routes=challenge_routes(self._answer, secure))
        self._plain = Starlette(
            routes=[*self._health, *setup, *jmap, *api, *(pages if in_clear else [])],
            exception_handlers=missing if in_clear else None,
        )
        self._secure = Starlette(routes=[*setup, *jmap, *api, *pages], exception_handlers=missing)

    def _api(self, config: Config, passkeys: Passkeys | None) -> list[BaseRoute]:
        store, clock, sign_in = self._store, self._clock, self._sign_in
        api = Api(
            store,
            clock,
            sign_in,
            Accounts(store, clock, sign_in.settings),
            ApiAccess(store, clock, sign_in, self._tokens),
            self._two_step(config),
            WebSessions(store, clock),
            passkeys,
            config.language,
            self._lens,
            View(store, clock, config, self._signs.board),
            self._signs.live,
            Migrations(store, clock, self._runner.settings) if config.migration.enabled else None,
        )
        return Endpoint(api, OPERATIONS).routes()

    def _migration(self, config: Config) -> MigrationSettings:
        chosen = config.migration
        networks = Networks([str(parse_network(text)) for text in chosen.networks])
        way = Way(lambda address: is_public(address) or address in networks, self._pool)
        ca_file = str(config.path(config.tls.ca_file)) if config.tls.ca_file else ""
        clients = settings.sign_in_elsewhere(config)
        return MigrationSettings(way, tuple(chosen.ports), chosen.running, chosen.kept, ca_file, clients)

    async def _is_ours(self, domain: str) -> bool:
        return await self._store.directory.domain(domain) is not None

    def _two_step(self, config: Config) -> TwoStep:
        found = TwoStep(self._store, self._clock, config.hostname, self._sign_in.shared.counts)
        found.senders["email"] = self._factories.code_sender
        return found

    async def plain(self, scope: Any, receive: Any, send: Any) -> None:
        await enter(self._plain, scope, receive, send)

    async def challenge(self, scope: Any, receive: Any, send: Any) -> None:
        await enter(self._challenge, scope, receive, send)

    async def _answer(self, token: str) -> str:
        return await self.answer(token)

    async def secure(self, scope: Any, receive: Any, send: Any) -> None:
        await enter(self._secure, scope, receive, send)

    def stop(self) -> None:
        self.close()
        self._push.cancel()
        if self._moving is not None:
            self._moving.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._feed.close()

    def close(self) -> None:
        self._sign_in.tokens = None
        if self._tokens is not None:
            self._tokens.close()
            self._tokens = None
