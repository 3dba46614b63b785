"""Turns of the queue: how many of a destination run, who follows, and who waits no longer."""

from __future__ import annotations

from posthouse.core.ids import BlobId, QueueId
from posthouse.services import queue_turns
from posthouse.services.queue_turns import Turns
from posthouse.storage.rows import QueueEntry, QueueJob


def job(number: int, destination: str = "slow.test", lease_until: float = 1200.0) -> QueueJob:
    entry = QueueEntry("a@a.test", [], "t", 0.0, 0.0, 1, id=QueueId(number), blob=BlobId(1))
    return QueueJob(entry, destination, lease_until)


def test_turns_are_in_order_and_per_destination() -> None:
    turns = Turns(1, 900.0)
    assert turns.enter(job(1))
    assert not turns.enter(job(2))
    assert not turns.enter(job(3))
    assert turns.enter(job(4, "quick.test"))
    assert turns.leave("quick.test", 0.0) is None
    for expected in (2, 3):
        following = turns.leave("slow.test", 0.0)
        assert following is not None
        assert following.entry.id == expected
    assert turns.leave("slow.test", 0.0) is None
    assert turns.enter(job(5))


def test_a_lease_that_may_end_during_the_attempt_is_not_used() -> None:
    turns = Turns(1, 900.0)
    turns.enter(job(1))
    turns.enter(job(2, lease_until=1200.0))
    turns.enter(job(3, lease_until=1500.0))
    following = turns.leave("slow.test", 400.0)
    assert following is not None
    assert following.entry.id == 3


def test_a_crowd(monkeypatch) -> None:
    monkeypatch.setattr(queue_turns, "WAITING_MAX", 2)
    turns = Turns(1, 900.0)
    for number in range(3):
        assert turns.crowded == []
        turns.enter(job(number))
    assert turns.crowded == ["slow.test"]
    turns.leave("slow.test", 0.0)
    assert turns.crowded == []
