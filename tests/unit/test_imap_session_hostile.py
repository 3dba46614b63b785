"""Commands made to cost much: each is answered with a clear word, holds little memory, and the session goes on."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.sessions.imap import search_match
from tests.unit.imap_world import Client, World, imap_world

LETTERS = 60
PEAK_MAX_BYTES = 12 << 20
"""What one hostile command may hold at a time, the octets that it sends at once not counted."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with imap_world(tmp_path) as world:
        await world.letters(LETTERS)
        yield world


def literal(data: bytes) -> bytes:
    return b"{%d+}\r\n%b" % (len(data), data)


def listed(word: bytes, count: int, between: bytes = b" ") -> bytes:
    return between.join([word % at if b"%d" in word else word for at in range(count)])


def packets(data: bytes) -> Iterator[bytes]:
    """As a server reads them."""
    for start in range(0, len(data), 65536):
        yield data[start : start + 65536]


LINE = "BAD [TOOBIG] Line longer than 65536 octets"
LITERAL = "BAD [TOOBIG] Literal larger than 65536 octets"
DEEP = "BAD Search keys inside each other more than 50 levels deep; simplify the search"
KEYS = "BAD More than 2000 search keys; split the search"
HOSTILE: list[tuple[str, bytes, str]] = [
    # keys inside each other, and beside each other
    ("NOT, deep", b"SEARCH " + b"NOT " * 10_000 + b"ALL", DEEP),
    ("parentheses, deep", b"SEARCH " + b"(" * 20_000 + b"ALL" + b")" * 20_000, DEEP),
    ("OR, 10^4", b"SEARCH " + b"OR ALL " * 10_000 + b"ALL", LINE),
    ("OR, deep", b"SEARCH " + b"OR ALL " * 8_000 + b"ALL", DEEP),
    ("FUZZY, deep", b"SEARCH " + b"FUZZY " * 8_000 + b"ALL", DEEP),
    ("OR, wide", b"SEARCH " + listed(b"OR FROM a SUBJECT b", 3_000), KEYS),
    ("OR, wide, allowed", b"SEARCH " + listed(b"OR FROM a SUBJECT b", 600), "OK SEARCH completed"),
    ("TEXT, many", b"SEARCH " + listed(b"OR TEXT zq%d SEEN", 600), "OK SEARCH completed"),
    ("FUZZY, many", b"SEARCH " + listed(b"OR FUZZY TEXT mesage%d SEEN", 400), "OK SEARCH completed"),
    ("literals, many", b"SEARCH " + b" ".join([b"SUBJECT " + literal(b"x")] * 3_000), KEYS),
    ("filters in a row", b"SEARCH " + listed(b"FILTER a%d", 1_900), "NO [UNDEFINED-FILTER a0] "),
    # long texts
    ("needle, 60 KB", b"SEARCH TEXT " + literal(b"a" * 60_000), "OK SEARCH completed"),
    ("needle, FUZZY", b"SEARCH FUZZY TEXT " + literal(b"lettre " * 9_000), "OK SEARCH completed"),
    ("needle, 10 MB", b"SEARCH TEXT " + literal(b"a" * 10_000_000), LITERAL),
    ("literal, 4 GB", b"SELECT {4294967295}", LITERAL),
    ("literal, no number", b"SELECT {99999999999999999999}", LITERAL),
    ("line, 8 MB", b"NOOP " + b"x" * (8 << 20), LINE),
    ("quoted, 1 MB", b'SELECT "' + b"x" * (1 << 20) + b'"', LINE),
    # sets
    ("set, 10^6", b"UID FETCH " + listed(b"%d", 1_000_000, b",") + b" FLAGS", LINE),
    ("set, gaps", b"UID FETCH " + listed(b"1%d", 9_000, b",") + b" FLAGS", "OK FETCH completed"),
    ("set, overlapping", b"UID STORE " + listed(b"1:1%d", 7_000, b",") + rb" +FLAGS.SILENT (\Seen)",
     "OK STORE completed"),
    ("set, stars", b"UID FETCH " + listed(b"*:%d", 9_000, b",").replace(b"*:0,", b"") + b" UID",
     "OK FETCH completed"),
    ("set in SEARCH", b"SEARCH NOT UID " + listed(b"%d0", 8_000, b",").replace(b"00,", b"", 1),
     "OK SEARCH completed"),
    # FETCH
    ("sections, thousands", b"FETCH 1:* (" + listed(b"BODY.PEEK[1%d.1]", 3_000) + b")",
     "BAD More than 200 items; split"),
    ("sections, allowed", b"FETCH 1:* (" + listed(b"BODY.PEEK[1%d.1]", 190) + b")", "OK FETCH completed"),
    ("section, deep", b"FETCH 1 BODY.PEEK[" + listed(b"1", 5_000, b".") + b"]",
     "BAD A part number has at most 100 levels"),
    ("fields, many", b"FETCH 1 BODY.PEEK[HEADER.FIELDS (" + listed(b"x%d", 5_000) + b")]",
     "BAD More than 200 header fields; split"),
    # what else is long
    ("keywords", b"STORE 1 FLAGS (" + listed(b"k%d", 5_000) + b")", "BAD More than 1000 flags; split"),
    ("patterns", b'LIST "" (' + listed(b'"*a*b*c*"', 3_000) + b")", "BAD More than 100 patterns; split"),
    ("wildcards", b'LIST "" "' + b"*%" * 400 + b'"', "OK LIST completed"),
    ("levels", b"CREATE " + listed(b"a", 3_000, b"/"), "NO [CANNOT] "),
    ("name", b"CREATE " + b"a" * 30_000, "NO [CANNOT] "),
    ("STATUS", b"STATUS INBOX (" + listed(b"MESSAGES", 5_000) + b")", "OK STATUS completed"),
    ("ENABLE", b"ENABLE " + listed(b"X%d", 5_000), "OK ENABLE completed"),
    ("ID", b"ID (" + listed(b'"a%d" "b"', 5_000) + b")", "BAD Expected at most 30 fields"),
    ("SORT", b"SORT (" + listed(b"SUBJECT", 500) + b") UTF-8 ALL", "BAD More than 20 sort keys"),
    ("annotations", b'SETMETADATA "" (' + listed(b'/private/x%d "v"', 3_000) + b")",
     "BAD More than 200 entries; split"),
    ("NOTIFY", b"NOTIFY SET " + listed(b"(mailboxes (" + listed(b"a", 90) + b") (MessageNew MessageExpunge))", 90),
     "BAD More than 1000 mailboxes; "),
    ("CANCELUPDATE", b"CANCELUPDATE " + listed(b'"x"', 5_000), "BAD More than 100 tags; split"),
    ("CATENATE", b"APPEND INBOX CATENATE (" + listed(b'URL "/INBOX/;UID=1"', 3_000) + b")",
     "BAD More than 200 URLs in a row"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "answer"), [row[1:] for row in HOSTILE], ids=[row[0] for row in HOSTILE])
