"""Run every benchmark of this folder and print their tables: `make bench`, or `python -m bench NAME ...`.

Figures are of this machine at this moment; compare them with each other, not with those of another machine.
"""

from __future__ import annotations

import os
import platform
import runpy
import sys
from pathlib import Path


def main(wanted: list[str]) -> None:
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))
    unknown = set(wanted) - set(names)
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are: {', '.join(names)}")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
    del sys.argv[1:]  # which `bench/storage.py` would take for its own
    for name in wanted or names:
        print(f"\n== {name}", flush=True)
        runpy.run_module(f"bench.{name}", run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
