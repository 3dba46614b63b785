"""Dates that may lack their parts: of vCard (RFC 6350 §4.3) and of JSContact (RFC 9553 §2.8.1)."""

from __future__ import annotations

import re
from typing import Any, Final

_FORMS: Final = (
    re.compile(r"(?P<year>\d{4})-?(?P<month>\d\d)-?(?P<day>\d\d)"),
    re.compile(r"(?P<year>\d{4})-(?P<month>\d\d)"),
    re.compile(r"(?P<year>\d{4})"),
    re.compile(r"--(?P<month>\d\d)-?(?P<day>\d\d)"),
    re.compile(r"--(?P<month>\d\d)"),
    re.compile(r"---(?P<day>\d\d)"),
)
_MOMENT: Final = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)T(\d\d):?(\d\d):?(\d\d)Z")


def parse_partial(text: str, *, omit_year: str = "") -> dict[str, Any] | None:
    """A PartialDate or Timestamp; None for what is no date.

    `omit_year`: quirk(Apple Contacts): a year that stands for none (X-APPLE-OMIT-YEAR, 1604).
    """
    text = text.strip()
    if moment := _MOMENT.fullmatch(text):
        year, month, day, hour, minute, second = moment.groups()
        return {"@type": "Timestamp", "utc": f"{year}-{month}-{day}T{hour}:{minute}:{second}Z"}
    text = re.sub(r"T.*", "", text)
    for form in _FORMS:
        if match := form.fullmatch(text):
            found = {name: int(part) for name, part in match.groupdict().items()}
            if found.get("month", 1) not in range(1, 13) or found.get("day", 1) not in range(1, 32):
                return None
            if omit_year and found.get("year") == int(omit_year[:4] if omit_year.isdecimal() else 0):
                del found["year"]
            return {"@type": "PartialDate", **found}
    return None


def format_partial(date: dict[str, Any], *, version: str) -> str | None:
    """As vCard of that version writes it; None for what it cannot write."""
    if isinstance(date.get("utc"), str):
        return str(date["utc"]) if version == "3.0" else re.sub(r"[-:]", "", str(date["utc"]))
    year, month, day = (date.get(name) for name in ("year", "month", "day"))
    if not all(
        isinstance(part, int) and 0 < part < 10_000 for part in (year, month, day) if part is not None
    ):
        return None
    match year, month, day:
        case int(), int(), int():
            return f"{year:04}-{month:02}-{day:02}" if version == "3.0" else f"{year:04}{month:02}{day:02}"
        case int(), int(), None:
            return f"{year:04}-{month:02}"
        case int(), None, None:
            return f"{year:04}"
        case None, int(), int():
            return f"--{month:02}-{day:02}" if version == "3.0" else f"--{month:02}{day:02}"
        case None, int(), None:
            return f"--{month:02}"
        case None, None, int():
            return f"---{day:02}"
    return None
