"""Check the lock files: each declared dependency is pinned with a hash, no index address stands in them."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PIN = re.compile(r"^([a-z0-9._-]+)==\S+ \\$", re.MULTILINE | re.IGNORECASE)


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=~!\[; ]", name)[0]).lower()


def main() -> int:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    faults = []
    wanted = {
        "requirements.lock": project["dependencies"],
        "requirements-dev.lock": project["dependencies"] + project["optional-dependencies"]["dev"],
    }
    documented = (ROOT / "docs" / "dependencies.md").read_text()
    for lock, dependencies in wanted.items():
        text = (ROOT / lock).read_text()
        pinned = {normalised(name) for name in PIN.findall(text)}
        faults += [
            f"{lock}: {name} is not pinned; run make lock"
            for name in dependencies
            if normalised(name) not in pinned
        ]
        if "://" in text:
            faults.append(f"{lock}: an address stands in it")
    for name in wanted["requirements-dev.lock"]:
        plain = re.split(r"[<>=~!]", name)[0]
        if f"`{plain}`" not in documented:
            faults.append(f"docs/dependencies.md: no line for {plain}")
    print("\n".join(faults) or "lock files: complete, hashed, no addresses")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
