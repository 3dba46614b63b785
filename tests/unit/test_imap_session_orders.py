"""SORT and THREAD of a whole mailbox are kept: the same answers as without, nothing read twice."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from posthouse.sessions.imap import orders
from posthouse.storage.blobs.answers import AnswerFiles
from tests.unit.imap_world import Client, World, imap_world

QUESTIONS = (
    "SORT (REVERSE DATE) UTF-8 ALL",
    "UID SORT (SUBJECT REVERSE SIZE) UTF-8 ALL",
    "SORT (REVERSE DATE) UTF-8 FLAGGED",
    "UID SORT (REVERSE DATE) UTF-8 UNFLAGGED",
    "SORT RETURN (MIN MAX COUNT PARTIAL 2:4) (REVERSE DATE) UTF-8 ALL",
    "THREAD REFERENCES UTF-8 ALL",
    "UID THREAD REFERENCES UTF-8 ALL",
    "THREAD ORDEREDSUBJECT UTF-8 ALL",
    "THREAD REFS UTF-8 UNFLAGGED",
)


@asynccontextmanager
async def keeping_world(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(orders, "KEPT_FROM", 1)
    async with imap_world(path) as world:
        assert isinstance(world.store.answers, AnswerFiles)
        world.store.answers.limit_bytes = 1 << 20
        yield world


def letter(number: int, chance: random.Random) -> bytes:
    parent = (
        f"References: <{chance.randrange(number)}@x.test>\r\n" if number and chance.random() < 0.5 else ""
    )
    return (
        f"From: a@x.test\r\nSubject: {chance.choice(('Re: tea', 'tea', 'bread', 'salt'))}\r\n"
        f"Date: {chance.randrange(1, 29)} Jan 2024 10:00:00 +0000\r\nMessage-ID: <{number}@x.test>\r\n{parent}\r\n"
    ).encode() + b"line\r\n" * chance.randrange(9)


async def answers(client: Client) -> list[str]:
    said = []
    for question in QUESTIONS:
        lines = await client.run(question)
        said += [
            line.partition(")")[2] if "ESEARCH" in line else line for line in lines if "EXISTS" not in line
        ]
    return said


async def test_kept_answers_are_those_of_looking_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(5)
    async with keeping_world(tmp_path, monkeypatch) as world:
        await world.put(*[letter(number, chance) for number in range(40)])
        one, other = await world.login("INBOX"), await world.login("INBOX")
        kept = world.store.answers
        assert isinstance(kept, AnswerFiles)
        for step in range(40):
            await change(world, other, step, chance)
            await one.run("NOOP")
            before = await answers(one)
            again = await answers(one)
            kept.limit_bytes = 0
            assert await answers(one) == before == again
            kept.limit_bytes = 1 << 20
        assert len(list((tmp_path / "data" / "answers").iterdir())) >= 5


async def change(world: World, client: Client, step: int, chance: random.Random) -> None:
    exists = client.session.mailbox.view.exists
    number = chance.randrange(1, exists + 1)
    what = chance.choice(("put", "flag", "flag", "unflag", "expunge", "nothing"))
    if what == "put":
        await world.put(letter(100 + step, chance))
    elif what == "expunge":
        await client.run(f"STORE {number} +FLAGS.SILENT (\\Deleted)")
        await client.run("EXPUNGE")
    elif what != "nothing":
        await client.run(f"STORE {number} {'+' if what == 'flag' else '-'}FLAGS (\\Flagged)")
    await client.run("NOOP")


async def test_asking_again_reads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(6)
    async with keeping_world(tmp_path, monkeypatch) as world:
        await world.put(*[letter(number, chance) for number in range(20)])
        one, other = await world.login("INBOX"), await world.login("INBOX")
        whole = [question for question in QUESTIONS if question.endswith("ALL")]
        for question in whole:
            await one.run(question)
        await one.run("STORE 3 +FLAGS (\\Seen)")
        await other.run("NOOP")
        read: list[Any] = []
        monkeypatch.setattr(world.store.messages, "fetch", lambda *a, **_: read.append(a))
        for question in whole:
            assert (await other.run(question))[-1].endswith("completed")
        assert read == []


async def test_expunges_that_are_not_announced_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # RFC 9051 §7.5.1: SORT by numbers announces no EXPUNGE; the numbers of the others stay meanwhile.
    chance = random.Random(7)
    async with keeping_world(tmp_path, monkeypatch) as world:
        await world.put(*[letter(number, chance) for number in range(6)])
        one, other = await world.login("INBOX"), await world.login("INBOX")
        assert await one.run("SORT (ARRIVAL) UTF-8 ALL") == ["* SORT 1 2 3 4 5 6", "t OK SORT completed"]
        await other.run("STORE 2 +FLAGS.SILENT (\\Deleted)")
        await other.run("EXPUNGE")
        assert await other.run("SORT (ARRIVAL) UTF-8 ALL") == ["* SORT 1 2 3 4 5", "t OK SORT completed"]
        assert (await one.run("SORT (ARRIVAL) UTF-8 ALL"))[0] == "* SORT 1 3 4 5 6"
        assert (await one.run("UID SORT (ARRIVAL) UTF-8 ALL"))[0] == "* SORT 1 3 4 5 6"
