"""Thousands of sign-ins in a moment, right ones and wrong ones: no step of the event loop is about many of them.

Counted, as times are the machine's: what the loop's own thread calls in one step, where hashes are computed, and what
is left to the collector, which would take it away in one step.  `bench/sign_in.py` has the times.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CoroutineType

import msgspec
import pytest

from posthouse.core.errors import MailError
from posthouse.services.grant import Origin
from posthouse.services.passwords import Passwords
from posthouse.services.signin import SignIn
from tests.unit.loop_steps import metered
from tests.unit.service_world import CHEAP_HASH, NO_BANS, open_world

PEOPLE = 20
NETWORKS = 200
SIGN_INS = 3000


@contextmanager
def calls() -> Iterator[list[float]]:
    """How many functions each step of the loop calls."""
    count = 0

    def profile(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    with metered(lambda: count) as steps:
        sys.setprofile(profile)
        try:
            yield steps
        finally:
            sys.setprofile(None)


def _signs_in(one: object) -> bool:
    """A call of ours or of the services; what tests before this one left to the collector is none."""
    return isinstance(one, CoroutineType) and (
        one.cr_code.co_filename == __file__ or "/services/" in one.cr_code.co_filename
    )


@contextmanager
def circles() -> Iterator[list[object]]:
    """Behind the block: refusals and calls that only the collector can take away; it does not work meanwhile."""
    left: list[object] = []
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield left
        gc.collect()
        left += [one for one in gc.garbage if isinstance(one, MailError) or _signs_in(one)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.fixture
def hashing(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The thread of each hash that was computed."""
    threads: list[int] = []
    matches = Passwords.matches

    def noted(self: Passwords, stored: str, password: str) -> bool:
        threads.append(threading.get_ident())
        return matches(self, stored, password)

    monkeypatch.setattr(Passwords, "matches", noted)
    return threads


@pytest.mark.parametrize("right", [True, False])
async def test_no_step_is_about_many(tmp_path: Path, hashing: list[int], *, right: bool) -> None:
    async with open_world(tmp_path) as world:
        for number in range(PEOPLE):
            await world.account(f"p{number}")
        sign = SignIn(world.store, world.clock, msgspec.structs.replace(CHEAP_HASH, bans=NO_BANS))
        answers: Counter[str] = Counter()

        async def one(number: int) -> None:
            origin = Origin("imap", "c", f"198.51.{number % NETWORKS}.1")
            password = "correct horse" if right else f"guess {number}"
            try:
                await sign.check_password(f"p{number % PEOPLE}@post.test", password, origin)
                answers["in"] += 1
            except MailError as error:
                answers[type(error).__name__] += 1

        tasks = [asyncio.ensure_future(one(number)) for number in range(SIGN_INS)]
        with circles() as left, calls() as steps:
            for task in tasks:
                await task
        await sign.settled()
        sign.close()
    assert sum(answers.values()) == SIGN_INS
    assert set(answers) <= ({"in"} if right else {"SignInFailed", "Unavailable"}), answers
    assert len(steps) > SIGN_INS
    assert max(steps) < SIGN_INS  # so none goes through all of them
    assert len(left) < SIGN_INS / 100  # so no sign-in leaves one
    assert threading.get_ident() not in hashing
    assert len(hashing) == (PEOPLE if right else answers["SignInFailed"])
