"""TLS handshakes of many connections at once take turns with everything else of the worker.

A handshake costs a signature, a millisecond of the processor, and anybody may ask for one.  What arrives for hundreds
of connections in the same moment would be worked off in one round of the event loop, in which nobody else has a word:
so a round has time for some, and the others wait for the next ones, in the order in which they came.

Concurrency: one per worker, on its event loop.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from posthouse.servers.connection import Connection

ROUND_S: Final = 0.002
"""For handshakes in one round of the event loop; the last that is begun is finished."""


class Turns:
    def __init__(self) -> None:
        self._waiting: dict[Connection, bytes] = {}  # in their order, with what came of them
        self._left_s = ROUND_S
        self._due = False

    def feed(self, connection: Connection, data: bytes) -> None:
        """Octets of a handshake; `connection.handshake_octets` gets them, now or in a later round."""
        if connection in self._waiting:
            self._waiting[connection] += data
            return
        if self._waiting or self._left_s <= 0:
            connection.transport.pause_reading()  # what it sends meanwhile waits outside
            self._waiting[connection] = data
        else:
            begun = time.perf_counter()
            connection.handshake_octets(data)
            self._left_s -= time.perf_counter() - begun
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._round)

    def _round(self) -> None:
        self._due = bool(self._waiting)
        end = time.perf_counter() + ROUND_S
        while self._waiting and time.perf_counter() < end:
            connection = next(iter(self._waiting))
            data = self._waiting.pop(connection)
            if not connection.transport.is_closing():
                connection.transport.resume_reading()
                connection.feed(connection.handshake_octets, data)
        self._left_s = 0.0 if self._waiting else ROUND_S
        if self._due:
            asyncio.get_running_loop().call_soon(self._round)
