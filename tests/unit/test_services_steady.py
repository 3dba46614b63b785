"""Answers leave at whole steps after the question came."""

from __future__ import annotations

import time

import pytest

from posthouse.core.errors import SignInFailed
from posthouse.services import steady
from posthouse.services.grant import Origin
from posthouse.services.signin import SCRAM_STEP_S, SignIn
from posthouse.services.steady import Steady
from tests.unit.service_world import CHEAP_HASH, open_world

STEP_S = 0.001


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Until when each answer waited."""
    found: list[float] = []
    monkeypatch.setattr(steady, "_sleep_until", found.append)
    return found


@pytest.mark.parametrize(("taken", "steps"), [(0.0001, 1), (0.0009, 1), (0.0011, 2), (0.0151, 16)])
async def test_a_whole_step_whatever_was_done(
    monkeypatch: pytest.MonkeyPatch, moments: list[float], taken: float, steps: int
) -> None:
    ticks = Steady(STEP_S)
    monkeypatch.setattr(time, "monotonic", lambda: 50.0 + taken)
    await ticks.step(50.0)
    monkeypatch.undo()
    ticks.close()
    assert moments == [pytest.approx(50.0 + steps * STEP_S)]


async def test_no_answer_leaves_before() -> None:
    ticks = Steady(STEP_S)
    for _ in range(20):
        begun = time.monotonic()
        await ticks.step(begun)
        assert time.monotonic() - begun >= STEP_S
    ticks.close()


@pytest.mark.parametrize("name", ["li@post.test", "nobody@post.test", "li@elsewhere.test", "li"])
async def test_scram_waits_for_every_name(tmp_path, name: str) -> None:
    async with open_world(tmp_path) as world:
        await world.account("li")
        sign = SignIn(world.store, world.clock, CHEAP_HASH)
        begun = time.monotonic()
        claim = await sign.scram_claim(name, "SCRAM-SHA-256", Origin("imap", "c", "198.51.100.1"))
        assert time.monotonic() - begun >= SCRAM_STEP_S
        begun = time.monotonic()
        with pytest.raises(SignInFailed):
            await sign.scram_finish(claim, None, Origin("imap", "c", "198.51.100.1"))
        assert time.monotonic() - begun >= SCRAM_STEP_S
        sign.close()
