"""JMAP over WebSocket (RFC 8887) on a real socket."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate

from posthouse.http.jmap.gate import Gate
from posthouse.http.jmap.routes import jmap_routes
from posthouse.http.jmap.socket import JmapSocket
from posthouse.http.server import BoundedSocket, serve_http
from posthouse.services.credentials import Credentials
from posthouse.services.push_feed import PushFeed
from posthouse.services.signin import SignIn, hash_password
from tests.storage.fixtures import message
from tests.unit.asgi import basic
from tests.unit.jmap_world import JmapWorld, jmap_world
from tests.unit.service_world import CHEAP_HASH

PASSWORD = "correct horse"
CORE, MAIL = "urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.ws = WSConnection(ConnectionType.CLIENT)
        self.text = ""

    async def start(self, auth: dict[str, str], subprotocols: list[str]) -> Any:
        headers = [(key.encode(), value.encode()) for key, value in auth.items()]
        request = Request(
            host="localhost",
            target="/jmap/ws",
            extra_headers=headers,
            subprotocols=subprotocols,
            extensions=[PerMessageDeflate()],
        )
        self.writer.write(self.ws.send(request))
        return await self.event()

    async def event(self) -> Any:
        async with asyncio.timeout(5):
            while True:
                for event in self.ws.events():
                    if isinstance(event, TextMessage):
                        self.text += event.data
                        if not event.message_finished:
                            continue
                        whole, self.text = self.text, ""
                        return msgspec.json.decode(whole)
                    return event
                data = await self.reader.read(65536)
                self.ws.receive_data(data or None)

    def send(self, value: Any) -> None:
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        self.writer.write(self.ws.send(TextMessage(text)))


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[JmapWorld, int]]:
    async with jmap_world(tmp_path) as world:
        signin, feed = SignIn(world.store, world.clock, CHEAP_HASH), PushFeed(world.store)
        await world.store.directory.update_account(
            world.account.id, {"password": hash_password(PASSWORD, CHEAP_HASH)}
        )
        sock = socket.create_server(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        app = Starlette(routes=jmap_routes(world.services, signin, feed))
        acceptors = serve_http(app, [sock], logging.getLogger("test"))
        yield world, port
        for acceptor in acceptors:
            acceptor.close()
        feed.close()
        signin.close()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


async def test_who_may_open_one(served: tuple[JmapWorld, int]) -> None:
    world, port = served
    async with connected(port) as client:
        refused = await client.start(basic(world.account.address, "wrong"), ["jmap"])
        assert isinstance(refused, RejectConnection)
        assert refused.status_code == 401
    async with connected(port) as client:
        assert isinstance(await client.start(basic(world.account.address, PASSWORD), []), RejectConnection)


async def test_requests_errors_and_push(served: tuple[JmapWorld, int]) -> None:
    world, port = served
    async with connected(port) as client:
        accepted = await client.start(basic(world.account.address, PASSWORD), ["jmap"])
        assert isinstance(accepted, AcceptConnection)
        assert accepted.subprotocol == "jmap"
        assert accepted.extensions == []  # no compression, though it was offered: a frame can be a bomb
        # RFC 8887 §4.3.1: the response names the request.
        client.send(
            {"@type": "Request", "id": "R1", "using": [CORE], "methodCalls": [["Core/echo", {"a": 1}, "0"]]}
        )
        got = await client.event()
        assert (got["@type"], got["requestId"]) == ("Response", "R1")
        assert got["methodResponses"] == [["Core/echo", {"a": 1}, "0"]]
        for sent, kind in (
            ("{", "notJSON"),
            ({"@type": "Nothing", "id": "x"}, "notRequest"),
            ({"@type": "Request", "using": ["urn:x"], "methodCalls": []}, "unknownCapability"),
            ({"@type": "Request", "using": [], "methodCalls": [["a", {}, "0"]] * 99}, "limit"),
        ):
            client.send(sent)
            error = await client.event()
            assert (error["@type"], error["type"]) == ("RequestError", f"urn:ietf:params:jmap:error:{kind}")
        client.send({"@type": "WebSocketPushEnable", "dataTypes": ["Mailbox"], "pushState": "1"})
        change = await client.event()
        assert (change["@type"], list(change["changed"][world.id])) == (
            "StateChange",
            ["Mailbox"],
        )
    assert await closed(world, port)


async def closed(world: JmapWorld, port: int) -> bool:
    """Binary frames end the connection; a listener goes with its connection."""
    async with connected(port) as client:
        await client.start(basic(world.account.address, PASSWORD), ["jmap"])
        client.send({"@type": "WebSocketPushEnable", "dataTypes": None})
        client.send({"@type": "Request", "using": [CORE], "methodCalls": [["Core/echo", {}, "0"]]})
        assert (await client.event())["@type"] == "Response"
        await world.put(message(1))
        change = await client.event()
        assert "EmailDelivery" in change["changed"][world.id]
        assert change["pushState"] == str(await world.store.emails.modseq(world.account.id))
        client.writer.write(client.ws.send(BytesMessage(b"x")))
        event = await client.event()
        return isinstance(event, CloseConnection) and event.code == 1003


ECHO = {"@type": "Request", "id": "R", "using": [CORE], "methodCalls": [["Core/echo", {}, "0"]]}


@pytest.mark.parametrize("change", ["password", "disabled", "revoked"])
async def test_an_open_connection_ends_with_what_opened_it(
    served: tuple[JmapWorld, int], change: str
) -> None:
    world, port = served
    directory, account = world.store.directory, world.account
    secret = PASSWORD
    if change == "revoked":
        credentials = Credentials(world.store, world.clock)
        _, secret = await credentials.add(account.address, "phone", protocols=("jmap",))
    async with connected(port) as client, connected(port) as told:
        for one in (client, told):
            await one.start(basic(account.address, secret), ["jmap"])
            one.send(ECHO)
            assert (await one.event())["@type"] == "Response"
        told.send({"@type": "WebSocketPushEnable"})
        told.send(ECHO)
        assert (await told.event())["@type"] == "Response"
        if change == "password":
            hashed = hash_password("another horse", CHEAP_HASH)
            await directory.update_account(account.id, {"password": hashed})
        elif change == "disabled":
            await directory.update_account(account.id, {"enabled": False})
        else:
            await credentials.revoke(account.address, "phone")
        client.send(ECHO)
        ended = await client.event()
        assert isinstance(ended, CloseConnection)
        assert ended.code == 1008
        await world.store.mailboxes.create(account.id, "News")  # push tells no more either
        assert isinstance(await told.event(), CloseConnection)


async def test_changes_that_nobody_reads_wait_as_one(served: tuple[JmapWorld, int]) -> None:
    world, _ = served
    gate, sent = asyncio.Event(), []

    class Slow:
        async def send_text(self, text: str) -> None:
            await gate.wait()
            sent.append(msgspec.json.decode(text))

    async def stands(_grant: Any) -> bool:
        return True

    socket: Any = Slow()
    feed, gates = PushFeed(world.store), Gate("maxConcurrentRequests")
    jmap = JmapSocket(socket, world.services, feed, gates, grant=world.grant, stands=stands)
    own = world.account.id
    jmap._types = {own: frozenset(("Email", "Mailbox"))}
    for number in range(1, 1001):
        jmap._told(own, number, frozenset(("Email",) if number % 2 else ("Mailbox",)))
        await asyncio.sleep(0)
    assert not jmap._tasks
    assert len(jmap._news) == 1
    gate.set()
    assert jmap._telling is not None
    await jmap._telling
    first, last = [one["changed"][world.id] for one in sent]
    assert first == {"Email": "1"}
    assert last == {"Email": "1000", "Mailbox": "1000"}
    feed.close()


def test_who_does_not_read_gets_no_pongs() -> None:
    """Else each ping would lie in memory until it does."""
    made = BoundedSocket.__new__(BoundedSocket)
    written: list[bytes] = []
    made.conn = SimpleNamespace(send=lambda event: bytes(event.payload))  # type: ignore[assignment]
    made.transport = SimpleNamespace(write=written.append)  # type: ignore[assignment]
    made.writable = asyncio.Event()
    made.handle_ping(Ping(b"1"))
    made.writable.set()
    made.handle_ping(Ping(b"2"))
    assert written == [b"2"]
