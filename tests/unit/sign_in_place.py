"""All protocols on one real store with one real sign-in, for tests of what opens what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from posthouse.services.mailboxes import MailboxHub, MailboxService
from posthouse.services.maildrop import Maildrops
from posthouse.services.signin import SignIn
from posthouse.sessions.imap import ImapServices, ImapSession
from posthouse.sessions.pop3 import LoginDelay, Pop3Session, Pop3Settings
from posthouse.sessions.session import ConnectionInfo, Session, TlsInfo
from posthouse.sessions.smtp import SmtpSession, SmtpSettings
from posthouse.storage.rows import Account
from posthouse.wire.sasl import ClientExchange, Credentials
from tests.storage.fixtures import deliver, message
from tests.unit.service_world import CHEAP_HASH, World, open_world

LI = "li@post.test"
PASSWORD = "correct horse"
PROTOCOLS = ("imap", "pop3", "submission")
BEGIN = {
    "imap": (b"a AUTHENTICATE %b\r\n", b"+ "),
    "pop3": (b"AUTH %b\r\n", b"+ "),
    "submission": (b"AUTH %b\r\n", b"334 "),
}


class Peer:
    def __init__(self, listener: str, ip: str, certificate: bytes = b"") -> None:
        tls = TlsInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384", certificate=certificate)
        self.info = ConnectionInfo("c1", listener, ip, 4000, "192.0.2.200", 1, tls)
        self.said = bytearray()
        self.can_start_tls = False
        self.must_drain = False

    def write(self, data: bytes) -> None:
        self.said += data

    async def drain(self) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def set_timeout(self, seconds: float) -> None: ...

    def close(self) -> None: ...


class Client:
    def __init__(self, session: Session, peer: Peer) -> None:
        self.session = session
        self.peer = peer

    async def say(self, data: bytes) -> bytes:
        self.session.receive(data)
        while self.session._task is not None:
            await asyncio.wait([self.session._task])
            await asyncio.sleep(0)
        said = bytes(self.peer.said)
        self.peer.said.clear()
        return said

    async def run(self, command: str) -> str:
        """IMAP: the answer, its tag written as t."""
        return (await self.say(f"t {command}\r\n".encode())).decode()

    async def authenticate(self, mechanism: str, name: str, secret: str) -> str:
        begin, more = BEGIN[self.peer.info.listener]
        client = ClientExchange(mechanism, Credentials("", name, secret), b"nonce")
        initial = client.initial()
        said = await self.say(begin % mechanism.encode())
        assert said.startswith(more), said
        if initial is not None:
            said = await self.say((b"" if initial == b"=" else initial) + b"\r\n")
        while said.startswith(more):
            answer = client.receive(said.removeprefix(more).rstrip(b"\r\n"))
            said = await self.say((b"*" if answer is None else answer) + b"\r\n")
        return said.decode()

    async def leave(self) -> None:
        self.session.closed()
        while self.session._task is not None:
            await asyncio.wait([self.session._task])
        for _ in range(5):  # a maildrop's lock goes back in a task
            await asyncio.sleep(0)


class Place:
    def __init__(self, world: World) -> None:
        self.world = world
        self.faults: list[BaseException] = []
        self.signin = SignIn(world.store, world.clock, CHEAP_HASH, sleep=self._sleep)
        self.hub = MailboxHub(world.store)
        self._clients: list[Client] = []

    async def _sleep(self, _seconds: float) -> None: ...

    def connect(self, protocol: str, ip: str = "192.0.2.1", certificate: bytes = b"") -> Client:
        world, peer = self.world, Peer(protocol, ip, certificate)
        session: Session
        if protocol == "imap":
            services = ImapServices(
                world.store,
                self.signin,
                self.hub,
                MailboxService(world.store),
                world.clock,
                world.ids,
                "mx.post.test",
            )
            session = ImapSession(peer, self.faults.append, services)
        elif protocol == "pop3":
            session = Pop3Session(
                peer,
                self.faults.append,
                sign_in=self.signin,
                maildrops=Maildrops(world.store, world.clock),
                delay=LoginDelay(world.clock, 0),
                settings=Pop3Settings(),
            )
        else:
            session = SmtpSession(
                peer,
                self.faults.append,
                delivery=world.delivery,
                sign_in=self.signin,
                settings=SmtpSettings(),
            )
        session.greet()
        if protocol == "submission":
            session.receive(b"EHLO client.test\r\n")
        peer.said.clear()
        client = Client(session, peer)
        self._clients.append(client)
        return client

    async def account(self) -> Account:
        return await self.world.accounts.account(LI)

    async def app(self, name: str = "app", **scope: Any) -> str:
        return (await self.signin.credentials.add(LI, name, **scope))[1]

    async def login(self, secret: str) -> Client:
        client = self.connect("imap")
        assert "t OK" in await client.run(f"LOGIN {LI} {secret}")
        return client

    async def letters(self, name: str, count: int) -> None:
        mailbox = await self.world.store.mailboxes.get((await self.account()).id, name)
        await deliver(self.world.store, mailbox, *(message(n, subject=f"in {name}") for n in range(count)))

    async def close(self) -> None:
        for client in self._clients:
            client.session.closed()
            while client.session._task is not None:
                await asyncio.wait([client.session._task])
        await asyncio.sleep(0)
        await self.signin.settled()
        self.hub.close()
        self.signin.close()
        assert self.faults == []


@asynccontextmanager
async def open_place(path: Path) -> AsyncIterator[Place]:
    async with open_world(path) as world:
        await world.account("li", language="en")
        place = Place(world)
        try:
            yield place
        finally:
            await place.close()
