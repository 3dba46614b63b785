"""A post house in this process: real store, SMTP listener on loopback, queue runner and client."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from posthouse.app.certificates import Authority
from posthouse.client.routes import Route, Routes
from posthouse.client.smtp import ClientSettings, SmtpClient
from posthouse.core.dns import NO_NAME, Answer
from posthouse.servers.board import Board
from posthouse.servers.host import Host, Limits, Service
from posthouse.servers.listen_address import Address
from posthouse.servers.listener import Acceptor, bind
from posthouse.servers.tls import TlsSettings, make_contexts
from posthouse.services.queue import QueueRunner, QueueSettings
from posthouse.services.signin import SignIn
from posthouse.sessions.smtp import SmtpSession
from posthouse.sessions.smtp.settings import SmtpSettings
from tests.unit.service_world import CHEAP_HASH, World, open_world

REFUSAL = (b"421 full\r\n", b"421 full\r\n")


class NoDns:
    async def mx(self, domain: str) -> Answer:
        return Answer((), NO_NAME)

    async def addresses(self, host: str) -> Answer:
        return Answer(("127.0.0.1",))


class PostNode:
    def __init__(self, world: World, directory: Path) -> None:
        self.world = world
        self.faults: list[BaseException] = []
        self.host = Host(Board(2).slot(0), logging.getLogger("posthouse.test"), Limits(), "t")
        certificate = Authority(directory).issue([f"mx.{world.domain}", "127.0.0.1"])
        self.host.tls = make_contexts(TlsSettings((certificate,)))
        self._sign_in = SignIn(world.store, world.clock, CHEAP_HASH)
        self._acceptors: list[Acceptor] = []
        self.port = 0
        self._queue_task: asyncio.Task[None] | None = None

    def listen(self, name: str = "smtp", port: int = 0) -> int:
        def make(peer: Any, on_fault: Callable[[BaseException], None]) -> SmtpSession:
            def fault(error: BaseException) -> None:
                self.faults.append(error)
                on_fault(error)

            return SmtpSession(
                peer, fault, delivery=self.world.delivery, sign_in=self._sign_in, settings=SmtpSettings()
            )

        sock = bind(Address("127.0.0.1", port))
        service = Service(name, make, REFUSAL)
        acceptor = Acceptor(self.host, sock, lambda: service)
        acceptor.start()
        self._acceptors.append(acceptor)
        return int(sock.getsockname()[1])

    def start_queue(self, routes: dict[str, Route], **settings: Any) -> None:
        world = self.world
        self.client = SmtpClient(
            ClientSettings(hostname=f"mx.{world.domain}", unreachable_s=0.0),
            Routes(routes),
            NoDns(),
            clock=world.clock,
            rng=random.Random(1),
        )
        self.queue = QueueRunner(
            world.store,
            self.client,
            world.delivery,
            QueueSettings(hostname=f"mx.{world.domain}", **settings),
            clock=world.clock,
            rng=random.Random(1),
        )
        self._queue_task = asyncio.create_task(self.queue.run())

    async def stop_queue(self) -> None:
        if self._queue_task is not None:
            await self.queue.stop()
            await self._queue_task
            await self.client.close()
            self._queue_task = None

    async def stop(self) -> None:
        await self.stop_queue()
        for acceptor in self._acceptors:
            acceptor.stop()
        await self.host.drain(1.0)
        self._sign_in.close()
        assert self.faults == []


@asynccontextmanager
async def post_node(directory: Path, domain: str, *people: str) -> AsyncIterator[PostNode]:
    directory.mkdir(parents=True)
    async with open_world(directory / "data", domain, prefix=domain[:1]) as world:
        for name in people:
            await world.account(name)
        node = PostNode(world, directory)
        node.host.start()
        try:
            yield node
        finally:
            await node.stop()


async def inbox(node: PostNode, name: str, count: int, limit_s: float = 15.0) -> list[bytes]:
    """The messages of somebody's INBOX, as soon as there are `count`."""
    world = node.world
    account = await world.store.directory.account_by_address(f"{name}@{world.domain}")
    assert account is not None
    async with asyncio.timeout(limit_s):
        while (await world.store.mailboxes.get(account.id, "INBOX")).messages < count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    found = await world.inbox(account)
    assert len(found) == count
    return found


async def queue_is(node: PostNode, condition: Callable[[list[Any]], bool], limit_s: float = 15.0) -> None:
    async with asyncio.timeout(limit_s):
        while not condition(await node.world.store.queue.entries()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
