"""A node's services on a real store, with a clock that tests move."""

from __future__ import annotations

import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from posthouse.core.address import Address, parse_address
from posthouse.services.accounts import Accounts
from posthouse.services.bans import BanSettings
from posthouse.services.delivery import (
    DeliveryService,
    DeliverySettings,
    Envelope,
    Origin,
    Receipt,
    Recipient,
)
from posthouse.services.passwords import HashSettings
from posthouse.services.resolve import ResolveSettings
from posthouse.services.rules import Rules
from posthouse.services.signin import SignInSettings
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account
from posthouse.storage.sqlite import open_store

CHEAP_HASH = SignInSettings(hashing=HashSettings(memory_kib=8, time_cost=1), scram_iterations=4096)
NO_BANS = BanSettings(
    free_failures=1 << 30, failures_max=1 << 30, network_failures_max=1 << 30, account_failures_max=1 << 30
)
START = 1_790_000_000.0


class MovableClock:
    def __init__(self) -> None:
        self.time = START

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def move(self, seconds: float) -> None:
        self.time += seconds


class CountingIds:
    def __init__(self, prefix: str = "t") -> None:
        self.count = 0
        self.prefix = prefix

    def trace(self) -> str:
        self.count += 1
        return f"{self.prefix}{self.count:019}"


class EvenRng:
    def random(self) -> float:
        return 0.0

    def shuffle(self, x: list[str]) -> None:
        x.sort()


class World:
    def __init__(self, store: Store, settings: DeliverySettings, domain: str, prefix: str) -> None:
        self.store = store
        self.clock = MovableClock()
        self.ids = CountingIds(prefix)
        self.domain = domain
        self.accounts = Accounts(store, self.clock, CHEAP_HASH)
        self.delivery = DeliveryService(
            store,
            self.clock,
            self.ids,
            settings,
            ResolveSettings(administrator=f"li@{domain}", primary_domain=domain),
            Rules(store, self.clock),
        )

    async def account(self, local: str, **options: Any) -> Account:
        return await self.accounts.create_account(f"{local}@{self.domain}", "correct horse", **options)

    async def inbox(self, account: Account) -> list[bytes]:
        """The messages of the INBOX, whole."""
        mailbox = await self.store.mailboxes.get(account.id, "INBOX")
        found: list[bytes] = []
        async for rows in self.store.messages.fetch(account.id, mailbox.id, [(1, 2**32 - 1)], ("content",)):
            for (content,) in rows:
                if isinstance(content, bytes):
                    found.append(content)
                else:
                    found.append(b"".join([chunk async for chunk in content.chunks()]))
        return found

    async def letters(self, name: str) -> list[EmailMessage]:
        """The messages of somebody's INBOX, parsed."""
        account = await self.accounts.account(f"{name}@{self.domain}")
        return [parse(content) for content in await self.inbox(account)]

    async def send(
        self, content: bytes, *to: str, sender: str | None = "a@remote.test", **options: Any
    ) -> Receipt:
        origin = options.pop("origin", smtp_origin())
        notify = options.pop("notify", ())
        orcpt = options.pop("orcpt", None)
        envelope = Envelope(
            None if sender is None else parse_address(sender),
            [Recipient(parse_address(one), orcpt, notify) for one in to],
            **options,
        )
        incoming = self.delivery.receive(envelope, origin)
        for start in range(0, len(content), 60_000):
            incoming.write(content[start : start + 60_000])
            if incoming.must_drain:
                await incoming.drain()
        return await incoming.finish()


@asynccontextmanager
async def open_world(
    path: Path, domain: str = "post.test", *, prefix: str = "t", **settings: Any
) -> AsyncIterator[World]:
    store = await open_store(path, role="local")
    try:
        world = World(store, DeliverySettings(hostname=f"mx.{domain}", **settings), domain, prefix)
        await world.accounts.create_domain(domain)
        yield world
        assert await store.check() == []
    finally:
        await store.close()


def smtp_origin(**changes: Any) -> Origin:
    facts: dict[str, Any] = {
        "listener": "smtp",
        "protocol": "ESMTPS",
        "helo": "out.remote.test",
        "peer_ip": "192.0.2.7",
        "tls": "TLSv1.3 TLS_AES_256_GCM_SHA384",
        "connection": "c1",
    }
    return Origin(**(facts | changes))


def parse(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def address(text: str) -> Address:
    return parse_address(text)


LETTER = b"From: a@remote.test\r\nTo: li@post.test\r\nSubject: hello\r\nMessage-ID: <m1@remote.test>\r\n\r\nHello\r\n"
