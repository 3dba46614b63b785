"""An IMAP client over a real socket that believes only what it is told, and says so when that cannot be true.

Its view of the selected mailbox is an `imap_model.MailboxModel`.  What no server may say raises `Violation` in whoever
waits for an answer: also an EXPUNGE at a moment at which there may be none, and a mod-sequence that falls.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from posthouse.wire.imap.client import Response, ResponseReader
from tests.integration.imap_model import Cache, MailboxModel, Violation, parse_set

ANSWER_LIMIT_S = 20.0


@dataclass(slots=True)
class Running:
    """A command that has no tagged answer yet."""

    tag: str
    text: bytes
    numbers: bool  # FETCH, STORE or SEARCH by message numbers: no EXPUNGE (RFC 9051 §7.5.1)
    done: asyncio.Future[Response]
    went_on: asyncio.Future[None]
    said: list[Response] = field(default_factory=list)
    flagged: set[int] = field(default_factory=set)  # id() of messages whose flags were told meanwhile
    finish: Callable[[Response, Running], None] | None = None  # runs before anything after the answer is read

    def named(self, name: str) -> list[Response]:
        return [response for response in self.said if response.name == name]

    def code(self, name: str) -> list[Any] | None:
        """Of the tagged answer or of an untagged status response."""
        for response in [self.done.result(), *self.said]:
            if response.code and str(response.code[0]).upper() == name:
                return response.code[1:]
        return None

    @property
    def expunges(self) -> int:
        return len(self.named("EXPUNGE")) + len(self.named("VANISHED"))


class ImapClient:
    """One connection at a time; `qresync` caches survive a lost one."""

    def __init__(
        self, name: str, address: tuple[str, int], enables: str = "", *, notify: str = "", below: str = ""
    ) -> None:
        """`below`: under what name the mailboxes stand, if they are somebody else's."""
        self.name = name
        self.below = below
        self.enables = enables
        self.notify = notify
        self.qresync = "QRESYNC" in enables
        self.condstore = self.qresync or "CONDSTORE" in enables
        self.closes = self.qresync or "IMAP4rev2" in enables  # SELECT is told when it leaves the old mailbox
        self.view: MailboxModel | None = None
        self.caches: dict[str, Cache] = {}
        self.history: deque[object] = deque(maxlen=60)
        self.commands = 0
        self._address = address
        self._modseqs: dict[tuple[str, int], int] = {}
        self._highest: dict[str, int] = {}
        self._running: deque[Running] = deque()
        self._selecting: MailboxModel | None = None
        self._closing: MailboxModel | None = None  # the mailbox that SELECT is about to leave
        self._fault: BaseException | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    # --- the connection ---

    async def connect(self, user: str, password: str) -> None:
        reader, self._writer = await asyncio.open_connection(*self._address)
        greeted = Running("", b"", False, self._future(), self._future())
        self._running = deque([greeted])
        self._fault = None
        self._reading = asyncio.create_task(self._read(reader))
        await self._wait(greeted.went_on)
        await self.run(f"LOGIN {user} {password}")
        if self.enables:
            await self.run(f"ENABLE {self.enables}")
        if self.notify:
            await self.run(f"NOTIFY SET {self.notify}")

    async def drop(self) -> None:
        """Be gone without a word, as a phone in a tunnel."""
        self.leave()
        if self._writer is not None and self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
        self._writer = self._reading = None

    def leave(self) -> None:
        """The mailbox is not selected any more; a QRESYNC client keeps what it knows."""
        if self.view is not None and self.qresync:
            self.caches[self.view.name] = self.view.cache()
        self.view = None

    @staticmethod
    def _future() -> asyncio.Future[Any]:
        return asyncio.get_running_loop().create_future()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        responses = ResponseReader()
        try:
            while data := await reader.read(65536):
                responses.receive(data)
                while (response := responses.next_response()) is not None:
                    self._take(response)
            raise Violation("the server closed the connection")
        except Exception as error:  # nobody waits for this task: whoever waits for an answer raises it
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self._fault = error
        for running in self._running:
            for future in (running.done, running.went_on):
                if not future.done():
                    future.set_result(None)

    async def _wait(self, future: asyncio.Future[Any]) -> Any:
        done, _ = await asyncio.wait([future], timeout=ANSWER_LIMIT_S)
        if not done:
            self.blame(f"no answer within {ANSWER_LIMIT_S} s")
        self.check()
        return future.result()

    def check(self) -> None:
        """Raise what went wrong, with what was said before it."""
        if self._fault is not None:
            lines = [str(said)[:400] for said in self.history]
            raise Violation(f"{self.name}: {self._fault!r}\n" + "\n".join(lines)) from self._fault

    def blame(self, text: str) -> None:
        """Raise a violation that the caller found."""
        self._fault = Violation(text)
        self.check()

    # --- commands ---

    def begin(
        self,
        text: str | bytes,
        *,
        numbers: bool = False,
        finish: Callable[[Response, Running], None] | None = None,
    ) -> Running:
        """Send a command and do not wait for it."""
        self.commands += 1
        tag = f"{self.name}.{self.commands}"
        raw = text.encode() if isinstance(text, str) else text
        running = Running(tag, raw, numbers, self._future(), self._future(), finish=finish)
        self._running.append(running)
        self.send(tag.encode() + b" " + raw + b"\r\n")
        return running

    def send(self, data: bytes) -> None:
        assert self._writer is not None
        self.history.append(f"C: {data[:200]!r}")
        self._writer.write(data)

    async def end(self, running: Running, *, may_fail: Sequence[str] = ()) -> Running:
        """Wait for the tagged answer; `may_fail`: response codes with which it may be NO."""
        answer = await self._wait(running.done)
        code = str(answer.code[0]).upper() if answer.code else ""
        if answer.name != "OK" and not (answer.name == "NO" and code in may_fail):
            self._fault = Violation(
                f"{running.text[:200]!r} was answered {answer.name} [{code}] {answer.text}"
            )
            self.check()
        return running

    async def run(self, text: str | bytes, *, numbers: bool = False, may_fail: Sequence[str] = ()) -> Running:
        return await self.end(self.begin(text, numbers=numbers), may_fail=may_fail)

    def spell(self, name: str) -> str:
        return f'"{self.below}/{name}"' if self.below else name

    async def select(self, name: str, *, read_only: bool) -> None:
        closing = self.view if self.closes else None
        self.leave()
        cache = self.caches.pop(name, None)
        word = "EXAMINE" if read_only else "SELECT"
        self._selecting = MailboxModel(name, read_only=read_only, cache=cache)
        self._closing = closing
        options = " (CONDSTORE)" if self.condstore and cache is None else ""
        if cache is not None and cache.modseq:
            options = f" (QRESYNC ({cache.uidvalidity} {cache.modseq}))"
        await self.run(f"{word} {self.spell(name)}{options}")

    async def idle(self) -> Running:
        running = self.begin("IDLE")
        await self._wait(running.went_on)
        return running

    async def done(self, running: Running) -> None:
        self.send(b"DONE\r\n")
        await self.end(running)

    # --- what comes ---

    def _take(self, response: Response) -> None:
        self.history.append(response)
        if response.tag == "+":
            self._running[0].went_on.set_result(None)
        elif response.tag != "*":
            self._answered(response)
        elif self._running and not self._running[0].tag:
            self._running.popleft().went_on.set_result(None)  # the greeting
        else:
            if self._running:
                self._running[0].said.append(response)
            self._untagged(response)

    def _answered(self, response: Response) -> None:
        if not self._running or self._running[0].tag != response.tag:
            raise Violation(f"an answer to {response.tag}, which is not the command that runs")
        running = self._running.popleft()
        self._coded(response)
        if self._selecting is not None:
            self.view, self._selecting, self._closing = self._selecting, None, None
        if running.finish is not None:
            running.finish(response, running)
        if self.view is not None:
            self.view.answered()
        running.done.set_result(response)

    @property
    def _told(self) -> MailboxModel | None:
        """Whose data comes now.  RFC 9051 §7.1 (CLOSED): up to that code it is the old mailbox's."""
        return self._closing or self._selecting or self.view

    def _untagged(self, response: Response) -> None:
        view = self._told
        if response.name in ("OK", "NO", "BAD"):
            self._coded(response)
        elif response.name == "BYE":
            raise Violation(f"BYE {response.text}")
        elif response.name not in ("EXISTS", "EXPUNGE", "VANISHED", "FETCH"):
            return
        elif view is None:
            raise Violation(f"{response.name} while no mailbox is selected")
        elif response.name == "EXISTS":
            view.told_exists(response.number or 0, selecting=view is self._selecting)
        elif response.name == "FETCH":
            self._fetched(view, response)
        elif response.name == "VANISHED" and len(response.data) == 2:
            view.told_vanished_earlier(parse_set(response.data[1]))
        else:
            self._expunged(view, response)

    def _expunged(self, view: MailboxModel, response: Response) -> None:
        if not self._running:
            raise Violation(f"{response.name} while no command runs")
        if self._running[0].numbers:
            raise Violation(f"{response.name} during {self._running[0].text[:100]!r}")
        if (response.name == "VANISHED") != self.qresync:
            raise Violation(f"{response.name}, with QRESYNC {'on' if self.qresync else 'off'}")
        if response.name == "VANISHED":
            view.told_vanished(parse_set(response.data[0]))
        else:
            view.told_expunge(response.number or 0)

    def _fetched(self, view: MailboxModel, response: Response) -> None:
        pairs = response.pairs
        message = view.told_fetch(response.number or 0, pairs)
        if "FLAGS" in pairs and self._running:
            self._running[0].flagged.add(id(message))
        if "MODSEQ" in pairs and message.uid is not None:
            key, modseq = (view.name, message.uid), pairs["MODSEQ"][0]
            if modseq < self._modseqs.get(key, 0):
                raise Violation(f"MODSEQ of {key} fell from {self._modseqs[key]} to {modseq}")
            self._modseqs[key] = modseq

    def _coded(self, response: Response) -> None:
        view = self._told
        if not response.code or view is None:
            return
        name, *values = response.code
        if name == "CLOSED":
            self._closing = None
        elif name == "UIDVALIDITY":
            view.told_uidvalidity(values[0])
        elif name == "HIGHESTMODSEQ":
            if view is self._selecting:
                if values[0] < self._highest.get(view.name, 0):
                    raise Violation(f"HIGHESTMODSEQ of {view.name} fell to {values[0]}")
                self._highest[view.name] = values[0]
            view.modseq_told = values[0]
