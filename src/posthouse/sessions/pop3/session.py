"""One POP3 connection: its state, its answers, and the hand-over of each command to its handler."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, final

from posthouse.core.errors import MailError
from posthouse.core.scope import WRITE
from posthouse.services.grant import Grant
from posthouse.services.maildrop import Maildrop, Maildrops
from posthouse.sessions.authentication import Authentication, SignIn
from posthouse.sessions.pop3.delay import LoginDelay
from posthouse.sessions.pop3.errors import answer_for
from posthouse.sessions.pop3.retrieve import stop_reading_ahead
from posthouse.sessions.pop3.settings import Pop3Settings
from posthouse.sessions.pop3.signin import continue_auth
from posthouse.sessions.pop3.table import COMMANDS, State
from posthouse.sessions.pop3.text import DEFAULT_LANGUAGE, Text, text_of
from posthouse.sessions.session import Peer, Session
from posthouse.storage.content_ports import Content
from posthouse.wire.pop3 import reply
from posthouse.wire.pop3.command import BadCommand, Command, Problem
from posthouse.wire.pop3.engine import NEED_DATA, AuthLine, Engine, Event

PROBLEM_TEXTS: Final = {problem: Text[problem.name] for problem in Problem}
_RELEASES: Final[set[asyncio.Task[None]]] = set()
"""Locks on their way back; held here because the loop keeps only weak references to tasks."""


@final
class Pop3Session(Session):
    __slots__ = (
        "ahead",
        "coming",
        "delay",
        "deleted",
        "drop",
        "engine",
        "errors",
        "exchange",
        "failures",
        "grant",
        "language",
        "last_read",
        "maildrops",
        "read",
        "settings",
        "sign_in",
        "state",
        "user_name",
        "utf8",
    )

    def __init__(
        self,
        peer: Peer,
        on_fault: Callable[[BaseException], None],
        *,
        sign_in: SignIn,
        maildrops: Maildrops,
        delay: LoginDelay,
        settings: Pop3Settings,
    ) -> None:
        super().__init__(peer, on_fault)
        self.sign_in = sign_in
        self.maildrops = maildrops
        self.delay = delay
        self.settings = settings
        self.engine = Engine()
        self.state = State.AUTHORIZATION
        self.language = DEFAULT_LANGUAGE
        self.utf8 = False
        self.user_name: str | None = None
        self.exchange: Authentication | None = None
        self.failures = 0  # wrong passwords
        self.errors = 0  # lines that are no command
        self.drop: Maildrop | None = None
        self.grant: Grant | None = None  # what the sign-in allows
        self.deleted: set[int] = set()
        self.read: set[int] = set()  # by RETR
        self.last_read = 0
        self.ahead: dict[int, Content] = {}  # read before they were asked for
        self.coming: asyncio.Task[dict[int, Content]] | None = None  # those behind them are being read

    # --- answers ---

    def ok(self, text: Text, **values: object) -> None:
        self.peer.write(reply.format_ok(text_of(text, self.language, **values)))

    def err(self, text: Text, code: str = "", **values: object) -> None:
        self.peer.write(self.format_err(text, code, **values))

    def format_ok(self, text: Text, **values: object) -> bytes:
        return reply.format_ok(text_of(text, self.language, **values))

    def format_err(self, text: Text, code: str = "", **values: object) -> bytes:
        return reply.format_err(text_of(text, self.language, **values), code)

    def refuse(self, error: MailError) -> None:
        code, text = answer_for(error)
        self.err(text, code)

    # --- what handlers ask ---

    @property
    def maildrop(self) -> Maildrop:
        """The open one; handlers of TRANSACTION commands may rely on it."""
        assert self.drop is not None
        return self.drop

    @property
    def may_change(self) -> bool:
        return self.grant is not None and self.grant.scope.allows(WRITE)

    @property
    def may_sign_in(self) -> bool:
        info = self.peer.info
        return info.tls is not None or info.clear_text_auth

    async def drain(self) -> None:
        """Let the client catch up; one that reads, however slowly, is not idle."""
        if self.peer.must_drain:
            await self.peer.drain()
            self.peer.set_timeout(self.settings.idle_timeout_s)

    def enter_transaction(self) -> None:
        self.state = State.TRANSACTION

    def enter_update(self) -> None:
        self.state = State.UPDATE

    def totals(self) -> tuple[int, int]:
        """Count and octets of the messages that are not marked as deleted."""
        drop = self.maildrop
        return len(drop) - len(self.deleted), sum(drop.sizes) - sum(drop.sizes[n - 1] for n in self.deleted)

    def missing(self, number: int) -> bytes | None:
        """The refusal for a number without a message, or None."""
        if number > len(self.maildrop):
            return self.format_err(Text.NO_SUCH_MESSAGE)
        if number in self.deleted:
            return self.format_err(Text.IS_DELETED, number=number)
        return None

    # --- the session base ---

    def greet(self) -> None:
        self.peer.set_timeout(self.settings.idle_timeout_s)
        self.ok(Text.READY, hostname=self.settings.hostname)

    def _feed(self, data: bytes) -> None:
        self.engine.receive(data)

    def _next(self) -> Event | None:
        event = self.engine.next_event()
        return None if event is NEED_DATA else event

    def _backlog(self) -> int:
        return self.engine.buffered

    def _handle(self, event: Event) -> Coroutine[Any, Any, None] | None:
        if type(event) is Command:
            row = COMMANDS[event.verb]
            if self.state not in row.states:
                before = row.states is State.AUTHORIZATION
                self.err(Text.ONLY_AUTHORIZATION if before else Text.ONLY_TRANSACTION, verb=event.verb)
                return None
            work = row.handler(self, event)
        elif type(event) is AuthLine:
            work = continue_auth(self, event.text)
        else:
            assert type(event) is BadCommand
            self._bad(event)
            return None
        return None if work is None else self._guarded(work)

    def _bad(self, event: BadCommand) -> None:
        self.exchange = None  # a line that broke framing ends a SASL exchange
        self.errors += 1
        if self.errors >= self.settings.errors_max:
            self.err(Text.TOO_MANY_ERRORS)
            self.closing = True
        else:
            self.err(PROBLEM_TEXTS[event.problem], verb=event.verb)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except MailError as error:
            self.refuse(error)

    def _fault(self) -> None:
        self.err(Text.INTERNAL, reply.SYS_TEMP)

    def timed_out(self) -> None:
        # RFC 1939 §3: on autologout the connection is closed without a word and without removing messages.
        self.closing = True
        self.peer.close()

    def shutdown(self) -> None:
        if self.busy:
            self.closing = True
        elif not self.closing:
            self.err(Text.SHUTTING_DOWN, reply.SYS_TEMP)
            self.closing = True
            self.peer.close()

    def _cleanup(self) -> None:
        stop_reading_ahead(self)
        drop, self.drop = self.drop, None
        if drop is not None:
            task = asyncio.get_running_loop().create_task(self._release(drop))
            _RELEASES.add(task)
            task.add_done_callback(_RELEASES.discard)

    async def _release(self, drop: Maildrop) -> None:
        try:
            await drop.release()
        except MailError as error:
            self.on_fault(error)
