"""Time zones of calendars by their names in the IANA database.

Programs name them as they like: as the IANA does, with a prefix of their own, as Windows does ("China Standard Time";
the table is that of Unicode CLDR), or by an offset ("(UTC+08:00) Beijing"); else the VTIMEZONE of the calendar says.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from posthouse.events.component import Component

UTC: Final = "Etc/UTC"
NAMES_MAX: Final = 100
"""Of time zones in one calendar; further ones nobody knows."""
_TABLE: Final = Path(__file__).with_name("windows_zones.dict")
_OFFSET: Final = re.compile(r"(?:UTC|GMT)?\s*([+-])(\d{1,2}):?(\d\d)?")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}")


@cache
def _windows() -> dict[str, str]:
    lines = _TABLE.read_text("utf-8").splitlines()
    return {windows.lower(): name for windows, _, name in (line.partition("\t") for line in lines)}


@lru_cache(maxsize=1000)
def _is_known(name: str) -> bool:
    if not _NAME.fullmatch(name):
        return False
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # not there, or no name
        return False
    return True


def zone_of(tzid: str, calendar: Component) -> str | None:
    """None: nobody knows; the time is that of a clock on the wall."""
    known = calendar.zones
    if tzid not in known and len(known) < NAMES_MAX:
        known[tzid] = _found(tzid, calendar)
    return known.get(tzid)


def _found(tzid: str, calendar: Component) -> str | None:
    name = tzid.strip().strip('"')[:200]
    if name.upper() in ("UTC", "GMT", "Z", "ETC/UTC"):
        return UTC
    parts = name.split("/")
    for candidate in (name, "/".join(parts[-2:]), "/".join(parts[-3:])):
        if _is_known(candidate):
            return candidate
    if found := _windows().get(name.lower()):
        return found
    for zone in calendar.inner("VTIMEZONE"):
        if zone.value("TZID").strip() == tzid.strip():
            location = zone.value("X-LIC-LOCATION").strip()
            if _is_known(location):
                return location
            standard = zone.inner("STANDARD")
            fixed = standard and not zone.inner("DAYLIGHT")
            if fixed and (found := _of_offset(standard[-1].value("TZOFFSETTO").strip())):
                return found
    match = re.match(rf"\(?{_OFFSET.pattern}", name)
    return _of_offset(match[0].lstrip("(")) if match else None


def _of_offset(text: str) -> str | None:
    """Whole hours only: the database has no others without a place."""
    match = _OFFSET.fullmatch(text)
    if match is None or (match[3] or "00") != "00" or int(match[2]) > 14:
        return None
    hours = int(match[2])
    # POSIX signs are the other way round.
    return UTC if not hours else f"Etc/GMT{'-' if match[1] == '+' else '+'}{hours}"
