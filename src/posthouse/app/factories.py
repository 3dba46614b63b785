"""From a listener's name to the sessions it serves, and the queue runner of the worker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from posthouse.app import directories, settings
from posthouse.app.config import Config, ConfigError
from posthouse.app.signin_settings import countries, signin_settings
from posthouse.client.connection import Endpoint, Overhearing
from posthouse.client.smtp import SmtpClient
from posthouse.core.ports import Clock, Ids, Rng
from posthouse.servers.host import SessionFactory
from posthouse.services.alerts import Alerts, EmailSender
from posthouse.services.collector import Collector
from posthouse.services.contacts import ContactService
from posthouse.services.delivery import DeliveryService
from posthouse.services.dkim import DkimKeys
from posthouse.services.dkim_watch import DkimWatch
from posthouse.services.email_search import EmailSearch
from posthouse.services.flow import Flow
from posthouse.services.mailbox_counts import MailboxCounts
from posthouse.services.mailboxes import MailboxHub, MailboxService
from posthouse.services.maildrop import Maildrops
from posthouse.services.queue import QueueRunner
from posthouse.services.rules import Rules
from posthouse.services.scripts import Scripts
from posthouse.services.sender_check import SenderChecks
from posthouse.services.shared import SharedSignIn
from posthouse.services.signin import SignIn
from posthouse.services.signing import Signer
from posthouse.services.snooze import Waker
from posthouse.sessions.imap import ImapServices, ImapSession
from posthouse.sessions.jmap.services import JmapServices
from posthouse.sessions.managesieve import ManageSieveSession
from posthouse.sessions.pop3 import LoginDelay, Pop3Session
from posthouse.sessions.session import Peer, Session
from posthouse.sessions.smtp import SmtpSession
from posthouse.storage.ports import Store

log = logging.getLogger(__name__)


class Factories:
    """What all sessions of a worker share.  The store, sign-in and the mailbox hub outlive a reload."""

    def __init__(
        self,
        store: Store,
        config: Config,
        *,
        owner: str,
        clock: Clock,
        ids: Ids,
        rng: Rng,
        count: Callable[[str], None] | None = None,
        shared: SharedSignIn | None = None,
    ) -> None:
        """`count` is told what each check of a sender led to; `shared` is what the workers know together."""
        self._count = count
        self._store = store
        self._owner = owner
        self._clock, self._ids, self._rng = clock, ids, rng
        self.sign_in = SignIn(store, clock, signin_settings(config), shared=shared)
        self._hub = MailboxHub(store)
        self._mailboxes = MailboxService(store)
        self._maildrops = Maildrops(store, clock)
        self._delay = LoginDelay(clock, 0)
        self._rules = Rules(store, clock)
        self._dkim = DkimKeys(store, clock)
        self._flow = Flow(store, clock)
        self._contacts = ContactService(store, clock)
        self._collector = Collector(self._contacts)
        self._queue_task: asyncio.Task[None] | None = None
        self.overhear: Callable[[Endpoint], Overhearing] | None = None
        self.configure(config)

    def configure(self, config: Config) -> None:
        """Make what depends on the configuration.  Raises ConfigError and changes nothing."""
        routes = settings.routes(config)
        outside = directories.outside(config, self._store, self._clock)
        dns = settings.dns_resolver(config, self._clock)
        self.config = config
        if self.sign_in.outside is not None:
            self.sign_in.outside.close()
        self.sign_in.outside = outside
        self._rules.settings = settings.rule_settings(config)
        self._contacts.limits = settings.contact_limits(config)
        self._collector.enabled = config.contacts.collect
        self._dns = dns
        self._delivery = DeliveryService(
            self._store,
            self._clock,
            self._ids,
            settings.delivery_settings(config),
            settings.resolve_settings(config),
            self._rules,
            checks=SenderChecks(dns, self._clock, settings.check_settings(config), count=self._count)
            if config.mailauth.check
            else None,
            signer=Signer(self._dkim, self._clock, config.hostname) if config.mailauth.sign else None,
        )
        self._delivery.flow = self._flow
        self._delivery.collector = self._collector
        pages = settings.oauth_settings(config)
        url = "" if pages is None else pages.issuer
        alerts = Alerts(self._delivery, self._clock, config.hostname, url)
        self.sign_in.devices.alerts = alerts
        self.code_sender = EmailSender(alerts)
        self.post = self._delivery
        self._load_countries(config)
        self._smtp = settings.smtp_settings(config)
        self._pop3 = settings.pop3_settings(config)
        self._imap = ImapServices(
            self._store,
            self.sign_in,
            self._hub,
            self._mailboxes,
            self._clock,
            self._ids,
            config.hostname,
            settings.imap_limits(config),
            jmap=url + "/jmap/session" if url and config.jmap.enabled else "",
        )
        self._routes = routes

    def _load_countries(self, config: Config) -> None:
        """In a thread; until it is read, nobody's country is known."""
        devices = self.sign_in.devices
        if not config.signin.country_file:
            devices.country_of = lambda _ip: ""
            return

        async def load() -> None:
            try:
                found = await asyncio.to_thread(countries, config)
            except ConfigError as error:  # sign-ins go on without
                log.warning("countries are not known", extra={"facts": {"error": str(error)}})
                return
            if found is not None:
                devices.country_of = found.country_of

        self._loading = asyncio.get_running_loop().create_task(load())

    def session_factory(self, listener: str) -> SessionFactory:
        if listener in ("pop3", "pop3s"):
            return self._pop3_factory()
        if listener in ("imap", "imaps"):
            return self._imap_factory()
        if listener == "managesieve":
            return self._managesieve_factory()
        return self._smtp_factory()

    def jmap_services(self, counts: MailboxCounts, search: EmailSearch) -> JmapServices:
        return JmapServices(
            self._store,
            self._mailboxes,
            counts,
            search,
            self._delivery,
            self._clock,
            self._ids,
            self.config.hostname,
            self._contacts,
            settings.jmap_limits(self.config),
        )

    def _smtp_factory(self) -> SessionFactory:
        sign_in, delivery, smtp = self.sign_in, self._delivery, self._smtp

        def make(peer: Peer, on_fault: Callable[[BaseException], None]) -> Session:
            return SmtpSession(peer, on_fault, delivery=delivery, sign_in=sign_in, settings=smtp)

        return make

    def _pop3_factory(self) -> SessionFactory:
        sign_in, maildrops, delay, pop3 = self.sign_in, self._maildrops, self._delay, self._pop3

        def make(peer: Peer, on_fault: Callable[[BaseException], None]) -> Session:
            return Pop3Session(
                peer, on_fault, sign_in=sign_in, maildrops=maildrops, delay=delay, settings=pop3
            )

        return make

    def _imap_factory(self) -> SessionFactory:
        services = self._imap

        def make(peer: Peer, on_fault: Callable[[BaseException], None]) -> Session:
            return ImapSession(peer, on_fault, services)

        return make

    def _managesieve_factory(self) -> SessionFactory:
        sign_in, scripts, sieve = (
            self.sign_in,
            Scripts(self._store, self._clock),
            settings.managesieve_settings(),
        )

        def make(peer: Peer, on_fault: Callable[[BaseException], None]) -> Session:
            return ManageSieveSession(peer, on_fault, sign_in=sign_in, scripts=scripts, settings=sieve)

        return make

    # --- the queue ---

    def start_queue(self) -> None:
        self._client = SmtpClient(
            settings.client_settings(self.config), self._routes, self._dns, clock=self._clock, rng=self._rng
        )
        if self.overhear is not None:
            self._client.overhear(self.overhear)
        self._queue = QueueRunner(
            self._store,
            self._client,
            self._delivery,
            settings.queue_settings(self.config, self._owner),
            clock=self._clock,
            rng=self._rng,
        )
        loop = asyncio.get_running_loop()
        self._queue_task = loop.create_task(self._queue.run())
        self._watch_task = loop.create_task(DkimWatch(self._store, self._dkim, self._dns).run())
        self._snooze_task = loop.create_task(Waker(self._store, self._clock).run())

    async def stop_queue(self) -> None:
        if self._queue_task is None:
            return
        self._watch_task.cancel()
        self._snooze_task.cancel()
        await self._queue.stop()
        await self._queue_task
        await self._client.close()
        self._queue_task = None

    async def close(self) -> None:
        await self._flow.flush()
        self._rules.close()
        self._collector.close()
        self._hub.close()
        await self.sign_in.settled()
        self.sign_in.close()
        if self.sign_in.outside is not None:
            self.sign_in.outside.close()
