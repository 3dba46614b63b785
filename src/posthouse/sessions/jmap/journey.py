"""Journey/get: the way of emails and what is known of their senders (`docs/jmap-extensions.md`)."""

from __future__ import annotations

from typing import Any, Final, Literal

from posthouse.services.journey import HEADER_BYTES, Email, Journeys, Leg, Verdict, words
from posthouse.storage.content_ports import Content
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError
from posthouse.wire.jmap.value import format_utc

from . import arguments as a
from .context import Context
from .standard import check_get, wanted_properties

Record = dict[str, Any]
PROPERTIES: Final = ("id", "verdict", "legs")
IDS_MAX: Final = 100


class JourneyGet(a.Arguments):
    ids: list[a.Id]
    properties: list[str] | None = None
    language: Literal["zh", "en"] = "en"


async def get_journeys(context: Context, args: JourneyGet) -> Record:
    if len(args.ids) > IDS_MAX:
        raise MethodError("requestTooLarge", f"at most {IDS_MAX} emails in one call")
    properties = wanted_properties(args.properties, PROPERTIES)
    asked = check_get(context, args.ids) or []
    numbers = ids.numbers(ids.EMAIL, asked)
    services = context.services
    journeys = Journeys(services.store, services.delivery)
    found: dict[str, Record] = {}
    for number, email in (await _emails(context, numbers)).items():
        key = ids.format_id(ids.EMAIL, number)
        legs = await journeys.find(context.account, email, args.language)
        record: Record = {"id": key}
        if "verdict" in properties:
            record["verdict"] = _shown(await journeys.verdict(email, legs))
        if "legs" in properties:
            record["legs"] = [_leg(leg, args.language) for leg in legs]
        found[key] = record
    return {
        "accountId": args.account_id,
        "list": [found[one] for one in asked if one in found],
        "notFound": [one for one in asked if one not in found],
    }


async def _emails(context: Context, numbers: list[int]) -> dict[int, Email]:
    store = context.services.store
    read = await store.emails.get(context.account.id, numbers, ("blob", "date", "message_id", "header_size"))
    visible = await context.visible()
    found: dict[int, Email] = {}
    for number, blob, date, message_id, header_size in read.rows:
        if visible is not None and not any(box in visible for box, _ in read.places[number]):
            continue
        head = await _start(await store.contents.read(blob), min(header_size, HEADER_BYTES))
        found[number] = Email(message_id, date, head)
    return found


async def _start(content: Content, size: int) -> bytes:
    if isinstance(content, bytes):
        return content[:size]
    return b"".join([piece async for piece in content.chunks(0, min(size, content.size))])


def _shown(verdict: Verdict) -> Record:
    return {"result": verdict.result, "domain": verdict.domain, "checks": verdict.checks or None}


def _leg(leg: Leg, language: str) -> Record:
    told = words(leg, language)
    return {
        "trace": leg.trace,
        "direction": "sent" if leg.sent else "received",
        "isThisCopy": leg.exact,
        "steps": [
            {"at": format_utc(line.at), "step": line.step, "text": text, "facts": line.facts}
            for line, text in zip(leg.lines, told, strict=True)
        ],
        "recipients": [
            {
                "address": one.address,
                "state": one.state,
                "at": format_utc(one.at),
                "remote": one.remote,
                "status": one.status,
                "why": one.why,
                "tls": one.tls,
                "nextAttempt": format_utc(one.next_attempt) if one.next_attempt else None,
            }
            for one in leg.recipients
        ],
    }
