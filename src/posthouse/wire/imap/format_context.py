"""How the results of a search have changed: ADDTO and REMOVEFROM.  RFC 5267 §4.3.2 to §4.3.4, §5."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .response import format_string, format_uid_ranges, to_runs

ADD: Final = True
REMOVE: Final = False
Update = tuple[bool, int, int]
"""(ADD or REMOVE, position or 0, UID or message number); each holds after the ones before it."""


def format_updates(tag: bytes, updates: Sequence[Update], *, uid: bool) -> bytes:
    """One ESEARCH response."""
    out = [b"* ESEARCH (TAG %b)%b" % (format_string(tag), b" UID" if uid else b"")]
    kind: bool | None = None
    for added, place, numbers in _joined(updates):
        pair = b"%d %b" % (place, format_uid_ranges(to_runs(numbers)))
        if added is kind:
            out.append(b" " + pair)
        else:
            out.append(
                b"%b %b (%b" % (b"" if kind is None else b")", b"ADDTO" if added else b"REMOVEFROM", pair)
            )
            kind = added
    return b"".join(out) + b")\r\n"


def _joined(updates: Sequence[Update]) -> list[tuple[bool, int, list[int]]]:
    """Neighbours as one set: results that are added one behind the other, or removed from one place."""
    out: list[tuple[bool, int, list[int]]] = []
    for added, place, number in updates:
        if out and out[-1][0] is added:
            before, numbers = out[-1][1:]
            next_place = before + len(numbers) if added and before else before
            if place == next_place and bool(place) == bool(before):
                numbers.append(number)
                continue
        out.append((added, place, [number]))
    return out
