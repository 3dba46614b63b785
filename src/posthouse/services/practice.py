"""A practice letter and its five stages: composed, submitted, relayed, stored, fetched, each seen through the lens.

Nothing of it is remembered but by the dialogues: the letter is found in them by its Message-ID, so any worker can
tell how far it is.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from msgspec import Struct, field

from posthouse.client.practice import Person, PracticeError, fetch_by_imap, fetch_by_pop3, submit
from posthouse.core.errors import Forbidden, Invalid, NotFound
from posthouse.core.ports import Clock
from posthouse.core.sentence import Sentence
from posthouse.lens import NOTE, Line
from posthouse.mime import compose
from posthouse.services.background import Background
from posthouse.services.journal import Told
from posthouse.services.lens import Recorder, Tap
from posthouse.services.lens_view import LensView, Looker
from posthouse.storage.dialogues import Dialogue

STAGES: Final = ("compose", "submit", "relay", "store", "fetch")
TOKEN: Final = re.compile(r"[0-9a-f]{16}")
ARRIVES_S: Final = 20.0
LOOK_S: Final = 0.3
SOURCE_LINES: Final = 200
_ACCEPTED: Final = re.compile(r"250 2\.0\.0 .*?\b([0-9a-z]{20})\b")

Story = Callable[[str, str], Awaitable[list[Told]]]
"""(trace, language) -> the journal of this node or of a neighbour."""


class Stage(Struct):
    """`state`: "waiting", "done", "failed", or "skipped" (a letter within one house is not relayed)."""

    name: str
    state: str = "waiting"
    at: float = 0.0
    dialogues: list[Dialogue] = field(default_factory=list)
    story: list[Told] = field(default_factory=list)
    error: str = ""


class Practice:
    """One per worker."""

    def __init__(
        self,
        people: Sequence[Person],
        view: LensView,
        recorder: Recorder,
        clock: Clock,
        *,
        ca_file: str,
        story: Story,
    ) -> None:
        self._people = {person.address: person for person in people}
        self._view = view
        self._recorder = recorder
        self._clock = clock
        self._ca_file = ca_file or None
        self._story = story
        self._tasks = Background("a practice letter")

    @property
    def people(self) -> list[str]:
        return list(self._people)

    async def begin(
        self, looker: Looker, sender: str, to: str, *, subject: str, text: str, by: str
    ) -> tuple[str, str]:
        """(its name, its source); it can be looked at, and goes on by itself.  Raises Forbidden, Invalid."""
        if not looker.everything:
            raise Forbidden(Sentence("practice.who"))
        if sender not in self._people or to not in self._people:
            raise Invalid(Sentence("practice.between", known=", ".join(self._people)))
        token = secrets.token_hex(8)
        letter = compose.Letter(
            sender=("", sender),
            to=[("", to)],
            subject=subject,
            text=text.replace("\r\n", "\n").replace("\n", "\r\n"),
        )
        source = compose.build(letter, now=self._clock.now(), message_id=_message_id(token, sender))
        tap = self._recorder.begin("practice", f"{sender} {to} {by}")
        tap.tell([Line(NOTE, f"composed {token}")])
        await self._recorder.keep()
        self._tasks.run(self._run(tap, token, sender, to, source, by))
        return token, source.decode("utf-8", "replace")

    async def _run(self, tap: Tap, token: str, sender: str, to: str, source: bytes, by: str) -> None:
        try:
            context = await asyncio.to_thread(ssl.create_default_context, cafile=self._ca_file)
            await asyncio.to_thread(submit, self._people[sender], to, source, context)
            await self._arrival(token, sender, to)
            message_id = _message_id(token, sender)
            reader = self._people[to]
            if by == "pop3":
                await asyncio.to_thread(fetch_by_pop3, reader, context)
            else:
                await asyncio.to_thread(fetch_by_imap, reader, message_id, context)
        except (PracticeError, TimeoutError) as error:
            tap.tell([Line(NOTE, f"failed {token} {str(error) or 'nothing arrived in time'}")])
        finally:
            tap.end()

    async def _arrival(self, token: str, sender: str, to: str) -> None:
        """Until the last house of the way has taken it."""
        wanted = "submission" if _house(sender) == _house(to) else "smtp"
        async with asyncio.timeout(ARRIVES_S):
            while True:
                for dialogue in await self._of(token):
                    if dialogue.service == wanted and await self._trace(dialogue):
                        return
                await asyncio.sleep(LOOK_S)

    async def _of(self, token: str) -> list[Dialogue]:
        everybody = Looker("", everything=True)
        return await self._view.search(everybody, token, since=self._clock.now() - 86_400.0)

    async def _trace(self, dialogue: Dialogue) -> str:
        """What the house called the letter when it took it; "" while it has not."""
        _, said = await self._view.lines(Looker("", everything=True), dialogue.id)
        found = [match[1] for one in said if (match := _ACCEPTED.match(one.line.text)) is not None]
        return found[-1] if found else ""

    async def stages(self, looker: Looker, token: str, language: str) -> list[Stage]:
        """Raises Forbidden, NotFound."""
        if not looker.everything:
            raise Forbidden(Sentence("practice.who"))
        found = await self._of(token) if TOKEN.fullmatch(token) else []
        own = next((one for one in found if one.service == "practice"), None)
        if own is None:
            raise NotFound(Sentence("practice.none", token=token))
        sender, to, by = own.peer.split(" ")
        stages = {name: Stage(name) for name in STAGES}
        stages["compose"].state, stages["compose"].at = "done", own.began
        await self._fill(stages, found, by, language)
        if _house(sender) == _house(to) and stages["submit"].state == "done":
            stages["relay"].state = "skipped"
        await self._fail(stages, own)
        return list(stages.values())

    async def _fill(self, stages: dict[str, Stage], found: list[Dialogue], by: str, language: str) -> None:
        last = ""
        for dialogue in found:
            match dialogue.service:
                case "submission" | "submissions":
                    stage = stages["submit"]
                case "relay" | "smtp":
                    stage = stages["relay"]
                case service if service.startswith(by):
                    stage = stages["fetch"]
                case _:
                    continue
            stage.dialogues.append(dialogue)
            # A connection that is used again began before the letter.
            stage.at = stage.at or max(dialogue.began, stages["compose"].at)
            if stage.name == "fetch":
                stage.state = "done" if dialogue.ended else stage.state
            elif trace := await self._trace(dialogue):
                last, stage.state = trace, "done"
        if last:
            stages["store"].story = await self._story(last, language)
            stored = [told for told in stages["store"].story if told.step == "stored"]
            if stored:
                stages["store"].state, stages["store"].at = "done", stored[-1].at

    async def _fail(self, stages: dict[str, Stage], own: Dialogue) -> None:
        _, said = await self._view.lines(Looker("", everything=True), own.id)
        for one in said:
            if one.line.text.startswith("failed "):
                stage = next(
                    (stage for stage in stages.values() if stage.state == "waiting"), stages["fetch"]
                )
                stage.state, stage.error = "failed", one.line.text.split(" ", 2)[2]

    async def close(self) -> None:
        self._tasks.close()


def _message_id(token: str, sender: str) -> str:
    return f"practice-{token}@{_house(sender)}"


def _house(address: str) -> str:
    return address.rpartition("@")[2]
