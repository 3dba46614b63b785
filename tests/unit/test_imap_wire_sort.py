"""SORT and THREAD as text and as values; PARTIAL of SEARCH and UID FETCH."""

from __future__ import annotations

from typing import Any

import pytest

from posthouse.wire.imap import command as cmd
from posthouse.wire.imap import search_key as k
from posthouse.wire.imap.format_sort import format_sort, format_thread
from posthouse.wire.imap.response import format_esearch, partial_slice
from posthouse.wire.imap.sequence_set import SequenceSet

from .imap_wire_feeding import parse_one, refusal

A = b"a"
DATE = (("DATE", False),)
CASES: list[tuple[bytes, Any]] = [
    (b"SORT (DATE) UTF-8 ALL", cmd.Sort(A, k.All(), None, "UTF-8", False, None, criteria=DATE)),
    (
        b"uid sort return (min partial -1:-5) (subject reverse displayfrom) us-ascii all",
        cmd.Sort(
            A, k.All(), frozenset(("MIN", "PARTIAL")), "US-ASCII", True, (-1, -5),
            criteria=(("SUBJECT", False), ("DISPLAYFROM", True)),
        ),
    ),
    (b"SORT RETURN () (DATE) UTF-8 ALL",
     cmd.Sort(A, k.All(), frozenset(("ALL",)), "UTF-8", False, None, criteria=DATE)),
    (b"THREAD references UTF-8 ALL", cmd.Thread(A, "REFERENCES", k.All(), "UTF-8")),
    (b"UID THREAD ORDEREDSUBJECT UTF-8 ALL", cmd.Thread(A, "ORDEREDSUBJECT", k.All(), "UTF-8", True)),
    (b"SEARCH RETURN (PARTIAL 23500:24000) ALL",
     cmd.Search(A, k.All(), frozenset(("PARTIAL",)), partial=(23500, 24000))),
    # RFC 5267 §5, RFC 5465 §7
    (b"SEARCH RETURN (COUNT UPDATE (UID FLAGS) CONTEXT) ALL",
     cmd.Search(A, k.All(), frozenset(("COUNT", "UPDATE", "CONTEXT")), updated=("UID", "FLAGS"))),
    (b"UID SORT RETURN (UPDATE) (DATE) UTF-8 ALL",
     cmd.Sort(A, k.All(), frozenset(("UPDATE",)), "UTF-8", True, criteria=DATE)),
    (b'CANCELUPDATE "B01" "B02"', cmd.CancelUpdate(A, (b"B01", b"B02"))),
    (b"UID FETCH 1:9 FLAGS (PARTIAL -1:-3 CHANGEDSINCE 7)",
     cmd.Fetch(A, SequenceSet(((1, 9),)), ("UID", "FLAGS", "MODSEQ"), True, 7, False, (-1, -3))),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), CASES)
def test_commands(text: bytes, value: Any) -> None:
    assert parse_one(b"a " + text + b"\r\n") == value


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (b"SORT DATE UTF-8 ALL", "Expected '(' before the sort keys"),
        (b"SORT () UTF-8 ALL", "Expected a sort key"),
        (b"SORT (REVERSE) UTF-8 ALL", "Expected a space and another argument"),
        (b"SORT (SPAM) UTF-8 ALL", "Unknown sort key SPAM"),
        (b"SORT (DATE) ALL", "Unknown character set"),
        (b"SORT (DATE) UTF-8", "Expected a space"),
        (b"SORT (" + b" ".join([b"DATE"] * 21) + b") UTF-8 ALL", "More than 20 sort keys"),
        (b"THREAD FOO UTF-8 ALL", "Unknown threading algorithm FOO"),
        (b"SEARCH RETURN (PARTIAL 1:5 ALL) ALL", "PARTIAL and ALL exclude each other"),
        (b"SEARCH RETURN (PARTIAL 1:5 PARTIAL 6:9) ALL", "PARTIAL can be there once"),
        (b"SEARCH RETURN (PARTIAL 0:5) ALL", "Expected a position"),
        (b"SEARCH RETURN (PARTIAL -1:5) ALL", "Expected '-' here too"),
        (b"SEARCH RETURN (PARTIAL 1:*) ALL", "Expected a number above zero"),
        (b"FETCH 1 FLAGS (PARTIAL 1:5)", "Expected CHANGEDSINCE"),
    ],
)
def test_refusals(text: bytes, part: str) -> None:
    assert part in refusal(b"a " + text + b"\r\n")


@pytest.mark.parametrize(
    ("partial", "count", "found"),
    [
        ((1, 3), 10, [0, 1, 2]),
        ((3, 1), 10, [0, 1, 2]),
        ((9, 12), 10, [8, 9]),
        ((11, 12), 10, []),
        ((-1, -3), 10, [7, 8, 9]),
        ((-3, -4), 10, [6, 7]),
        ((-9, -20), 10, [0, 1]),
        ((-11, -20), 10, []),
        ((-1, -1), 0, []),
    ],
)
def test_positions(partial: tuple[int, int], count: int, found: list[int]) -> None:
    assert list(range(count))[partial_slice(partial, count)] == found


def test_answers() -> None:
    assert format_sort([5, 3, 4]) == b"* SORT 5 3 4\r\n"
    assert format_sort([]) == b"* SORT\r\n"
    assert format_sort([2], modseq=9) == b"* SORT 2 (MODSEQ 9)\r\n"
    assert format_thread([], {}, []) == b"* THREAD\r\n"
    # RFC 5256 §4
    numbers = [2, 3, 4, 6, 7, 23, 44, 96]
    tree = {1: [3], 3: [2, 6], 2: [5], 6: [4], 4: [7]}
    assert format_thread([0, 1], tree, numbers) == b"* THREAD (2)(3 6 (4 23)(44 7 96))\r\n"
    assert format_thread([8], {8: [1, 2]}, numbers) == b"* THREAD ((3)(4))\r\n"


def test_sorted_sets_keep_their_order() -> None:
    # RFC 5267 §3.2
    answer = format_esearch(
        A,
        uid=True,
        returns=frozenset(("ALL", "MIN", "MAX")),
        numbers=[23765, 23764, 1, 2, 3, 9],
        ascending=False,
    )
    assert answer == b'* ESEARCH (TAG "a") UID MIN 23765 MAX 9 ALL 23765,23764,1:3,9\r\n'
    answer = format_esearch(A, uid=False, returns=frozenset(("ALL",)), numbers=[1, 3, 2, 4], ascending=False)
    assert answer == b'* ESEARCH (TAG "a") ALL 1,3,2,4\r\n'


def test_partial_answers() -> None:
    returns = frozenset(("PARTIAL", "COUNT"))
    answer = format_esearch(A, uid=True, returns=returns, numbers=[3, 4, 5, 9], partial=(-1, -3))
    assert answer == b'* ESEARCH (TAG "a") UID PARTIAL (-1:-3 4:5,9) COUNT 4\r\n'
    answer = format_esearch(A, uid=True, returns=returns, numbers=[3], partial=(24000, 24500))
    assert answer == b'* ESEARCH (TAG "a") UID PARTIAL (24000:24500 NIL) COUNT 1\r\n'
