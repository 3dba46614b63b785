"""Mutated sessions of every protocol on the real services and the real store: no fault, no hang, no growth, and
every invariant of the store holds in the end."""

from __future__ import annotations

import asyncio
import gc
import random
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from posthouse.core.ports import SystemClock, SystemIds
from posthouse.services.accounts import DEFAULT_MAILBOXES
from posthouse.services.bans import BanSettings
from posthouse.services.delivery import DeliveryService, DeliverySettings
from posthouse.services.mailboxes import MailboxHub, MailboxService
from posthouse.services.maildrop import Maildrops
from posthouse.services.passwords import HashSettings
from posthouse.services.resolve import ResolveSettings
from posthouse.services.signin import SignIn, SignInSettings, hash_password
from posthouse.sessions.imap import ImapServices, ImapSession
from posthouse.sessions.pop3 import LoginDelay, Pop3Session, Pop3Settings
from posthouse.sessions.session import ConnectionInfo, Session, TlsInfo
from posthouse.sessions.smtp import SmtpSession, SmtpSettings
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Alias, Domain
from posthouse.storage.sqlite import open_store
from tests.fuzz import pop3_mutation, smtp_mutation, test_imap_session
from tests.storage.fixtures import deliver, message

CHEAP: Final = SignInSettings(
    hashing=HashSettings(memory_kib=8, time_cost=1),
    bans=BanSettings(free_failures=1 << 30, failures_max=1 << 30, account_failures_max=1 << 30),
)
AT_ONCE: Final = 20
WARM_UP: Final = 1000
HANG_S: Final = 30.0
GROWTH_MAX_BYTES: Final = 400_000
"""After the warm-up, of thousands of sessions: bounded caches fill up to their bounds, nothing else stays."""


class Peer:
    """A client that takes everything at once; TLS needs no handshake."""

    def __init__(self, listener: str, chance: random.Random) -> None:
        tls = TlsInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384") if chance.random() < 0.7 else None
        ip = f"192.0.2.{chance.randrange(256)}"
        self.info = ConnectionInfo("c1", listener, ip, 4000, "192.0.2.2", 25, tls, chance.random() < 0.5)
        self.said = 0
        self.closed = False
        self.can_start_tls = True
        self.must_drain = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.said += len(data)

    async def drain(self) -> None: ...

    async def start_tls(self) -> None:
        self.info.tls = TlsInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384")

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def set_timeout(self, seconds: float) -> None: ...

    def close(self) -> None:
        self.closed = True


class Town:
    """Everybody whom the mutated sessions name."""

    def __init__(self, store: Store) -> None:
        clock, ids = SystemClock(), SystemIds()
        self.store = store
        self.faults: list[BaseException] = []
        self.signin = SignIn(store, clock, CHEAP)
        self.hub = MailboxHub(store)
        delivery = DeliveryService(
            store,
            clock,
            ids,
            DeliverySettings(hostname="mx.163.test", max_message_bytes=20_000),
            ResolveSettings(primary_domain="163.test", administrator="li@163.test"),
        )
        imap = ImapServices(store, self.signin, self.hub, MailboxService(store), clock, ids, "mx.163.test")
        maildrops, delay = Maildrops(store, clock), LoginDelay(clock, 0)

        def smtp(peer: Peer) -> Session:
            settings = SmtpSettings(errors_max=20)
            return SmtpSession(
                peer, self.faults.append, delivery=delivery, sign_in=self.signin, settings=settings
            )

        def pop3(peer: Peer) -> Session:
            return Pop3Session(
                peer,
                self.faults.append,
                sign_in=self.signin,
                maildrops=maildrops,
                delay=delay,
                settings=Pop3Settings(errors_max=8),
            )

        self.make: dict[str, Callable[[Peer], Session]] = {
            "smtp": smtp,
            "submission": smtp,
            "lmtp": smtp,
            "pop3": pop3,
            "imap": lambda peer: ImapSession(peer, self.faults.append, imap),
        }

    async def settle(self) -> None:
        for domain in ("163.test", "qq.test", "example.test"):
            await self.store.directory.put_domain(Domain(domain))
        demo, secret = hash_password("posthouse-demo", CHEAP), hash_password("secret", CHEAP)
        for address, password, quota in (
            ("li@163.test", demo, 0),
            ("zhao@163.test", demo, 0),
            ("full@163.test", demo, 1),
            ("zhang@qq.test", demo, 0),
            ("li@example.test", secret, 0),
        ):
            account = Account(0, address, password=password, language="en", quota_bytes=quota)  # type: ignore[arg-type]
            await self.store.directory.create_account(account, DEFAULT_MAILBOXES["en"])
        await self.store.directory.put_alias(Alias("all@163.test", ("li@163.test", "zhao@163.test")))

    async def letters(self, address: str, wanted: int) -> None:
        """As many in the INBOX, at least."""
        account = await self.store.directory.account_by_address(address)
        assert account is not None
        mailbox = await self.store.mailboxes.get(account.id, "INBOX")
        missing = wanted - mailbox.messages
        if missing > 0:
            await deliver(self.store, mailbox, *(message(n, 300 + n * 1000) for n in range(missing)))


