"""A mailbox store against a model of dictionaries: any sequence of commands leaves both alike."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from posthouse.core.flags import DELETED, SEEN
from posthouse.storage.rows import LocalCopy, Mailbox, UidRanges
from tests.storage.fixtures import ALL, deliver_one, make_account, message, open_backend, rows

BOXES = 3
FLAGS = st.integers(0, 31) | st.sampled_from([1 << 62, 1 << 80])
BOX = st.integers(0, BOXES - 1)


@st.composite
def ranges(draw: st.DrawFn) -> UidRanges:
    edges = sorted(draw(st.sets(st.integers(1, 14), min_size=2, max_size=4)))
    return [(edges[at], edges[at + 1]) for at in range(0, len(edges) - 1, 2)]


def within(uid: int, uids: UidRanges) -> bool:
    return any(first <= uid <= last for first, last in uids)


class StoreAgainstModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.root = Path(tempfile.mkdtemp())
        self.stack = AsyncExitStack()
        self.number = 0
        self.runner.run(self._open())

    async def _open(self) -> None:
        self.store = await self.stack.enter_async_context(open_backend(self.root))
        one, two = await make_account(self.store, "one"), await make_account(self.store, "two")
        self.boxes: list[Mailbox] = [
            await self.store.mailboxes.get(one.id, "INBOX"),
            await self.store.mailboxes.get(one.id, "Sent"),
            await self.store.mailboxes.get(two.id, "INBOX"),
        ]
        await self.store.messages.keyword_bits(one.id, [f"k{n}" for n in range(80)])
        await self.store.messages.keyword_bits(two.id, [f"k{n}" for n in range(80)])
        self.model: list[dict[int, tuple[int, bytes]]] = [{} for _ in range(BOXES)]
        self.uidnext = [1] * BOXES
        self.modseq = [0] * BOXES

    def run(self, awaitable: Any) -> Any:
        return self.runner.run(awaitable)

    def add(self, box: int, flags: int, data: bytes) -> int:
        uid = self.uidnext[box]
        self.uidnext[box] += 1
        self.model[box][uid] = (flags, data)
        return uid

    @rule(to=st.lists(st.tuples(BOX, FLAGS), min_size=1, max_size=4), size=st.sampled_from([0, 70_000]))
    def deliver(self, to: list[tuple[int, int]], size: int) -> None:
        self.number += 1
        data = message(self.number, size)
        copies = [LocalCopy(self.boxes[b].account, self.boxes[b].id, flags=flags) for b, flags in to]
        placed = self.run(deliver_one(self.store, data, *copies))
        assert [p.uid for p in placed] == [self.add(box, flags, data) for box, flags in to]

    @rule(box=BOX, uids=ranges(), add=FLAGS, remove=FLAGS, replace=st.none() | FLAGS)
    def store_flags(self, box: int, uids: UidRanges, add: int, remove: int, replace: int | None) -> None:
        mailbox = self.boxes[box]
        stored = self.run(
            self.store.messages.store_flags(
                mailbox.account, mailbox.id, uids, add=add, remove=remove, replace=replace
            )
        )
        expected = []
        for uid, (flags, data) in self.model[box].items():
            if within(uid, uids):
                new = (flags if replace is None else replace) & ~remove | add
                self.model[box][uid] = (new, data)
                expected.append((uid, new))
        assert [change[:2] for change in stored.changed] == expected

    @rule(source=BOX, onto=BOX, uids=ranges(), move=st.booleans())
    def copy(self, source: int, onto: int, uids: UidRanges, move: bool) -> None:
        a, b = self.boxes[source], self.boxes[onto]
        copied = self.run(self.store.messages.copy(a.account, a.id, uids, b.account, b.id, move=move))
        picked = {uid: value for uid, value in self.model[source].items() if within(uid, uids)}
        assert copied.source == list(picked)
        assert copied.target == [self.add(onto, *value) for value in picked.values()]
        for uid in picked if move else ():
            del self.model[source][uid]

    @rule(box=BOX, uids=st.none() | ranges(), only_deleted=st.booleans())
    def expunge(self, box: int, uids: UidRanges | None, only_deleted: bool) -> None:
        mailbox = self.boxes[box]
        gone = [
            uid
            for uid, (flags, _) in self.model[box].items()
            if within(uid, uids or ALL) and (flags & DELETED or not only_deleted)
        ]
        done = self.run(
            self.store.messages.expunge(mailbox.account, mailbox.id, uids, only_deleted=only_deleted)
        )
        assert done.uids == gone
        for uid in gone:
            del self.model[box][uid]

    @invariant()
    def both_are_alike(self) -> None:
        for box, mailbox in enumerate(self.boxes):
            model = self.model[box]
            found = self.run(rows(self.store, mailbox, "uid", "flags", "content"))
            assert found == [(uid, flags, data) for uid, (flags, data) in model.items()]
            snapshot = self.run(self.store.messages.snapshot(mailbox.account, mailbox.id))
            assert list(snapshot.uids) == list(model)
            now = self.run(self.store.mailboxes.by_id(mailbox.account, mailbox.id))
            assert (now.messages, now.uidnext) == (len(model), self.uidnext[box])
            assert now.unseen == sum(not flags & SEEN for flags, _ in model.values())
            assert now.deleted == sum(bool(flags & DELETED) for flags, _ in model.values())
            assert now.modseq >= self.modseq[box]
            self.modseq[box] = now.modseq

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()
        shutil.rmtree(self.root)


TestStoreAgainstModel = StoreAgainstModel.TestCase
TestStoreAgainstModel.settings = settings(
    max_examples=40, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
