"""Mailboxes of a team in which each member has its own \\Seen, over JMAP: as IMAP has it, and told to nobody else."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.flags import ANSWERED, DELETED, FLAGGED, SEEN
from posthouse.core.rights import ALL, parse_rights
from posthouse.services.push_feed import PushFeed
from posthouse.services.rights import WHOLE
from posthouse.storage.ports import Messages
from posthouse.storage.rows import Actor, LocalCopy, Mailbox
from posthouse.wire.jmap.ids import ACCOUNT, format_id
from tests.storage.fixtures import ALL as EVERY_UID
from tests.storage.fixtures import deliver_one, make_account, message, open_backend
from tests.unit.jmap_world import JmapLimits, JmapWorld
from tests.unit.test_jmap_model import NAMES, WORDS, Client

OWN = ("INBOX", "Archive")
"""Those that begin with \\Seen for each; the trash has one for all."""


class Shared:
    """A team, and a world for each member whose calls are about the team."""

    def __init__(self, team: Any, li: JmapWorld, wang: JmapWorld) -> None:
        self.team, self.li, self.wang = team, li, wang
        self.store = li.store
        for world in (li, wang):
            world.id = format_id(ACCOUNT, team.id)

    async def box(self, name: str) -> Mailbox:
        return await self.store.mailboxes.get(self.team.id, name)

    async def put(
        self, number: int, *names: str, headers: str = "", date: float = 1.0, flags: int = 0
    ) -> str:
        copies = [
            LocalCopy(self.team.id, (await self.box(name)).id, flags=flags, date=date) for name in names
        ]
        placed = await deliver_one(self.store, message(number, headers=headers), *copies)
        return f"M{placed[0].message}"

    def by_imap(self, world: JmapWorld) -> Messages:
        return self.store.messages.acting(Actor(world.account.id, ALL))

    async def each(self, name: str, *, on: bool) -> None:
        await self.store.acls.set_own_seen(self.team.id, (await self.box(name)).id, on=on)


@asynccontextmanager
async def a_team(root: Path, rights: str = "lrswipkxtecda") -> AsyncIterator[Shared]:
    async with open_backend(root) as store:
        team = await make_account(store, "support", team=True)
        worlds = []
        for name in ("li", "wang"):
            person = await make_account(store, name, name=name.title(), password="x")
            change = ("=", parse_rights(rights if name == "wang" else "lrswipkxtecda"))
            await store.acls.set(team.id, WHOLE, person.id, negative=False, change=change, entries_max=9)
            worlds.append(JmapWorld(store, person, JmapLimits()))
        made = Shared(team, *worlds)
        for name in OWN:
            await made.each(name, on=True)
        yield made


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[Shared]:
    async with a_team(tmp_path) as made:
        yield made


async def seen(world: JmapWorld, *letters: str) -> list[bool]:
    found = (await world.call("Email/get", ids=list(letters), properties=["keywords"]))["list"]
    return [one["keywords"].get("$seen", False) for one in found]


async def unread(world: JmapWorld, name: str = "inbox") -> tuple[int, int]:
    found = (await world.call("Mailbox/get", ids=None))["list"]
    return next((one["unreadEmails"], one["unreadThreads"]) for one in found if one["role"] == name)


async def test_who_reads_a_letter_reads_it_alone(shared: Shared) -> None:
    li, wang = shared.li, shared.wang
    first, second = await shared.put(1, "INBOX"), await shared.put(2, "INBOX", date=2.0)
    assert await unread(li) == await unread(wang) == (2, 2)
    before = {
        kind: (await wang.call(f"{kind}/get", ids=[]))["state"] for kind in ("Email", "Mailbox", "Thread")
    }
    listed = await wang.call("Email/query", filter={"notKeyword": "$seen"}, calculateTotal=True)
    done = await li.call("Email/set", update={first: {"keywords/$seen": True}})
    assert done["updated"] == {first: None}
    assert (await seen(li, first, second), await seen(wang, first, second)) == ([True, False], [False, False])
    assert (await unread(li), await unread(wang)) == ((1, 1), (2, 2))
    # To the other one nothing has changed, though the account has another state.
    for kind, state in before.items():
        told = await wang.call(f"{kind}/changes", sinceState=state)
        assert (told["created"], told["updated"], told["destroyed"]) == ([], [], []), kind
        mine = await li.call(f"{kind}/changes", sinceState=state)
        assert mine["updated"] == {"Email": [first], "Thread": []}.get(kind, mine["updated"]), kind
    asked = {"filter": {"notKeyword": "$seen"}, "sinceQueryState": listed["queryState"]}
    assert (await wang.call("Email/queryChanges", **asked))["removed"] == []
    assert (await li.call("Email/queryChanges", **asked))["removed"] == [first]
    for filter_, mine, theirs in (
        ({"hasKeyword": "$seen"}, 1, 0),
        ({"notKeyword": "$seen"}, 1, 2),
        ({"allInThreadHaveKeyword": "$seen"}, 1, 0),
        ({"noneInThreadHaveKeyword": "$seen"}, 1, 2),
    ):
        totals = [
            (await world.call("Email/query", filter=filter_, calculateTotal=True, limit=1))["total"]
            for world in (li, wang)
        ]
        assert totals == [mine, theirs], filter_
    by_seen = [
        {"property": "hasKeyword", "keyword": "$seen", "isAscending": False},
        {"property": "receivedAt"},
    ]
    inbox = {"inMailbox": f"F{(await shared.box('INBOX')).id}"}
    for world, order in ((li, [first, second]), (wang, [first, second])):
        assert (await world.call("Email/query", filter=inbox, sort=by_seen, limit=5))["ids"] == order
    await wang.call("Email/set", update={second: {"keywords/$seen": True}})
    assert (await wang.call("Email/query", filter=inbox, sort=by_seen, limit=5))["ids"] == [second, first]


async def test_what_else_changes_is_everybodys(shared: Shared) -> None:
    li, wang = shared.li, shared.wang
    letter = await shared.put(1, "INBOX")
    await li.call("Email/set", update={letter: {"keywords": {"$seen": True, "$flagged": True}}})
    [found] = (await wang.call("Email/get", ids=[letter], properties=["keywords"]))["list"]
    assert found["keywords"] == {"$flagged": True}
    # Whoever replaces all keywords says of its own that it has not seen it.
    await wang.call("Email/set", update={letter: {"keywords/$seen": True}})
    await wang.call("Email/set", update={letter: {"keywords": {}}})
    assert (await seen(li, letter), await seen(wang, letter)) == ([True], [False])


async def test_what_each_has_seen_goes_along(shared: Shared) -> None:
    li, wang = shared.li, shared.wang
    boxes = {name: f"F{(await shared.box(name)).id}" for name in NAMES}
    letter = await shared.put(1, "INBOX")
    await li.call("Email/set", update={letter: {"keywords/$seen": True}})
    await wang.call("Email/set", update={letter: {"mailboxIds": {boxes["Archive"]: True}}})
    assert (await seen(li, letter), await seen(wang, letter)) == ([True], [False])
    # Read and moved at once.
    patch = {"keywords/$seen": True, "mailboxIds": {boxes["INBOX"]: True, boxes["Archive"]: True}}
    await wang.call("Email/set", update={letter: patch})
    await li.call("Email/set", update={letter: {"keywords/$seen": None}})
    assert (await seen(li, letter), await seen(wang, letter)) == ([False], [True])
    # In the trash it is read or not for all: as whoever put it there had it.
    await wang.call("Email/set", update={letter: {"mailboxIds": {boxes["Trash"]: True}}})
    assert (await seen(li, letter), await seen(wang, letter)) == ([True], [True])
    await li.call("Email/set", update={letter: {"mailboxIds": {boxes["INBOX"]: True}}})
    assert (await seen(li, letter), await seen(wang, letter)) == ([True], [False])


async def test_who_puts_a_letter_there_has_seen_it(shared: Shared) -> None:
    li, wang = shared.li, shared.wang
    record = {
        "mailboxIds": {f"F{(await shared.box('INBOX')).id}": True},
        "subject": "made",
        "keywords": {"$seen": True},
    }
    made = (await li.call("Email/set", create={"a": record}))["created"]["a"]["id"]
    assert (await seen(li, made), await seen(wang, made)) == ([True], [False])
    assert (await unread(li), await unread(wang)) == ((0, 0), (1, 1))


async def test_it_takes_the_right(tmp_path: Path) -> None:
    async with a_team(tmp_path, rights="lrw") as shared:
        letter = await shared.put(1, "INBOX")
        refused = await shared.wang.call("Email/set", update={letter: {"keywords/$seen": True}})
        assert refused["notUpdated"][letter]["type"] == "forbidden"
        done = await shared.wang.call("Email/set", update={letter: {"keywords/$flagged": True}})
        assert done["updated"] == {letter: None}
        rights = (await shared.wang.call("Mailbox/get", ids=None))["list"][0]["myRights"]
        assert (rights["maySetSeen"], rights["maySetKeywords"]) == (False, True)


async def test_clients_are_told(shared: Shared) -> None:
    letter = await shared.put(1, "INBOX")
    since = await shared.store.emails.modseq(shared.team.id)
    await shared.li.call("Email/set", update={letter: {"keywords/$seen": True}})
    feed = PushFeed(shared.store)
    modseq, types = await feed.changed(shared.team.id, since)
    assert modseq > since
    assert {"Email", "Mailbox"} <= types


# --- IMAP and JMAP of two members agree after every step ---


class Steps:
    def __init__(self, shared: Shared, rng: random.Random) -> None:
        self.shared, self.rng, self.count = shared, rng, 0

    def member(self) -> JmapWorld:
        return self.rng.choice((self.shared.li, self.shared.wang))

    async def some_box(self) -> Mailbox:
        return await self.shared.box(self.rng.choice(NAMES))

    def some_uids(self, box: Mailbox) -> list[tuple[int, int]]:
        first = self.rng.randrange(1, box.uidnext + 1)
        return [(first, first + self.rng.randrange(3))]

    async def deliver(self) -> None:
        self.count += 1
        reply = (
            f"In-Reply-To: <{self.rng.randrange(self.count)}@qq.test>\r\n" if self.rng.random() < 0.6 else ""
        )
        names = self.rng.sample(NAMES, self.rng.choice((1, 1, 1, 2)))
        flags = self.rng.choice((0, 0, SEEN))
        await self.shared.put(
            self.count, *names, headers=reply, date=float(self.rng.randrange(9)), flags=flags
        )

    async def flags(self) -> None:
        box, messages = await self.some_box(), self.shared.by_imap(self.member())
        bits = self.rng.choice((SEEN, SEEN, FLAGGED, DELETED, ANSWERED))
        more = {"add": bits} if self.rng.random() < 0.6 else {"remove": bits}
        await messages.store_flags(box.account, box.id, self.some_uids(box), **more)

    async def for_all(self) -> None:
        box = await self.some_box()
        more = {"add": SEEN} if self.rng.random() < 0.6 else {"remove": SEEN}
        await self.shared.store.messages.store_flags(box.account, box.id, self.some_uids(box), **more)

    async def copy(self) -> None:
        source, target = await self.some_box(), await self.some_box()
        messages = self.shared.by_imap(self.member())
        move = self.rng.random() < 0.5
        await messages.copy(
            source.account, source.id, self.some_uids(source), target.account, target.id, move=move
        )

    async def expunge(self) -> None:
        box, messages = await self.some_box(), self.shared.by_imap(self.member())
        await messages.expunge(box.account, box.id, self.some_uids(box), only_deleted=self.rng.random() < 0.5)

    async def set_emails(self) -> None:
        world = self.member()
        ids = (await world.call("Email/query"))["ids"]
        chosen = self.rng.sample(ids, min(len(ids), self.rng.randrange(1, 4)))
        word, value = self.rng.choice(["$seen", *WORDS]), self.rng.choice((True, None))
        box = f"F{(await self.some_box()).id}"
        patch = self.rng.choice((
            {f"keywords/{word}": value},
            {"keywords": {word: True}},
            {f"mailboxIds/{box}": value},
            {"mailboxIds": {box: True}, f"keywords/{word}": value},
        ))  # fmt: skip
        if self.rng.random() < 0.1:
            await world.call("Email/set", destroy=chosen)
        else:
            await world.call("Email/set", update=dict.fromkeys(chosen, patch))

    async def create(self) -> None:
        record = {
            "mailboxIds": {f"F{(await self.some_box()).id}": True},
            "subject": "made",
            "keywords": {"$seen": True},
        }
        await self.member().call("Email/set", create={"a": record})

    async def turn(self) -> None:
        await self.shared.each(self.rng.choice(OWN), on=self.rng.random() < 0.7)


async def as_imap_has_it(shared: Shared, client: Client) -> None:
    """Placements without \\Deleted, and the union of their flags, as the member's IMAP shows them; and its counts."""
    messages = shared.by_imap(client.world)
    expected: dict[str, tuple[set[str], int]] = {}
    for name in NAMES:
        box = await shared.box(name)
        async for rows in messages.fetch(box.account, box.id, EVERY_UID, ("message", "flags")):
            for number, flags in rows:
                if not flags & DELETED:
                    boxes, before = expected.get(f"M{number}", (set(), 0))
                    expected[f"M{number}"] = boxes | {f"F{box.id}"}, before | flags
    assert set(expected) == set(client.emails)
    for key, (boxes, flags) in expected.items():
        shown = client.emails[key]
        assert set(shown["mailboxIds"]) == boxes
        assert {name for name, bit in WORDS.items() if flags & bit} == set(shown["keywords"])
    for key, box_ in client.boxes.items():
        new = [
            one
            for one in client.emails.values()
            if key in one["mailboxIds"] and not one["keywords"].keys() & {"$seen", "$draft"}
        ]
        assert box_["unreadEmails"] == len(new), key


@pytest.mark.parametrize("seed", range(6))
async def test_members_and_protocols_agree(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    async with a_team(tmp_path) as shared:
        steps = Steps(shared, rng)
        for _ in range(4):
            await steps.deliver()
        clients = [Client(world) for world in (shared.li, shared.wang)]
        for client in clients:
            await client.start()
        actions = (
            *[steps.set_emails] * 4, *[steps.flags] * 3, steps.deliver, steps.copy, steps.copy, steps.expunge,
            steps.create, steps.for_all, steps.turn,
        )  # fmt: skip
        for _ in range(30):
            for _ in range(rng.randrange(1, 3)):
                await rng.choice(actions)()
            for client in clients:
                await client.follow(rng.choice((None, 1, 3)))
                await client.agrees()
                await as_imap_has_it(shared, client)
        for client in clients:
            assert client.state == (await client.world.call("Email/get", ids=[]))["state"]