async def test_hostile_commands(world: World, command: bytes, answer: str) -> None:
    client = await world.login("INBOX")
    raw = b"h1 " + command + b"\r\n"
    gc.collect()
    tracemalloc.start()
    said = b""
    for packet in packets(raw):
        said += await client.send(packet)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    last = said.split(b"\r\n")[-2].decode()
    assert last.startswith(f"h1 {answer}"), last
    assert peak < PEAK_MAX_BYTES
    assert held - len(said) < 4 << 20
    assert client.session.engine.buffered == 0
    assert await client.run("NOOP") == ["t OK NOOP completed"]


async def test_a_literal_that_never_ends_is_not_kept(world: World) -> None:
    client = await world.login("INBOX")
    assert await client.send(b"a0 LOGIN {10000000+}\r\n") == b""
    for _ in range(64):
        assert await client.send(b"x" * 65536) == b""
        assert client.session.engine.buffered <= 65536
    other = world.connect()
    said = await other.send(b"a1 LOGIN {4000000000+}\r\n")
    assert said.startswith(b"* BYE ")
    assert other.peer.closed


async def test_header_fields_are_read_once_for_all_keys(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """600 keys, 60 messages: the fields of each message are taken apart once for each name, and folded once."""
    parsed: list[Any] = []
    real = search_match.parse_fields
    monkeypatch.setattr(search_match, "parse_fields", lambda text: parsed.append(1) or real(text))
    client = await world.login("INBOX")
    await client.run(b"SEARCH " + listed(b"OR FROM q%d SUBJECT e", 600))
    assert len(parsed) <= 2 * LETTERS


async def test_many_wrong_commands_end_the_connection(world: World) -> None:
    client: Client = world.connect()
    said = await client.send(b"a BAD\r\n" * 200)
    assert said.count(b"a BAD Unknown command") == 50
    assert b"* BYE Too many commands in a row that make no sense" in said
    assert client.peer.closed
