"""Open connections, kept for the next message, and the number of deliveries per destination."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from posthouse.client.connection import Connection, Endpoint, HostError, Overhearing, TlsContexts
from posthouse.core.ports import Clock


class Pool:
    """One per client; all on one event loop."""

    def __init__(
        self,
        hostname: str,
        clock: Clock,
        contexts: TlsContexts,
        *,
        per_destination: int,
        messages_max: int,
        idle_s: float,
        unreachable_s: float,
        timeout_scale: float,
    ) -> None:
        self._hostname = hostname
        self._clock = clock
        self._contexts = contexts
        self._per_destination = per_destination
        self._messages_max = messages_max
        self._idle_s = idle_s
        self._unreachable_s = unreachable_s
        self._timeout_scale = timeout_scale
        self._slots: dict[str, tuple[asyncio.Semaphore, int]] = {}
        self._idle: dict[Endpoint, list[Connection]] = {}
        self._unreachable: dict[tuple[str, int], tuple[float, str]] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._parting: set[asyncio.Task[None]] = set()
        self.overhear: Callable[[Endpoint], Overhearing] | None = None
        """Hears what the connections say, where that is wanted."""

    def slot(self, destination: str) -> Slot:
        """A context: at most `per_destination` of them are entered at a time."""
        return Slot(self._slots, destination, self._per_destination)

    async def take(self, endpoint: Endpoint) -> tuple[Connection, bool]:
        """A connection, and whether it was used before; HostError."""
        kept = self._idle.get(endpoint, [])
        while kept:
            connection = kept.pop()
            if connection.usable and self._clock.monotonic() - connection.idle_since < self._idle_s:
                return connection, True
            connection.abort()
        return await self.open(endpoint), False

    async def open(self, endpoint: Endpoint) -> Connection:
        """A new connection; HostError, at once if the address was unreachable a moment ago."""
        where = (endpoint.address, endpoint.port)
        until, status = self._unreachable.get(where, (0.0, ""))
        if until > self._clock.monotonic():
            raise HostError(status)
        connection = Connection(self._hostname, endpoint, self._timeout_scale)
        if self.overhear is not None:
            connection.tap = self.overhear(endpoint)
        try:
            await connection.open(self._contexts)
        except HostError as error:
            if " 4.4.1 " in error.status and self._unreachable_s:
                self._unreachable[where] = (self._clock.monotonic() + self._unreachable_s, error.status)
            raise
        self._unreachable.pop(where, None)
        return connection

    def keep(self, connection: Connection) -> None:
        """Hand a connection back; it is closed if it cannot take another message."""
        limit = connection.engine.capabilities.limit("MAILMAX") or self._messages_max
        if not connection.usable or connection.messages >= limit:
            self._part(connection)
            return
        connection.idle_since = self._clock.monotonic()
        self._idle.setdefault(connection.endpoint, []).append(connection)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(self._idle_s, self._sweep)

    async def close(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for kept in self._idle.values():
            for connection in kept:
                self._part(connection)
        self._idle.clear()
        await asyncio.gather(*self._parting)

    def _sweep(self) -> None:
        """Close what was not used for a while."""
        self._sweeper = None
        now = self._clock.monotonic()
        for endpoint, kept in list(self._idle.items()):
            stale = [one for one in kept if now - one.idle_since >= self._idle_s or not one.usable]
            for connection in stale:
                kept.remove(connection)
                self._part(connection)
            if not kept:
                del self._idle[endpoint]
        self._unreachable = {key: value for key, value in self._unreachable.items() if value[0] > now}
        if self._idle:
            self._sweeper = asyncio.get_running_loop().call_later(self._idle_s, self._sweep)

    def _part(self, connection: Connection) -> None:
        task = asyncio.ensure_future(connection.quit())
        self._parting.add(task)
        task.add_done_callback(self._parting.discard)


class Slot:
    """One of the places for deliveries to a destination; the bookkeeping goes when the last has left."""

    __slots__ = ("_destination", "_limit", "_slots")

    def __init__(self, slots: dict[str, tuple[asyncio.Semaphore, int]], destination: str, limit: int) -> None:
        self._slots = slots
        self._destination = destination
        self._limit = limit

    async def __aenter__(self) -> None:
        semaphore, users = self._slots.get(self._destination, (asyncio.Semaphore(self._limit), 0))
        self._slots[self._destination] = (semaphore, users + 1)
        try:
            await semaphore.acquire()
        except BaseException:
            self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._slots[self._destination][0].release()
        self._leave()

    def _leave(self) -> None:
        semaphore, users = self._slots[self._destination]
        if users == 1:
            del self._slots[self._destination]
        else:
            self._slots[self._destination] = (semaphore, users - 1)
