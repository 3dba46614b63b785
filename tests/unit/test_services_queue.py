"""The queue runner with a deliverer that does as it is told: retries, warnings, bounces, leases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from posthouse.client.parcel import Parcel, Result
from posthouse.core.errors import Unavailable
from posthouse.services.queue import RETRY_SCHEDULE_S, QueueRunner, QueueSettings
from posthouse.services.queue_admin import QueueAdmin
from tests.unit.service_world import LETTER, EvenRng, World, open_world, parse

OK = Result("250 2.0.0 taken", "mx.far.test", dsn=True)
SOFT = Result("451 4.7.1 greylisted, come back", "mx.far.test")
HARD = Result("550 5.1.1 no such user", "mx.far.test")


class ScriptedDeliverer:
    """Answers by recipient address; remembers what it was given."""

    def __init__(self, **answers: Result) -> None:
        self.answers = answers
        self.parcels: list[Parcel] = []
        self.gate: asyncio.Event | None = None

    async def deliver(self, parcel: Parcel) -> list[Result]:
        self.parcels.append(parcel)
        if self.gate is not None:
            await self.gate.wait()
        return [self.answers.get(one.address.local, OK) for one in parcel.recipients]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        await world.account("li")
        yield world


def runner(world: World, deliverer: ScriptedDeliverer, **settings: Any) -> QueueRunner:
    return QueueRunner(
        world.store,
        deliverer,
        world.delivery,
        QueueSettings(hostname="mx.post.test", **settings),
        clock=world.clock,
        rng=EvenRng(),
    )


async def inbox(world: World) -> list[bytes]:
    account = await world.store.directory.account_by_address("li@post.test")
    assert account is not None
    return await world.inbox(account)


async def steps(world: World, trace: str) -> list[str]:
    return [line.step for line in await world.store.journal.by_trace(trace)]


async def test_delivered_recipients_leave_the_queue(world: World) -> None:
    deliverer = ScriptedDeliverer()
    receipt = await world.send(LETTER, "x@far.test", "y@far.test", "z@other.test", sender="li@post.test")
    assert await runner(world, deliverer).run_due() == 2
    assert sorted([one.address.local for one in parcel.recipients] for parcel in deliverer.parcels) == [
        ["x", "y"],
        ["z"],
    ]
    content = deliverer.parcels[0].content
    assert isinstance(content, bytes)
    assert content[deliverer.parcels[0].skip :].startswith(b"Received: ")
    assert await world.store.queue.entries() == []
    assert (await steps(world, receipt.trace)).count("delivered") == 3
    assert await inbox(world) == []


async def test_deferred_recipients_come_back_by_the_schedule(world: World) -> None:
    deliverer = ScriptedDeliverer(x=SOFT)
    await world.send(LETTER, "x@far.test", "y@far.test", sender="li@post.test")
    queue = runner(world, deliverer)
    for wait in (*RETRY_SCHEDULE_S, RETRY_SCHEDULE_S[-1]):
        assert await queue.run_due() == 1
        assert await queue.run_due() == 0
        assert await world.store.queue.next_due() == world.clock.now() + wait
        world.clock.move(wait)
    deliverer.answers = {}
    assert await queue.run_due() == 1
    assert await world.store.queue.entries() == []
    assert [len(parcel.recipients) for parcel in deliverer.parcels] == [2] + [1] * 8


async def test_a_delay_is_told_once(world: World) -> None:
    queue = runner(world, ScriptedDeliverer(x=SOFT))
    await world.send(LETTER, "x@far.test", sender="li@post.test")
    while world.clock.now() < 1_790_000_000.0 + 86400:
        await queue.run_due()
        world.clock.move(1800)
    (warning,) = await inbox(world)
    assert b"Action: delayed" in warning
    assert b"Will-Retry-Until: " in warning
    assert b"Content-Type: text/rfc822-headers" in warning


async def test_an_expired_letter_bounces(world: World) -> None:
    queue = runner(world, ScriptedDeliverer(x=SOFT), delay_warning_s=1e9)
    receipt = await world.send(LETTER, "x@far.test", sender="li@post.test")
    world.clock.move(5 * 86400 + 1)
    await queue.run_due()
    (bounce,) = await inbox(world)
    assert b"Status: 5.4.7" in bounce
    assert b"451 4.7.1 greylisted" in bounce
    assert (await steps(world, receipt.trace))[-2:] == ["failed", "notified"]


async def test_a_bounce_reads_back(world: World) -> None:
    queue = runner(world, ScriptedDeliverer(x=HARD))
    await world.send(LETTER, "x@far.test", "ok@far.test", sender="li@post.test", envid="env+1", ret="FULL")
    await queue.run_due()
    (bounce,) = await inbox(world)
    message = parse(bounce)
    assert message["Return-Path"] == "<>"
    assert message["Auto-Submitted"] == "auto-replied"
    human, status, original = message.iter_parts()
    assert "没有这个收件人" in human.get_content()
    assert "no such recipient" in human.get_content()
    per_message, per_recipient = status.get_payload()
    assert per_message["Original-Envelope-Id"] == "env+1"
    assert per_message["Reporting-MTA"] == "dns; mx.post.test"
    assert per_recipient["Final-Recipient"] == "rfc822; x@far.test"
    assert per_recipient["Action"] == "failed"
    assert per_recipient["Status"] == "5.1.1"
    assert per_recipient["Remote-MTA"] == "dns; mx.far.test"
    assert per_recipient["Diagnostic-Code"] == "smtp; 550 5.1.1 no such user"
    assert original.get_content_type() == "message/rfc822"
    assert original.get_content()["Message-ID"] == "<m1@remote.test>"


@pytest.mark.parametrize(
    ("answer", "notify", "sender", "notices"),
    [
        (HARD, ("NEVER",), "li@post.test", 0),
        (HARD, ("SUCCESS",), "li@post.test", 0),
        (HARD, ("FAILURE",), "li@post.test", 1),
        (HARD, (), "li@post.test", 1),
        (HARD, (), None, 0),
        (HARD, (), "gone@post.test", 0),
        (OK, ("SUCCESS",), "li@post.test", 0),
        (Result("250 2.0.0 taken", "mx.far.test", dsn=False), ("SUCCESS",), "li@post.test", 1),
        (Result("250 2.0.0 taken", "mx.far.test", dsn=False), (), "li@post.test", 0),
    ],
)
async def test_notify_is_obeyed(
    world: World, answer: Result, notify: tuple[str, ...], sender: str | None, notices: int
) -> None:
    queue = runner(world, ScriptedDeliverer(x=answer))
    await world.send(LETTER, "x@far.test", sender=sender, notify=notify)
    await queue.run_due()
    assert len(await inbox(world)) == notices
    assert await world.store.queue.entries() == []


async def test_a_notice_to_a_remote_sender_is_queued_with_the_null_sender(world: World) -> None:
    deliverer = ScriptedDeliverer(x=HARD)
    queue = runner(world, deliverer)
    await world.send(LETTER, "x@far.test", sender="boss@away.test")
    await queue.run_due()
    (entry,) = await world.store.queue.entries()
    assert entry.sender == ""
    deliverer.answers = {"boss": HARD}
    await queue.run_due()
    assert deliverer.parcels[-1].sender is None
    assert deliverer.parcels[-1].recipients[0].notify == ("NEVER",)
    assert await world.store.queue.entries() == []


async def test_a_bounce_of_a_requiretls_letter_is_as_careful(world: World) -> None:
    deliverer = ScriptedDeliverer(x=HARD)
    await world.send(LETTER, "x@far.test", sender="boss@away.test", requiretls=True, ret="FULL")
    queue = runner(world, deliverer)
    await queue.run_due()
    await queue.run_due()
    notice = deliverer.parcels[-1]
    assert notice.requiretls
    assert isinstance(notice.content, bytes)
    assert b"Content-Type: text/rfc822-headers" in notice.content


async def test_a_lease_is_taken_over_when_it_runs_out(world: World) -> None:
    await world.send(LETTER, "x@far.test", sender="li@post.test")
    now = world.clock.now()
    assert len(await world.store.queue.lease("dead worker", now, 600, 10)) == 1
    deliverer = ScriptedDeliverer()
    queue = runner(world, deliverer)
    assert await queue.run_due() == 0
    world.clock.move(601)
    assert await queue.run_due() == 1


async def test_a_domain_that_became_ours_is_served_here(world: World) -> None:
    await world.send(LETTER, "zhao@new.test", "nobody@new.test", sender="li@post.test")
    await world.accounts.create_domain("new.test")
    zhao = await world.accounts.create_account("zhao@new.test", None)
    deliverer = ScriptedDeliverer()
    await runner(world, deliverer).run_due()
    assert deliverer.parcels == []
    (letter,) = await world.inbox(zhao)
    assert letter.endswith(LETTER)
    assert letter.count(b"Return-Path:") == 1
    (bounce,) = await inbox(world)
    assert b"Final-Recipient: rfc822; nobody@new.test" in bounce


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_the_runner_wakes_at_once_and_stops_cleanly(world: World) -> None:
    deliverer = ScriptedDeliverer()
    queue = runner(world, deliverer, poll_s=3600.0)
    task = asyncio.create_task(queue.run())
    await asyncio.sleep(0)
    await world.send(LETTER, "x@far.test", sender="li@post.test")
    await until(lambda: deliverer.parcels)
    deliverer.gate = asyncio.Event()  # the second delivery hangs
    await world.send(LETTER, "y@far.test", sender="li@post.test")
    await until(lambda: len(deliverer.parcels) == 2)
    queue.settings = QueueSettings(stop_grace_s=0.01)
    await queue.stop()
    await task
    (entry,) = await world.store.queue.entries()
    assert [one.lease_owner for one in entry.recipients] == [None]


async def test_an_outcome_is_written_again_until_the_store_is_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("posthouse.services.queue.STORE_RETRY_S", 0.001)
    real, failures = world.store.queue.report, iter(range(3))

    async def report(*args: Any) -> None:
        if next(failures, None) is not None:
            raise Unavailable("the writer restarts")
        await real(*args)

    monkeypatch.setattr(world.store.queue, "report", report)
    deliverer = ScriptedDeliverer()
    await world.send(LETTER, "x@far.test", sender="li@post.test")
    await runner(world, deliverer).run_due()
    assert len(deliverer.parcels) == 1
    assert await world.store.queue.entries() == []


async def test_administrators_hold_release_retry_reroute_and_cancel(world: World) -> None:
    deliverer = ScriptedDeliverer(x=SOFT)
    queue = runner(world, deliverer)
    admin = QueueAdmin(world.store, world.clock)
    receipt = await world.send(LETTER, "x@far.test", "y@far.test", sender="li@post.test")
    (entry,) = await admin.find()
    assert await admin.control("hold", [entry.id]) == 2
    assert await queue.run_due() == 0
    assert await admin.control("release", [entry.id], recipient="x@far.test") == 1
    assert await queue.run_due() == 1
    assert await queue.run_due() == 0
    assert await admin.control("retry", [entry.id], recipient="x@far.test") == 1
    assert await queue.run_due() == 1
    assert await admin.control("reroute", [entry.id], recipient="x@far.test", route="relay.test:2525") == 1
    await queue.run_due()
    assert deliverer.parcels[-1].destination == "relay.test:2525"
    assert [one.recipients[0].address for one in await admin.find(state="held")] == ["y@far.test"]
    assert await admin.control("cancel", [entry.id]) == 2
    assert await admin.find() == []
    assert await inbox(world) == []
    assert (await steps(world, receipt.trace)).count("controlled") == 5


class SlowHost(ScriptedDeliverer):
    """Does not answer for slow.test until told to."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.quick = asyncio.Event()

    async def deliver(self, parcel: Parcel) -> list[Result]:
        if parcel.destination == "slow.test":
            return await super().deliver(parcel)
        self.quick.set()
        return [OK for _ in parcel.recipients]

    @property
    def slow(self) -> list[str]:
        return [one.address.local for parcel in self.parcels for one in parcel.recipients]


