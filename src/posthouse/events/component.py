"""iCalendar as a tree of components (RFC 5545 §3.4, §3.6), within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct, field

from posthouse.cards.content_line import Property, parse_line, unfolded

SIZE_MAX_BYTES: Final = 2 * 1024 * 1024
"""Invitations are read up to this size."""
PROPERTIES_MAX: Final = 20_000
COMPONENTS_MAX: Final = 1000
DEPTH_MAX: Final = 6


class CalendarError(Exception):
    """This is no calendar, or more than is read."""


class Component(Struct):
    name: str
    properties: list[Property] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)
    zones: dict[str, str | None] = field(default_factory=dict)
    """Of a calendar: names of time zones that were looked up."""

    def first(self, name: str) -> Property | None:
        return next((one for one in self.properties if one.name == name), None)

    def value(self, name: str) -> str:
        one = self.first(name)
        return "" if one is None else one.value

    def all(self, name: str) -> Iterator[Property]:
        return (one for one in self.properties if one.name == name)

    def inner(self, name: str) -> list[Component]:
        return [one for one in self.components if one.name == name]


def parse_calendar(data: bytes) -> Component:
    """The first VCALENDAR; raises CalendarError."""
    if len(data) > SIZE_MAX_BYTES:
        raise CalendarError(f"more than {SIZE_MAX_BYTES} bytes")
    top = Component("")
    stack = [top]
    properties = components = 0
    for line in unfolded(data):
        one = parse_line(line)
        if one is None:
            continue
        match one.name:
            case "BEGIN":
                components += 1
                if components > COMPONENTS_MAX or len(stack) > DEPTH_MAX:
                    raise CalendarError(f"more than {COMPONENTS_MAX} components, or deeper than {DEPTH_MAX}")
                made = Component(one.value.strip().upper())
                stack[-1].components.append(made)
                stack.append(made)
            case "END":
                if len(stack) > 1:
                    stack.pop()
                if len(stack) == 1 and top.inner("VCALENDAR"):
                    break
            case _:
                properties += 1
                if properties > PROPERTIES_MAX:
                    raise CalendarError(f"more than {PROPERTIES_MAX} properties")
                stack[-1].properties.append(one)
    found = top.inner("VCALENDAR")
    if not found:
        raise CalendarError("there is no VCALENDAR")
    return found[0]
