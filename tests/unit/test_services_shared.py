"""What workers know together: verified passwords and failures; several sign-ins stand for several workers."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from posthouse.core.errors import SignInFailed, Unavailable
from posthouse.http.limits import Limiter
from posthouse.services import shared
from posthouse.services.bans import BanSettings
from posthouse.services.grant import Origin
from posthouse.services.shared import (
    COUNT_ROWS,
    DISTINCT_MAX,
    VERIFIED_ROWS,
    WAYS,
    Counts,
    SharedSignIn,
    VerifiedPasswords,
)
from posthouse.services.signin import SignIn
from tests.unit.service_world import CHEAP_HASH, MovableClock, World, open_world

LI, PASSWORD = "li@post.test", "correct horse"


class Worker:
    def __init__(self, world: World, known: SharedSignIn, bans: BanSettings | None = None) -> None:
        settings = replace(CHEAP_HASH, bans=bans or BanSettings())
        self.sign_in = SignIn(world.store, world.clock, settings, sleep=self._sleep, shared=known)
        self.waits: list[float] = []
        self.hashes = 0
        matches = self.sign_in._passwords.matches

        def counted(stored: str, password: str) -> bool:
            self.hashes += 1
            return matches(stored, password)

        self.sign_in._passwords.matches = counted  # type: ignore[method-assign]

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def __call__(self, password: str = PASSWORD, ip: str = "192.0.2.1") -> str:
        origin = Origin("imap", "c1", ip)
        return (await self.sign_in.check_password(LI, password, origin)).account.address


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        await world.account("li")
        yield world


async def close(*workers: Worker) -> None:
    for worker in workers:
        await worker.sign_in.settled()
        worker.sign_in.close()


async def test_a_password_that_one_worker_checked_costs_the_others_nothing(world: World) -> None:
    known = SharedSignIn()
    one, other, stranger = Worker(world, known), Worker(world, known), Worker(world, SharedSignIn())
    for worker in (one, other, other, stranger):
        assert await worker() == LI
    assert (one.hashes, other.hashes, stranger.hashes) == (1, 0, 1)
    with pytest.raises(SignInFailed):
        await other("wrong")
    world.clock.move(301)
    assert await other() == LI
    assert (one.hashes, other.hashes) == (1, 2)
    # Changed by anybody, it opens nothing at any worker, even before their hints arrive.
    await world.accounts.update_account(LI, password="another horse")
    for worker in (one, other):
        with pytest.raises(SignInFailed):
            await worker()
    await close(one, other, stranger)


async def test_failures_add_up_over_the_workers(world: World) -> None:
    known = SharedSignIn()
    workers = [Worker(world, known, BanSettings(failures_max=6)) for _ in range(3)]
    for number in range(6):
        with pytest.raises(SignInFailed):
            await workers[number % 3](f"guess{number}", "203.0.113.7")
    assert [one.waits for one in workers] == [[0.5], [1.0], [2.0]]
    [ban] = await world.store.access.bans()
    assert (ban.subject, ban.reason) == ("203.0.113.7", "6 wrong passwords")
    for worker in workers:
        with pytest.raises(Unavailable):
            await worker(ip="203.0.113.7")
    await close(*workers)


async def test_nothing_of_a_password_is_in_the_memory(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    known = SharedSignIn()
    worker = Worker(world, known)
    await worker()
    with pytest.raises(SignInFailed):
        await worker("a wrong secret")
    for memory in (known.verified._rows, known.counts._rows):
        data = bytes(memory)
        assert data.strip(b"\0")
        for text in (PASSWORD, "a wrong secret", LI, "192.0.2.1"):
            assert text.encode() not in data
    monkeypatch.undo()
    await close(worker)


def test_a_row_says_nothing_of_another_account_hash_or_time() -> None:
    known = VerifiedPasswords()
    known.add(7, "hash", "secret", 100.0)
    assert known.has(7, "hash", "secret", 100.0)
    for account, stored, password, now in (
        (8, "hash", "secret", 0.0),
        (7, "hash2", "secret", 0.0),
        (7, "has", "hsecret", 0.0),
        (7, "hash", "secret ", 0.0),
        (7, "hash", "secret", 100.1),
    ):
        assert not known.has(account, stored, password, now)
    # Half of one row and half of another, as a reader may meet them, is neither.
    at = known._places(7)[0]
    kept = bytes(known._rows[at : at + shared._PASSWORD.size])
    known.add(7, "hash", "other", 200.0)
    known._rows[at : at + 20] = kept[:20]
    assert not known.has(7, "hash", "secret", 0.0)
    assert not known.has(7, "hash", "other", 0.0)
    known.add(7, "hash", "other", 200.0)
    known.forget(8)
    assert known.has(7, "hash", "other", 0.0)
    known.forget(7)
    assert not known.has(7, "hash", "other", 0.0)


def test_the_row_that_ends_first_gives_way() -> None:
    known = VerifiedPasswords()
    sets = VERIFIED_ROWS // WAYS
    accounts = [1 + n * sets for n in range(WAYS + 1)]
    for n, account in enumerate(accounts):
        known.add(account, "hash", "secret", 100.0 + n)
    assert [known.has(account, "hash", "secret", 0.0) for account in accounts] == [False, *[True] * WAYS]
    known.add(accounts[1], "hash", "secret", 1000.0)  # its own row, not another one
    assert sum(known.has(account, "hash", "secret", 0.0) for account in accounts) == WAYS
    known.clear()
    assert not any(known.has(account, "hash", "secret", 0.0) for account in accounts)


def test_counts_tell_secrets_and_sources_apart_and_end() -> None:
    counts = Counts()
    for n in range(3 * DISTINCT_MAX):
        found = counts.add(
            "address", "x", now=1.0, until=10.0, secret=b"%d" % (n // 2), source=f"192.0.2.{n % 5}"
        )
    assert (found.count, found.distinct, found.sources) == (3 * DISTINCT_MAX, DISTINCT_MAX, 3)
    assert counts.get("address", "x", 10.0) == (3 * DISTINCT_MAX, 10.0)
    assert counts.get("address", "y", 1.0) == counts.get("network", "x", 1.0) == (0, 0.0)
    assert counts.get("address", "x", 10.1) == (0, 0.0)
    assert counts.add("address", "x", now=11.0, until=20.0, secret=b"0").distinct == 1
    counts.forget("address", "x", 12.0)
    assert counts.get("address", "x", 12.0) == (0, 0.0)


def test_a_flood_of_subjects_takes_no_more_memory_and_keeps_who_is_active() -> None:
    counts = Counts()
    for n in range(COUNT_ROWS):
        counts.add("address", str(n), now=1.0, until=10.0 + n / COUNT_ROWS, secret=b"x")
        if n % 256 == 0:
            kept = counts.add("account", LI, now=1.0, until=20.0 + n, secret=b"%d" % n)
    assert kept.count == COUNT_ROWS // 256


def test_processes_count_together() -> None:
    counts = Counts()
    children = []
    for _ in range(2):
        child = os.fork()
        if not child:
            for n in range(500):
                counts.add("address", "x", now=1.0, until=10.0, secret=b"%d" % n)
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    assert counts.get("address", "x", 1.0)[0] == 1000
    assert counts.add("address", "x", now=1.0, until=10.0).distinct == DISTINCT_MAX


def test_a_limit_of_all_workers() -> None:
    clock, counts = MovableClock(), Counts()
    one, other = (Limiter(counts, clock, "page", 3, 60.0) for _ in range(2))
    assert [limiter.take("a") for limiter in (one, other, one)] == [0.0, 0.0, 0.0]
    clock.move(20)
    assert (one.take("a"), other.take("a")) == (40.0, 40.0)
    assert other.take("b") == 0.0
    assert Limiter(counts, clock, "other", 1, 60.0).take("a") == 0.0
    clock.move(41)
    assert other.take("a") == 0.0
