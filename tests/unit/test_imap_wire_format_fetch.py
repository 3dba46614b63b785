"""FETCH rows: exact octets for every item, read back by the client's parser."""

import random
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.core import flags
from posthouse.wire.imap.client import Response, ResponseReader
from posthouse.wire.imap.date_time import format_date_time
from posthouse.wire.imap.engine import AppendBegin
from posthouse.wire.imap.fetch_item import BinarySection, BinarySize, BodySection, FetchItem
from posthouse.wire.imap.flag_list import FlagLists
from posthouse.wire.imap.format_fetch import BLOCK_BYTES, compile_row, format_flag_updates

from .imap_wire_feeding import run

LISTS = FlagLists(["$Junk"])


def read(data: bytes) -> list[Response]:
    reader = ResponseReader()
    reader.receive(data)
    return list(iter(reader.next_response, None))


CASES: list[tuple[list[FetchItem], tuple[str, ...], tuple[Any, ...], bytes]] = [
    (["FLAGS"], ("uid", "flags"), (9, flags.SEEN), b"FLAGS (\\Seen)"),
    (["UID"], ("uid",), (9,), b"UID 9"),
    (["FLAGS", "UID"], ("uid", "flags"), (9, 1 << 8), b"UID 9 FLAGS ($Junk)"),
    (["MODSEQ"], ("uid", "modseq"), (9, 1 << 60), b"MODSEQ (1152921504606846976)"),
    (["RFC822.SIZE"], ("uid", "size"), (9, 44827), b"RFC822.SIZE 44827"),
    (["INTERNALDATE"], ("uid", "date"), (9, 837596665.9), b'INTERNALDATE "17-Jul-1996 09:44:25 +0000"'),
    (["SAVEDATE"], ("uid", "savedate"), (9, None), b"SAVEDATE NIL"),
    (["SAVEDATE"], ("uid", "savedate"), (9, 0.0), b'SAVEDATE " 1-Jan-1970 00:00:00 +0000"'),
    (["ENVELOPE"], ("uid", "envelope"), (9, b"(NIL 100%d)"), b"ENVELOPE (NIL 100%d)"),
    (["BODYSTRUCTURE"], ("uid", "bodystructure"), (9, b"(x)"), b"BODYSTRUCTURE (x)"),
    (["BODY"], ("uid", "body"), (9, b"(x)"), b"BODY (x)"),
    (["EMAILID"], ("uid", "message"), (9, 77), b"EMAILID (M77)"),
    (["THREADID"], ("uid", "thread"), (9, 5), b"THREADID (T5)"),
    (["THREADID"], ("uid", "thread"), (9, None), b"THREADID NIL"),
    (["PREVIEW"], ("uid", "preview"), (9, 'a "b"'), b'PREVIEW "a \\"b\\""'),
    (["PREVIEW.LAZY"], ("uid", "preview"), (9, None), b"PREVIEW NIL"),
    (["PREVIEW"], ("uid", "preview"), (9, "é"), b"PREVIEW {2}\r\n\xc3\xa9"),
    ([BodySection()], ("uid",), (9, b"a\r\n"), b"BODY[] {3}\r\na\r\n"),
    ([BodySection()], ("uid",), (9, None), b"BODY[] NIL"),
    (
        [BodySection(label=b"BODY[1]<0>"), "UID", BodySection(label=b"BODY[HEADER.FIELDS (A B)]")],
        ("uid",),
        (9, b"", b"x"),
        b"UID 9 BODY[1]<0> {0}\r\n BODY[HEADER.FIELDS (A B)] {1}\r\nx",
    ),
    ([BinarySection()], ("uid",), (9, b"\x00"), b"BINARY[] ~{1}\r\n\x00"),
    ([BinarySection()], ("uid",), (9, b"x"), b"BINARY[] {1}\r\nx"),
    ([BinarySize(label=b"BINARY.SIZE[1]")], ("uid",), (9, 12), b"BINARY.SIZE[1] 12"),
]


@pytest.mark.parametrize(("items", "columns", "row", "inside"), CASES)
def test_each_item(
    items: list[FetchItem], columns: tuple[str, ...], row: tuple[Any, ...], inside: bytes
) -> None:
    template = compile_row(items, LISTS)
    assert template.columns == columns
    data = template.format(3, row)
    assert data == b"* 3 FETCH (" + inside + b")\r\n"
    assert b"".join(template.format_parts(3, row)) == data
    (response,) = read(data)
    assert (response.name, response.number) == ("FETCH", 3)
    assert len(response.pairs) == len(items)


def test_rows_of_a_chunk_in_one_call() -> None:
    template = compile_row(["UID", "FLAGS", BodySection()], LISTS)
    rows = [(uid, flags.SEEN, b"m%d" % uid) for uid in range(10, 13)]
    assert template.format_rows(range(1, 4), rows) == b"".join(
        template.format(number, row) for number, row in enumerate(rows, 1)
    )
    assert template.format_rows([], []) == b""
    with pytest.raises(ValueError, match="zip"):
        template.format_rows([1], rows)


