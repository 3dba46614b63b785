"""Examples of RFC 8620 and RFC 8621 as transcripts: requests, and what has to be in the responses.

Files hold steps: `C:` a JSON list of method calls, `S:` the responses.  In what is expected, a string `*` is anything,
`$x` is remembered the first time and later stands for what it was (in requests too, and as the name of a property), and
objects may have more names than are written.  Keywords are written with `%` for `$`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.storage.fixtures import message
from tests.unit.jmap_world import JmapWorld, jmap_world

FILES = sorted(Path(__file__).parent.glob("jmap_*.txt"))
_NAME = re.compile(r"\$[a-z][a-z0-9_]*")


class Known:
    """What the placeholders stand for."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def put(self, value: Any) -> Any:
        if isinstance(value, str):
            # `%seen` is the keyword `$seen`.
            return _NAME.sub(lambda match: self.names.get(match[0], match[0]), value).replace("%", "$")
        if isinstance(value, dict):
            return {self.put(key): self.put(one) for key, one in value.items()}
        return [self.put(one) for one in value] if isinstance(value, list) else value

    def match(self, expected: Any, got: Any, where: str) -> None:
        if isinstance(expected, str):
            if expected == "*":
                return
            if _NAME.fullmatch(expected) and expected not in self.names:
                assert isinstance(got, str), where
                self.names[expected] = got
                return
            assert self.put(expected) == got, where
        elif isinstance(expected, dict):
            assert isinstance(got, dict), where
            for key, one in expected.items():
                name = self.put(key)
                assert name in got, f"{where}: no {name} in {got}"
                self.match(one, got[name], f"{where}/{key}")
        elif isinstance(expected, list):
            assert isinstance(got, list), where
            assert len(expected) == len(got), f"{where}: {got}"
            for at, (one, other) in enumerate(zip(expected, got, strict=True)):
                self.match(one, other, f"{where}/{at}")
        else:
            assert expected == got, where


def steps(path: Path) -> list[tuple[Any, Any]]:
    text = "\n".join(line for line in path.read_text().splitlines() if not line.startswith("#"))
    parts = re.split(r"^(C|S):", text, flags=re.MULTILINE)[1:]
    values = [msgspec.json.decode(part) for part in parts[1::2]]
    return list(zip(values[::2], values[1::2], strict=True))


async def prepared(world: JmapWorld) -> Known:
    """Two letters of one thread and one of another in the inbox, oldest first."""
    names = {"$account": world.id}
    for name in ("INBOX", "Drafts", "Sent", "Trash", "Archive"):
        names[f"${name.lower()}"] = await world.box(name)
    names["$first"] = await world.put(message(1, subject="Foo"), date=1000.0)
    headers = "In-Reply-To: <1@qq.test>\r\n"
    names["$reply"] = await world.put(message(2, subject="Re: Foo", headers=headers), date=2000.0)
    names["$other"] = await world.put(message(3, subject="Bar"), date=3000.0)
    return Known(names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_transcript(path: Path, tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        known = await prepared(world)
        for at, (request, expected) in enumerate(steps(path)):
            response = await world.request(*known.put(request))
            known.match(expected, response["methodResponses"], f"step {at + 1}")
