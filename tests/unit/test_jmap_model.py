"""IMAP, POP3, delivery and JMAP on one account: every view agrees after every step, and a client that only follows
changes knows the same as one that fetches everything.

IMAP and POP3 are the calls of the store that their sessions make; the account is checked when the store closes.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.flags import ANSWERED, DELETED, DRAFT, FLAGGED, SEEN
from posthouse.storage.rows import Mailbox
from tests.storage.fixtures import message, rows
from tests.unit.jmap_world import JmapWorld, jmap_world

NAMES = ("INBOX", "Archive", "Trash")
WORDS = {"$seen": SEEN, "$flagged": FLAGGED, "$answered": ANSWERED, "$draft": DRAFT}
FILTERS: list[dict[str, Any]] = [
    {},
    {"notKeyword": "$seen"},
    {"hasKeyword": "$flagged"},
    {"someInThreadHaveKeyword": "$seen"},
]


class Client:
    """Knows an account by what it was told."""

    def __init__(self, world: JmapWorld) -> None:
        self.world = world
        self.emails: dict[str, Any] = {}
        self.boxes: dict[str, Any] = {}
        self.threads: dict[str, Any] = {}
        self.state = ""
        self.lists: list[tuple[dict[str, Any], list[str], str]] = []

    async def fetch(self, kind: str, ids: list[str] | None) -> dict[str, Any]:
        arguments: dict[str, Any] = {"ids": ids}
        if kind == "Email":
            arguments["properties"] = ["keywords", "mailboxIds", "threadId", "size"]
        got = await self.world.call(f"{kind}/get", **arguments)
        return {one["id"]: one for one in got["list"]}

    async def start(self) -> None:
        self.state = (await self.world.call("Email/get", ids=[]))["state"]
        self.emails, self.boxes = await self.fetch("Email", None), await self.fetch("Mailbox", None)
        self.threads = await self.fetch("Thread", [one["threadId"] for one in self.emails.values()])
        for filter_ in FILTERS:
            collapse = bool(len(self.lists) % 2)
            found = await self.world.call("Email/query", filter=filter_, collapseThreads=collapse)
            self.lists.append((filter_, found["ids"], found["queryState"]))

    async def follow(self, most: int | None) -> None:
        for kind, known in (("Email", self.emails), ("Mailbox", self.boxes), ("Thread", self.threads)):
            state, more = self.state, True
            while more:
                limit = {"maxChanges": most} if most and kind != "Mailbox" else {}
                told = await self.world.call(f"{kind}/changes", sinceState=state, **limit)
                assert (
                    not most
                    or kind == "Mailbox"
                    or sum(len(told[name]) for name in ("created", "updated", "destroyed")) <= most
                )
                for gone in told["destroyed"]:
                    known.pop(gone, None)
                known.update(await self.fetch(kind, [*told["created"], *told["updated"]]))
                state, more = told["newState"], told["hasMoreChanges"]
        self.state = state
        for at, (filter_, ids, query_state) in enumerate(self.lists):
            told = await self.world.call(
                "Email/queryChanges",
                sinceQueryState=query_state,
                filter=filter_,
                collapseThreads=bool(at % 2),
            )
            kept = [one for one in ids if one not in told["removed"]]
            for added in told["added"]:
                kept.insert(added["index"], added["id"])
            self.lists[at] = filter_, kept, told["newQueryState"]

    async def agrees(self) -> None:
        fresh = Client(self.world)
        await fresh.start()
        assert self.emails == fresh.emails
        assert self.boxes == fresh.boxes
        assert self.threads == fresh.threads
        for (filter_, mine, _), (_, right, _) in zip(self.lists, fresh.lists, strict=True):
            assert mine == right, filter_


async def as_imap_has_it(world: JmapWorld, client: Client) -> None:
    """Placements without \\Deleted, and the union of their flags."""
    expected: dict[str, tuple[set[str], int]] = {}
    for name in NAMES:
        box = await world.store.mailboxes.get(world.account.id, name)
        for number, flags in await rows(world.store, box, "message", "flags"):
            if not flags & DELETED:
                boxes, before = expected.get(f"M{number}", (set(), 0))
                expected[f"M{number}"] = boxes | {f"F{box.id}"}, before | flags
    assert set(expected) == set(client.emails)
    for key, (boxes, flags) in expected.items():
        shown = client.emails[key]
        assert set(shown["mailboxIds"]) == boxes
        assert {name for name, bit in WORDS.items() if flags & bit} == set(shown["keywords"])


class Steps:
    def __init__(self, world: JmapWorld, rng: random.Random) -> None:
        self.world = world
        self.rng = rng
        self.count = 0

    async def box(self) -> Mailbox:
        return await self.world.store.mailboxes.get(self.world.account.id, self.rng.choice(NAMES))

    async def deliver(self) -> None:
        self.count += 1
        headers = (
            f"In-Reply-To: <{self.rng.randrange(self.count)}@qq.test>\r\n" if self.rng.random() < 0.6 else ""
        )
        names = self.rng.sample(NAMES, self.rng.choice((1, 1, 1, 2)))
        await self.world.put(message(self.count, headers=headers), *names, date=float(self.rng.randrange(9)))

    def some(self, box: Mailbox) -> list[tuple[int, int]]:
        first = self.rng.randrange(1, box.uidnext + 1)
        return [(first, first + self.rng.randrange(3))]

    async def flags(self) -> None:
        box = await self.box()
        bits = self.rng.choice((SEEN, FLAGGED, DELETED, ANSWERED))
        more = {"add": bits} if self.rng.random() < 0.6 else {"remove": bits}
        await self.world.store.messages.store_flags(box.account, box.id, self.some(box), **more)

    async def copy(self) -> None:
        source, target = await self.box(), await self.box()
        move = self.rng.random() < 0.5
        await self.world.store.messages.copy(
            source.account, source.id, self.some(source), target.account, target.id, move=move
        )

    async def expunge(self) -> None:
        box = await self.box()
        await self.world.store.messages.expunge(
            box.account, box.id, self.some(box), only_deleted=self.rng.random() < 0.5
        )

    async def set_emails(self) -> None:
        ids = (await self.world.call("Email/query"))["ids"]
        chosen = self.rng.sample(ids, min(len(ids), self.rng.randrange(1, 4)))
        word, value = self.rng.choice(list(WORDS)), self.rng.choice((True, None))
        box = f"F{(await self.box()).id}"
        patches = (
            {f"keywords/{word}": value},
            {"keywords": {word: True}},
            {f"mailboxIds/{box}": value},
            {"mailboxIds": {box: True}},
        )
        patch = self.rng.choice(patches)
        if self.rng.random() < 0.15:
            await self.world.call("Email/set", destroy=chosen)
        else:
            await self.world.call("Email/set", update=dict.fromkeys(chosen, patch))

    async def create(self) -> None:
        record = {
            "mailboxIds": {f"F{(await self.box()).id}": True},
            "subject": "made",
            "keywords": {"$draft": True},
        }
        await self.world.call("Email/set", create={"a": record})


@pytest.mark.parametrize("seed", range(6))
async def test_all_views_agree(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    async with jmap_world(tmp_path) as world:
        client, steps = Client(world), Steps(world, rng)
        for _ in range(4):
            await steps.deliver()
        await client.start()
        actions = (
            steps.deliver,
            steps.flags,
            steps.flags,
            steps.copy,
            steps.expunge,
            steps.set_emails,
            steps.create,
        )
        for _ in range(35):
            for _ in range(rng.randrange(1, 3)):
                await rng.choice(actions)()
            await client.follow(rng.choice((None, 1, 3)))
            await client.agrees()
            await as_imap_has_it(world, client)
        assert client.state == (await world.call("Email/get", ids=[]))["state"]