@asynccontextmanager
async def town(path: Path) -> AsyncIterator[Town]:
    store = await open_store(path / "data", role="local")
    place = Town(store)
    try:
        await place.settle()
        yield place
        assert await store.check() == []
    finally:
        place.hub.close()
        place.signin.close()
        await store.close()


async def play(place: Town, listener: str, number: int) -> int:
    """One session; the bytes it said."""
    chance = random.Random(f"{listener} {number}")
    peer = Peer(listener, chance)
    session = place.make[listener](peer)
    session.greet()
    data = dialogue(listener, chance)
    edges = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(5)))
    for start, end in zip([0, *edges], [*edges, len(data)], strict=True):
        session.receive(data[start:end])
        if chance.random() < 0.9:  # else the next piece comes while it works
            await rest(session)
    if chance.random() < 0.5 and not peer.closed:
        session.eof()
    session.closed()
    await rest(session)
    return peer.said


def dialogue(listener: str, chance: random.Random) -> bytes:
    if listener == "imap":
        return test_imap_session.mutate(chance, chance.choice(test_imap_session.SEEDS))
    if listener == "pop3":
        return pop3_mutation.mutated_dialogue(chance)
    return smtp_mutation.mutated_dialogue(chance)


async def rest(session: Session) -> None:
    while session._task is not None:
        await asyncio.wait([session._task])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("listener", "sessions"),
    [("smtp", 4000), ("submission", 4000), ("lmtp", 10_000), ("pop3", 4000), ("imap", 4000)],
)
async def test_mutated_sessions_leave_nothing_behind(tmp_path: Path, listener: str, sessions: int) -> None:
    at_once = 1 if listener == "pop3" else AT_ONCE  # a maildrop takes one
    said = 0
    async with town(tmp_path) as place:
        for start in range(0, sessions, AT_ONCE):
            if listener in ("pop3", "imap"):
                await place.letters("zhang@qq.test" if listener == "pop3" else "li@example.test", 5)
            if start == WARM_UP:
                gc.collect()
                tracemalloc.start()
            for first in range(start, start + AT_ONCE, at_once):
                numbers = range(first, first + at_once)
                async with asyncio.timeout(HANG_S):
                    said += sum(await asyncio.gather(*(play(place, listener, n) for n in numbers)))
                assert place.faults == [], (listener, numbers)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0]
        top = tracemalloc.take_snapshot().statistics("lineno")[:8] if grown > GROWTH_MAX_BYTES else []
        tracemalloc.stop()
        assert grown < GROWTH_MAX_BYTES, "\n".join(map(str, top))
    assert said > sessions * 50
