"""The secrets of session tickets: the same for all workers, turned with overlap, and what nodes derive from a file."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.core.errors import Unavailable
from posthouse.openssl.reach import load
from posthouse.openssl.tickets import KeyRing
from posthouse.services.tickets import (
    KEEP_S,
    LEAD_S,
    PERIOD_S,
    SETTING,
    Secret,
    Tickets,
    derived,
    in_turn,
    rotated,
)
from tests.unit.service_world import START, World, open_world

LOG = logging.getLogger("test")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        yield world


def test_a_day_of_looks() -> None:
    """At every moment one writes, it was known LEAD_S before, and what wrote within KEEP_S is taken."""
    secrets: list[Secret] = []
    wrote: list[tuple[float, bytes]] = []
    for minute in range(24 * 60):
        now = START + 60.0 * minute
        known = [one.secret for one in secrets]
        secrets = rotated(secrets, now)
        writes, *_ = ring = in_turn(secrets, now)
        if minute and writes != wrote[-1][1]:
            assert writes in known
        wrote.append((now, writes))
        assert {secret for at, secret in wrote if at > now - KEEP_S} <= set(ring)
        assert len(ring) <= 3
    assert len({secret for _, secret in wrote}) == 24 * 3600 / PERIOD_S


def test_after_a_long_sleep_and_with_a_clock_that_was_wrong() -> None:
    old = Secret(b"o" * 32, START)
    kept = rotated([old], START + 100 * PERIOD_S)
    assert kept[0] == old
    assert kept[1].since == START + 100 * PERIOD_S + LEAD_S
    [fresh] = rotated([old], START - 5.0)
    assert fresh.since == START - 5.0


def test_nodes_with_a_file_in_common() -> None:
    now = START // PERIOD_S * PERIOD_S
    before, after = derived(b"s" * 32, now - 1), derived(b"s" * 32, now)
    assert before[1] == after[0]  # a clock that is ahead
    assert after[2] == before[0]  # tickets of the period before
    assert len({*before, *after, *derived(b"t" * 32, now)}) == 7


async def test_workers_have_the_same_and_take_on_what_one_makes(world: World) -> None:
    rings = [KeyRing(load()), KeyRing(load())]
    workers = [Tickets(world.store, world.clock, ring, LOG) for ring in rings]
    for worker in workers:
        await worker.configure(b"")
    assert rings[0].secrets == rings[1].secrets
    [first] = rings[0].secrets
    data = await world.store.directory.setting(SETTING)
    assert data is not None
    assert first not in data  # sealed
    world.clock.move(PERIOD_S)
    await workers[0].look()
    await workers[1]._background.settled()  # the hint
    assert rings[0].secrets == rings[1].secrets
    assert rings[0].secrets[0] == first  # it writes until all know the next
    world.clock.move(LEAD_S)
    for worker in workers:
        await worker.look()
    assert rings[0].secrets == rings[1].secrets == (rings[0].secrets[0], first)
    await workers[0].configure(b"f" * 32)
    assert list(rings[0].secrets) == derived(b"f" * 32, world.clock.now())
    for worker in workers:
        await worker.close()


async def test_sealed_by_another_installation_they_are_made_anew(world: World) -> None:
    await world.store.directory.put_setting(SETTING, b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    ring = KeyRing(load())
    random = ring.secrets
    worker = Tickets(world.store, world.clock, ring, LOG)
    await worker.configure(b"")
    assert ring.secrets != random
    await worker.close()


async def test_without_the_store_the_old_ones_stay(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ring = KeyRing(load())
    worker = Tickets(world.store, world.clock, ring, LOG)

    async def fail(_name: str) -> bytes:
        raise Unavailable("the store is away")

    monkeypatch.setattr(world.store.directory, "setting", fail)
    before = ring.secrets
    await worker.configure(b"")
    assert ring.secrets == before
    assert "stay as they are" in caplog.text
    await worker.close()
