"""Write the table of Mandarin readings: `pip install pypinyin; python tools/make_pinyin_table.py`.

The readings are those of pypinyin (MIT licence), which collects them from Unihan and several dictionaries, without
tones, the commonest first, at most three for each character.  Why not the package itself at run time: it takes 12 MB
and 80 ms in each process that ever writes a Chinese name; the table takes a tenth of a megabyte and a millisecond.

The file: the distinct lists of readings, one per line ("zhang,chang"), an empty line, then for each character of
`RANGES` two bytes, the number of its list (0: none).
"""

from __future__ import annotations

import os
import struct
import sys
import unicodedata
from pathlib import Path

from posthouse.cards.pinyin import RANGES, READINGS_MAX, TABLE

os.environ["PYPINYIN_NO_PHRASES"] = "1"
_MARKED = {"ê": "e", "m̀": "m"}


def toneless(syllable: str) -> str:
    """`lǜ` is `lv`, as people type it."""
    plain = "".join(
        c for c in unicodedata.normalize("NFD", syllable) if unicodedata.category(c) != "Mn" or c == "\u0308"
    )
    return plain.replace("u\u0308", "v").replace("\u0308", "")


def main() -> int:
    from pypinyin.pinyin_dict import pinyin_dict  # noqa: PLC0415

    lists: dict[str, int] = {"": 0}
    numbers = []
    for first, last in RANGES:
        for code in range(first, last + 1):
            found = dict.fromkeys(toneless(one) for one in pinyin_dict.get(code, "").split(",") if one)
            kept = [one for one in found if one.isascii() and one.isalpha()][:READINGS_MAX]
            numbers.append(lists.setdefault(",".join(kept), len(lists)))
    data = "\n".join(lists).encode() + b"\n\n" + struct.pack(f"<{len(numbers)}H", *numbers)
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TABLE
    target.write_bytes(data)
    print(f"{target}: {len(lists)} lists, {len(data)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
