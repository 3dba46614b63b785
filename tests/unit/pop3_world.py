"""A post house for unit tests of POP3: the ports it uses, in memory, and a peer that keeps what is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from posthouse.core.errors import InUse, MailError, NotFound, SignInFailed
from posthouse.core.flags import FIRST_KEYWORD_BIT
from posthouse.core.ids import AccountId, MailboxId
from posthouse.core.scope import Scope
from posthouse.core.scram import ScramKeys, derive
from posthouse.services.credentials import Claim
from posthouse.services.grant import Grant, Origin, of_password
from posthouse.services.maildrop import Maildrops
from posthouse.sessions.pop3 import LoginDelay, Pop3Session, Pop3Settings
from posthouse.sessions.session import ConnectionInfo, Session, TlsInfo
from posthouse.storage.content_ports import Content
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Copied, Expunged, FlagsStored, Mailbox, UidRanges
from tests.unit.sign_in_tokens import TakesTokens

ZHANG = Account(id=AccountId(1), address="zhang@qq.test", language="zh")
PASSWORD = "posthouse-demo"
SIGN_IN = b"USER zhang@qq.test\r\nPASS posthouse-demo\r\n"


class ManualClock:
    def __init__(self) -> None:
        self.time = 1_000_000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


class LargeMessage:
    """A `LargeContent` over bytes; may break off after `fail_after` octets."""

    def __init__(self, data: bytes, fail_after: int | None = None) -> None:
        self._data = data
        self._fail_after = fail_after
        self.sent = 0

    @property
    def size(self) -> int:
        return len(self._data)

    async def chunks(self, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        data = self._data[start:stop]
        for at in range(0, len(data), 1000):
            if self._fail_after is not None and at >= self._fail_after:
                raise MailError("a read failed")
            self.sent += 1
            yield data[at : at + 1000]

    def read(self, start: int, stop: int) -> bytes:
        return self._data[start:stop]


@dataclass
class Row:
    uid: int
    content: Content
    flags: int = 0
    savedate: float = 0.0

    def column(self, name: str) -> Any:
        if name == "size":
            return len(self.content) if isinstance(self.content, bytes) else self.content.size
        return getattr(self, name)


@dataclass
class Box:
    mailbox: Mailbox
    rows: dict[int, Row] = field(default_factory=dict)
    uidnext: int = 1

    def add(self, content: Content, savedate: float = 0.0, flags: int = 0) -> Row:
        row = self.rows[self.uidnext] = Row(self.uidnext, content, flags, savedate)
        self.uidnext += 1
        return row

    def within(self, ranges: UidRanges) -> list[Row]:
        return [row for uid, row in sorted(self.rows.items()) if any(a <= uid <= b for a, b in ranges)]


class MemoryStore:
    """Only the ports POP3 uses; `calls` logs them, `failure` is raised by every further call."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.boxes: dict[str, Box] = {}
        self.calls: list[str] = []
        self.failure: MailError | None = None
        self.locked: set[str] = set()
        self.words: list[str] = []
        self.messages = self.mailboxes = self.locks = self
        self.make("INBOX", "inbox")

    def make(self, name: str, role: str | None) -> Box:
        number = len(self.boxes) + 1
        mailbox = Mailbox(ZHANG.id, MailboxId(number), name, role, 70 + number, 1, 1, 0, 0, 0, 0, 0, 1, True)
        box = self.boxes[name] = Box(mailbox)
        return box

    def _enter(self, call: str) -> None:
        self.calls.append(call)
        if self.failure is not None:
            raise self.failure

    def _box(self, mailbox: MailboxId) -> Box:
        return next(box for box in self.boxes.values() if box.mailbox.id == mailbox)

    # --- Mailboxes ---

    async def get(self, account: AccountId, name: str) -> Mailbox:
        self._enter("get")
        if name not in self.boxes:
            raise NotFound(name)
        return self.boxes[name].mailbox

    async def list(self, account: AccountId) -> list[Mailbox]:
        self._enter("list")
        return [box.mailbox for box in self.boxes.values()]

    async def create(self, account: AccountId, name: str, role: str | None = None) -> Mailbox:
        self._enter("create")
        return self.make(name, role).mailbox

    async def set_role(self, account: AccountId, name: str, role: str | None) -> None:
        self._enter("set_role")

    # --- Messages ---

    async def fetch(
        self, account: AccountId, mailbox: MailboxId, uids: UidRanges, columns: Sequence[str]
    ) -> AsyncIterator[list[tuple[Any, ...]]]:
        self._enter("fetch " + ",".join(columns))
        await asyncio.sleep(0)
        rows = self._box(mailbox).within(uids)
        for start in range(0, len(rows), 100):
            yield [tuple(row.column(name) for name in columns) for row in rows[start : start + 100]]

    async def store_flags(
        self, account: AccountId, mailbox: MailboxId, uids: UidRanges, *, add: int = 0
    ) -> FlagsStored:
        self._enter("store_flags")
        for row in self._box(mailbox).within(uids):
            row.flags |= add
        return FlagsStored([], [], 2)

    async def expunge(
        self, account: AccountId, mailbox: MailboxId, uids: UidRanges, *, only_deleted: bool = True
    ) -> Expunged:
        self._enter("expunge")
        assert not only_deleted
        box = self._box(mailbox)
        gone = [row.uid for row in box.within(uids)]
        for uid in gone:
            del box.rows[uid]
        return Expunged(gone, 3)

    async def copy(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: UidRanges,
        to_account: AccountId,
        to_mailbox: MailboxId,
        *,
        move: bool = False,
    ) -> Copied:
        self._enter("copy")
        assert move
        box, target = self._box(mailbox), self._box(to_mailbox)
        rows = box.within(uids)
        moved = [target.add(box.rows.pop(row.uid).content, self.clock.now(), row.flags).uid for row in rows]
        return Copied(target.mailbox.uidvalidity, [row.uid for row in rows], moved, 3)

    async def keywords(self, account: AccountId) -> tuple[str, ...]:
        return tuple(self.words)

    async def keyword_bits(self, account: AccountId, names: Sequence[str]) -> int:
        self.words += [name for name in names if name not in self.words]
        return sum(1 << FIRST_KEYWORD_BIT + self.words.index(name) for name in names)

    # --- Locks ---

    async def acquire(self, name: str) -> MemoryLock:
        self._enter("acquire")
        if name in self.locked:
            raise InUse(name)
        self.locked.add(name)
        return MemoryLock(self, name)


