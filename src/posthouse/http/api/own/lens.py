"""The lens: dialogues that the caller may see, with what each line means; practice letters."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from msgspec import Meta

from posthouse.http.api.operation import (
    ACCOUNT,
    Answer,
    Body,
    Call,
    Created,
    Listing,
    Operation,
    Query,
    instant,
)
from posthouse.http.api.problem import Problem
from posthouse.lens.draw import draw_line
from posthouse.lens.explain import explain, is_error, shown
from posthouse.services.lens_view import Looker
from posthouse.storage.dialogues import Dialogue, Said
from posthouse.storage.rows import EVERYTHING

if TYPE_CHECKING:
    from posthouse.services.practice import Stage as PracticeStage

TAG: Final = "self: lens"
LINES: Final = 500

Name = Annotated[str, Meta(max_length=64)]


class Lens(Answer):
    enabled: Annotated[bool, Meta(description="Whether dialogues are kept now.")]
    sees: Annotated[Literal["all", "own", "none"], Meta(description="Which of them the caller sees.")]
    practice: Annotated[list[str], Meta(description="Between whom practice letters go; empty: nobody.")]


class DialogueInfo(Answer):
    id: str
    host: str
    protocol: str
    service: str
    peer: str
    account: str
    tls: str
    began_at: datetime | None
    began: float
    ended: Annotated[float, Meta(description="Seconds since the epoch; 0: it goes on.")]
    lines: int
    errors: int


class DialogueLine(Answer):
    number: int
    at: Annotated[float, Meta(description="Seconds since the epoch.")]
    side: Annotated[str, Meta(description="client, server, or note: what happened to the connection.")]
    text: str
    block: Annotated[str, Meta(description="What octets that are only counted are of; empty for a line.")]
    error: bool
    meaning: str
    source: Annotated[str, Meta(description="RFC and section.")]
    advice: Annotated[str, Meta(description="What to do about an error.")]


class DialoguePage(Answer):
    dialogue: DialogueInfo
    lines: list[DialogueLine]


class DialogueText(Answer):
    text: str


class DialoguesQuery(Query):
    service: Annotated[str, Meta(max_length=40, description="A listener, `relay`, `jmap` or `oauth`.")] = ""
    before: Annotated[float, Meta(ge=0, description="Begun before, seconds since the epoch.")] = 1e15
    limit: Annotated[int, Meta(ge=1, le=200)] = 100


class LinesQuery(Query):
    after: Annotated[int, Meta(ge=0, description="Lines with a number above this one.")] = 0


class PracticeLetter(Body):
    sender: Annotated[str, Meta(max_length=320)]
    to: Annotated[str, Meta(max_length=320)]
    subject: Annotated[str, Meta(max_length=200)]
    text: Annotated[str, Meta(max_length=4000)]
    by: Annotated[Literal["imap", "pop3"], Meta(description="How the recipient fetches it.")] = "imap"


class PracticeBegun(Answer):
    id: str
    source: Annotated[str, Meta(description="The letter as it was composed.")]


class StoryLine(Answer):
    at: float
    step: str
    text: str


class Stage(Answer):
    name: Annotated[str, Meta(description="compose, submit, relay, store, fetch.")]
    state: Annotated[str, Meta(description="waiting, done, failed, or skipped.")]
    at: float
    dialogues: list[DialogueInfo]
    story: list[StoryLine]
    error: str


async def get_lens(call: Call) -> Lens:
    lens = call.api.lens
    people = lens.practice.people if lens.practice is not None and looker(call).everything else []
    return Lens(enabled=lens.enabled, sees=_sees(call), practice=people)


async def list_dialogues(call: Call, query: DialoguesQuery) -> Listing[DialogueInfo]:
    found = await call.api.lens.view.listed(
        _may_look(call), service=query.service or None, before=query.before, limit=query.limit
    )
    return Listing(items=[_info(one) for one in found if one.service != "practice"])


async def get_dialogue(call: Call, query: LinesQuery) -> DialoguePage:
    dialogue, said = await call.api.lens.view.lines(
        _may_look(call), call.path["name"], after=query.after, limit=LINES
    )
    lines = [_line(dialogue, one, call.language) for one in said]
    return DialoguePage(dialogue=_info(dialogue), lines=lines)


async def get_text(call: Call) -> DialogueText:
    looks, view = _may_look(call), call.api.lens.view
    drawn: list[str] = []
    after = 0
    while True:
        dialogue, said = await view.lines(looks, call.path["name"], after=after)
        if not said:
            break
        after = said[-1].number
        for one in said:
            drawn += draw_line(dialogue.protocol, one.at, one.line, call.language)
    head = f"{dialogue.service.upper()}  {dialogue.host}  {dialogue.peer}  {dialogue.account}".rstrip()
    return DialogueText(text="\n".join([head, "", *drawn, ""]))


async def begin_practice(call: Call, body: PracticeLetter) -> Created:
    practice = call.api.lens.practice
    if practice is None:
        raise Problem("not-found")
    name, source = await practice.begin(
        looker(call), body.sender, body.to, subject=body.subject, text=body.text, by=body.by
    )
    return Created(PracticeBegun(id=name, source=source), f"/self/lens/practice/{name}")


async def get_practice(call: Call) -> Listing[Stage]:
    practice = call.api.lens.practice
    if practice is None:
        raise Problem("not-found")
    stages = await practice.stages(looker(call), call.path["name"], call.language)
    return Listing(items=[_stage(one) for one in stages])


def looker(call: Call) -> Looker:
    """Administrators of the server see everything, those of a domain their own like everybody."""
    everything = call.api.lens.everybody or EVERYTHING in call.account.admin
    return Looker(call.account.address, everything=everything)


def _sees(call: Call) -> Literal["all", "own", "none"]:
    if looker(call).everything:
        return "all"
    return "own" if call.api.lens.users else "none"


def _may_look(call: Call) -> Looker:
    """Raises Problem."""
    if _sees(call) == "none":
        raise Problem("forbidden")
    return looker(call)


def _info(one: Dialogue) -> DialogueInfo:
    return DialogueInfo(
        id=one.id,
        host=one.host,
        protocol=one.protocol,
        service=one.service,
        peer=one.peer,
        account=one.account,
        tls=one.tls,
        began_at=instant(one.began),
        began=one.began,
        ended=one.ended,
        lines=one.lines,
        errors=one.errors,
    )


def _line(dialogue: Dialogue, one: Said, language: str) -> DialogueLine:
    meaning = explain(dialogue.protocol, one.line, language)
    return DialogueLine(
        number=one.number,
        at=one.at,
        side=one.line.side,
        text=shown(one.line, language),
        block=one.line.block,
        error=is_error(dialogue.protocol, one.line),
        meaning=meaning.text if meaning is not None else "",
        source=meaning.rfc if meaning is not None else "",
        advice=meaning.mend if meaning is not None else "",
    )


def _stage(one: PracticeStage) -> Stage:
    fields: dict[str, Any] = {
        "dialogues": [_info(dialogue) for dialogue in one.dialogues],
        "story": [StoryLine(at=told.at, step=told.step, text=told.text) for told in one.story],
    }
    return Stage(name=one.name, state=one.state, at=one.at, error=one.error, **fields)


OPERATIONS: Final = (
    Operation(
        method="GET", path="/self/lens", name="getLens", tag=TAG, scope=ACCOUNT, run=get_lens, answer=Lens,
        says=("透镜是否打开，能看到什么", "Whether the lens is on, and what it shows"),
    ),
    Operation(
        method="GET", path="/self/lens/dialogues", name="listDialogues", tag=TAG, scope=ACCOUNT, run=list_dialogues,
        query=DialoguesQuery, answer=Listing[DialogueInfo], says=("对话，最新的在前", "Dialogues, the newest first"),
    ),
    Operation(
        method="GET", path="/self/lens/dialogues/{name}", name="getDialogue", tag=TAG, scope=ACCOUNT,
        run=get_dialogue, query=LinesQuery, answer=DialoguePage,
        says=("一段对话及每一行的含义", "A dialogue, and what each line means"),
    ),
    Operation(
        method="GET", path="/self/lens/dialogues/{name}/text", name="getDialogueText", tag=TAG, scope=ACCOUNT,
        run=get_text, answer=DialogueText, says=("一段对话的文本", "A dialogue as text"),
    ),
    Operation(
        method="POST", path="/self/lens/practice", name="beginPractice", tag=TAG, scope=ACCOUNT, run=begin_practice,
        body=PracticeLetter, answer=PracticeBegun, status=201,
        says=("寄一封练习信", "Send a practice letter"),
    ),
    Operation(
        method="GET", path="/self/lens/practice/{name}", name="getPractice", tag=TAG, scope=ACCOUNT,
        run=get_practice, answer=Listing[Stage], says=("练习信到了哪一步", "How far a practice letter is"),
    ),
)  # fmt: skip
