"""One worker: store, services, session factories, listeners and the queue, put together from the configuration.

Services are made anew at a reload and serve the sessions that begin from then on; running sessions keep theirs.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping, Sequence

from posthouse.app import settings
from posthouse.app.acme import Certificates
from posthouse.app.config import Config
from posthouse.app.factories import Factories
from posthouse.app.lens import Lens
from posthouse.app.live import end_session, sessions_of
from posthouse.app.sign_outs import SignOuts
from posthouse.app.web import Signs, Web
from posthouse.core.errors import Unavailable
from posthouse.core.ports import SystemClock, SystemIds, system_rng
from posthouse.http.listener import HttpAcceptor
from posthouse.http.server import serve_http
from posthouse.openssl.tickets import KeyRing
from posthouse.servers.board import Field, HttpShares, Slot, field
from posthouse.servers.host import Host, Service
from posthouse.servers.listener import Acceptor
from posthouse.servers.proxy import TrustedSources
from posthouse.servers.tls import Contexts, make_contexts
from posthouse.services.live import LiveSessions
from posthouse.services.shared import SharedSignIn
from posthouse.services.tickets import Tickets
from posthouse.storage.ports import Store

Sockets = Mapping[str, Sequence[socket.socket]]


class Node:
    """A worker of the node.  `start`, `reconfigure`, `stop` run on its event loop."""

    def __init__(
        self,
        config: Config,
        slot: Slot,
        log: logging.Logger,
        *,
        prefix: str,
        siblings: range,
        shared: SharedSignIn,
        ring: KeyRing,
    ) -> None:
        self.config = config
        self.host = Host(slot, log, settings.limits(config), prefix)
        self.host.siblings = frozenset(siblings) - {slot.index}
        self._slot = slot
        self._shared = shared
        self._ring = ring
        self._log = log
        self._services: dict[str, Service] = {}
        self._acceptors: list[Acceptor] = []
        self._http: list[HttpAcceptor] = []
        self._store: Store | None = None
        self._factories: Factories | None = None
        self._web: Web | None = None
        self._certificates: Certificates | None = None
        self._tickets: Tickets | None = None
        self._sign_outs: SignOuts | None = None
        self._lens: Lens | None = None
        self._live: LiveSessions | None = None

    async def start(self, store: Store, sockets: Sockets, tls: Contexts | None) -> None:
        self._store = store
        self._factories = Factories(
            store,
            self.config,
            # The successor of a worker that died takes its name, and so its leases, at once.
            owner=f"{self.config.hostname}/{self._slot.index}",
            clock=SystemClock(),
            ids=SystemIds(),
            rng=system_rng(),
            shared=self._shared,
            count=lambda decision: self._slot.add(field("letters_checked_total", f'decision="{decision}"')),
        )
        self._lens = Lens(self.config, store, SystemClock())
        self.host.lens = self._lens.recorder
        if self._lens.recorder is not None:
            self._factories.overhear = self._lens.relay
        self._live = LiveSessions(
            store,
            len(self.host.siblings) + 1,
            lambda: sessions_of(self.host),
            lambda number: end_session(self.host, number),
        )
        self._web = Web(
            store,
            SystemClock(),
            self._factories,
            self.config,
            lens=self._lens.access,
            signs=Signs(self._missing, self._metrics, self._slot.board, self._live),
        )
        self._configure(tls)
        self._sign_outs = SignOuts(self.host, store, self._log, self._factories.sign_in.stands)
        self._tickets = Tickets(store, SystemClock(), self._ring, self._log)
        await self._tickets.configure(settings.ticket_file(self.config))
        self._certificates = Certificates(store, self._log, self._take_tls, self._ring)
        await self._certificates.configure(self.config, tls, self._factories.post)
        self._web.answer = self._certificates.answer
        self.host.start()
        self._factories.start_queue()
        web = {
            "http": (self._lens.web(self._web.plain), None),
            "https": (self._lens.web(self._web.secure), self._certificates.choose),
            "challenge": (self._web.challenge, None),
        }
        shares = HttpShares(self._slot, self.host.siblings)
        for name, socks in sockets.items():
            if name in web:
                self._http += serve_http(web[name][0], socks, self._log, web[name][1], shares)
                continue
            for sock in socks:
                acceptor = Acceptor(self.host, sock, self._service(name))
                acceptor.start()
                self._acceptors.append(acceptor)

    def _take_tls(self, contexts: Contexts | None) -> None:
        self.host.tls = contexts

    def _service(self, name: str) -> Callable[[], Service]:
        return lambda: self._services[name]

    def _configure(self, tls: Contexts | None) -> None:
        config, factories = self.config, self._factories
        if factories is None:
            raise Unavailable("the node has not started")
        self.host.tls = tls
        self.host.limits = settings.limits(config)
        services = {}
        for name, listener in config.listeners.items():
            if name in ("http", "https", "challenge"):
                continue
            services[name] = Service(
                name,
                factories.session_factory(name),
                settings.refusal_texts(name, config.hostname),
                settings.is_implicit_tls(name),
                listener.clear_text_auth,
                TrustedSources(listener.proxy_from),
            )
        self._services = services

    async def reconfigure(self, config: Config) -> None:
        """Take on another configuration; sessions go on.  Raises TlsError or ConfigError: nothing changed."""
        tls = make_contexts(settings.tls_settings(config), self._ring)
        secret = settings.ticket_file(config)
        if self._factories is None:
            return
        self._factories.configure(config)
        if self._web is not None:
            self._web.configure(config)
        self.config = config
        self._configure(tls)
        if self._tickets is not None:
            await self._tickets.configure(secret)
        if self._certificates is not None:
            await self._certificates.configure(config, tls, self._factories.post)
        await self._factories.stop_queue()
        self._factories.start_queue()

    async def stop(self, limit_s: float) -> None:
        for acceptor in self._acceptors:
            acceptor.stop()
        for server in self._http:
            server.close()
        queue = asyncio.get_running_loop().create_task(self._stop_queue())
        await self.host.drain(limit_s)
        await queue
        if self._certificates is not None:
            await self._certificates.close()
        if self._tickets is not None:
            await self._tickets.close()
        if self._live is not None:
            self._live.close()
        if self._sign_outs is not None:
            await self._sign_outs.close()
        if self._web is not None:
            self._web.stop()
        if self._factories is not None:
            await self._factories.close()
        if self._lens is not None:
            await self._lens.close()

    async def _stop_queue(self) -> None:
        if self._factories is not None:
            await self._factories.stop_queue()

    # --- what HTTP shows ---

    async def _missing(self) -> str:
        if self.host.stopping:
            return "the node is stopping"
        if self._store is None:
            return "the store is not open"
        try:
            await self._store.directory.domains()
        except Unavailable:
            return "the store does not answer"
        return ""

    async def _metrics(self) -> str:
        extra: list[tuple[Field, float]] = []
        if self._store is not None:
            counts = await self._store.queue.counts()
            head = ("queue_recipients", "gauge", "Recipients in the queue by state.")
            extra = [(Field(*head, f'state="{state}"'), float(n)) for state, n in sorted(counts.items())]
        return self._slot.board.render(extra)
