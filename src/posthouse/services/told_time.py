"""Times as letters of our own tell them: on the clock of their reader where it is known, with the name of the clock."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from posthouse.core.ids import AccountId
from posthouse.core.messages import say
from posthouse.storage.ports import Store


class _Chosen(Struct, rename="camel"):
    """What of the account's settings concerns us."""

    time_zone: str = ""


async def zone_of(store: Store, account: AccountId) -> str:
    """The name of the time zone that the owner chose, such as Asia/Shanghai; "" when none was."""
    _, rows = await store.objects.get(account, "Settings")
    chosen = [msgspec.json.decode(row.value or b"{}", type=_Chosen).time_zone for row in rows]
    return chosen[0] if chosen else ""


def told_time(seconds: float, language: str, zone: str = "") -> str:
    """To the minute, with the zone and its distance from UTC; a zone that this machine does not know is UTC."""
    at = datetime.fromtimestamp(seconds, UTC)
    try:
        local = at.astimezone(ZoneInfo(zone)) if zone else at
    except (ValueError, OSError, KeyError):
        local, zone = at, ""
    clock = local.strftime("%Y-%m-%d %H:%M")
    if not zone:
        return say("time.utc", language, clock=clock)
    return say("time.zone", language, clock=clock, zone=zone, offset=_offset(local))


def _offset(local: datetime) -> str:
    text = local.strftime("%z")  # +0530
    return f"UTC{text[0]}{int(text[1:3])}" + (f":{text[3:5]}" if text[3:5] != "00" else "")