@given(
    st.lists(st.sampled_from(("UID", "FLAGS", "MODSEQ", "RFC822.SIZE", "EMAILID")), min_size=1, unique=True),
    st.lists(st.integers(1, 60), min_size=1, unique=True).map(sorted),
    st.sampled_from((None, 0, 30, 99)),
    st.randoms(use_true_random=False),
)
def test_numbers_column_by_column(
    items: list[FetchItem], uids: list[int], recent_from: int | None, chance: random.Random
) -> None:
    template = compile_row(items, LISTS, recent_from=recent_from)
    assert template.only_numbers
    rows = [(uid, *[chance.randrange(128) for _ in template.columns[1:]]) for uid in uids]
    columns = [list(column) for column in zip(*rows, strict=True)]
    for numbers in (range(1, len(uids) + 1), range(uids[0], uids[0] + len(uids)), uids):
        assert template.format_numbers(numbers, columns) == template.format_rows(numbers, rows)


@pytest.mark.parametrize(
    "item", ["ENVELOPE", "INTERNALDATE", "PREVIEW", "THREADID", "SAVEDATE", BodySection()]
)
def test_what_is_no_number(item: FetchItem) -> None:
    assert not compile_row(["UID", "FLAGS", item], LISTS).only_numbers


def test_short_texts() -> None:
    sections = [
        BodySection(text="HEADER.FIELDS", fields=("From", "100%d"), label=b"BODY[HEADER.FIELDS (100%d)]")
    ]
    sections.append(BodySection())
    for items in (["UID", "FLAGS", *sections], [*sections]):
        template = compile_row(items, LISTS)
        rows = [(uid, *[1] * (len(template.columns) - 1), b"x" * uid, b"%d") for uid in range(5, 9)]
        assert template.format_text_rows(range(1, 5), rows) == template.format_rows(range(1, 5), rows)


def test_long_sections_are_not_copied() -> None:
    template = compile_row(["UID", BodySection()], LISTS)
    long = b"x" * BLOCK_BYTES
    rows = [(1, long), (2, b"short"), (3, None), (4, long)]
    blocks = list(template.format_blocks(range(1, 5), rows))
    assert b"".join(blocks) == template.format_rows(range(1, 5), rows)
    assert [block is long for block in blocks] == [False, True, False, True, False]


def test_recent_is_shown_from_a_uid_on() -> None:
    template = compile_row(["FLAGS"], LISTS, recent_from=11)
    assert template.format_rows([1, 2], [(10, flags.SEEN), (11, flags.SEEN)]) == (
        b"* 1 FETCH (FLAGS (\\Seen))\r\n* 2 FETCH (FLAGS (\\Seen \\Recent))\r\n"
    )


@dataclass
class Large:
    size: int


def test_a_large_section_is_left_to_the_session() -> None:
    template = compile_row(["UID", BodySection(), BinarySection()], LISTS)
    large = Large(50_000_000)
    assert template.format_parts(1, (7, large, b"x")) == [
        b"* 1 FETCH (UID 7",
        b" BODY[] {50000000}\r\n",
        large,
        b" BINARY[] {1}\r\n",
        b"x",
        b")\r\n",
    ]


def test_flag_updates() -> None:
    changed = [(10, flags.SEEN, 5), (12, 0, 6)]
    assert format_flag_updates([1, 2], changed, LISTS, uid=True, modseq=True) == (
        b"* 1 FETCH (UID 10 FLAGS (\\Seen) MODSEQ (5))\r\n* 2 FETCH (UID 12 FLAGS () MODSEQ (6))\r\n"
    )
    assert format_flag_updates([1, 2], changed, LISTS, uid=False, modseq=False, recent_from=12) == (
        b"* 1 FETCH (FLAGS (\\Seen))\r\n* 2 FETCH (FLAGS (\\Recent))\r\n"
    )


# --- date-time ---


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, b'" 1-Jan-1970 00:00:00 +0000"'),
        (-1, b'"31-Dec-1969 23:59:59 +0000"'),
        (951782400, b'"29-Feb-2000 00:00:00 +0000"'),
        (1e15, b'"31-Dec-9999 01:46:40 +0000"'),
        (-1e15, b'" 1-Jan-0001 22:13:20 +0000"'),
    ],
)
def test_date_time(seconds: float, text: bytes) -> None:
    assert format_date_time(seconds) == text


@given(st.integers(-62135596800, 253402300799))
def test_date_time_comes_back(seconds: int) -> None:
    events, _ = run([b"a APPEND x " + format_date_time(seconds) + b" {0+}\r\n\r\n"])
    assert isinstance(events[0], AppendBegin)
    assert events[0].date == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (b'"01-jan-1970 08:00:00 +0800"', 0.0),
        (b'" 1-Jan-1970 00:00:60 +0000"', 59.0),
        (b'"31-Dec-1969 19:30:00 -0430"', 0.0),
    ],
)
def test_date_time_with_zone(text: bytes, seconds: float) -> None:
    events, _ = run([b"a APPEND x " + text + b" {0+}\r\n\r\n"])
    assert events[0].date == seconds


@pytest.mark.parametrize(
    "text", [b'"31-Feb-1994 00:00:00 +0000"', b'"1-Jan-1994 24:00:00 +0000"', b'"1-Jan-1994 00:00:00 +2500"',
             b'"1-Jan-1994 00:00:61 +0000"', b'"1-Foo-1994 00:00:00 +0000"', b'"1-Jan-0000 00:00:00 +0000"',
             b'"1-Jan-1994 00:00 +0000"']
)  # fmt: skip
def test_bad_date_times_are_refused(text: bytes) -> None:
    events, _ = run([b"a APPEND x " + text + b" {0+}\r\n\r\n"])
    assert b"date and time" in events[0].answer or b"'quoted'" in events[0].answer
