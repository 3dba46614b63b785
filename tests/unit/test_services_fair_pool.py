"""The pool of slow hashes: who has the next turn, and who gives way when it is full."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator

import pytest

from posthouse.core.errors import Unavailable
from posthouse.services.fair_pool import NICENESS, FairPool


class Rig:
    """One thread, held until `go`; `done` has the order in which work was done."""

    def __init__(self, waiting_max: int = 100) -> None:
        self.pool = FairPool(1, waiting_max, "test")
        self.gate = threading.Event()
        self.done: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.refused: list[str] = []

    async def add(self, name: str, source: str, *, known: bool = False) -> None:
        async def run() -> None:
            try:
                await self.pool.run(source, self._work(name), known=known)
            except Unavailable:
                self.refused.append(name)

        self.tasks.append(asyncio.ensure_future(run()))
        await asyncio.sleep(0)

    def _work(self, name: str):  # type: ignore[no-untyped-def]
        def work() -> None:
            self.gate.wait()
            self.done.append(name)

        return work

    async def go(self) -> list[str]:
        self.gate.set()
        await asyncio.gather(*self.tasks)
        return self.done


@pytest.fixture
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    rig = Rig(getattr(request, "param", 100))
    yield rig
    rig.gate.set()  # or a test that failed would leave a thread waiting
    rig.pool.close()


async def test_each_source_has_its_turn(rig: Rig) -> None:
    for name in ("a1", "a2", "a3", "b1", "c1"):
        await rig.add(name, name[0])
    assert await rig.go() == ["a1", "a2", "b1", "c1", "a3"]


async def test_known_ones_do_not_wait_behind_strangers(rig: Rig) -> None:
    for number in range(20):
        await rig.add(f"s{number}", f"stranger {number}")
    for number in range(4):
        await rig.add(f"k{number}", f"home {number}", known=True)
    order = await rig.go()
    assert [name for name in order if name.startswith("k")] == ["k0", "k1", "k2", "k3"]
    assert order.index("k3") <= 6  # of four turns strangers have one
    assert len(order) == 24


async def test_strangers_are_not_kept_out_by_those_who_are_known(rig: Rig) -> None:
    await rig.add("s0", "stranger")
    for number in range(20):
        await rig.add(f"k{number}", "home", known=True)
    await rig.add("s1", "other stranger")
    assert (await rig.go()).index("s1") <= 4


@pytest.mark.parametrize("rig", [6], indirect=True)
async def test_a_full_pool_refuses_the_flood_first(rig: Rig) -> None:
    for number in range(8):
        await rig.add(f"f{number}", "flood")
    assert rig.refused == ["f6", "f7"]  # its own line is the longest
    await rig.add("g", "guest")
    await rig.add("k", "home", known=True)
    done = await rig.go()
    assert {"g", "k"} <= set(done)
    assert set(rig.refused) == {"f6", "f7", "f5", "f4"}


@pytest.mark.parametrize("rig", [3], indirect=True)
async def test_someone_known_takes_the_place_of_a_stranger_however_short_the_lines(rig: Rig) -> None:
    for number in range(3):
        await rig.add(f"s{number}", f"stranger {number}")
    await rig.add("s3", "stranger 3")
    assert rig.refused == ["s3"]
    await rig.add("k", "home", known=True)
    assert "k" in await rig.go()
    assert len(rig.refused) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux knows the priority of a thread")
async def test_what_waits_on_the_loop_goes_before_hashes() -> None:
    pool = FairPool(1, 10, "test")
    before = os.getpriority(os.PRIO_PROCESS, 0)

    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    assert await pool.run("a", priority) == min(before + NICENESS, 19)
    assert priority() == before
    pool.close()
