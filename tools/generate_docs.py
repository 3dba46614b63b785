"""Write the pages that are generated from the code; with --check, fail where one is not current."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from posthouse.app.reference import markdown
from posthouse.http.api.reference import reference
from posthouse.http.api.table import OPERATIONS

ROOT = Path(__file__).parent.parent
PAGES = {
    "docs/configuration.md": markdown,
    "docs/api.md": partial(reference, OPERATIONS, "en"),
    "docs/api.zh-CN.md": partial(reference, OPERATIONS, "zh"),
}


def main(*, check: bool) -> int:
    stale = []
    for name, write in PAGES.items():
        path = ROOT / name
        text = write()
        if check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(f"{name} is not current; run make docs")
        else:
            path.write_text(text, encoding="utf-8")
    print("\n".join(stale) or f"generated pages: {len(PAGES)}, current")
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv))
