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
from typing import Any, Final, Protocol

from posthouse.core.address import customer_of
from posthouse.core.step_back import STEP_BACK_S, StepBack

Choose = Callable[[socket.socket], Awaitable[ssl.SSLContext | None]]
"""The context for a connection; None: there is no certificate."""
HANDSHAKE_S: Final = 10.0
PER_ADDRESS: Final = 50
"""Open connections of one client address, in each worker; loopback has no such limit."""
ACCEPT_BATCH: Final = 16
NO_DESCRIPTORS_S: Final = 0.5
_SHORTAGE: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class Shares(Protocol):
    """How many connections of HTTP the workers have."""

    def add(self, count: int) -> None: ...

    def of(self) -> tuple[int, int]:
        """Ours, and those of the other worker that has fewest."""
        ...


class Alone:
    """There is no other worker."""

    def add(self, count: int) -> None:
        pass

    def of(self) -> tuple[int, int]:
        return 0, 0


class HttpAcceptor:
    """Accepts from one listening socket in one worker."""

    def __init__(
        self,
        sock: socket.socket,
        protocol: Callable[[Callable[[], None]], asyncio.Protocol],
        context: Choose | None,
        log: logging.Logger,
        shares: Shares,
    ) -> None:
        """`protocol` makes one, and calls back when its connection is lost; `context`: None for HTTP in the clear."""
        sock.settimeout(0)
        self._sock = sock
        self._protocol = protocol
        self._context = context
        self._log = log
        self._shares = shares
        self._step_back = StepBack(shares.of)
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._open: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        self._pause = None
        self._loop.add_reader(self._sock.fileno(), self._ready)

    def close(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._sock.fileno())
        for task in self._tasks:
            task.cancel()
        self._sock.close()

    def _hold(self, seconds: float) -> None:
        self._loop.remove_reader(self._sock.fileno())
        self._pause = self._loop.call_later(seconds, self.start)

    def _ready(self) -> None:
        if self._step_back.now(self._loop.time()):
            self._hold(STEP_BACK_S)
            return
        for _ in range(ACCEPT_BATCH):
            if not self._accept() or self._step_back.is_ahead():
                return

    def _accept(self) -> bool:
        """Take one connection; False when there is none."""
        try:
            sock, peer = self._sock.accept()
        except (BlockingIOError, ConnectionAbortedError, InterruptedError):
            return False
        except OSError as error:
            if error.errno not in _SHORTAGE:
                raise
            self._log.error(
                "no descriptors or memory left to accept a connection; raise LimitNOFILE",
                extra={"facts": {"error": error.strerror}},
            )
            self._hold(NO_DESCRIPTORS_S)
            return False
        sock.settimeout(0)
        customer = "" if sock.family == socket.AF_UNIX else customer_of(peer[0])
        if self._open[customer] >= PER_ADDRESS and customer and not customer.startswith("127."):
            sock.close()
            return True
        self._open[customer] += 1
        self._shares.add(1)
        task = self._loop.create_task(self._serve(sock, customer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _serve(self, sock: socket.socket, customer: str) -> None:
        loop = self._loop
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
            self._leave(customer)
            sock.close()
            raise
        sock.close()
        self._leave(customer)

    def _leave(self, customer: str) -> None:
        self._shares.add(-1)
        self._open[customer] -= 1
        if self._open[customer] <= 0:
            del self._open[customer]
