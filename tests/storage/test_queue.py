"""The queue: leases, outcomes, control."""

from __future__ import annotations

import pytest

from posthouse.core.errors import Invalid, NotFound
from posthouse.storage.ports import Store
from posthouse.storage.rows import Attempt, JournalLine, QueueEntry, QueueRecipient
from tests.storage.fixtures import delivery, message


def entry(*addresses: str, not_before: float = 0.0, next_attempt: float = 0.0) -> QueueEntry:
    recipients = [
        QueueRecipient(a, orcpt=f"rfc822;{a}", notify=("FAILURE", "DELAY"), next_attempt=next_attempt)
        for a in addresses
    ]
    return QueueEntry(
        "li@163.test",
        recipients,
        "t",
        10.0,
        500.0,
        body="8BITMIME",
        smtputf8=True,
        envid="e",
        not_before=not_before,
    )


async def put(store: Store, *entries: QueueEntry) -> list[int]:
    [stored] = await store.messages.deliver([delivery(store, message(1), queue=entries)])
    return list(stored.queued)


async def test_an_entry_comes_back_whole(store: Store) -> None:
    [number] = await put(store, entry("a@qq.test", "b@x.test"))
    [found] = await store.queue.entries()
    assert (found.id, found.sender, found.trace, found.body) == (number, "li@163.test", "t", "8BITMIME")
    assert (found.size, found.smtputf8, found.requiretls, found.envid) == (len(message(1)), True, False, "e")
    assert (found.arrived_at, found.expires_at, found.message_id) == (10.0, 500.0, "1@qq.test")
    first = found.recipients[0]
    assert (first.address, first.orcpt, first.notify) == (
        "a@qq.test",
        "rfc822;a@qq.test",
        ("FAILURE", "DELAY"),
    )
    assert (first.state, first.attempts, first.warned, first.route) == ("due", 0, False, None)
    assert await store.contents.read(found.blob) == message(1)
    assert await store.queue.entries([found.id]) == [found]
    assert await store.queue.entries([]) == []
    assert await store.queue.counts() == {"due": 2}


async def test_lease_groups_by_destination(store: Store) -> None:
    await put(store, entry("a@qq.test", "b@X.test", "c@qq.test"), entry("d@qq.test"))
    jobs = await store.queue.lease("w1", 100.0, 60.0, 10)
    assert [(job.destination, [r.address for r in job.entry.recipients]) for job in jobs] == [
        ("qq.test", ["a@qq.test", "c@qq.test"]),
        ("x.test", ["b@X.test"]),
        ("qq.test", ["d@qq.test"]),
    ]
    assert jobs[0].lease_until == jobs[0].entry.recipients[0].lease_until == 160.0
    assert await store.queue.lease("w2", 159.0, 60.0, 10) == []
    assert len(await store.queue.lease("w2", 160.0, 60.0, 10)) == 3  # the lease of w1 ran out


async def test_lease_takes_what_is_due_oldest_first(store: Store) -> None:
    await put(store, entry("late@a.test", next_attempt=50.0), entry("early@a.test", next_attempt=20.0))
    await put(store, entry("future@a.test", not_before=200.0))
    assert await store.queue.next_due() == 20.0
    assert await store.queue.lease("w", 10.0, 60.0, 10) == []
    [job] = await store.queue.lease("w", 60.0, 60.0, 1)
    assert job.entry.recipients[0].address == "early@a.test"
    assert await store.queue.next_due() == 50.0


async def test_release(store: Store) -> None:
    await put(store, entry("a@a.test", "b@b.test", next_attempt=5.0))
    await store.queue.lease("w1", 10.0, 60.0, 1)
    await store.queue.lease("w2", 10.0, 60.0, 1)
    await store.queue.release_leases("w1")
    [job] = await store.queue.lease("w3", 11.0, 60.0, 10)
    assert job.entry.recipients[0].address == "a@a.test"


async def test_report(store: Store) -> None:
    await put(store, entry("a@a.test", "b@a.test", "c@a.test"))
    [job] = await store.queue.lease("w", 10.0, 60.0, 10)
    a, b, c = (r.id for r in job.entry.recipients)
    blob = job.entry.blob
    await store.queue.report(
        [
            Attempt(a, "delivered", status="250 2.0.0 ok", remote="mx"),
            Attempt(b, "due", 99.0, "451 4.3.0 later", "mx", warned=True),
            Attempt(c, "failed", status="550 5.1.1 no", remote="mx"),
        ],
        [("t", JournalLine(11.0, "attempt"))],
    )
    [left] = await store.queue.entries()
    assert [r.state for r in left.recipients] == ["delivered", "due", "failed"]
    deferred = left.recipients[1]
    assert (deferred.attempts, deferred.next_attempt, deferred.warned) == (1, 99.0, True)
    assert (deferred.last_status, deferred.remote, deferred.lease_owner) == ("451 4.3.0 later", "mx", None)
    assert await store.queue.next_due() == 99.0
    await store.queue.report([Attempt(b, "delivered")], [])
    assert await store.queue.entries() == []
    assert await store.queue.counts() == {}
    assert await store.queue.next_due() is None
    with pytest.raises(NotFound):
        await store.contents.read(blob)


async def test_control(store: Store) -> None:
    await put(store, entry("a@a.test", "b@a.test"))
    [found] = await store.queue.entries()
    ids = [r.id for r in found.recipients]
    assert await store.queue.control(ids, state="held") == 2
    assert await store.queue.lease("w", 10.0, 60.0, 10) == []
    assert await store.queue.control(ids[:1], state="due", next_attempt=3.0, route="127.0.0.1:25") == 1
    [job] = await store.queue.lease("w", 10.0, 60.0, 10)
    assert (job.destination, job.entry.recipients[0].route) == ("127.0.0.1:25", "127.0.0.1:25")
    # Held while an attempt was under way: a deferral does not take it out of that.
    assert await store.queue.control(ids[:1], state="held") == 1
    await store.queue.report([Attempt(ids[0], "due", 20.0)], [])
    assert await store.queue.counts() == {"held": 2}
    assert await store.queue.control(ids, state="cancelled") == 2
    assert await store.queue.entries() == []
    assert await store.queue.control(ids, state="due") == 0
    with pytest.raises(Invalid):
        await store.queue.control(ids, state="lost")


async def test_lease_leaves_crowded_destinations_for_a_while(store: Store) -> None:
    await put(store, entry("a@slow.test", "b@slow.test", "c@quick.test"))
    [job] = await store.queue.lease("w", 10.0, 60.0, 1, crowded=["slow.test"])
    assert job.destination == "quick.test"
    assert await store.queue.lease("w", 11.0, 60.0, 10) == []
    [job] = await store.queue.lease("w", 40.0, 60.0, 10)
    assert [r.address for r in job.entry.recipients] == ["a@slow.test", "b@slow.test"]
