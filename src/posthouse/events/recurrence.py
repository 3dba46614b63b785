"""RRULE as JSCalendar has it (RFC 5545 §3.3.10, RFC 8984 §4.3.3).  Read, never run."""

from __future__ import annotations

import re
from typing import Any, Final

from posthouse.events.component import Component
from posthouse.events.times import in_zone, parse_moment

VALUES_MAX: Final = 400
"""Values of one part of a rule."""
_FREQUENCIES: Final = ("yearly", "monthly", "weekly", "daily", "hourly", "minutely", "secondly")
_DAYS: Final = ("mo", "tu", "we", "th", "fr", "sa", "su")
_NUMBERS: Final[dict[str, tuple[str, int, int]]] = {
    "BYMONTHDAY": ("byMonthDay", -31, 31),
    "BYYEARDAY": ("byYearDay", -366, 366),
    "BYWEEKNO": ("byWeekNo", -53, 53),
    "BYHOUR": ("byHour", 0, 23),
    "BYMINUTE": ("byMinute", 0, 59),
    "BYSECOND": ("bySecond", 0, 60),
    "BYSETPOS": ("bySetPosition", -366, 366),
}


def parse_rule(text: str, zone: str | None, calendar: Component) -> dict[str, Any] | None:
    """None for what is no rule."""
    parts = dict(part.upper().split("=", 1) for part in text.strip().split(";") if "=" in part)
    frequency = parts.get("FREQ", "").lower()
    if frequency not in _FREQUENCIES:
        return None
    rule: dict[str, Any] = {"@type": "RecurrenceRule", "frequency": frequency}
    for name, target in (("INTERVAL", "interval"), ("COUNT", "count")):
        value = _number(parts.get(name, ""), 1, 1_000_000)
        if value is not None and (target == "count" or value > 1):
            rule[target] = value
    until = parse_moment(parts.get("UNTIL", ""), "", calendar)
    if until is not None:
        rule["until"] = in_zone(until, zone)
    if "WKST" in parts and parts["WKST"].lower() in _DAYS:
        rule["firstDayOfWeek"] = parts["WKST"].lower()
    if re.fullmatch(r"[A-Z0-9-]{1,40}", parts.get("RSCALE", "")) and parts["RSCALE"] != "GREGORIAN":
        rule["rscale"] = parts["RSCALE"].lower()
    if days := [day for word in _listed(parts, "BYDAY") if (day := _day(word)) is not None]:
        rule["byDay"] = days
    if months := [word for word in _listed(parts, "BYMONTH") if re.fullmatch(r"(?:1[0-3]|[1-9])L?", word)]:
        rule["byMonth"] = months
    for name, (target, least, most) in _NUMBERS.items():
        values = [value for word in _listed(parts, name) if (value := _number(word, least, most)) is not None]
        if values:
            rule[target] = values
    return rule


def _listed(parts: dict[str, str], name: str) -> list[str]:
    return [word.strip() for word in parts.get(name, "").split(",")[:VALUES_MAX] if word.strip()]


def _number(text: str, least: int, most: int) -> int | None:
    if not re.fullmatch(r"[+-]?\d{1,7}", text, re.ASCII):
        return None
    return value if least <= (value := int(text)) <= most else None


def _day(word: str) -> dict[str, Any] | None:
    match = re.fullmatch(r"([+-]?\d{1,3})?(MO|TU|WE|TH|FR|SA|SU)", word)
    if match is None:
        return None
    found: dict[str, Any] = {"@type": "NDay", "day": match[2].lower()}
    if match[1] and int(match[1]):
        found["nthOfPeriod"] = int(match[1])
    return found
