"""IMAP sessions on a real local store, with a peer in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from posthouse.core.errors import SignInFailed
from posthouse.core.ports import SystemClock, SystemIds
from posthouse.core.scram import ScramKeys, derive
from posthouse.services.credentials import Claim
from posthouse.services.grant import Grant, Origin, of_password
from posthouse.services.mailboxes import MailboxHub, MailboxService
from posthouse.sessions.imap import ImapLimits, ImapServices, ImapSession
from posthouse.sessions.session import ConnectionInfo, TlsInfo
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account
from posthouse.storage.sqlite import open_store
from tests.storage.fixtures import deliver, make_account, message
from tests.unit.sign_in_tokens import TakesTokens

PASSWORD = "secret"


class MemoryPeer:
    def __init__(self, *, tls: bool = True, can_start_tls: bool = False) -> None:
        secure = TlsInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384") if tls else None
        self.info = ConnectionInfo("c1", "imap", "127.0.0.1", 50000, "127.0.0.1", 143, tls=secure)
        self.can_start_tls = can_start_tls
        self.must_drain = False
        self.said = bytearray()
        self.writes = 0
        self.closed = False
        self.timeout_s = 0.0
        self.drained = 0
        self.reading = True

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.writes += 1
        self.said += data

    async def drain(self) -> None:
        self.drained += 1
        await asyncio.sleep(0)

    async def start_tls(self) -> None:
        self.info.tls = TlsInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384")

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def set_timeout(self, seconds: float) -> None:
        self.timeout_s = seconds

    def close(self) -> None:
        self.closed = True


class Client:
    """Sends bytes, and takes what was said once the session is at rest."""

    def __init__(self, world: World, peer: MemoryPeer) -> None:
        self.world = world
        self.peer = peer
        self.session = ImapSession(peer, world.faults.append, world.services)
        self.tag = 0

    async def send(self, data: bytes) -> bytes:
        self.session.receive(data)
        return await self.settle()

    async def settle(self) -> bytes:
        while self.session._task is not None:
            await asyncio.wait([self.session._task])
            await asyncio.sleep(0)
        return self.take()

    def take(self) -> bytes:
        said = bytes(self.peer.said)
        self.peer.said.clear()
        return said

    async def run(self, command: str | bytes) -> list[str]:
        """The lines of the answer to one command, the tag written as `t`."""
        self.tag += 1
        tag = b"t%d" % self.tag
        raw = command.encode() if isinstance(command, str) else command
        said = await self.send(tag + b" " + raw + b"\r\n")
        lines = said.replace(tag + b" ", b"t ").decode("utf-8", "surrogateescape").split("\r\n")
        assert lines.pop() == ""
        return lines

    async def append(self, mailbox: str, data: bytes, options: str = "") -> list[str]:
        return await self.run(f"APPEND {mailbox} {options}{{{len(data)}+}}\r\n".encode() + data)

    def drop(self) -> None:
        self.session.closed()


async def said_while_idle(client: Client, *, lines: int) -> list[bytes]:
    """What comes without asking; hints arrive by the event loop."""
    out: list[bytes] = []
    async with asyncio.timeout(5):
        while len(out) < lines:
            await asyncio.sleep(0.001)
            out += client.take().splitlines()
    return out


class World(TakesTokens):
    def __init__(self, store: Store, account: Account, limits: ImapLimits) -> None:
        self.store = store
        self.account = account
        self.faults: list[BaseException] = []
        self.hub = MailboxHub(store)
        self.clients: list[Client] = []
        self.services = ImapServices(
            store, self, self.hub, MailboxService(store), SystemClock(), SystemIds(), "mx.test", limits
        )

    async def check_password(self, address: str, password: str, origin: Origin) -> Grant:
        found = await self.store.directory.account_by_address(address)
        if found is None or password != PASSWORD:
            raise SignInFailed
        return of_password(found)

    async def scram_claim(self, address: str, mechanism: str, _origin: Origin) -> Claim:
        salt = b"0123456789abcdef"
        keys = ScramKeys(salt, 4096, [derive(mechanism, PASSWORD, salt, 4096)])
        return Claim(await self.store.directory.account_by_address(address), keys, [])

    async def scram_finish(self, claim: Claim, key: int | None, _origin: Origin) -> Grant:
        if key is None or claim.account is None:
            raise SignInFailed
        return of_password(claim.account)

    def connect(self, peer: MemoryPeer | None = None) -> Client:
        client = Client(self, peer or MemoryPeer())
        self.clients.append(client)
        client.session.greet()
        client.take()
        return client

    async def login(self, mailbox: str = "", *, address: str = "") -> Client:
        client = self.connect()
        assert (await client.run(f"LOGIN {address or self.account.address} {PASSWORD}"))[-1].startswith(
            "t OK"
        )
        if mailbox:
            assert (await client.run(f"SELECT {mailbox}"))[-1].startswith("t OK")
        return client

    async def letters(self, count: int, name: str = "INBOX", **fields: Any) -> list[int]:
        mailbox = await self.store.mailboxes.get(self.account.id, name)
        return await deliver(self.store, mailbox, *[message(number + 1) for number in range(count)], **fields)

    async def put(self, *data: bytes, name: str = "INBOX", flags: int = 0) -> list[int]:
        mailbox = await self.store.mailboxes.get(self.account.id, name)
        return await deliver(self.store, mailbox, *data, flags=flags)


@asynccontextmanager
async def imap_world(path: Path, limits: ImapLimits | None = None) -> AsyncIterator[World]:
    """A store with one account, li@example.test; at the end nothing may have gone wrong."""
    store = await open_store(path / "data", role="local")
    world = World(store, await make_account(store), limits or ImapLimits())
    try:
        yield world
        assert world.faults == []
        for client in world.clients:
            client.drop()
            await client.settle()
        for mailboxes in world.hub._open.values():
            for shared in mailboxes.values():
                assert (shared.users, shared.claimers, shared.listeners) == (0, 0, {})
        assert await store.check() == []
    finally:
        world.hub.close()
        await store.close()
