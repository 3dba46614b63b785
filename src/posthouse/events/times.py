"""Dates, times and durations of iCalendar as JSCalendar has them (RFC 5545 §3.3, RFC 8984 §1.4)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from posthouse.cards.content_line import Property
from posthouse.events.component import Component
from posthouse.events.zones import UTC, zone_of

_MOMENT: Final = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d):?(\d\d)(Z?))?")
_DURATION: Final = re.compile(
    r"([+-])?P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?"
)


class Moment(Struct, frozen=True):
    """A point of time, or a day."""

    local: str  # LocalDateTime
    zone: str | None  # None: floating
    day: bool = False


def moment_of(one: Property | None, calendar: Component) -> Moment | None:
    """None for what is no date."""
    return None if one is None else parse_moment(one.value, one.param("TZID"), calendar)


def parse_moment(value: str, tzid: str, calendar: Component) -> Moment | None:
    match = _MOMENT.fullmatch(value.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, utc = match.groups()
    try:
        when = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), min(int(second or 0), 59)
        )
    except ValueError:
        return None
    local = when.isoformat(timespec="seconds")
    if hour is None:
        return Moment(local, None, day=True)
    return Moment(local, UTC if utc else zone_of(tzid, calendar) if tzid else None)


def utc_of(text: str) -> str | None:
    """A UTCDateTime of a value in UTC."""
    match = _MOMENT.fullmatch(text.strip())
    if match is None or match[4] is None:
        return None
    year, month, day, hour, minute, second, _ = match.groups()
    return f"{year}-{month}-{day}T{hour}:{minute}:{second}Z"


def duration_of(text: str) -> str | None:
    """RFC 8984 §1.4.6, or with a sign §1.4.7; None for what is none."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()[1:]):
        return None
    sign, weeks, days, hours, minutes, seconds = match.groups()
    span = timedelta(
        weeks=int(weeks or 0), days=int(days or 0), hours=int(hours or 0), minutes=int(minutes or 0),
        seconds=int(seconds or 0),
    )  # fmt: skip
    return ("-" if sign == "-" else "") + format_duration(span)


def format_duration(span: timedelta) -> str:
    rest = int(span.total_seconds())
    days, rest = divmod(rest, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    clock = "".join(
        [f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if count]
    )
    if days:
        return f"P{days}D" + (f"T{clock}" if clock else "")
    return f"PT{clock or '0S'}"


def between(start: Moment, end: Moment) -> str | None:
    """The time from one to the other; None when it would be negative."""
    one, other = datetime.fromisoformat(start.local), datetime.fromisoformat(end.local)
    if start.zone and end.zone and start.zone != end.zone:
        one = one.replace(tzinfo=ZoneInfo(start.zone))
        other = other.replace(tzinfo=ZoneInfo(end.zone))
    span = other - one
    return format_duration(span) if span >= timedelta() else None


def in_zone(moment: Moment, zone: str | None) -> str:
    """LocalDateTime on the clock of another zone."""
    if not zone or not moment.zone or zone == moment.zone:
        return moment.local
    when = datetime.fromisoformat(moment.local).replace(tzinfo=ZoneInfo(moment.zone))
    try:
        return when.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat(timespec="seconds")
    except OverflowError:
        return moment.local
