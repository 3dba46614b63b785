"""Recording what connections say: taps on them, and the one writer of the worker that keeps what they heard."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from posthouse.core.errors import MailError
from posthouse.core.ports import Clock
from posthouse.lens import NOTE, Line, Scribe
from posthouse.lens.explain import is_error
from posthouse.lens.imap import ImapScribe
from posthouse.lens.managesieve import SieveScribe
from posthouse.lens.pop3 import Pop3Scribe
from posthouse.lens.smtp import SmtpScribe
from posthouse.storage.dialogues import Dialogue, Dialogues, Said

FLUSH_S: Final = 0.2
"""After so long what was heard can be looked at."""
LINES_MAX: Final = 5000
"""Of one dialogue."""
HEARD_MAX: Final = 20_000
"""Lines that wait to be kept; more are dropped rather than held in memory."""
TRIM_S: Final = 60.0
SCRIBES: Final[dict[str, Callable[..., Scribe]]] = {
    "smtp": SmtpScribe,
    "pop3": Pop3Scribe,
    "imap": ImapScribe,
    "managesieve": SieveScribe,
}


class LensSettings(Struct, frozen=True):
    host: str
    keep: int = 500
    keep_s: float = 86_400.0
    letter_lines: int = 0


def protocol_of(service: str) -> str:
    """What is spoken at a listener, or by a service of HTTP."""
    if service in ("jmap", "oauth"):
        return "http"
    family = service.removesuffix("s")
    return family if family in ("pop3", "imap", "managesieve") else "smtp"


class Tap:
    """On one connection.  `grant` is asked for who signed in, when lines are kept."""

    __slots__ = ("_count", "_recorder", "_scribe", "dialogue", "grant")

    def __init__(self, recorder: Recorder, dialogue: Dialogue, scribe: Scribe | None) -> None:
        self.dialogue = dialogue
        self.grant: Callable[[], Any] = lambda: None
        self._recorder = recorder
        self._scribe = scribe
        self._count = 0

    def client(self, data: bytes) -> None:
        if self._scribe is not None and self._count < LINES_MAX:
            self.tell(self._scribe.client(data))

    def server(self, data: bytes) -> None:
        if self._scribe is not None and self._count < LINES_MAX:
            self.tell(self._scribe.server(data))
        if not self.dialogue.account:
            self.name_account()  # before the session ends and forgets

    def note(self, name: str, facts: str = "") -> None:
        if name == "tls":
            self.dialogue.tls = facts
        self.tell([Line(NOTE, f"{name} {facts}".rstrip())])

    def tell(self, lines: list[Line]) -> None:
        """Lines that no scribe has to make."""
        for line in lines:
            self._count += 1
            if self._count == LINES_MAX:
                line = Line(NOTE, "full")
            elif self._count > LINES_MAX:
                return
            self.dialogue.lines = self._count
            self.dialogue.errors += is_error(self.dialogue.protocol, line)
            self._recorder.heard(self, self._count, line)

    def end(self, reason: str = "") -> None:
        if not self.dialogue.ended:
            self.dialogue.ended = self._recorder.now()
            self._count = min(self._count, LINES_MAX - 2)
            self.note("lost" if reason else "closed", reason)

    def name_account(self) -> None:
        grant = self.grant()
        if grant is not None and not self.dialogue.account:
            self.dialogue.account = grant.account.address


class Recorder:
    """One per worker; `close` keeps what is left."""

    def __init__(self, dialogues: Dialogues, clock: Clock, settings: LensSettings) -> None:
        self.settings = settings
        self._dialogues = dialogues
        self._clock = clock
        self._said: list[tuple[str, Said]] = []
        self._changed: dict[str, Tap] = {}
        self._due: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._trimmed = 0.0

    def now(self) -> float:
        return self._clock.now()

    def begin(self, service: str, peer: str) -> Tap:
        protocol = protocol_of(service)
        dialogue = Dialogue(
            secrets.token_urlsafe(9), self.settings.host, protocol, service, peer, began=self._clock.now()
        )
        make = SCRIBES.get(protocol)
        tap = Tap(self, dialogue, make(letter_lines=self.settings.letter_lines) if make is not None else None)
        tap.note("opened")
        return tap

    def heard(self, tap: Tap, number: int, line: Line) -> None:
        if len(self._said) >= HEARD_MAX:
            return
        self._said.append((tap.dialogue.id, Said(number, self._clock.now(), line)))
        self._changed[tap.dialogue.id] = tap
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(FLUSH_S, self._flush)

    def _flush(self) -> None:
        self._due = None
        if self._task is not None and not self._task.done():
            self._due = asyncio.get_running_loop().call_later(FLUSH_S, self._flush)
            return
        self._task = asyncio.get_running_loop().create_task(self._keep())

    async def _keep(self) -> None:
        said, self._said = self._said, []
        taps, self._changed = self._changed, {}
        for tap in taps.values():
            tap.name_account()
        try:
            await self._dialogues.write([tap.dialogue for tap in taps.values()], said)
            now = self._clock.now()
            if now - self._trimmed > TRIM_S:
                self._trimmed = now
                await self._dialogues.trim(keep=self.settings.keep, since=now - self.settings.keep_s)
        except MailError:  # a dialogue is worth no fault: what was not kept is not shown
            return

    async def keep(self) -> None:
        """What was heard so far is there for whoever looks."""
        if self._task is not None:
            await asyncio.shield(self._task)
        await self._keep()

    async def close(self) -> None:
        """Keep what is left; the dialogues stay open."""
        if self._due is not None:
            self._due.cancel()
        await self.keep()
