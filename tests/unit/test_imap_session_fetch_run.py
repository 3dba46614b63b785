"""Pipelined UID FETCH of one message each: one read of the store, the same octets as one after the other."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.errors import Unavailable
from posthouse.sessions.imap import fetch_run
from tests.storage.fixtures import message
from tests.unit.imap_world import Client, World, imap_world

ITEMS = (
    "(BODY.PEEK[])",
    "(UID FLAGS BODY.PEEK[HEADER])",
    "(BODY.PEEK[HEADER.FIELDS (Subject X-None)])",
    "(FLAGS)",
)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with imap_world(tmp_path) as world:
        await world.put(*[message(number, 300) for number in range(30)])
        client = await world.login("INBOX")
        await client.run("STORE 4,9:11 +FLAGS.SILENT (\\Deleted)")
        await client.run("EXPUNGE")
        yield world


async def pipelined(client: Client, commands: list[str]) -> bytes:
    return await client.send(b"".join(command.encode() + b"\r\n" for command in commands))


async def one_by_one(client: Client, commands: list[str]) -> bytes:
    return b"".join([await client.send(command.encode() + b"\r\n") for command in commands])


async def test_the_same_octets(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(3)
    monkeypatch.setattr(fetch_run, "RUN_MAX", 7)
    one, other = await world.login("INBOX"), await world.login("INBOX")
    for _ in range(60):
        uids = [chance.randrange(1, 36) for _ in range(chance.randrange(2, 25))]
        if chance.random() < 0.6:
            uids.sort()
        items = chance.choice(ITEMS)
        commands = [f"A{at} UID FETCH {uid} {items}" for at, uid in enumerate(uids)]
        for _ in range(chance.randrange(3)):
            other_line = chance.choice(
                ("B NOOP", "B UID FETCH 3 (UID)", f"b UID FETCH 5:7 {items}", "B STATUS INBOX (UIDNEXT)")
            )
            commands.insert(chance.randrange(len(commands)), other_line)
        said = await pipelined(one, commands)
        assert said == await one_by_one(other, commands)
        assert said.count(b" OK ") == len(commands)


async def test_one_read_for_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await world.login("INBOX")
    read: list[Any] = []
    fetch = world.store.messages.fetch
    monkeypatch.setattr(world.store.messages, "fetch", lambda *a: read.append(a[2]) or fetch(*a))  # type: ignore[func-returns-value]
    await pipelined(client, [f"A{uid} UID FETCH {uid} (BODY.PEEK[])" for uid in range(1, 31)])
    assert read == [[(1, 3), (5, 8), (12, 30)]]
    read.clear()
    await pipelined(client, [f"A{uid} UID FETCH {uid} (BODY[])" for uid in (1, 2)])
    assert len(read) > 2  # these set \Seen


@pytest.mark.parametrize(
    "other",
    [
        "A2 UID FETCH 0 (BODY.PEEK[])",
        "A2 UID FETCH 99999999999 (BODY.PEEK[])",
        "A2 UID FETCH 2x (BODY.PEEK[])",
        "+ UID FETCH 2 (BODY.PEEK[])",
        " UID FETCH 2 (BODY.PEEK[])",
        "A2 UID FETCH  2 (BODY.PEEK[])",
        "A2 UID FETCH 2 (BODY.PEEK[]) ",
        "A2 UID FETCH 2 (BODY.PEEK[]) (CHANGEDSINCE 1)",
        "A2 UID FETCH 2 (BODY.PEEK[TEXT])",
        "A2 uid fetch 2 (body.peek[])",
        "A2 UID FETCH 2,3 (BODY.PEEK[])",
        "A2 UID FETCH * (BODY.PEEK[])",
    ],
)
async def test_what_is_not_the_same(world: World, other: str) -> None:
    one, two = await world.login("INBOX"), await world.login("INBOX")
    commands = ["A1 UID FETCH 1 (BODY.PEEK[])", other, "A3 UID FETCH 3 (BODY.PEEK[])"]
    assert await pipelined(one, commands) == await one_by_one(two, commands)


async def test_a_line_that_comes_in_two_halves(world: World) -> None:
    client = await world.login("INBOX")
    said = await client.send(b"A1 UID FETCH 1 (BODY.PEEK[])\r\nA2 UID FETCH 2 (BODY.PEEK[])\r\nA3 UID FET")
    assert said.count(b"OK FETCH") == 2
    assert (await client.send(b"CH 3 (BODY.PEEK[])\r\n")).startswith(b"* 3 FETCH (UID 3 BODY[] {")


async def test_changes_of_others_are_told_at_the_end(world: World) -> None:
    one, other = await world.login("INBOX"), await world.login("INBOX")
    await other.run("UID STORE 2 +FLAGS (\\Deleted)")
    await other.run("EXPUNGE")
    said = await pipelined(one, [f"A{uid} UID FETCH {uid} (FLAGS BODY.PEEK[HEADER])" for uid in (1, 2, 3)])
    assert said.index(b"A2 OK") < said.index(b"* 2 EXPUNGE") < said.index(b"A3 OK")
    assert said.count(b"FETCH (") == 2


async def test_every_command_has_its_refusal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await world.login("INBOX")

    def broken(*_: Any) -> Any:
        raise Unavailable("no disk")

    monkeypatch.setattr(world.store.messages, "fetch", broken)
    said = await pipelined(client, [f"A{uid} UID FETCH {uid} (BODY.PEEK[])" for uid in (1, 2, 3)])
    assert [line.partition(b"]")[0] for line in said.splitlines()] == [
        b"A%d NO [UNAVAILABLE" % n for n in (1, 2, 3)
    ]
