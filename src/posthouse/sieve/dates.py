"""RFC 5260 §4: the parts of a date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from posthouse.mime.dates import format_date, read_moment

_MJD_EPOCH: Final = datetime(1858, 11, 17, tzinfo=UTC)


def zone_minutes(text: str) -> int:
    """`+hhmm` or `-hhmm` in minutes east of UTC."""
    minutes = int(text[1:3]) * 60 + int(text[3:5])
    return -minutes if text[0] == "-" else minutes


def date_of(value: str) -> tuple[float, int] | None:
    """(seconds since the epoch, minutes east of UTC) of a field value; of Received, what follows the last ";"."""
    found = read_moment(value.rpartition(";")[2])
    return None if found is None else (found[0].timestamp() - 60 * found[1], found[1])


_FORMATS: Final = {
    "year": "%Y",
    "month": "%m",
    "day": "%d",
    "date": "%Y-%m-%d",
    "hour": "%H",
    "minute": "%M",
    "second": "%S",
    "time": "%H:%M:%S",
    "weekday": "%w",
}


def date_part(moment: float, minutes: int, part: str) -> str | None:
    """The part as text; None when there is none of that name, or the date is none of any calendar."""
    try:
        when = datetime.fromtimestamp(moment, UTC) + timedelta(minutes=minutes)
    except (OverflowError, ValueError, OSError):
        return None
    if form := _FORMATS.get(part):
        return when.strftime(form).zfill(4) if part == "year" else when.strftime(form)
    sign, size = ("-", -minutes) if minutes < 0 else ("+", minutes)
    hours, rest = divmod(size, 60)
    match part:
        case "julian":
            return str((when - _MJD_EPOCH).days)
        case "iso8601":
            return f"{when:%Y-%m-%dT%H:%M:%S}{sign}{hours:02}:{rest:02}"
        case "std11":
            return format_date(moment, offset_minutes=minutes) if size < 24 * 60 else None
        case "zone":
            return f"{sign}{hours:02}{rest:02}"
    return None
