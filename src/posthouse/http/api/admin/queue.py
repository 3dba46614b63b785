"""The queue: what waits, why, and what to do with it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from posthouse.core.errors import NotFound
from posthouse.core.ids import QueueId
from posthouse.core.messages import why
from posthouse.http.api.operation import (
    CHANGES,
    READS,
    Answer,
    Body,
    Call,
    Id,
    Listing,
    Operation,
    PageQuery,
    instant,
)
from posthouse.http.api.problem import Problem
from posthouse.services.journal import tell
from posthouse.services.queue_admin import QueueAdmin
from posthouse.storage.rows import QueueEntry, QueueRecipient

TAG: Final = "queue"
BULK_MAX: Final = 1000
ENTRIES_LOOKED_AT: Final = 100_000
_STATUS_CODE: Final = 2


class QueuedRecipient(Answer):
    address: str
    state: Annotated[str, Meta(description="due, held, delivered, failed, cancelled")]
    attempts: int
    next_attempt: datetime | None
    route: Annotated[str, Meta(description="HOST:PORT, when it was rerouted by hand.")]
    status: Annotated[str, Meta(description="What the other side said last.")]
    remote: Annotated[str, Meta(description="The host that said it.")]
    why: Annotated[str, Meta(description="The same in plain words.")]


class QueuedLetter(Answer):
    id: int
    trace: str
    sender: Annotated[str, Meta(description="Empty: a notice of a mail system.")]
    message_id: str
    size: int
    arrived_at: datetime | None
    expires_at: datetime | None
    not_before: datetime | None
    recipients: list[QueuedRecipient]


class StoryLine(Answer):
    at: datetime | None
    step: str
    text: str


class LetterStory(Answer):
    letter: QueuedLetter
    story: list[StoryLine]


class QueueQuery(PageQuery):
    domain: Annotated[str, Meta(max_length=255, description="Of recipients.")] = ""
    sender: Annotated[str, Meta(max_length=320)] = ""
    state: Annotated[str, Meta(max_length=10, description="due or held")] = ""


class Counts(Answer):
    due: int
    held: int


class Control(Body):
    action: Literal["retry", "hold", "release", "cancel", "reroute"]
    ids: Annotated[list[Id], Meta(min_length=1, max_length=BULK_MAX)]
    recipient: Annotated[str, Meta(max_length=320, description="Only this one; empty: all.")] = ""
    route: Annotated[str, Meta(max_length=300, description="HOST:PORT, for reroute.")] = ""


class Controlled(Answer):
    changed: Annotated[int, Meta(description="Recipients.")]


def _why(one: QueueRecipient, language: str) -> str:
    if not one.last_status:
        return ""
    words = one.last_status.split()
    enhanced = (
        words[1] if len(words) >= _STATUS_CODE and words[1].count(".") == _STATUS_CODE else words[0][:1]
    )
    return why(enhanced, language)


def _told(entry: QueueEntry, language: str) -> QueuedLetter:
    return QueuedLetter(
        id=entry.id,
        trace=entry.trace,
        sender=entry.sender,
        message_id=entry.message_id,
        size=entry.size,
        arrived_at=instant(entry.arrived_at),
        expires_at=instant(entry.expires_at),
        not_before=instant(entry.not_before),
        recipients=[
            QueuedRecipient(
                address=one.address,
                state=one.state,
                attempts=one.attempts,
                next_attempt=instant(one.next_attempt),
                route=one.route or "",
                status=one.last_status,
                remote=one.remote,
                why=_why(one, language),
            )
            for one in entry.recipients
        ],
    )


async def _is_mine(call: Call, entry: QueueEntry) -> bool:
    """Of the server's administrators everything; else what an account of the realm sent."""
    if call.realm.domains is None:
        return True
    if entry.account is None:
        return False
    account = await call.api.store.directory.account(entry.account)
    return account is not None and call.realm.covers(account.address.rpartition("@")[2])


async def listed(call: Call, query: QueueQuery) -> Listing[QueuedLetter]:
    if query.state not in ("", "due", "held"):
        raise Problem("invalid", at="/state", reason="use due or held")
    admin = QueueAdmin(call.api.store, call.api.clock)
    found = await admin.find(
        domain=query.domain, sender=query.sender, state=query.state, limit=ENTRIES_LOOKED_AT
    )
    after = int(query.after) if query.after.isdecimal() and len(query.after) <= 18 else 0
    items: list[QueuedLetter] = []
    for entry in found:
        if entry.id > after and await _is_mine(call, entry):
            if len(items) == query.limit:
                return Listing(items=items, next=str(items[-1].id))
            items.append(_told(entry, call.language))
    return Listing(items=items)


async def counts(call: Call) -> Counts:
    if call.realm.domains is None:
        found = await call.api.store.queue.counts()
        return Counts(due=found.get("due", 0), held=found.get("held", 0))
    states: dict[str, int] = {}
    for entry in await call.api.store.queue.entries(limit=ENTRIES_LOOKED_AT):
        if await _is_mine(call, entry):
            for one in entry.recipients:
                states[one.state] = states.get(one.state, 0) + 1
    return Counts(due=states.get("due", 0), held=states.get("held", 0))


async def _found(call: Call, number: int) -> tuple[QueueEntry, list[Any]]:
    entry, lines = await QueueAdmin(call.api.store, call.api.clock).show(QueueId(number))
    if not await _is_mine(call, entry):
        raise NotFound(f"no queue entry {number}")
    return entry, lines


async def show(call: Call) -> LetterStory:
    entry, lines = await _found(call, call.number())
    story = [tell(entry.trace, line, call.language) for line in lines]
    return LetterStory(
        letter=_told(entry, call.language),
        story=[StoryLine(at=instant(one.at), step=one.step, text=one.text) for one in story],
    )


async def control(call: Call, body: Control) -> Controlled:
    if body.action == "reroute":
        if call.realm.domains is not None:
            raise Problem("server-only")
        if not body.route:
            raise Problem("invalid", at="/route", reason="say to which HOST:PORT")
    elif body.route:
        raise Problem("invalid", at="/route", reason="only reroute takes a route")
    for number in body.ids:
        await _found(call, number)
    changed = await QueueAdmin(call.api.store, call.api.clock).control(
        body.action, [QueueId(one) for one in body.ids], recipient=body.recipient, route=body.route
    )
    return Controlled(changed=changed)


OPERATIONS: Final = (
    Operation(
        method="GET", path="/queue", name="listQueue", tag=TAG, scope=READS, run=listed, query=QueueQuery,
        answer=Listing[QueuedLetter], says=("等待发送的邮件及原因", "Letters that wait, and why"),
    ),
    Operation(
        method="GET", path="/queue/counts", name="countQueue", tag=TAG, scope=READS, run=counts, answer=Counts,
        says=("等待和扣留的收件人数", "How many recipients wait, or are held"),
    ),
    Operation(
        method="GET", path="/queue/{id}", name="getQueued", tag=TAG, scope=READS, run=show, answer=LetterStory,
        says=("一封邮件的经过", "The story of a letter"),
    ),
    Operation(
        method="POST", path="/queue/control", name="controlQueue", tag=TAG, scope=CHANGES, run=control, body=Control,
        answer=Controlled,
        says=("立即重试、扣留、放行、取消、改道", "Retry now, hold, release, cancel, reroute"),
    ),
)  # fmt: skip