async def test_a_slow_destination_does_not_take_the_places_of_others(world: World) -> None:
    for number in range(12):
        await world.send(LETTER, f"s{number}@slow.test", sender="li@post.test")
    deliverer = SlowHost()
    queue = runner(world, deliverer, jobs_max=4, per_destination=2)
    running = asyncio.create_task(queue.run())
    await world.send(LETTER, "x@quick.test", sender="li@post.test")
    async with asyncio.timeout(5):
        await deliverer.quick.wait()
    assert deliverer.slow == ["s0", "s1"]
    admin = QueueAdmin(world.store, world.clock)
    ids = {e.recipients[0].address: e.id for e in await world.store.queue.entries()}
    await admin.control("hold", [ids["s5@slow.test"]])
    await admin.control("cancel", [ids["s6@slow.test"]])
    assert deliverer.gate is not None
    deliverer.gate.set()
    async with asyncio.timeout(5):
        while len(await world.store.queue.entries()) > 1:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert deliverer.slow == [f"s{number}" for number in range(12) if number not in (5, 6)]
    assert await world.store.queue.counts() == {"held": 1}
    await queue.stop()
    await running


async def test_mail_that_waits_for_its_turn_goes_back_at_the_stop(world: World) -> None:
    for number in range(5):
        await world.send(LETTER, f"s{number}@slow.test", sender="li@post.test")
    deliverer = SlowHost()
    queue = runner(world, deliverer, jobs_max=4, per_destination=1, stop_grace_s=0.05)
    running = asyncio.create_task(queue.run())
    async with asyncio.timeout(5):
        while not deliverer.parcels:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await queue.stop()
    await running
    assert len(await world.store.queue.lease("w", world.clock.now(), 60.0, 10)) == 5


async def test_a_fault_of_the_deliverer_is_a_deferral(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """It is tried on schedule and returned in the end, as after any other failure."""

    class Faulty(ScriptedDeliverer):
        async def deliver(self, parcel: Parcel) -> list[Result]:
            raise ValueError(parcel.destination)

    await world.send(LETTER, "x@far.test", sender="li@post.test")
    assert await runner(world, Faulty()).run_due() == 1
    (entry,) = await world.store.queue.entries()
    assert (entry.recipients[0].attempts, entry.recipients[0].lease_owner) == (1, None)
    assert entry.recipients[0].last_status.startswith("451 4.3.0 ")
    assert "failed" in caplog.text
