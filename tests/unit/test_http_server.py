"""HTTP on a real socket: what it answers, and that no connection stays for ever."""

import asyncio
import contextlib
import logging
import socket
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette

from posthouse.http import server
from posthouse.http.endpoints import health_routes


async def nothing():
    return ""


@asynccontextmanager
async def serving():
    sock = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=health_routes(nothing, nothing))
    (listener,) = server.serve_http(app, [sock], logging.getLogger("test"))
    try:
        yield sock.getsockname()[1]
    finally:
        listener.close()


@asynccontextmanager
async def connected(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def get(port):
    """The status line; b"" when the connection was refused."""
    async with connected(port) as (reader, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        try:
            return (await reader.read()).partition(b"\r\n")[0]
        except ConnectionError:
            return b""


async def test_health():
    async with serving() as port:
        assert await get(port) == b"HTTP/1.1 200 OK"


async def test_half_a_request_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(server, "LOOK_S", 0.05)
    async with serving() as port, asyncio.timeout(5), connected(port) as (reader, writer):
        writer.write(b"GET /hea")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)


async def test_there_are_so_many_connections_and_no_more(monkeypatch):
    monkeypatch.setattr(server, "CONNECTIONS_MAX", 2)
    async with serving() as port, asyncio.timeout(5):
        async with connected(port), connected(port):
            assert await get(port) == b""
        while (answer := await get(port)) == b"":  # noqa: ASYNC110 - they leave when the server notices
            await asyncio.sleep(0.01)
        assert answer == b"HTTP/1.1 200 OK"
