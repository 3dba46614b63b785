"""SORT on a mailbox: every key, ties, ESORT, PARTIAL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.imap_world import Client, imap_world

LETTERS = (
    # From, To, Cc, Subject, Date, lines
    ("Zoe <anna@a.test>", "li@b.test", "", "Re: beta", "Mon, 01 Jan 2024 10:00:00 +0800", 3),
    ("=?utf-8?q?=C3=A4rger?= <bob@a.test>", "<x@b.test>", "c@d.test", "alpha", "Mon, 01 Jan 2024 03:00:00 GMT", 1),
    ("carl@a.test", "", "", "[list] Beta", "Mon, 01 Jan 2024 01:00:00 +0000", 2),
    ("Anna <carl@z.test>", "li@b.test", "a@d.test", "", "not a date", 9),
)  # fmt: skip


def letter(sender: str, to: str, cc: str, subject: str, date: str, lines: int) -> bytes:
    head = f"From: {sender}\r\nTo: {to}\r\nCc: {cc}\r\nSubject: {subject}\r\nDate: {date}\r\n\r\n"
    return head.encode() + b"a line\r\n" * lines * 20


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with imap_world(tmp_path) as world:
        await world.put(*[letter(*one) for one in LETTERS])
        yield await world.login("INBOX")


@pytest.mark.parametrize(
    ("keys", "order"),
    [
        ("ARRIVAL", "1 2 3 4"),  # all at the same moment
        ("REVERSE ARRIVAL", "1 2 3 4"),
        ("SIZE", "2 3 1 4"),
        ("REVERSE SIZE", "4 1 3 2"),
        ("DATE", "4 3 1 2"),  # without a date: the internal one, 1970 here
        ("REVERSE DATE", "2 1 3 4"),
        ("SUBJECT", "4 2 1 3"),
        ("REVERSE SUBJECT", "1 3 2 4"),
        ("SUBJECT DATE", "4 2 3 1"),
        ("SUBJECT REVERSE DATE", "4 2 1 3"),
        ("FROM", "1 2 3 4"),
        ("FROM REVERSE SIZE", "1 2 4 3"),
        ("TO SIZE", "3 1 4 2"),
        ("CC SIZE", "3 1 4 2"),
        ("DISPLAYFROM", "4 2 3 1"),
        ("DISPLAYTO SIZE", "3 1 4 2"),
    ],
)
async def test_keys(client: Client, keys: str, order: str) -> None:
    assert await client.run(f"SORT ({keys}) UTF-8 ALL") == [f"* SORT {order}", "t OK SORT completed"]


async def test_only_what_matches(client: Client) -> None:
    await client.run("STORE 2 +FLAGS.SILENT (\\Deleted)")
    await client.run("EXPUNGE")
    assert (await client.run("SORT (SIZE) UTF-8 SMALLER 1000"))[0] == "* SORT 2 1"
    assert (await client.run("UID SORT (SIZE) UTF-8 SMALLER 1000"))[0] == "* SORT 3 1"
    assert (await client.run('SORT (SIZE) US-ASCII TEXT "not in mailbox"'))[0] == "* SORT"
    assert (await client.run("SORT (SIZE) UTF-8 MODSEQ 1"))[1].startswith("* SORT 2 1 3 (MODSEQ ")


async def test_extended(client: Client) -> None:
    said = await client.run("UID SORT RETURN (MIN MAX COUNT ALL) (SIZE) UTF-8 ALL")
    assert said[0].endswith(" UID MIN 2 MAX 4 ALL 2:3,1,4 COUNT 4")
    said = await client.run("SORT RETURN (PARTIAL 2:3 SAVE) (SIZE) UTF-8 ALL")
    assert said[0].endswith(") PARTIAL (2:3 3,1)")
    assert (await client.run("SEARCH $"))[0] == "* SEARCH 1 3"


async def test_many_are_sorted_beside_the_loop(tmp_path: Path) -> None:
    async with imap_world(tmp_path) as world:
        await world.letters(1500)
        client = await world.login("INBOX")
        said = await client.run("SORT (REVERSE SIZE SUBJECT) UTF-8 ALL")
        numbers = list(map(int, said[0].split()[2:]))
        assert sorted(numbers) == list(range(1, 1501))
        assert numbers[:2] == [1000, 1001]
        said = await client.run("THREAD REFERENCES UTF-8 ALL")
        assert said[0].startswith("* THREAD (1)(2)(3)")
