"""A post house for unit tests of SMTP: the real delivery service over a store in memory, and a peer that listens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

from posthouse.core.errors import MailError, SignInFailed
from posthouse.core.ids import AccountId, QueueId
from posthouse.core.scram import ScramKeys, derive
from posthouse.services.credentials import Claim
from posthouse.services.delivery import DeliveryService, DeliverySettings
from posthouse.services.grant import Grant, Origin, of_password
from posthouse.services.resolve import ResolveSettings
from posthouse.sessions.session import ConnectionInfo, Session, TlsInfo
from posthouse.sessions.smtp import SmtpSession, SmtpSettings
from posthouse.storage.ports import Store
from posthouse.storage.rows import (
    Account,
    Alias,
    ContentDraft,
    Delivery,
    Domain,
    Hint,
    Placed,
    RightsEntry,
    Stored,
)
from tests.unit.sign_in_tokens import TakesTokens

LI = Account(id=AccountId(1), address="li@163.test")
ZHAO = Account(id=AccountId(2), address="zhao@163.test")
FULL = Account(id=AccountId(3), address="full@163.test", quota_bytes=10, used_bytes=10)
PASSWORD = "posthouse-demo"
HELLO = b"EHLO qq.test\r\n"
ENVELOPE = b"MAIL FROM:<zhang@qq.test>\r\nRCPT TO:<li@163.test>\r\n"


class ManualClock:
    def __init__(self) -> None:
        self.time = 1_000_000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


class CountingIds:
    def __init__(self) -> None:
        self.count = 0

    def trace(self) -> str:
        self.count += 1
        return f"trace{self.count:04}"


class MemoryWriter:
    """Of large messages; `open` counts those not finished or aborted."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._data = bytearray()
        self._done = False
        self.drains = 0
        store.open += 1

    @property
    def size(self) -> int:
        return len(self._data)

    @property
    def must_drain(self) -> bool:
        return True

    def write(self, data: bytes) -> None:
        self._data += data

    async def drain(self) -> None:
        self.drains += 1
        await asyncio.sleep(0)

    def view(self) -> bytes:
        return bytes(self._data)

    async def finish(self, prefix: bytes = b"") -> ContentDraft:
        self.abort()
        return self._store.draft(prefix + self._data)

    def abort(self) -> None:
        if not self._done:
            self._done = True
            self._store.open -= 1


class MemoryStore:
    """Only the ports delivery uses; `failure` is raised by the next commits, `late` is the error of each copy."""

    def __init__(self) -> None:
        self.directory = self.messages = self.contents = self.queue = self.hints = self.acls = self
        self.grants: dict[tuple[int, int], list[RightsEntry]] = {}
        self.known = {account.address: account for account in (LI, ZHAO, FULL)}
        self.aliases = {
            "away@163.test": Alias("away@163.test", ("someone@example.org",)),
            "all@163.test": Alias("all@163.test", (LI.address, ZHAO.address)),
        }
        self.delivered: list[Delivery] = []
        self.failure: MailError | None = None
        self.late: dict[AccountId, str] = {}
        self.open = 0

    def subscribe(self, callback: Callable[[Hint], None]) -> Callable[[], None]:
        return lambda: None

    async def domain(self, name: str) -> Domain | None:
        return Domain(name) if name == "163.test" else None

    async def account_by_address(self, address: str) -> Account | None:
        return self.known.get(address)

    async def granted(self, user: int, account: int, _mailbox: int) -> list[RightsEntry]:
        return self.grants.get((user, account), [])

    async def alias(self, address: str) -> Alias | None:
        return self.aliases.get(address)

    def writer(self) -> MemoryWriter:
        return MemoryWriter(self)

    def draft(self, data: bytes) -> ContentDraft:
        return ContentDraft(len(data), 0, packed=bytes(data))

    async def deliver(self, deliveries: Sequence[Delivery]) -> list[Stored]:
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        self.delivered += deliveries
        return [
            Stored(
                [Placed(copy.account, error=self.late.get(copy.account)) for copy in delivery.copies],
                [QueueId(1) for _ in delivery.queue],
            )
            for delivery in deliveries
        ]

    async def report(self, attempts: Sequence[Any], journal: Sequence[Any]) -> None: ...


