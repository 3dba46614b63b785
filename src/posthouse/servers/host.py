"""What the connections of one worker share: limits, the coarse clock, the sweep, TLS contexts, the stall
meter."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from posthouse.servers.board import LISTENERS, Slot, field
from posthouse.servers.proxy import TrustedSources
from posthouse.servers.tls import Contexts
from posthouse.servers.turns import Turns
from posthouse.services.lens import Recorder
from posthouse.sessions.session import Peer, Session

if TYPE_CHECKING:
    from posthouse.servers.connection import Connection

SWEEP_S: Final = 1.0
SWEEP_SLICE: Final = 2000
"""Connections looked at before others get the loop again."""
STALL_S: Final = 0.02
METER_BUSY_S: Final = 0.01
METER_QUIET_S: Final = 1.0

_REFUSED_NODE: Final = field("refused_total", 'reason="node"')
_REFUSED_ADDRESS: Final = field("refused_total", 'reason="address"')
_STALLS: Final = field("loop_stalls_total")
_STALLS_OWN: Final = field("loop_stalls_own_total")
_OPEN: Final = {n: field("connections", f'listener="{n}"') for n in LISTENERS}
_TOTAL: Final = {n: field("connections_total", f'listener="{n}"') for n in LISTENERS}

SessionFactory = Callable[[Peer, Callable[[BaseException], None]], Session]


class Service(Struct):
    """What one kind of listener does with a connection; replaced as a whole by a reload."""

    listener: str
    factory: SessionFactory
    refusal: tuple[bytes, bytes]  # said when the node, the address has too many connections (not under TLS)
    implicit_tls: bool = False
    clear_text_auth: bool = False
    proxy_from: TrustedSources = TrustedSources([])


class Limits(Struct):
    connections: int = 10_000  # of the node
    connections_per_ip: int = 50  # of the node; loopback and Unix sockets have no such limit
    exempt: TrustedSources = TrustedSources(["127.0.0.0/8", "::1", "unix"])


class Host:
    """The connections of a worker.  All methods run on its event loop."""

    def __init__(self, slot: Slot, log: logging.Logger, limits: Limits, prefix: str) -> None:
        self.slot = slot
        self.log = log
        self.limits = limits
        self.tls: Contexts | None = None
        self.turns = Turns()
        self.tick = time.monotonic()
        self.connections: set[Connection] = set()
        self.lens: Recorder | None = None  # keeps what is said, where that is wanted
        self.stopping = False
        self.siblings: frozenset[int] = frozenset()  # slots of the other workers
        self.prefix = prefix
        self._count = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._empty: asyncio.Event | None = None
        self._quiet = True
        self._meter: asyncio.TimerHandle | None = None
        self._events = self._events_seen = 0
        self._due = 0.0
        self._cpu = 0.0

    def start(self) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(self._sweeps()))

    def next_id(self) -> str:
        self._count += 1
        return f"{self.prefix}.{self._count:x}"

    # --- limits ---

    def refusal(self, service: Service, ip: str) -> bytes | None:
        """Why a connection from this address cannot be taken now; None when it can."""
        limits = self.limits
        if sum(self.slot.board.connections()) >= limits.connections:
            self.slot.add(_REFUSED_NODE)
            return service.refusal[0]
        if ip not in limits.exempt and self.slot.peer_enter(ip) > limits.connections_per_ip:
            self.slot.peer_leave(ip)
            self.slot.add(_REFUSED_ADDRESS)
            return service.refusal[1]
        return None

    def enter(self, connection: Connection) -> None:
        self.connections.add(connection)
        listener = connection.info.listener
        self.slot.numbers[_OPEN[listener]] += 1
        self.slot.numbers[_TOTAL[listener]] += 1

    def re_enter(self, connection: Connection, proxy_ip: str) -> bool:
        """The PROXY header named the real address: count that one; False when it has too many (and was
        told)."""
        info = connection.info
        if proxy_ip not in self.limits.exempt:
            self.slot.peer_leave(proxy_ip)
        if info.peer_ip in self.limits.exempt:
            return True
        if self.slot.peer_enter(info.peer_ip) <= self.limits.connections_per_ip:
            return True
        self.slot.add(_REFUSED_ADDRESS)
        if not connection.service.implicit_tls:
            connection.write(connection.service.refusal[1])
        connection.close()
        return False

    def leave(self, connection: Connection) -> None:
        if connection not in self.connections:
            return
        self.connections.discard(connection)
        info = connection.info
        self.slot.numbers[_OPEN[info.listener]] -= 1
        if info.peer_ip not in self.limits.exempt:
            self.slot.peer_leave(info.peer_ip)
        if not self.connections and self._empty is not None:
            self._empty.set()

    # --- time-outs: one coarse sweep, no timer per connection ---

    async def _sweeps(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self.tick = time.monotonic()
            await self.sweep()

    async def sweep(self) -> None:
        # `active_at` may be a sweep old when it is set; never early is better than exact.
        now = self.tick - SWEEP_S
        for done, connection in enumerate(list(self.connections), 1):
            if now - connection.active_at >= connection.timeout_s:
                connection.expired()
            if done % SWEEP_SLICE == 0:
                await asyncio.sleep(0)

    # --- the stall meter: a timer that is late by as long as the loop was held ---

    def active(self) -> None:
        """Something happened on the loop; a quiet one is not worth a hundred wake-ups a second."""
        self._events += 1
        if self._quiet:
            self._quiet = False
            self._schedule(METER_BUSY_S)

    def _schedule(self, delay: float) -> None:
        if self._meter is not None:
            self._meter.cancel()
        self._due = time.monotonic() + delay
        self._cpu = time.thread_time()
        self._meter = asyncio.get_running_loop().call_at(
            asyncio.get_running_loop().time() + delay, self._measure
        )

    def _measure(self) -> None:
        late = time.monotonic() - self._due
        # perf: the loop's own clock counts milliseconds, so up to one of "late" is rounding.
        self.slot.lag(max(0.0, late - 0.001))
        if late > STALL_S:
            self.slot.add(_STALLS)
            if time.thread_time() - self._cpu > STALL_S:
                self.slot.add(_STALLS_OWN)
        if self._events == self._events_seen:
            self._quiet = True
            self._meter = None
            return
        if late < STALL_S:
            self._events_seen = self._events
        self._schedule(METER_BUSY_S)

    # --- the end ---

    async def drain(self, limit_s: float) -> int:
        """Tell every session that the server stops, wait, then cut; how many had to be cut."""
        self.stopping = True
        self._empty = asyncio.Event()
        for done, connection in enumerate(list(self.connections), 1):
            if connection.session is not None:
                connection.session.shutdown()
            else:
                connection.abort()
            if done % SWEEP_SLICE == 0:
                await asyncio.sleep(0)
        if self.connections:
            try:
                await asyncio.wait_for(self._empty.wait(), limit_s)
            except TimeoutError:
                self.log.warning(
                    "connections cut at the stop", extra={"facts": {"count": len(self.connections)}}
                )
        left = list(self.connections)
        for connection in left:
            connection.abort()
        for task in self._tasks:
            task.cancel()
        if self._meter is not None:
            self._meter.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return len(left)


def facts(**values: Any) -> dict[str, Any]:
    """The `extra` of a structured log line."""
    return {"facts": values}
