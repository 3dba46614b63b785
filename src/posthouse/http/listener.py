"""Accepting HTTP connections, in the clear or with TLS.

The TLS context is asked for anew at each connection, so that renewed certificates are used without a restart.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final

from posthouse.core.address import customer_of

Choose = Callable[[socket.socket], Awaitable[ssl.SSLContext | None]]
"""The context for a connection; None: there is no certificate."""
HANDSHAKE_S: Final = 10.0
PER_ADDRESS: Final = 50
"""Open connections of one client address, in each worker; loopback has no such limit."""
NO_DESCRIPTORS_S: Final = 0.5
_SHORTAGE: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class HttpAcceptor:
    """Accepts from one listening socket in one worker."""

    def __init__(
        self,
        sock: socket.socket,
        protocol: Callable[[Callable[[], None]], asyncio.Protocol],
        context: Choose | None,
        log: logging.Logger,
    ) -> None:
        """`protocol` makes one, and calls back when its connection is lost; `context`: None for HTTP in the clear."""
        sock.settimeout(0)
        self._sock = sock
        self._protocol = protocol
        self._context = context
        self._log = log
        self._open: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        self._run(self._accept())

    def _run(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._sock.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, peer = await loop.sock_accept(self._sock)
            except (ConnectionAbortedError, InterruptedError):
                continue
            except OSError as error:
                if error.errno not in _SHORTAGE:
                    raise
                self._log.error(
                    "no descriptors or memory left to accept a connection; raise LimitNOFILE",
                    extra={"facts": {"error": error.strerror}},
                )
                await asyncio.sleep(NO_DESCRIPTORS_S)
                continue
            customer = "" if sock.family == socket.AF_UNIX else customer_of(peer[0])
            if self._open[customer] >= PER_ADDRESS and customer and not customer.startswith("127."):
                sock.close()
                continue
            self._open[customer] += 1
            self._run(self._serve(sock, customer))

    async def _serve(self, sock: socket.socket, customer: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            context = None if self._context is None else await self._context(sock)
            if self._context is None or context is not None:
                await loop.connect_accepted_socket(
                    lambda: self._protocol(lambda: self._leave(customer)),
                    sock,
                    ssl=context,
                    ssl_handshake_timeout=HANDSHAKE_S if context is not None else None,
                )
                return
        except OSError:  # it went away, or speaks something else
            pass
        except BaseException:
            sock.close()
            raise
        sock.close()
        self._leave(customer)

    def _leave(self, customer: str) -> None:
        self._open[customer] -= 1
        if self._open[customer] <= 0:
            del self._open[customer]
