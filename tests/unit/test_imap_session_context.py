"""UPDATE: a client that only follows ADDTO and REMOVEFROM has what a new search finds."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.sessions.imap import ImapLimits
from posthouse.wire.imap.format_context import ADD, REMOVE, format_updates
from tests.storage.fixtures import message
from tests.unit.imap_world import Client, World, imap_world, said_while_idle

FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "$Work")
ESEARCH = re.compile(
    r'\* ESEARCH \(TAG "(\w+)"\)( UID)?(?: ALL (\S+))?((?: (?:ADDTO|REMOVEFROM) \([^)]*\))*)'
)
DATA = re.compile(r"(ADDTO|REMOVEFROM) \(([^)]*)\)")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with imap_world(tmp_path) as world:
        yield world


def numbers(text: str | None) -> list[int]:
    out: list[int] = []
    for part in (text or "").split(",") if text else ():
        first, _, last = part.partition(":")
        out += range(int(first), int(last or first) + 1)
    return out


class Results:
    """What a client knows of one search; sequence numbers follow EXPUNGE."""

    def __init__(self, command: str, found: list[int]) -> None:
        self.command = command
        self.by_uid = command.startswith("UID")
        self.sorts = " SORT " in f" {command}"
        self.found = found

    def take(self, data: str) -> None:
        for kind, inside in DATA.findall(data):
            words = inside.split(" ")
            for place, text in zip(map(int, words[::2]), words[1::2], strict=True):
                named = numbers(text)
                assert (place == 0) is not self.sorts
                if kind == "ADDTO":
                    assert not set(named) & set(self.found)
                    at = place - 1 if place else len(self.found)
                    self.found[at:at] = named
                elif place:
                    assert self.found[place - 1 : place - 1 + len(named)] == named
                    del self.found[place - 1 : place - 1 + len(named)]
                else:
                    assert set(named) <= set(self.found)
                    self.found = [number for number in self.found if number not in named]
        if not self.sorts:
            self.found.sort()

    def expunged(self, number: int) -> None:
        if not self.by_uid:
            assert number not in self.found, "an expunged message was still among the results"
            self.found = [n - (n > number) for n in self.found]


class Follower:
    def __init__(self, client: Client) -> None:
        self.client = client
        self.results: dict[str, Results] = {}

    async def search(self, command: str) -> None:
        lines = await self.client.run(command.replace("RETURN ()", "RETURN (UPDATE ALL)"))
        assert lines[-1].startswith("t OK"), lines
        (found,) = [line for line in lines if line.startswith("* ESEARCH")]
        match = ESEARCH.fullmatch(found)
        assert match
        self.results[match[1]] = Results(command, numbers(match[3]))

    def hear(self, lines: list[str]) -> None:
        for line in lines:
            if match := ESEARCH.fullmatch(line):
                if match[1] in self.results:
                    self.results[match[1]].take(match[4])
            elif match := re.fullmatch(r"\* (\d+) EXPUNGE", line):
                for results in self.results.values():
                    results.expunged(int(match[1]))

    async def compare(self) -> int:
        """How many results were compared with those of today."""
        self.hear(await self.client.run("NOOP"))
        for results in self.results.values():
            lines = await self.client.run(results.command.replace("RETURN ()", "RETURN (ALL)"))
            self.hear(lines[:-2])
            match = ESEARCH.fullmatch(lines[-2])
            assert match
            assert results.found == numbers(match[3]), results.command
        return len(self.results)


COMMANDS = (
    "UID SEARCH RETURN () UNSEEN",
    "SEARCH RETURN () NOT (FLAGGED SEEN)",
    "SEARCH RETURN () KEYWORD $Work",
    "SEARCH RETURN () BODY line SMALLER 900",
    "UID SORT RETURN () (REVERSE SIZE) UTF-8 UNDELETED",
    "SORT RETURN () (SIZE REVERSE ARRIVAL) UTF-8 ALL",
    "UID SORT RETURN () (SUBJECT REVERSE DATE) UTF-8 OR FLAGGED UNSEEN",
)


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_followed_is_what_is_found(world: World, seed: int) -> None:
    chance = random.Random(seed)
    await world.letters(10)
    other = await world.login("INBOX")
    follower = Follower(await world.login("INBOX"))
    for command in COMMANDS:
        await follower.search(command)
    for _ in range(40):
        exists = len(other.session.mailbox.view.uids)
        who = follower.client if chance.random() < 0.3 else other
        first = chance.randint(1, max(exists, 1))
        some = f"{first}:{min(first + chance.randint(0, 4), max(exists, 1))}"
        kind = chance.randrange(6) if exists else 0
        if kind < 2:
            size = chance.choice((400, 800, 800, 1200))
            lines = await who.append(
                "INBOX", message(chance.randrange(20), size), f"({chance.choice(FLAGS)}) "
            )
        elif kind < 5:
            await other.run("NOOP")
            await follower.compare()  # so that numbers mean the same
            sign = chance.choice("+-")
            lines = await who.run(
                f"STORE {some} {sign}FLAGS{chance.choice(('', '.SILENT'))} ({chance.choice(FLAGS)})"
            )
        else:
            lines = await who.run("EXPUNGE")
        if who is follower.client:
            follower.hear(lines)
        if chance.random() < 0.4:
            # RFC 9051 §7.5.1: EXPUNGE is held back here, REMOVEFROM is not
            follower.hear(await follower.client.run("FETCH 1 FLAGS"))
        await other.run("NOOP")
        if chance.random() < 0.5:
            await follower.compare()
    assert await follower.compare() == len(COMMANDS)
    await follower.compare()


BY_UID = (
    "UID SEARCH RETURN () UNSEEN",
    "UID SORT RETURN () (REVERSE SIZE) UTF-8 UNDELETED",
    "UID SEARCH RETURN () FUZZY BODY lime",
)


@pytest.mark.parametrize("mode", ["QRESYNC", "UIDONLY", "IMAP4rev2", "NOTIFY"])
async def test_with_other_extensions(world: World, mode: str) -> None:
    """VANISHED for EXPUNGE, no message numbers, ESEARCH for all, changes told between commands."""
    chance = random.Random(mode)
    await world.letters(10)
    other, client = await world.login("INBOX"), await world.login()
    if mode == "NOTIFY":
        await client.run("NOTIFY SET (selected (MessageNew (UID) MessageExpunge FlagChange))")
    else:
        await client.run(f"ENABLE {mode}")
    await client.run("SELECT INBOX")
    follower = Follower(client)
    for command in BY_UID:
        await follower.search(command)
    for _ in range(30):
        await other.run("NOOP")
        exists = len(other.session.mailbox.view.uids)
        kind = chance.randrange(6) if exists else 0
        first = chance.randint(1, max(exists, 1))
        if kind < 2:
            await other.append(
                "INBOX", message(exists, chance.choice((400, 800))), f"({chance.choice(FLAGS)}) "
            )
        elif kind < 5:
            some = f"{first}:{min(first + 3, exists)}"
            await other.run(f"STORE {some} {chance.choice('+-')}FLAGS ({chance.choice(FLAGS)})")
        else:
            await other.run("EXPUNGE")
        follower.hear((await client.settle()).decode().split("\r\n"))
        if chance.random() < 0.5:
            await follower.compare()
    assert await follower.compare() == len(BY_UID)


async def test_many_new_results_at_once(world: World) -> None:
    await world.letters(3)
    follower = Follower(await world.login("INBOX"))
    await follower.search("UID SORT RETURN () (SUBJECT) UTF-8 ALL")
    await follower.search("SORT RETURN () (REVERSE SUBJECT) UTF-8 ALL")
    await world.letters(100)
    await follower.compare()
    assert len(follower.results) == 2
    assert all(len(results.found) == 103 for results in follower.results.values())


async def test_idle_hears_of_results(world: World) -> None:
    await world.letters(2)
    client = await world.login("INBOX")
    await client.run("UID SEARCH RETURN (UPDATE) UNSEEN")
    tag = f"t{client.tag}"
    assert await client.send(b"i1 IDLE\r\n") == b"+ idling\r\n"
    other = await world.login("INBOX")
    await other.run("STORE 1 +FLAGS (\\Seen)")
    said = await said_while_idle(client, lines=2)
    assert said == [
        b"* 1 FETCH (FLAGS (\\Seen \\Recent))",
        b'* ESEARCH (TAG "%b") UID REMOVEFROM (0 1)' % tag.encode(),
    ]
    await client.send(b"DONE\r\n")


async def test_fetch_of_new_results(world: World) -> None:
    """RFC 5465 §7."""
    await world.letters(1)
    client = await world.login("INBOX")
    await client.run("SEARCH RETURN (COUNT UPDATE (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])) UNSEEN")
    tag = f"t{client.tag}"
    await world.letters(1)
    assert await client.run("NOOP") == [
        "* 2 EXISTS",
        "* 2 RECENT",
        "* 2 FETCH (UID 2 BODY[HEADER.FIELDS (SUBJECT)] {23}",
        "Subject: a letter 1",
        "",
        ")",
        f'* ESEARCH (TAG "{tag}") ADDTO (0 2)',
        "t OK NOOP completed",
    ]
    lines = await client.run("STORE 1 +FLAGS.SILENT (\\Seen)")
    assert lines == [f'* ESEARCH (TAG "{tag}") REMOVEFROM (0 1)', "t OK STORE completed"]
    # RFC 5465 §7: no FETCH of what comes by its flags
    lines = await client.run("STORE 1 -FLAGS.SILENT (\\Seen)")
    assert lines == [f'* ESEARCH (TAG "{tag}") ADDTO (0 1)', "t OK STORE completed"]


async def test_removed_is_said_while_expunge_waits(world: World) -> None:
    """RFC 5267 Appendix A.3."""
    await world.letters(3)
    client, other = await world.login("INBOX"), await world.login("INBOX")
    await client.run("SEARCH RETURN (UPDATE) ALL")
    tag = f"t{client.tag}"
    await other.run("UID MOVE 2 Trash")
    assert await client.run("FETCH 3 UID") == [
        "* 3 FETCH (UID 3)",
        f'* ESEARCH (TAG "{tag}") REMOVEFROM (0 2)',
        "t OK FETCH completed",
    ]
    assert await client.run("NOOP") == ["* 2 EXPUNGE", "t OK NOOP completed"]


async def test_limits(tmp_path: Path) -> None:
    async with imap_world(tmp_path, ImapLimits(contexts_max=2, context_results_max=3)) as world:
        await world.letters(4)
        client = await world.login("INBOX")
        lines = await client.run("SEARCH RETURN (UPDATE COUNT) ALL")
        assert (
            lines[1]
            == f'* NO [NOUPDATE "t{client.tag}"] Too many results to keep up to date; search for less'
        )
        for _ in range(2):
            assert len(await client.run("SEARCH RETURN (UPDATE COUNT) SEEN")) == 2
        lines = await client.run("SEARCH RETURN (UPDATE COUNT) SEEN")
        assert lines[1].startswith(f'* NO [NOUPDATE "t{client.tag}"] Too many searches')
        assert await client.run(f'CANCELUPDATE "t{client.tag - 2}"') == ["t OK CANCELUPDATE completed"]
        assert len(await client.run("SEARCH RETURN (UPDATE COUNT) SEEN")) == 2


@pytest.mark.parametrize(
    ("updates", "text"),
    [
        ([(ADD, 0, 2), (ADD, 0, 3), (ADD, 0, 7)], b"ADDTO (0 2:3,7)"),
        # RFC 5267 §4.3.3: one set in the order of the results
        ([(ADD, 1, 2731), (ADD, 2, 2732), (ADD, 3, 2733)], b"ADDTO (1 2731:2733)"),
        ([(ADD, 1, 9), (ADD, 2, 4), (ADD, 5, 5)], b"ADDTO (1 9,4 5 5)"),
        ([(REMOVE, 2, 8), (REMOVE, 2, 3), (REMOVE, 1, 1)], b"REMOVEFROM (2 8,3 1 1)"),
        ([(REMOVE, 0, 8), (ADD, 0, 9)], b"REMOVEFROM (0 8) ADDTO (0 9)"),
    ],
)
def test_format(updates: list[tuple[bool, int, int]], text: bytes) -> None:
    assert format_updates(b"B1", updates, uid=True) == b'* ESEARCH (TAG "B1") UID %b\r\n' % text
