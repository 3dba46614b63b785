"""A worker's side of the writer process: requests out, answers and hints in, reconnection.

When the connection is lost, every call that waits is answered with Uncertain at once (whether it was committed is not
known), locks are gone, and calls made before the writer is back are refused likewise.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final, cast

from posthouse.core.errors import Unavailable, Uncertain
from posthouse.core.sentence import Sentence
from posthouse.storage import ports
from posthouse.storage.blobs.files import BlobFiles
from posthouse.storage.rows import Hint
from posthouse.storage.sqlite import requests as rq
from posthouse.storage.sqlite.connection import log
from posthouse.storage.sqlite.protocol import (
    SOCKET_NAME,
    Frames,
    decode_answer,
    decode_answers,
    encode_frame,
    sendable,
)
from posthouse.storage.sqlite.socket_path import reachable
from posthouse.storage.sqlite.store import HintBoard, SqliteStore

RECONNECT_FIRST_S: Final = 0.02
RECONNECT_MAX_S: Final = 0.5
CONNECT_LIMIT_S: Final = 10.0
"""How long `open_client` waits for a writer that is just starting."""


class WriterClient:
    """`store.WriterHandle` over the socket."""

    def __init__(self, socket: Path, hints: HintBoard) -> None:
        self._socket = socket
        self._hints = hints
        self._loop = asyncio.get_running_loop()
        self._link: _Link | None = None
        self._calls: list[tuple[int, rq.AnyRequest]] = []
        self._waiting: dict[int, tuple[rq.AnyRequest, asyncio.Future[Any]]] = {}
        self._number = 0
        self._reconnecting: asyncio.Task[None] | None = None
        self._closed = False
        self.generation = 0  # counts connections: locks belong to one

    async def connect(self) -> None:
        """Connect for the first time; raises Unavailable after CONNECT_LIMIT_S."""
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                await self._connect()
        except TimeoutError as error:
            raise Unavailable(Sentence("store.no_writer", socket=self._socket)) from error

    async def _connect(self) -> None:
        delay = RECONNECT_FIRST_S
        while True:
            try:
                with reachable(self._socket) as path:
                    _, self._link = await self._loop.create_unix_connection(lambda: _Link(self), path)
            except OSError:
                await asyncio.sleep(delay)
                delay = min(delay * 2, RECONNECT_MAX_S)
            else:
                self.generation += 1
                return

    async def _reconnect(self) -> None:
        await self._connect()
        self._reconnecting = None
        log.info("the writer is back")
        # What was hinted in between is lost; these make caches and watchers read again.
        self._hints.publish([Hint("directory"), Hint("queue"), Hint("mailboxes")])

    def submit(self, request: rq.AnyRequest) -> asyncio.Future[Any]:
        future = self._loop.create_future()
        if self._link is None:
            future.set_exception(Unavailable("the writer is away"))
            return future
        self._number += 1
        self._waiting[self._number] = (request, future)
        self._calls.append((self._number, sendable(request)))
        if len(self._calls) == 1:
            self._loop.call_soon(self._send)
        return future

    def _send(self) -> None:
        calls, self._calls = self._calls, []
        if self._link is None or not calls:
            return
        try:
            frame = encode_frame(calls)
        except Exception:  # one of them cannot be sent: find out which
            for call in calls:
                self._send_alone(call)
        else:
            self._link.write(frame)

    def _send_alone(self, call: tuple[int, rq.AnyRequest]) -> None:
        try:
            frame = encode_frame([call])
        except Exception as error:
            _, future = self._waiting.pop(call[0])
            if not future.done():
                future.set_exception(error)
        else:
            assert self._link is not None
            self._link.write(frame)

    def received(self, frame: bytes) -> None:
        message = decode_answers(frame)
        for number, error, body in message.answers:
            request, future = self._waiting.pop(number)
            if future.done():
                continue
            result = decode_answer(request, error, body)
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)
        if message.hints:
            self._hints.publish(message.hints)

    def lost(self) -> None:
        self._link = None
        self._calls.clear()
        waiting, self._waiting = self._waiting, {}
        for _, future in waiting.values():
            if not future.done():
                future.set_exception(Uncertain("the writer went away before it answered"))
        if not self._closed and self._reconnecting is None:
            log.warning("the connection to the writer is lost; %d calls refused", len(waiting))
            self._reconnecting = self._loop.create_task(self._reconnect())

    async def close(self) -> None:
        self._closed = True
        if self._reconnecting is not None:
            self._reconnecting.cancel()
            await asyncio.wait([self._reconnecting])
        if self._waiting:
            await asyncio.wait([future for _, future in self._waiting.values()])
        if self._link is not None:
            link, self._link = self._link, None
            await link.close()


class _Link(asyncio.Protocol):
    def __init__(self, client: WriterClient) -> None:
        self._client = client
        self._frames = Frames()
        self._transport: asyncio.Transport
        self._gone = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        for frame in self._frames.feed(data):
            self._client.received(frame)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._gone.set_result(None)
        self._client.lost()

    async def close(self) -> None:
        self._transport.close()
        await self._gone


class RemoteLock:
    def __init__(self, client: WriterClient, name: str) -> None:
        self._client = client
        self._name = name
        self._generation = client.generation

    async def release(self) -> None:
        if self._generation == self._client.generation:
            try:
                await self._client.submit(rq.ReleaseLock(self._name))
            except Unavailable:
                return  # the writer let go of it when it went away


class RemoteLocks:
    def __init__(self, client: WriterClient) -> None:
        self._client = client

    async def acquire(self, name: str) -> ports.Lock:
        await self._client.submit(rq.AcquireLock(name))
        return RemoteLock(self._client, name)


async def open_client(root: Path) -> SqliteStore:
    hints = HintBoard()
    client = WriterClient(root / SOCKET_NAME, hints)
    await client.connect()
    files = BlobFiles(root)
    return SqliteStore(root, files=files, writer=client, locks=RemoteLocks(client), hints=hints)
