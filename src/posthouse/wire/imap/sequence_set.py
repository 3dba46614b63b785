"""Sequence sets: numbers, ranges, `*` and `$`, kept as tuples and resolved to sorted disjoint ranges."""

from __future__ import annotations

import re
from typing import Final, final

STAR: Final = 0
"""Stands for `*` inside `SequenceSet.ranges`; 0 is never a number of a set."""
NUMBER_MAX: Final = 0xFFFFFFFF

# seq-number = nz-number / "*"          RFC 9051 §9
# sequence-set = (seq-number / seq-range) ["," sequence-set]
_SHAPE: Final = re.compile(
    rb"(?:[1-9][0-9]{0,9}|\*)(?::(?:[1-9][0-9]{0,9}|\*))?(?:,(?:[1-9][0-9]{0,9}|\*)(?::(?:[1-9][0-9]{0,9}|\*))?)*+"
)


@final
class SequenceSet:
    """A sequence-set as the client wrote it.

    `ranges`: (first, last) pairs in the client's order, `STAR` for `*`.  `saved`: `$` (RFC 5182, RFC 9051
    §6.4.4.1) belongs to the set, alone or besides the ranges; the session knows what was saved.
    """

    __slots__ = ("ranges", "saved")

    def __init__(self, ranges: tuple[tuple[int, int], ...] = (), *, saved: bool = False) -> None:
        self.ranges = ranges
        self.saved = saved

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SequenceSet) and (self.ranges, self.saved) == (other.ranges, other.saved)

    def __hash__(self) -> int:
        return hash((self.ranges, self.saved))

    def __repr__(self) -> str:
        return f"SequenceSet({format_ranges(self.ranges)!r}{' and $' * self.saved})"

    @property
    def has_star(self) -> bool:
        return any(STAR in pair for pair in self.ranges)

    def largest(self) -> int:
        """The largest number that is written out; 0 when there is none (only `*` or `$`)."""
        return max((max(pair) for pair in self.ranges), default=0)

    def resolve(self, largest: int) -> list[tuple[int, int]]:
        """Ascending, disjoint, joined (first, last) ranges, with `*` = largest (the last sequence number or
        UID in use).

        Numbers beyond `largest` are kept: for UIDs they name nothing, for sequence numbers the session
        refuses them (compare `largest()`).  With an empty mailbox (largest = 0) `*` names nothing and `n:*`
        only n.
        """
        pairs: list[tuple[int, int]] = []
        for first, last in self.ranges:
            if STAR in (first, last):
                first, last = first or largest or last, last or largest or first
                if not first:
                    continue
            pairs.append((first, last) if first <= last else (last, first))
        pairs.sort()
        out: list[tuple[int, int]] = []
        low, high = 0, -1
        for first, last in pairs:
            if first <= high + 1:
                high = max(high, last)
            else:
                if high > 0:
                    out.append((low, high))
                low, high = first, last
        if high > 0:
            out.append((low, high))
        return out


def parse_sequence_set(text: bytes) -> SequenceSet | None:
    """The set written in the whole of `text`, or None if it is not one (also for numbers over 32 bits)."""
    if b"$" in text:
        # RFC 9051 §9 (sequence-set): `$` may be an item among others.
        items = text.split(b",")
        rest = [item for item in items if item != b"$"]
        others = parse_sequence_set(b",".join(rest)) if 0 < len(rest) < len(items) else None
        if rest and others is None:
            return None
        return SequenceSet(others.ranges if others else (), saved=True)
    if not _SHAPE.fullmatch(text):
        return None
    if b":" not in text and b"*" not in text:
        numbers = list(map(int, text.split(b",")))
        if max(numbers) > NUMBER_MAX:
            return None
        return SequenceSet(tuple(zip(numbers, numbers, strict=True)))
    text = text.replace(b"*", b"0")
    colons = text.count(b":")
    if colons == text.count(b",") + 1:  # ranges only
        numbers = list(map(int, text.replace(b":", b",").split(b",")))
        if max(numbers) > NUMBER_MAX:
            return None
        return SequenceSet(tuple(zip(numbers[::2], numbers[1::2], strict=True)))
    pairs = []
    for item in text.split(b","):
        first, colon, last = item.partition(b":")
        low = int(first)
        high = int(last) if colon else low
        if low > NUMBER_MAX or high > NUMBER_MAX:
            return None
        pairs.append((low, high))
    return SequenceSet(tuple(pairs))


def format_ranges(ranges: tuple[tuple[int, int], ...] | list[tuple[int, int]]) -> bytes:
    """`1:3,5,7:*` from pairs, `STAR` as `*`."""
    text = ",".join(
        [f"{first or '*'}:{last or '*'}" if first != last else f"{first or '*'}" for first, last in ranges]
    )
    return text.encode("ascii")
