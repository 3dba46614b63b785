"""Calls of every JMAP method with parts of them changed: whatever stands where, the answer is never a fault."""

from __future__ import annotations

import copy
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from tests.fuzz.jmap_seeds import Seeds
from tests.unit.jmap_world import jmap_world

CALLS: Final = int(os.environ.get("FUZZ_CALLS", "1500"))
SEED: Final = int(os.environ.get("FUZZ_SEED", "1"))
JUNK: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 53, 1 << 31, 1 << 53, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, -(1 << 63), 1.5,
    -0.0, 1e308,
    "", " ", "x", "#c", "#none", "M1", "F1", "A999", "B1", "U1", "P1", "\0", "\r\n", "/", "~1", "~0/~", "*", "a/b/c",
    "😀" * 40, "x" * 3000, "2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0000-00-00T00:00:00Z",
    "2026-01-01T00:00:00+08:00", "i;ascii-casemap", "all", "li@example.test", "a@b@c", "keywords/$seen", "$seen",
    "text/plain", "utf-8", "header:From:asAddresses:all", "header:X:asDate", "body", "BEGIN:VCARD", "require;",
    [], [None], [[]], [1], [{}], ["x", "x"], ["M1"], ["id"], {}, {"": None}, {"x": {}}, {"operator": []}, {"a/b": True},
    {"email": None}, {"@type": "Card"}, {"operator": "AND", "conditions": [{}]}, {"name": ["x"], "value": {}},
)  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """(container, key) of everything in it."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])


def changed(arguments: dict[str, Any], chance: random.Random, others: list[Any]) -> dict[str, Any]:
    """One to three of its parts are renamed, joined by another, left out, or something else."""
    call = copy.deepcopy(arguments)
    for _ in range(chance.randint(1, 3)):
        found = list(places(call))
        if not found:
            break
        inside, key = chance.choice(found)
        match chance.randrange(6):
            case 0 if isinstance(inside, dict):
                inside[str(chance.choice(JUNK))] = inside.pop(key)
            case 1 if isinstance(inside, dict):
                inside[str(chance.choice(JUNK))] = copy.deepcopy(chance.choice(JUNK))
            case 2:
                del inside[key]
            case 3:
                inside[key] = copy.deepcopy(chance.choice(others))
            case _:
                inside[key] = copy.deepcopy(chance.choice(JUNK))
    return call


async def test_no_call_is_a_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    chance = random.Random(SEED)
    async with jmap_world(tmp_path) as world:
        right = await Seeds(world).make()
        others = [inside[key] for _, arguments in right for inside, key in places(arguments)]
        for _ in range(CALLS):
            name, arguments = chance.choice(right)
            call = changed(arguments, chance, others)
            response = await world.request([name, call, "c"])
            assert b"serverFail" not in msgspec.json.encode(response), (name, call, caplog.text[-3000:])
