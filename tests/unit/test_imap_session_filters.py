"""FILTER: what cannot be used, and filters made to explode."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.core import flags
from posthouse.wire.imap import search_key as k
from posthouse.wire.imap.parse_search import stored_keys
from tests.unit.imap_world import Client, imap_world


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with imap_world(tmp_path) as world:
        await world.letters(2)
        yield await world.login("INBOX")


async def keep(client: Client, **filters: str) -> None:
    for name, value in filters.items():
        raw = value.encode()
        lines = await client.run(
            b'SETMETADATA "" (/private/filters/values/%b {%d+}\r\n%b)' % (name.encode(), len(raw), raw)
        )
        assert lines == ["t OK SETMETADATA completed"]


async def test_filters_that_double_at_every_step_are_refused(client: Client) -> None:
    row = " ".join(["FILTER f{0}"] * 8)
    await keep(client, **{f"f{at}": row.format(at + 1) for at in range(7)}, f7="SEEN")
    assert (await client.run("SEARCH FILTER f0"))[0].startswith("t NO [LIMIT] ")
    assert (await client.run("SEARCH FILTER f5"))[-1] == "t OK SEARCH completed"


async def test_filters_deep_inside_each_other_are_refused(client: Client) -> None:
    deep = "NOT " * 40
    await keep(client, one=f"{deep}SEEN", two=f"{deep}FILTER one")
    assert (await client.run("SEARCH FILTER one"))[-1] == "t OK SEARCH completed"
    assert (await client.run("SEARCH FILTER two"))[0].startswith("t NO [LIMIT] ")


async def test_more_passes_than_there_may_be(client: Client) -> None:
    await keep(client, **{f"f{at}": f"FILTER f{at + 1}" for at in range(9)}, f9="ALL")
    assert (await client.run("SEARCH FILTER f0"))[0].startswith("t NO [UNDEFINED-FILTER ")
    assert (await client.run("SEARCH FILTER f2"))[-1] == "t OK SEARCH completed"


async def test_message_numbers_of_a_filter_under_uidonly(client: Client) -> None:
    await keep(client, one="1")
    await client.run("ENABLE UIDONLY")
    assert (await client.run("UID SEARCH FILTER one"))[0].startswith("t BAD [UIDREQUIRED] ")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'FROM "\xe5\xbc\xa0" SEEN', k.And((k.Header("From", "张"), k.Flag(flags.SEEN)))),
        (
            b"(SUBJECT {4}\r\na) b) 1",
            k.And((k.Header("Subject", "a) b"), k.Sequence(k.SequenceSet(((1, 1),))))),
        ),
    ],
)
def test_stored_text(text: bytes, value: k.SearchKey) -> None:
    assert stored_keys(text) == value
