"""Calendar invitations: CalendarEvent/parse, Invitation/reply (our own, docs/jmap-extensions.md).

An invitation is a part of type text/calendar of a letter.  It is shown as JSCalendar events (RFC 8984), and answered by
a letter to its organizer (RFC 6047); what was answered is remembered by the account.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, Literal

from msgspec import Struct

from posthouse.cards.content_line import unescape
from posthouse.core.address import Address, try_address
from posthouse.core.casemap import casemap
from posthouse.core.errors import Forbidden, Invalid, NotFound
from posthouse.core.messages import say
from posthouse.core.scope import SEND
from posthouse.events.component import CalendarError, Component, parse_calendar
from posthouse.events.jscalendar import Event, address_of, events_of
from posthouse.events.reply import attendee_of, format_reply, stamp_of
from posthouse.mime.compose import multipart, text_part
from posthouse.mime.dates import format_date
from posthouse.mime.edit import header_of
from posthouse.mime.header import Header, fold
from posthouse.mime.threads import answer_to
from posthouse.mime.words import encode_words
from posthouse.services.letter import Envelope, Origin, Recipient
from posthouse.storage.email_rows import StoredObject
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError
from posthouse.wire.jmap.value import format_utc

from . import arguments as a
from .blob_read import find, pieces, read_blob
from .context import Context
from .identity import Identity, identities
from .objects import Kind
from .submission_send import check_may_send

Record = dict[str, Any]
OURS: Final = "posthouse:invitation"
COMMENT_MAX: Final = 2000
HEADER_MAX: Final = 256 * 1024
"""Bytes of the letter with the invitation in which its header is sought."""
KEPT_MAX: Final = 900
"""Answers that an account remembers."""


class EventParse(a.Arguments):
    blob_ids: list[a.Id]


class InvitationReply(a.Arguments):
    blob_id: a.Id
    answer: Literal["accepted", "tentative", "declined"]
    uid: str | None = None
    comment: str = ""
    identity_id: a.Id | None = None


class Answer(Struct):
    """What was answered last to one UID."""

    uid: str
    sequence: int
    answer: str
    at: float


class _Letter(Struct):
    """Who answers what to whom."""

    identity: Identity
    address: str
    to: Address
    answer: str
    comment: str
    asked: Header | None
    """Of the letter that the invitation came in; None: it came in none."""


ANSWERS: Final = Kind("InvitationAnswer", "N", Answer)


async def _calendar(context: Context, text: str) -> Component | None:
    """None: there is no such blob.  Raises CalendarError."""
    name = ids.try_blob(context.deref(text))
    content = None if name is None else await read_blob(context, name)
    if content is None:
        return None
    return await asyncio.to_thread(parse_calendar, content)


async def parse_events(context: Context, args: EventParse) -> Record:
    if len(args.blob_ids) > context.services.limits.get_max:
        raise MethodError("requestTooLarge", "too many blobs in one call (maxObjectsInGet)")
    parsed: dict[str, list[Event]] = {}
    not_parsable: list[str] = []
    not_found: list[str] = []
    addresses = await _addresses(context)
    _, rows = await ANSWERS.read(context)
    known = {one.uid: one for one, _ in rows.values()}
    for text in dict.fromkeys(args.blob_ids):
        try:
            calendar = await _calendar(context, text)
        except CalendarError:
            not_parsable.append(text)
            continue
        if calendar is None:
            not_found.append(text)
            continue
        events, invited = await asyncio.to_thread(_read, calendar)
        for event in events:
            state = _state(event, addresses, known.get(event["uid"]))
            event[OURS] = {**state, "invited": invited.get(event["uid"], 0)}
        parsed[text] = events
    return {
        "accountId": args.account_id,
        "parsed": parsed or None,
        "notParsable": not_parsable or None,
        "notFound": not_found or None,
    }


def _read(calendar: Component) -> tuple[list[Event], dict[str, int]]:
    """The events, and by UID how many are invited, which may be more than are listed."""
    invited: dict[str, int] = {}
    for one in calendar.inner("VEVENT"):
        invited.setdefault(unescape(one.value("UID")).strip()[:1000], sum(1 for _ in one.all("ATTENDEE")))
    return events_of(calendar), invited


async def _addresses(context: Context) -> set[str]:
    """Folded: where mail for the account comes in."""
    _, known = await identities(context)
    return {casemap(one.email) for one in known.values()} | {casemap(context.account.address)}


def _state(event: Event, addresses: set[str], answered: Answer | None) -> Record:
    mine, owner = None, None
    for key, person in (event.get("participants") or {}).items():
        if casemap(person.get("email", "")) in addresses:
            mine = mine or key
            owner = owner or person["roles"].get("owner")
    answer = None
    if answered is not None:
        current = answered.sequence >= event.get("sequence", 0)
        answer = {"answer": answered.answer, "at": format_utc(answered.at), "isCurrent": current}
    can = event.get("method") == "request" and "replyTo" in event and not owner
    return {"participantId": mine, "canReply": bool(can), "answered": answer}


# --- answering ---


async def reply(context: Context, args: InvitationReply) -> Record:
    context.grant.require(SEND)
    check_may_send(context, MethodError)
    if len(args.comment) > COMMENT_MAX:
        raise MethodError("invalidArguments", f"a comment has at most {COMMENT_MAX} characters")
    try:
        calendar = await _calendar(context, args.blob_id)
    except CalendarError as error:
        raise MethodError("invalidArguments", f"this is no invitation: {error}") from None
    if calendar is None:
        raise MethodError("blobNotFound", "there is no such blob")
    if calendar.value("METHOD").strip().upper() != "REQUEST":
        raise MethodError("invalidArguments", "this asks for no answer: its method is not REQUEST")
    events = [
        one for one in calendar.inner("VEVENT") if args.uid in (None, unescape(one.value("UID")).strip())
    ]
    uid = unescape(events[0].value("UID")).strip() if events else ""
    events = [one for one in events if unescape(one.value("UID")).strip() == uid]
    if not uid:
        raise MethodError("invalidArguments", "there is no such event in it")
    organizer = events[0].first("ORGANIZER")
    to = try_address(address_of(organizer.value) if organizer is not None else "")
    if to is None:
        raise MethodError("noOrganizer", "the invitation does not say whom to answer")
    identity, address = await _identity(context, args, events)
    asked = await _asked(context, args.blob_id)
    letter = _Letter(identity, address, to, args.answer, args.comment, asked)
    trace = await _send(context, address, to, _compose(context, letter, calendar, events))
    await _remember(context, uid, events[0], args.answer)
    return {
        "accountId": args.account_id,
        "uid": uid,
        "answer": args.answer,
        "to": str(to),
        "as": address,
        "trace": trace,
    }


async def _identity(context: Context, args: InvitationReply, events: list[Component]) -> tuple[Identity, str]:
    """As whom: the identity that is named, else the one that was invited, else that of the account."""
    _, known = await identities(context)
    if args.identity_id is not None:
        chosen = known.get(context.number("I", args.identity_id) or 0)
        if chosen is None:
            raise MethodError("invalidArguments", "there is no such identity")
        return chosen, chosen.email
    for one in known.values():
        if attendee_of(events[0], {casemap(one.email)}) is not None:
            return one, one.email
    own = next(one for one in known.values() if one.own)
    return own, own.email


async def _asked(context: Context, text: str) -> Header | None:
    name = ids.try_blob(context.deref(text))
    if name is None or name.kind != ids.EMAIL:
        return None
    stored = await find(context, ids.BlobName(ids.EMAIL, name.number, ()))
    if stored is None:
        return None
    start = b"".join([piece async for piece in pieces(stored.content, 0, min(stored.size, HEADER_MAX))])
    return header_of(start)


def _compose(context: Context, one: _Letter, calendar: Component, events: list[Component]) -> bytes:
    """RFC 6047 §2.4: words for people beside the answer for programs."""
    now, trace = context.services.clock.now(), context.services.ids.trace()
    language = context.account.language or "en"
    title = " ".join(unescape(events[0].value("SUMMARY")).split())[:300]
    who = one.identity.name or one.address
    subject = say(f"invitation.{one.answer}.subject", language, title=title)
    words = say(f"invitation.{one.answer}", language, who=who, title=title)
    if one.comment:
        words += f"\n\n{one.comment}"
    name = one.identity.name
    head = fold("From", f"{encode_words(name)} <{one.address}>" if name else one.address)
    head += fold("To", str(one.to)) + fold("Subject", encode_words(subject))
    head += f"Date: {format_date(now)}\r\nMessage-ID: <{trace}@{context.services.hostname}>\r\n"
    in_reply_to, references = ("", ()) if one.asked is None else answer_to(one.asked)
    if in_reply_to:
        head += fold("In-Reply-To", f"<{in_reply_to}>")
        head += fold("References", " ".join(f"<{identity}>" for identity in references))
    answer = format_reply(
        calendar, events, address=one.address, name=name, answer=one.answer, stamp=stamp_of(format_utc(now)),
        comment=one.comment,
    )  # fmt: skip
    part = text_part(answer, "calendar").replace(b"text/calendar;", b"text/calendar; method=REPLY;", 1)
    body = multipart("alternative", [text_part(words, "plain"), part], f"=_{trace}".encode())
    return head.encode("utf-8", "replace") + b"MIME-Version: 1.0\r\n" + body


async def _send(context: Context, sender: str, to: Address, content: bytes) -> str:
    """The trace of the letter; raises MethodError."""
    delivery, origin_address = context.services.delivery, try_address(sender)
    try:
        await delivery.check_sender(origin_address, context.account)
        await delivery.check_recipient(to, account=context.account, peer_ip="")
    except Forbidden:
        raise MethodError("forbiddenFrom", "you may not send as this identity") from None
    except (NotFound, Invalid):
        raise MethodError("invalidRecipients", f"no mail can be sent to {to}") from None
    envelope = Envelope(origin_address, [Recipient(to)], body="7BIT" if content.isascii() else "8BITMIME")
    envelope.smtputf8 = not to.is_ascii
    origin = Origin("jmap", "HTTP", "", "", account=context.account, connection=context.call_id[:40])
    incoming = delivery.receive(envelope, origin)
    incoming.write(content)
    await incoming.finish()
    return incoming.trace


async def _remember(context: Context, uid: str, event: Component, answer: str) -> None:
    sequence = event.value("SEQUENCE").strip()
    value = Answer(
        uid, int(sequence[:9]) if sequence.isdecimal() else 0, answer, context.services.clock.now()
    )
    _, rows = await ANSWERS.read(context)
    known = next((number for number, (one, _) in rows.items() if one.uid == uid), 0)
    old = sorted(rows)[: max(0, len(rows) - KEPT_MAX)]
    gone = [StoredObject(ANSWERS.name, number, None) for number in old if number != known]
    await context.services.store.objects.put(context.account.id, [*gone, ANSWERS.stored(value, known)])
