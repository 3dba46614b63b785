"""The answer of somebody invited: an iTIP REPLY (RFC 5546 §3.2.3)."""

from __future__ import annotations

import re
from typing import Final

from posthouse.cards.content_line import Property, escape, format_lines
from posthouse.core.casemap import casemap
from posthouse.events.component import Component
from posthouse.events.jscalendar import address_of

PRODID: Final = "-//Posthouse//Invitations//EN"
ANSWERS: Final = ("accepted", "tentative", "declined")
_KEPT: Final = (
    "UID",
    "SEQUENCE",
    "ORGANIZER",
    "RECURRENCE-ID",
    "DTSTART",
    "DTEND",
    "DURATION",
    "SUMMARY",
    "LOCATION",
)


def attendee_of(event: Component, addresses: set[str]) -> Property | None:
    """The line of the event that invites one of the folded addresses."""
    for one in event.all("ATTENDEE"):
        if casemap(address_of(one.value) or one.param("EMAIL")) in addresses:
            return one
    return None


def format_reply(
    calendar: Component,
    events: list[Component],
    *,
    address: str,
    name: str,
    answer: str,
    stamp: str,
    comment: str = "",
) -> str:
    """`answer`: one of ANSWERS; `stamp`: now, as DTSTAMP has it.  The events are of one UID."""
    lines = [
        Property("BEGIN", "VCALENDAR"), Property("PRODID", PRODID), Property("VERSION", "2.0"),
        Property("METHOD", "REPLY"),
    ]  # fmt: skip
    wanted = {one.param("TZID") for event in events for one in event.properties if one.name in _KEPT}
    for zone in calendar.inner("VTIMEZONE"):
        if zone.value("TZID") in wanted:
            lines += _flat(zone)
    for event in events:
        mine = attendee_of(event, {casemap(address)})
        params = {"PARTSTAT": [answer.upper()]}
        if name := name or (mine.param("CN") if mine is not None else ""):
            params["CN"] = [name]
        lines.append(Property("BEGIN", "VEVENT"))
        lines += [one for kept in _KEPT if (one := event.first(kept)) is not None]
        lines.append(Property("DTSTAMP", stamp))
        lines.append(Property("ATTENDEE", f"mailto:{address}" if mine is None else mine.value, params))
        if comment:
            lines.append(Property("COMMENT", escape(comment)))
        lines.append(Property("END", "VEVENT"))
    lines.append(Property("END", "VCALENDAR"))
    return format_lines(lines)


def _flat(component: Component) -> list[Property]:
    lines = [Property("BEGIN", component.name), *component.properties]
    for one in component.components:
        lines += _flat(one)
    return [*lines, Property("END", component.name)]


def stamp_of(moment: str) -> str:
    """DTSTAMP of a UTCDateTime."""
    return re.sub(r"[-:]", "", moment)
