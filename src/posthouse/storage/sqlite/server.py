"""The writer process: takes the write requests of every worker of the node over a Unix socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from posthouse.core.errors import Invalid, MailError
from posthouse.core.ports import Clock, SystemClock
from posthouse.storage.rows import Hint
from posthouse.storage.sqlite import requests as rq
from posthouse.storage.sqlite.connection import log
from posthouse.storage.sqlite.local import OwnedWriter, prepare
from posthouse.storage.sqlite.protocol import (
    SOCKET_NAME,
    Answers,
    Frames,
    decode_calls,
    encode_answer,
    encode_frame,
    request_decoder,
)
from posthouse.storage.sqlite.socket_path import reachable

HINT_PAUSE_S: Final = 0.005
"""A worker that waits for no answer is woken for hints at mailboxes at most once in so long."""


async def serve_writer(
    path: Path, socket: Path | None = None, *, on_ready: Callable[[], None] | None = None
) -> None:
    """Write for the workers of the store under `path` until cancelled; then finish what was asked."""
    server = WriterServer(path, socket or path / SOCKET_NAME, SystemClock())
    await server.start()
    try:
        if on_ready is not None:
            on_ready()
        await asyncio.get_running_loop().create_future()
    finally:
        await server.close()


class WriterServer:
    def __init__(self, root: Path, socket: Path, clock: Clock) -> None:
        self._root = root
        self._socket = socket
        self._clock = clock
        self._connections: set[WorkerConnection] = set()
        self._server: asyncio.Server | None = None
        self.writer: OwnedWriter

    async def start(self) -> None:
        self.writer, _ = await prepare(self._root, self._clock, self._finished, own_process=True)
        self._socket.parent.mkdir(parents=True, exist_ok=True)
        self._socket.unlink(missing_ok=True)  # of a writer that was killed: we hold its lock
        loop = asyncio.get_running_loop()
        with reachable(self._socket) as path:
            self._server = await loop.create_unix_server(self._accept, path)
        self._socket.chmod(0o600)

    def _accept(self) -> WorkerConnection:
        return WorkerConnection(self)

    def opened(self, connection: WorkerConnection) -> None:
        self._connections.add(connection)

    def closed(self, connection: WorkerConnection) -> None:
        self._connections.discard(connection)
        self.writer.locks.release_all(connection)
        self.writer.claims.release_all(connection)

    def _finished(self, hints: list[Hint]) -> None:
        """A group is committed and answered: what it gave leaves at once, not a turn of the loop later."""
        for connection in self._connections:
            connection.finish_group(hints)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self.writer.close()
            await asyncio.sleep(0)  # the last answers go out
            for connection in list(self._connections):
                connection.close()
            self._socket.unlink(missing_ok=True)


class WorkerConnection(asyncio.Protocol):
    """One worker; its answers and hints of one turn of the loop leave as one frame."""

    def __init__(self, server: WriterServer) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._frames = Frames()
        self._decode = request_decoder()
        self._answers: list[tuple[int, str, msgspec.Raw]] = []
        self._hints: list[Hint] = []
        self._transport: asyncio.Transport
        self._scheduled = False
        self._hinted_at = float("-inf")
        self._later: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._server.opened(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._server.closed(self)

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._frames.feed(data):
                for number, body in decode_calls(frame):
                    self._call(number, body)
        except (msgspec.MsgspecError, MailError):
            log.exception("a worker sent what is no request; its connection is closed")
            self._transport.abort()

    def _call(self, number: int, body: msgspec.Raw) -> None:
        try:
            request = self._decode(body)
        except msgspec.ValidationError as error:
            log.error("a worker sent a malformed request: %s", error)
            self._answer(number, Invalid(str(error)))
            self._schedule()
            return
        if isinstance(request, rq.AcquireLock | rq.ReleaseLock):
            self._answer(number, self._lock(request))
            self._schedule()
            return
        self._server.writer.call(request, partial(self._answer, number), self)

    def _lock(self, request: rq.AcquireLock | rq.ReleaseLock) -> MailError | None:
        locks = self._server.writer.locks
        if isinstance(request, rq.ReleaseLock):
            locks.release(request.name, self)
            return None
        try:
            locks.acquire(request.name, self)
        except MailError as error:
            return error
        return None

    def _answer(self, number: int, result: Any) -> None:
        self._answers.append(encode_answer(number, result))

    def finish_group(self, hints: list[Hint]) -> None:
        if hints:
            self._hints += hints
        if self._answers or self._hints_are_due(hints):
            self._send()

    def _hints_are_due(self, hints: list[Hint]) -> bool:
        # perf: under load the other workers would be woken for every message, a tenth of all that is to be done.
        if not hints:
            return False
        pause = self._hinted_at + HINT_PAUSE_S - self._loop.time()
        if pause <= 0 or any(hint.kind != "mailbox" for hint in hints):
            return True
        if self._later is None:
            self._later = self._loop.call_later(pause, self._send)
        return False

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._send)

    def _send(self) -> None:
        self._scheduled = False
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self._hints:
            self._hinted_at = self._loop.time()
        if (self._answers or self._hints) and not self._transport.is_closing():
            self._transport.write(encode_frame(Answers(self._answers, self._hints)))
        self._answers, self._hints = [], []

    def close(self) -> None:
        if self._answers or self._hints:
            self._send()
        self._transport.close()
