"""Runs an ASGI application on sockets that exist already, by uvicorn's protocol class on our event loop.

uvicorn's `Server` is left out: signals, sockets and the end of the process are the supervisor's.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from posthouse.http.listener import HttpAcceptor

KEEP_ALIVE_S = 15
LIFE_S = 60.0
"""A connection is closed after that long, whatever it does: a request that drips ends with it."""
CONNECTIONS_MAX = 500


class BoundedProtocol(H11Protocol):
    """uvicorn's, with an end to every connection and to their number."""

    _end: asyncio.TimerHandle | None = None
    on_lost: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            transport.abort()
        else:
            self._end = self.loop.call_later(LIFE_S, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._end is not None:
            self._end.cancel()
        if self.on_lost is not None:
            self.on_lost()
        super().connection_lost(exc)


def serve_http(
    app: Any,
    sockets: Sequence[socket.socket],
    log: logging.Logger,
    context: Callable[[], ssl.SSLContext | None] | None = None,
) -> list[HttpAcceptor]:
    """`context`: TLS, asked for anew at each connection; None: HTTP in the clear."""
    config = Config(
        app,
        interface="asgi3",
        http=H11Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        proxy_headers=False,
    )
    config.load()
    state = ServerState()

    def protocol(on_lost: Callable[[], None]) -> BoundedProtocol:
        made = BoundedProtocol(config, state, {})
        made.on_lost = on_lost
        return made

    acceptors = [HttpAcceptor(sock, protocol, context, log) for sock in sockets]
    for acceptor in acceptors:
        acceptor.start()
    return acceptors
