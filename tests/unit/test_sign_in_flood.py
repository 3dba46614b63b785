"""A thousand sign-ins in a moment, right ones and wrong ones: no step holds the event loop.

What is counted is the processor's time of the loop's own thread, which other work of the machine does not change.
"""

from __future__ import annotations

import asyncio
import gc
import time
from asyncio import events
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from posthouse.app.worker import GC_THRESHOLDS
from posthouse.core.errors import MailError
from posthouse.services.bans import BanSettings
from posthouse.services.grant import Origin
from posthouse.services.signin import SignIn
from tests.unit.service_world import CHEAP_HASH, open_world

PEOPLE = 20
SIGN_INS = 1000
HELD_S = 0.02
CHANCE = 2
"""Steps that the machine may have had its own reasons for: a page fault, a clock that counts a neighbour's turn."""
NEVER = BanSettings(
    free_failures=1 << 30, failures_max=1 << 30, network_failures_max=1 << 30, account_failures_max=1 << 30
)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Seconds of each step of the loop; the collector works as in a worker."""
    found: list[float] = []
    run = events.Handle._run

    def timed(self: events.Handle) -> None:
        begun = time.thread_time()
        run(self)
        found.append(time.thread_time() - begun)

    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    monkeypatch.setattr(events.Handle, "_run", timed)
    yield found
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.parametrize("right", [True, False])
async def test_no_step_holds_the_loop(tmp_path: Path, held: list[float], *, right: bool) -> None:
    async with open_world(tmp_path) as world:
        for number in range(PEOPLE):
            await world.account(f"p{number}")
        sign = SignIn(world.store, world.clock, msgspec.structs.replace(CHEAP_HASH, bans=NEVER))
        answers: Counter[str] = Counter()

        async def one(number: int) -> None:
            origin = Origin("imap", "c", f"198.51.{number % 200}.1")
            password = "correct horse" if right else f"guess {number}"
            try:
                await sign.check_password(f"p{number % PEOPLE}@post.test", password, origin)
                answers["in"] += 1
            except MailError as error:
                answers[type(error).__name__] += 1

        held.clear()
        await asyncio.gather(*(one(number) for number in range(SIGN_INS)))
        steps: list[Any] = sorted(held)
        await sign.settled()
        sign.close()
    assert sum(answers.values()) == SIGN_INS
    assert set(answers) <= ({"in"} if right else {"SignInFailed", "Unavailable"}), answers
    assert len(steps) > SIGN_INS
    assert steps[-1 - CHANCE] < HELD_S
