"""Write rfc/sections.tsv: the section numbers of each RFC text in a folder, so that citations can be checked.

Usage: python tools/rfc_sections.py FOLDER_WITH_rfcNNNN.txt
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

HEADING = re.compile(r"^ {0,3}(?:Appendix )?((?:\d+|[A-Z])(?:\.\d+)*)\.? +\S", re.MULTILINE)


def sections(text: str) -> list[str]:
    found = dict.fromkeys(match[1] for match in HEADING.finditer(text))
    return sorted(found, key=lambda name: [(not part.isdigit(), part.zfill(4)) for part in name.split(".")])


def main(folder: str) -> None:
    rows = []
    for path in sorted(Path(folder).glob("rfc*.txt"), key=lambda p: int(p.stem[3:])):
        text = path.read_text(encoding="utf-8", errors="replace")
        rows.append(f"{path.stem[3:]}\t{' '.join(sections(text))}\n")
    (Path(__file__).parent.parent / "rfc" / "sections.tsv").write_text("".join(rows))


if __name__ == "__main__":
    main(sys.argv[1])