class MemoryLock:
    def __init__(self, store: MemoryStore, name: str) -> None:
        self._store = store
        self._name = name

    async def release(self) -> None:
        self._store.locked.remove(self._name)


class Accounts(TakesTokens):
    """The sign-in service; `failure` is raised instead of an answer."""

    def __init__(self) -> None:
        self.account = ZHANG
        self.scope: Scope | None = None  # of the credential; None: the password
        self.failure: MailError | None = None
        self.asked: list[tuple[str, str]] = []

    async def check_password(self, address: str, password: str, origin: Origin) -> Grant:
        self.asked.append((address, password))
        assert origin.protocol == "pop3"
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        if (address, password) != (self.account.address, PASSWORD):
            raise SignInFailed(address)
        return self.grant()

    def grant(self) -> Grant:
        return of_password(self.account) if self.scope is None else Grant(self.account, "app", self.scope)

    async def scram_claim(self, address: str, mechanism: str, _origin: Origin) -> Claim:
        salt, account = b"0123456789abcdef", self.account
        keys = ScramKeys(salt, 4096, [derive(mechanism, PASSWORD, salt, 4096)])
        return Claim(account if address == account.address else None, keys, [])

    async def scram_finish(self, claim: Claim, key: int | None, _origin: Origin) -> Grant:
        if key is None or claim.account is None:
            raise SignInFailed
        return of_password(claim.account)


class MemoryPeer:
    def __init__(self, *, tls: bool = True, clear_text_auth: bool = False) -> None:
        info = TlsInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384") if tls else None
        self.info = ConnectionInfo("c1", "pop3", "192.0.2.1", 4000, "192.0.2.2", 110, info, clear_text_auth)
        self.said = bytearray()
        self.writes = 0
        self.drains = 0
        self.closed = False
        self.can_start_tls = True
        self.must_drain = False
        self.timeout_s = 0.0
        self.armed = 0
        self.gate: asyncio.Event | None = None  # drain waits for it

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.said += data
        self.writes += 1

    async def drain(self) -> None:
        self.drains += 1
        if self.gate is not None:
            await self.gate.wait()

    async def start_tls(self) -> None:
        self.info.tls = TlsInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384")

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def set_timeout(self, seconds: float) -> None:
        self.timeout_s = seconds
        self.armed += 1

    def close(self) -> None:
        self.closed = True


class World:
    """One account with messages, and as many sessions as a test wants."""

    def __init__(self, *messages: Content, settings: Pop3Settings | None = None) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore(self.clock)
        self.accounts = Accounts()
        self.settings = settings or Pop3Settings(hostname="mx.qq.test")
        self.delay = LoginDelay(self.clock, self.settings.login_delay_s)
        self.maildrops = Maildrops(cast("Store", self.store), self.clock)
        self.faults: list[BaseException] = []
        for message in messages:
            self.inbox.add(message)

    @property
    def inbox(self) -> Box:
        return self.store.boxes["INBOX"]

    def connect(self, peer: MemoryPeer | None = None) -> Client:
        peer = peer or MemoryPeer()
        session = Pop3Session(
            peer,
            self.faults.append,
            sign_in=self.accounts,
            maildrops=self.maildrops,
            delay=self.delay,
            settings=self.settings,
        )
        session.greet()
        client = Client(session, peer)
        client.take()
        return client


class Client:
    def __init__(self, session: Pop3Session, peer: MemoryPeer) -> None:
        self.session = session
        self.peer = peer

    def take(self) -> bytes:
        said = bytes(self.peer.said)
        self.peer.said.clear()
        return said

    async def say(self, data: bytes) -> bytes:
        """Send, wait until the session is idle, and return what it answered."""
        self.session.receive(data)
        await settled(self.session)
        return self.take()

    async def sign_in(self) -> Client:
        answer = await self.say(SIGN_IN)
        assert answer.count(b"+OK") == 2, answer
        return self

    async def drop(self) -> None:
        """The connection is lost."""
        self.session.closed()
        await settled(self.session)
        for _ in range(5):
            await asyncio.sleep(0)


async def settled(session: Session) -> None:
    for _ in range(100_000):
        if not session.busy:
            return
        await asyncio.sleep(0)
    raise AssertionError("the session hangs")


def message(number: int, size: int = 0) -> bytes:
    head = b"From: wang@qq.test\r\nTo: zhang@qq.test\r\nSubject: letter %d\r\n\r\n" % number
    return head + b"Line one.\r\n.dot\r\nLine three.\r\n" + b"0123456789\r\n" * (size // 12)
