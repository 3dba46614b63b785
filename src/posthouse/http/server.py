"""Runs an ASGI application on sockets that exist already, by uvicorn's protocol class on our event loop.

uvicorn's `Server` is left out: signals, sockets and the end of the process are the supervisor's.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from uvicorn.server import ServerState

from posthouse.http.listener import Alone, Choose, HttpAcceptor, Shares

KEEP_ALIVE_S = 15
LOOK_S = 60.0
"""How often a connection is looked at: it must have sent a request, or be moving, or be answered."""
PROGRESS_BYTES = 64 * 1024
"""What a request that is still arriving has to bring in that time: one that drips is closed."""
CONNECTIONS_MAX = 10_000
SOCKET_MESSAGE_BYTES = 12_000_000
"""One message of a WebSocket; what may be in it is said by who reads it."""


def _is_fault(record: logging.LogRecord) -> bool:
    """A request that is cut off because its worker ends is none."""
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)


class BoundedSocket(WSProtocol):
    """A connection that became a WebSocket: its end counts as that of the connection."""

    on_lost: Callable[[], None] | None = None

    def handle_ping(self, event: Any) -> None:
        """Who does not read gets no answers, which nothing else would bound."""
        if self.writable.is_set():
            super().handle_ping(event)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.on_lost is not None:
            self.on_lost()
        super().connection_lost(exc)


class BoundedProtocol(H11Protocol):
    """uvicorn's, with an end to every connection and to their number."""

    _look: asyncio.TimerHandle | None = None
    _received = 0
    _was_full = False
    _waits: asyncio.Task[Any] | None = None
    on_lost: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            transport.abort()
        else:
            self._look = self.loop.call_later(LOOK_S, self._look_at)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        super().data_received(data)

    def waits(self, task: asyncio.Task[Any] | None) -> None:
        """What `task` does from now on is for the other side alone: it ends with the connection.  None: for no task."""
        self._waits = task
        if task is not None and self.transport.is_closing():
            task.cancel()

    def handle_websocket_upgrade(self, event: Any) -> None:
        if self._look is not None:
            self._look.cancel()
        on_lost, self.on_lost = self.on_lost, None

        def make(**options: Any) -> BoundedSocket:
            made = BoundedSocket(**options)
            made.on_lost = on_lost
            return made

        self.ws_protocol_class = make  # type: ignore[assignment]
        super().handle_websocket_upgrade(event)

    def _look_at(self) -> None:
        moving, self._received = self._received >= PROGRESS_BYTES, 0
        cycle = self.cycle
        answering = cycle is not None and not cycle.response_complete and not cycle.more_body
        full = answering and self.flow.write_paused
        stuck, self._was_full = full and self._was_full, full
        if moving or (answering and not stuck):
            self._look = self.loop.call_later(LOOK_S, self._look_at)
        else:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
        if self._waits is not None:
            self._waits.cancel()
        if self.on_lost is not None:
            self.on_lost()
        super().connection_lost(exc)


class Pipe:
    """The way past ASGI for what is written to very many connections at once: a chunk of a chunked body.

    perf: a chunk to each of fifty event sources takes 0.5 ms by this way, and 7 ms by waking their tasks.
    """

    __slots__ = ("_protocol",)

    def __init__(self, protocol: BoundedProtocol) -> None:
        self._protocol = protocol

    def try_write(self, chunk: bytes) -> bool:
        """False: the other side does not take what was written before."""
        protocol = self._protocol
        if protocol.flow.write_paused or protocol.transport.is_closing():
            return False
        protocol.transport.write(chunk)
        return True


def serve_http(
    app: Any,
    sockets: Sequence[socket.socket],
    log: logging.Logger,
    context: Choose | None = None,
    shares: Shares | None = None,
) -> list[HttpAcceptor]:
    """`context`: TLS, asked for anew at each connection; None: in the clear.  `shares`: None for a worker alone."""
    config = Config(
        app,
        interface="asgi3",
        http=H11Protocol,
        ws=WSProtocol,
        ws_max_size=SOCKET_MESSAGE_BYTES,
        # One frame of 200 KB may hold 200 MB of zeros, which are unpacked before their number is looked at.
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        proxy_headers=False,
    )
    config.load()
    logging.getLogger("uvicorn.error").addFilter(_is_fault)
    state = ServerState()

    def protocol(on_lost: Callable[[], None]) -> BoundedProtocol:
        made = BoundedProtocol(config, state, {})
        made.on_lost = on_lost
        made.app_state = {"pipe": Pipe(made), "waits": made.waits}
        return made

    acceptors = [HttpAcceptor(sock, protocol, context, log, shares or Alone()) for sock in sockets]
    for acceptor in acceptors:
        acceptor.start()
    return acceptors
