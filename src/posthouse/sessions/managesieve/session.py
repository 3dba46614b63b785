"""One ManageSieve connection."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, final

from msgspec import Struct

from posthouse.core.errors import MailError
from posthouse.services.grant import Grant
from posthouse.services.scripts import Scripts
from posthouse.sessions.authentication import Authentication, SignIn
from posthouse.sessions.managesieve import commands
from posthouse.sessions.managesieve.text import say
from posthouse.sessions.session import Peer, Session
from posthouse.sieve import ScriptError
from posthouse.sieve.limits import SCRIPT_MAX_BYTES
from posthouse.sieve.text import explain
from posthouse.wire.managesieve.answer import format_answer
from posthouse.wire.managesieve.command import BadCommand, Command, Problem, Response
from posthouse.wire.managesieve.engine import NEED_DATA, Engine, Event


class ManageSieveSettings(Struct, frozen=True):
    login_timeout_s: float = 60.0
    idle_timeout_s: float = 1800.0
    """RFC 5804 §1.2: at least 30 minutes."""
    bad_commands_max: int = 20
    login_failures_max: int = 5
    redirects_max: int = 5


@final
class ManageSieveSession(Session):
    __slots__ = (
        "bad",
        "engine",
        "exchange",
        "failures",
        "grant",
        "language",
        "scripts",
        "settings",
        "sign_in",
    )

    def __init__(
        self,
        peer: Peer,
        on_fault: Callable[[BaseException], None],
        *,
        sign_in: SignIn,
        scripts: Scripts,
        settings: ManageSieveSettings,
    ) -> None:
        super().__init__(peer, on_fault)
        self.sign_in = sign_in
        self.scripts = scripts
        self.settings = settings
        # quirk(editors): some send more than a script may have, and want to be told so, not to be cut off.
        self.engine = Engine(literal_max=2 * SCRIPT_MAX_BYTES)
        self.grant: Grant | None = None
        self.exchange: Authentication | None = None
        self.language = "en"
        self.bad = 0
        self.failures = 0

    # --- answers ---

    def ok(self, key: str = "done", code: str = "") -> None:
        self.peer.write(format_answer("OK", say(key, self.language), code))

    def no(self, key: str, code: str = "") -> None:
        self.peer.write(format_answer("NO", say(key, self.language), code))

    def bye(self, key: str, code: str = "") -> None:
        self.peer.write(format_answer("BYE", say(key, self.language), code))
        self.closing = True

    @property
    def may_sign_in(self) -> bool:
        info = self.peer.info
        return info.tls is not None or info.clear_text_auth

    # --- the session base ---

    def greet(self) -> None:
        self.peer.set_timeout(self.settings.login_timeout_s)
        commands.capability(self)

    def _feed(self, data: bytes) -> None:
        self.engine.receive(data)

    def _next(self) -> Event | None:
        event = self.engine.next_event()
        return None if event is NEED_DATA else event

    def _backlog(self) -> int:
        return self.engine.buffered

    def _handle(self, event: Event) -> Coroutine[Any, Any, None] | None:
        if isinstance(event, BadCommand):
            self._refuse(event.problem)
            return None
        if isinstance(event, Response):
            work = commands.respond(self, event.text)
        else:
            assert isinstance(event, Command)
            row = commands.COMMANDS[event.name]
            if row.signed_in and self.grant is None:
                self.no("sign_in_first")
                return None
            work = row.run(self, event)
        return None if work is None else self._guarded(work)

    def _refuse(self, problem: Problem) -> None:
        self.exchange = None
        self.bad += 1
        if self.bad >= self.settings.bad_commands_max:
            self.bye("too_many_bad")
        else:
            self.no(problem.name, "QUOTA/MAXSIZE" if problem is Problem.TOO_LARGE else "")

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except ScriptError as fault:
            self.peer.write(format_answer("NO", explain(fault, self.language)))
        except MailError as error:
            key, code = commands.answer_for(error)
            self.no(key, code)

    def _fault(self) -> None:
        self.bye("internal")

    def timed_out(self) -> None:
        self.bye("timeout")
        self.peer.close()

    def shutdown(self) -> None:
        if self.busy:
            self.closing = True
        elif not self.closing:
            self.bye("shutdown", "TRYLATER")
            self.peer.close()
