"""Sending one message to one destination: hosts in turn, recipients in batches, connections kept.

`SmtpClient.deliver` never raises on what a remote host or the network does: every recipient gets a `Result`.

Concurrency: everything on one event loop; a connection is used by one delivery at a time.  At most
`per_destination` deliveries to a destination run at once, the others wait within their time limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import Struct, structs

from posthouse.client.connection import Connection, Endpoint, HostError, Overhearing, TlsContexts
from posthouse.client.mx import Dns, Host, MxError, find_hosts
from posthouse.client.networks import REFUSED_NETWORKS, Networks
from posthouse.client.parcel import Parcel, ParcelRecipient, Result, Transit, chunks, signature
from posthouse.client.pool import Pool
from posthouse.client.routes import Route, Routes, is_address
from posthouse.core.ports import Clock, Rng
from posthouse.mime.edit import downgrade_8bit, header_end
from posthouse.wire.smtp.answer import Answer
from posthouse.wire.smtp.client import Finished, GoAhead, Op, RecipientResult
from posthouse.wire.smtp.outgoing import Obstacle, Outgoing, OutgoingRecipient, find_obstacle


class ClientSettings(Struct, frozen=True):
    hostname: str = "localhost"
    """What we say in EHLO; it should resolve to our address and back."""
    own_names: frozenset[str] = frozenset()
    """Further names of this host: an MX of such a name would be a loop."""
    per_destination: int = 10
    hosts_max: int = 5
    """Addresses tried per attempt."""
    recipients_max: int = 100
    messages_per_connection: int = 100
    idle_s: float = 15.0
    """How long an unused connection is kept."""
    attempt_max_s: float = 900.0
    unreachable_s: float = 30.0
    """For so long an address that could not be connected to is not tried again."""
    timeout_scale: float = 1.0
    """Of the time-outs per phase of RFC 5321 §4.5.3.2."""
    port: int = 25
    """Of hosts found by MX."""
    ca_file: str | None = None
    refused_networks: tuple[str, ...] = REFUSED_NETWORKS
    """Where DNS and address literals may not send mail; routes may."""


class SmtpClient:
    def __init__(
        self,
        settings: ClientSettings,
        routes: Routes,
        dns: Dns,
        *,
        clock: Clock,
        rng: Rng,
        contexts: TlsContexts | None = None,
    ) -> None:
        self.settings = settings
        self.routes = routes
        self._dns = dns
        self._rng = rng
        self._refused = Networks(settings.refused_networks)
        self._own_names = settings.own_names | {settings.hostname.lower()}
        self._pool = Pool(
            settings.hostname,
            clock,
            contexts or TlsContexts(settings.ca_file),
            per_destination=settings.per_destination,
            messages_max=settings.messages_per_connection,
            idle_s=settings.idle_s,
            unreachable_s=settings.unreachable_s,
            timeout_scale=settings.timeout_scale,
        )

    def overhear(self, how: Callable[[Endpoint], Overhearing]) -> None:
        """From now on somebody hears what new connections say."""
        self._pool.overhear = how

    async def close(self) -> None:
        """Say goodbye on the idle connections."""
        await self._pool.close()

    async def deliver(self, parcel: Parcel) -> list[Result]:
        """One result per recipient, in order."""
        transit = Transit(parcel)
        try:
            async with asyncio.timeout(self.settings.attempt_max_s), self._pool.slot(parcel.destination):
                await self._deliver(transit)
        except TimeoutError:
            transit.close("451 4.4.7 the attempt took too long")
        return [result or Result("451 4.4.0 no host took the message") for result in transit.results]

    # --- where to ---

    async def _deliver(self, transit: Transit) -> None:
        parcel = transit.parcel
        sender_domain = parcel.sender.domain if parcel.sender is not None else ""
        route = self.routes.find(parcel.destination, sender_domain)
        try:
            hosts = await self._hosts(route, parcel.destination)
        except MxError as error:
            code = (
                "556"
                if error.status == "5.1.10"
                else f"{error.status[0]}5{'0' if error.status[0] == '5' else '1'}"
            )
            transit.close(f"{code} {error.status} {error.text}")
            return
        failure: HostError | None = None
        for host, address in self._addresses(hosts):
            try:
                await self._try_endpoint(transit, self._endpoint(route, host, address), host)
            except HostError as error:
                failure = error
                if transit.sent_whole:  # trying elsewhere could deliver twice
                    break
            if not transit.open:
                return
        transit.close(failure.status if failure else "451 4.4.4 no host to try")

    async def _hosts(self, route: Route, destination: str) -> list[Host]:
        if route.host and is_address(route.host):
            return [Host(route.host, (route.host,), route.port, authenticated=True)]
        if route.host and not route.use_mx:
            answer = await self._dns.addresses(route.host)
            if not answer.records:
                raise MxError("4.4.3", f"the route's host {route.host} has no address")
            return [Host(route.host, answer.records, route.port, authenticated=True)]
        return await find_hosts(
            route.host or destination,
            self._dns,
            self._rng,
            own_names=self._own_names,
            port=route.port if route.host else self.settings.port,
            refused=self._refused,
        )

    def _addresses(self, hosts: list[Host]) -> list[tuple[Host, str]]:
        pairs = [(host, address) for host in hosts for address in host.addresses]
        return pairs[: self.settings.hosts_max]

    def _endpoint(self, route: Route, host: Host, address: str) -> Endpoint:
        return Endpoint(host.name, address, host.port, route.tls, route.username, route.password)

    async def _try_endpoint(self, transit: Transit, endpoint: Endpoint, host: Host) -> None:
        """Send to one address; HostError when it fails as a whole.  May leave recipients open."""
        if transit.parcel.requiretls and transit.parcel.sender is not None:
            # RFC 8689 §4.2.1: the next hop's name has to be known for sure, and its certificate has to show it.
            if not host.authenticated:
                raise HostError(f"550 5.7.10 {endpoint} cannot be authenticated, as REQUIRETLS wants")
            if endpoint.tls in {"opportunistic", "required"}:
                endpoint = structs.replace(endpoint, tls="verified")
        try:
            connection, used = await self._pool.take(endpoint)
        except HostError as error:
            if not error.tls or endpoint.tls != "opportunistic":
                raise
            # RFC 7435 §3: opportunistic TLS must not stop mail that would go in clear text
            connection, used = await self._pool.take(structs.replace(endpoint, tls="none"))
        waiting = len(transit.open)
        try:
            await self._transmit(transit, connection)
        except HostError:
            connection.abort()
            if not used or transit.sent_whole or len(transit.open) < waiting:
                raise
            # The kept connection had died in the meantime; that says nothing about the host.
            await self._transmit_fresh(transit, connection.endpoint)
            return
        except BaseException:
            connection.abort()
            raise
        self._pool.keep(connection)

    async def _transmit_fresh(self, transit: Transit, endpoint: Endpoint) -> None:
        connection = await self._pool.open(endpoint)
        try:
            await self._transmit(transit, connection)
        except BaseException:
            connection.abort()
            raise
        self._pool.keep(connection)

    # --- one connection ---

    async def _transmit(self, transit: Transit, connection: Connection) -> None:
        """All open recipients, in as many transactions as the peer's limits want."""
        engine = connection.engine
        limit = min(engine.capabilities.limit("RCPTMAX") or 10_000, self.settings.recipients_max)
        while transit.open and connection.usable:
            indexes = self._without_obstacle(transit, connection, transit.open[:limit])
            if not indexes:
                continue
            message = await self._outgoing(transit, connection, indexes)
            if message is None:
                continue
            connection.messages += 1
            engine.begin(message)
            event = await connection.event()
            if isinstance(event, GoAhead):
                await self._feed(transit, connection)
                event = await connection.expect(Finished)
            if not isinstance(event, Finished):
                raise HostError(f"421 4.5.0 {connection.endpoint} answered out of turn")
            transit.sent_whole = False
            if not self._settle(transit, connection, indexes, event.results):
                return

    def _settle(
        self, transit: Transit, connection: Connection, indexes: list[int], results: list[RecipientResult]
    ) -> bool:
        """Note the results; recipients that were one too many stay open for the next transaction."""
        taken = any(result.answer.ok for result in results)
        for index, result in zip(indexes, results, strict=True):
            answer = result.answer
            # RFC 5321 §4.5.3.1.10: 452 to a recipient beyond the server's limit; the rest go in a new transaction
            if taken and result.op is Op.RCPT and answer.code == 452 and answer.enhanced in {"", "4.5.3"}:
                continue
            transit.results[index] = Result(
                _status(answer),
                connection.endpoint.name,
                "DSN" in connection.engine.capabilities,
                connection.tls_text,
                transit.parcel.signer if transit.signature else "",
            )
        return taken

    def _without_obstacle(self, transit: Transit, connection: Connection, indexes: list[int]) -> list[int]:
        """Those of the recipients whose addresses this peer can take."""
        if "SMTPUTF8" in connection.engine.capabilities:
            return indexes
        plain: list[int] = []
        for index in indexes:
            if transit.parcel.recipients[index].address.is_ascii:
                plain.append(index)
            else:
                text = f"553 5.6.7 {connection.endpoint} does not support internationalised addresses"
                transit.results[index] = Result(text)
        return plain

    async def _outgoing(
        self, transit: Transit, connection: Connection, indexes: list[int]
    ) -> Outgoing | None:
        """The message as this peer can take it; None when it cannot: then all recipients have results."""
        parcel, engine = transit.parcel, connection.engine
        capabilities = engine.capabilities
        smtputf8 = parcel.smtputf8
        if smtputf8 and "SMTPUTF8" not in capabilities:
            # RFC 6531 §3.2: what turns out not to need the extension may go without it.
            smtputf8 = not (await self._head(transit)).isascii()
        message = Outgoing(
            parcel.sender,
            [self._recipient(parcel.recipients[index]) for index in indexes],
            size=len(await signature(transit))
            + (parcel.size if transit.content is None else len(transit.content)),
            body=parcel.body if transit.content is None else "7BIT",
            smtputf8=smtputf8,
            # RFC 8689 §5: a notice asks for it where it is offered, and is not stopped where it is not.
            requiretls=parcel.requiretls
            and (parcel.sender is not None or (engine.tls and "REQUIRETLS" in capabilities)),
            ret=parcel.ret,
            envid=parcel.envid,
        )
        obstacle = find_obstacle(message, capabilities, tls=engine.tls)
        recode = obstacle in {Obstacle.NO_8BITMIME, Obstacle.NO_BINARYMIME}
        # RFC 6533 §4.5: a notice that gives international mail back to who does not know that encodes it.
        notice = parcel.sender is None and message.body == "8BITMIME" and "SMTPUTF8" not in capabilities
        whole = b""
        if recode or (notice and obstacle is None):
            whole = b"".join([chunk async for chunk in chunks(parcel, transit.content)])
        if recode or b"\nContent-Type: message/global" in whole:
            # RFC 6152 §3, RFC 3030 §3: re-code what the next hop cannot take.
            transit.content = await asyncio.to_thread(downgrade_8bit, whole)
            transit.signature = None  # it was one of other bytes
            message.body = "7BIT"
            message.size = len(await signature(transit)) + len(transit.content)
            obstacle = find_obstacle(message, capabilities, tls=engine.tls)
        if obstacle is None:
            return message
        for index in indexes:
            transit.results[index] = Result(f"{_OBSTACLES[obstacle]} ({connection.endpoint})")
        return None

    @staticmethod
    def _recipient(recipient: ParcelRecipient) -> OutgoingRecipient:
        return OutgoingRecipient(recipient.address, recipient.notify, recipient.orcpt)

    async def _head(self, transit: Transit) -> bytes:
        data = b""
        async for chunk in chunks(transit.parcel, transit.content):
            data += chunk
            if (end := header_end(data)) < len(data):
                return data[:end]
        return data

    async def _feed(self, transit: Transit, connection: Connection) -> None:
        engine = connection.engine
        if (fields := await signature(transit)) and not engine.content(fields):
            return
        async for chunk in chunks(transit.parcel, transit.content):
            if not engine.content(chunk):
                return
            connection.send()
            await connection.drain()
        transit.sent_whole = engine.content(b"", last=True)


# RFC 7504 §3: 556 for a domain that takes no mail
_MX_CODES = {"5.1.2": "550", "5.1.10": "556", "5.4.6": "554"}

_OBSTACLES = {
    Obstacle.NO_8BITMIME: "554 5.6.3 the next hop takes 7-bit messages only",
    Obstacle.NO_BINARYMIME: "554 5.6.3 the next hop takes no binary messages",
    Obstacle.NO_SMTPUTF8: "553 5.6.7 the next hop does not support internationalised mail",
    Obstacle.NO_REQUIRETLS: "550 5.7.30 the next hop does not support REQUIRETLS",
    Obstacle.TOO_LARGE: "552 5.3.4 the message is larger than the next hop takes",
}


def _status(answer: Answer) -> str:
    enhanced = answer.enhanced or f"{answer.code // 100}.0.0"
    return f"{answer.code} {enhanced} {answer.text}"
