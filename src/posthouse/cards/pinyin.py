"""How Chinese characters are read, for search: a table of the readings without tones (tools/make_pinyin_table.py)."""

from __future__ import annotations

from array import array
from functools import cache
from itertools import product
from pathlib import Path
from typing import Final

RANGES: Final = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF))
"""The blocks of ideographs that the table covers."""
READINGS_MAX: Final = 3
TABLE: Final = Path(__file__).with_name("pinyin.dict")
RUN_MAX: Final = 8
"""Characters of a run that are read; names are shorter."""
_WAYS_MAX: Final = 12
"""Ways to read one run."""


@cache
def _table() -> tuple[tuple[tuple[str, ...], ...], array[int]]:
    """The lists of readings, and for each character the number of its own; read when first asked for."""
    text, _, packed = TABLE.read_bytes().partition(b"\n\n")
    lists = tuple(tuple(line.split(",")) if line else () for line in text.decode().split("\n"))
    return lists, array("H", packed)


def readings(character: str) -> tuple[str, ...]:
    """The commonest first; none for what is no ideograph."""
    code, offset = ord(character), 0
    for first, last in RANGES:
        if first <= code <= last:
            lists, numbers = _table()
            return lists[numbers[offset + code - first]]
        offset += last - first + 1
    return ()


def is_han(character: str) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in RANGES) or 0x20000 <= code <= 0x323AF


def reading(text: str) -> str:
    """The first reading of each character, joined; other characters stay."""
    return "".join([(readings(c) or (c,))[0] for c in text])


def typed(run: str) -> list[str]:
    """What people type for a run of ideographs: 张伟 is zhangwei, wei, zw, w, zhangw; each way it may be read."""
    each = [readings(c) or ("",) for c in run[:RUN_MAX]]
    found: dict[str, None] = {}
    for count, way in enumerate(product(*each)):
        if count == _WAYS_MAX:
            break
        initials = "".join([one[:1] for one in way])
        for at in range(len(way)):
            found["".join(way[at:])] = None
            found[initials[at:]] = None
        found[way[0] + initials[1:]] = None
    # u with two dots is typed as v by some and as u by others.
    found.update(dict.fromkeys([one.replace("v", "u") for one in found if "v" in one]))
    found.pop("", None)
    return list(found)
