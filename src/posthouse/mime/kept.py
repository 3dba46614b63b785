"""The header fields that are kept beside each message, in the form in which they are stored: an index, then the text.

The octet INDEXED, how many fields there are (16 bits), for each its number in `HEADER_FIELDS`, the offsets of all and
of the end (16 bits each), the text.  Little-endian; offsets count from the first octet.

Answering HEADER.FIELDS then takes a look at the numbers, which are the same in most mail of one sender, and a few
slices; nothing is searched, matched or unpacked.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Any, Final, final

from posthouse.mime.facts import HEADER_FIELDS, MAX_HEADER_FIELDS

INDEXED: Final = 3
"""The first octet; stored forms of `storage.blobs.codec` begin with others."""
SHAPES_MAX: Final = 1000
"""Sequences of fields that a selector remembers; the mail of one account has a few dozen."""
_SHAPE_MAX_FIELDS: Final = 100

_UNKNOWN: Final = 255
FIELD_NUMBERS: Final = {name.encode("ascii"): number for number, name in enumerate(HEADER_FIELDS)}
_FIELD_END: Final = re.compile(rb"\n(?![ \t])")
"""Names in lower case -> the numbers that are stored."""
assert len(FIELD_NUMBERS) < _UNKNOWN
assert 5 + 3 * (MAX_HEADER_FIELDS // len("to:\n")) + MAX_HEADER_FIELDS < 1 << 16

Runs = tuple[tuple[int, int], ...]


def pack_kept(text: bytes) -> bytes:
    """The stored form of `MessageFacts.header_fields`; nothing stays nothing."""
    if not text:
        return b""
    fields = _FIELD_END.split(text)
    if not fields[-1]:
        fields.pop()
    count = len(fields)
    names = [field.partition(b":")[0].rstrip(b" \t").lower() for field in fields]
    at = 5 + 3 * count
    offsets = [at]
    for field in fields:
        at += len(field) + 1
        offsets.append(at)
    return b"".join((
        bytes((INDEXED, count & 0xFF, count >> 8)),
        bytes([FIELD_NUMBERS.get(name, _UNKNOWN) for name in names]),
        struct.pack(f"<{count + 1}H", *offsets),
        text,
    ))  # fmt: skip


def unpack_kept(stored: bytes) -> bytes:
    """The text of an indexed form."""
    return stored[5 + 3 * (stored[1] | stored[2] << 8) :]


@final
class KeptSelector:
    """RFC 9051 §6.4.5 HEADER.FIELDS out of indexed forms; the same as `section.select_fields` of their text.

    `names`: in upper case, all of them kept (`facts.KEPT_FIELDS`).
    """

    __slots__ = ("_shapes", "_wanted")

    def __init__(self, names: tuple[bytes, ...]) -> None:
        self._wanted = frozenset(FIELD_NUMBERS[name.lower()] for name in names)
        self._shapes: dict[bytes, tuple[Callable[..., tuple[Any, ...]], Runs]] = {}

    def select(self, stored: bytes) -> bytes:
        """The fields as they stand, and a blank line."""
        start = 3 + (stored[1] | stored[2] << 8)
        shape = stored[3:start]
        known = self._shapes.get(shape)
        if known is None:
            known = self._learn(shape)
        offsets_of, runs = known
        at = offsets_of(stored, start)
        if len(runs) == 1:
            first, last = runs[0]
            return stored[at[first] : at[last]] + b"\r\n"
        return b"".join([stored[at[first] : at[last]] for first, last in runs]) + b"\r\n"

    def _learn(self, shape: bytes) -> tuple[Callable[..., tuple[Any, ...]], Runs]:
        runs: list[tuple[int, int]] = []
        for place, number in enumerate(shape):
            if number in self._wanted:
                if runs and runs[-1][1] == place:
                    runs[-1] = runs[-1][0], place + 1
                else:
                    runs.append((place, place + 1))
        learnt = struct.Struct(f"<{len(shape) + 1}H").unpack_from, tuple(runs)
        if len(shape) <= _SHAPE_MAX_FIELDS and len(self._shapes) < SHAPES_MAX:
            self._shapes[shape] = learnt
        return learnt
