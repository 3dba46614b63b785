"""Write the table of traditional Chinese characters and their simplified forms, for searches that are FUZZY.

    python tools/make_han_table.py Unihan_Variants.txt > src/posthouse/mime/han_table.py

The source is the Unicode Character Database (Debian's unicode-data has it, packed), under the Unicode licence.
"""

from __future__ import annotations

import sys
from pathlib import Path

WIDTH = 50
LAST = 0xFFFF
"""Characters beyond the basic plane are too rare to be typed in two ways."""


def pairs(text: str) -> dict[str, str]:
    """Traditional -> simplified; the first form counts."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) == 3 and fields[1] == "kSimplifiedVariant":
            numbers = [int(word[2:], 16) for word in (fields[0], *fields[2].split())]
            others = [number for number in numbers[1:] if number != numbers[0]]
            if others and max(numbers[0], others[0]) <= LAST:
                found[chr(numbers[0])] = chr(others[0])
    return found


def main() -> None:
    found = pairs(Path(sys.argv[1]).read_text("utf-8"))
    print('"""Traditional Chinese characters and their simplified forms, made by tools/make_han_table.py.\n')
    print("From the Unicode Character Database (kSimplifiedVariant), © Unicode, Inc., Unicode License.")
    print('"""\n\nfrom __future__ import annotations\n\nfrom typing import Final\n')
    _print("TRADITIONAL", "".join(found))
    _print("SIMPLIFIED", "".join(found.values()))


def _print(name: str, text: str) -> None:
    print(f"{name}: Final = (")
    for start in range(0, len(text), WIDTH):
        print(f'    "{text[start : start + WIDTH]}"')
    print(")")


if __name__ == "__main__":
    main()