class Accounts(TakesTokens):
    def __init__(self) -> None:
        self.failure: MailError | None = None
        self.asked: list[tuple[str, str]] = []

    async def check_password(self, address: str, password: str, origin: Origin) -> Grant:
        self.asked.append((address, password))
        assert origin.protocol == "submission"
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        if (address, password) != (LI.address, PASSWORD):
            raise SignInFailed(address)
        return of_password(LI)

    async def scram_claim(self, address: str, mechanism: str, _origin: Origin) -> Claim:
        salt, account = b"0123456789abcdef", LI
        keys = ScramKeys(salt, 4096, [derive(mechanism, PASSWORD, salt, 4096)])
        return Claim(account if address == account.address else None, keys, [])

    async def scram_finish(self, claim: Claim, key: int | None, _origin: Origin) -> Grant:
        if key is None or claim.account is None:
            raise SignInFailed
        return of_password(claim.account)


class MemoryPeer:
    def __init__(self, listener: str = "smtp", *, tls: bool = False, clear_text_auth: bool = False) -> None:
        info = TlsInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384") if tls else None
        self.info = ConnectionInfo("c1", listener, "192.0.2.1", 4000, "192.0.2.2", 25, info, clear_text_auth)
        self.said = bytearray()
        self.closed = False
        self.can_start_tls = True
        self.must_drain = False
        self.timeout_s = 0.0

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.said += data

    async def drain(self) -> None: ...

    async def start_tls(self) -> None:
        await asyncio.sleep(0)
        self.info.tls = TlsInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384")

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def set_timeout(self, seconds: float) -> None:
        self.timeout_s = seconds

    def close(self) -> None:
        self.closed = True


class World:
    def __init__(self, settings: SmtpSettings | None = None, **delivery: Any) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore()
        self.accounts = Accounts()
        self.settings = settings or SmtpSettings()
        self.delivery = DeliveryService(
            cast("Store", self.store),
            self.clock,
            CountingIds(),
            DeliverySettings(hostname="mx.163.test", **delivery),
            ResolveSettings(primary_domain="163.test", administrator=LI.address),
        )
        self.faults: list[BaseException] = []

    def connect(self, listener: str = "smtp", **peer: bool) -> Client:
        to = MemoryPeer(listener, **peer)
        session = SmtpSession(
            to,
            self.faults.append,
            delivery=self.delivery,
            sign_in=self.accounts,
            settings=self.settings,
        )
        session.greet()
        client = Client(session, to)
        assert client.take().startswith("220 mx.163.test ")
        return client

    @property
    def letter(self) -> bytes:
        """The one message that was delivered, from its first own field on."""
        (delivery,) = self.store.delivered
        assert delivery.content.packed is not None
        return delivery.content.packed


class Client:
    def __init__(self, session: SmtpSession, peer: MemoryPeer) -> None:
        self.session = session
        self.peer = peer

    def take(self) -> str:
        said = self.peer.said.decode()
        self.peer.said.clear()
        return said

    async def say(self, data: bytes) -> str:
        """Send, wait until the session is idle, and return what it answered."""
        self.session.receive(data)
        await settled(self.session)
        return self.take()

    async def codes(self, data: bytes) -> list[str]:
        """ "250 2.1.0" of each reply."""
        lines = (await self.say(data)).splitlines()
        return [" ".join(line.split()[:2]) for line in lines if line[3] == " "]

    async def drop(self) -> None:
        """The connection is lost."""
        self.session.closed()
        await settled(self.session)


async def settled(session: Session) -> None:
    for _ in range(100_000):
        if not session.busy:
            return
        await asyncio.sleep(0)
    raise AssertionError("the session hangs")
