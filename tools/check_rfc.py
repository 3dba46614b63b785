"""Check RFC citations: each cited RFC has a row in rfc/index.tsv, each cited section exists in that RFC.

A row is "number, title, state, where, notes"; state is one of STATES; "where" names the modules, for what
is implemented or partial.  Sections are known for the RFCs listed in rfc/sections.tsv.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
STATES = {"implemented", "partial", "planned", "reference"}
CITATION = re.compile(r"RFC (\d{3,5})(?:,? (?:§|section )([A-Z]?\d*(?:\.\d+)*))?")


def read_index() -> tuple[dict[str, list[str]], list[str]]:
    rows: dict[str, list[str]] = {}
    faults = []
    lines = (ROOT / "rfc" / "index.tsv").read_text().splitlines()
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != 5:
            faults.append(f"rfc/index.tsv:{number}: {len(cells)} columns, not 5")
            continue
        rfc, _, state, where, _ = cells
        if state not in STATES:
            faults.append(f"rfc/index.tsv:{number}: state {state!r} is not one of {sorted(STATES)}")
        if rfc in rows:
            faults.append(f"rfc/index.tsv:{number}: RFC {rfc} stands twice")
        if state in {"implemented", "partial"}:
            missing = [name for name in where.split() if not (ROOT / "src/posthouse" / name).exists()]
            if missing or not where:
                faults.append(
                    f"rfc/index.tsv:{number}: RFC {rfc}: no such module: {' '.join(missing) or '(none)'}"
                )
        rows[rfc] = cells
    if list(rows) != sorted(rows, key=int):
        faults.append("rfc/index.tsv: rows are not in order of number")
    return rows, faults


def read_sections() -> dict[str, set[str]]:
    table = {}
    for line in (ROOT / "rfc" / "sections.tsv").read_text().splitlines():
        rfc, _, names = line.partition("\t")
        table[rfc] = set(names.split())
    return table


def citations() -> list[tuple[str, int, str, str]]:
    found = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for match in CITATION.finditer(line):
                section = (match[2] or "").rstrip(".")
                found.append((str(path.relative_to(ROOT)), number, match[1], section))
    return found


def main() -> int:
    index, faults = read_index()
    sections = read_sections()
    cited = citations()
    for path, number, rfc, section in cited:
        if rfc not in index:
            faults.append(f"{path}:{number}: RFC {rfc} has no row in rfc/index.tsv")
        elif section and rfc in sections and section not in sections[rfc]:
            faults.append(f"{path}:{number}: RFC {rfc} has no section {section}")
        elif index[rfc][2] == "planned":
            faults.append(f"{path}:{number}: RFC {rfc} is cited but its row says planned")
    print(
        "\n".join(faults)
        or f"RFC references: {len(cited)} citations of {len({c[2] for c in cited})} RFCs, all known"
    )
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
