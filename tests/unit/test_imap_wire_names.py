"""Mailbox names in modified UTF-7, LIST patterns, sequence sets."""

import time
from array import array
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.wire.imap import mailbox_name
from posthouse.wire.imap.list_pattern import ListPattern
from posthouse.wire.imap.response import format_uid_set, to_ranges
from posthouse.wire.imap.sequence_set import SequenceSet, format_ranges, parse_sequence_set

# --- modified UTF-7 ---

MUTF7 = [
    (b"INBOX", "INBOX"),
    (b"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),  # RFC 3501 §5.1.3
    (b"&-", "&"),
    (b"a&-b&-", "a&b&"),
    (b"&Jjo-!", "☺!"),
    (b"&2D3cTA-", "👌"),
    (b"&AAkACg-", "\t\n"),
    (b"Entw&APw-rfe", "Entwürfe"),
    (b"&g0l6P3ux-", "草稿箱"),
    (b"", ""),
]


@pytest.mark.parametrize(("wire", "name"), MUTF7)
def test_mutf7(wire: bytes, name: str) -> None:
    assert mailbox_name.decode_mutf7(wire) == name
    assert mailbox_name.encode_mutf7(name) == wire


@pytest.mark.parametrize(
    "wire",
    [
        b"&",  # not closed
        b"&Jjo",
        b"&Jjo!",  # RFC 3501 §5.1.3
        b"&U,BTFw-&ZeVnLIqe-",  # RFC 3501 §5.1.3: superfluous shift
        b"&AGE-",  # printable ASCII in base64
        b"&ACY-",
        b"&Jj-",  # half a code unit
        b"&Jjp-",  # set pad bits
        b"&2D0-",  # lone surrogates
        b"&3EzYPQ-",
        b"&Jjo/-",  # the alphabet has "," for "/"
        b"&AAA-",  # NUL
        "ü".encode(),
        b"a\x00b",
        b"a\tb",
    ],
)
def test_malformed_mutf7_is_refused(wire: bytes) -> None:
    with pytest.raises(ValueError, match="The mailbox name"):
        mailbox_name.decode_mutf7(wire)


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00")))
def test_mutf7_of_any_name_comes_back(name: str) -> None:
    wire = mailbox_name.encode_mutf7(name)
    assert wire.isascii()
    assert mailbox_name.decode_mutf7(wire) == name


@given(st.binary(max_size=40))
def test_a_name_that_decodes_encodes_to_the_same_octets(wire: bytes) -> None:
    for utf8 in (False, True):
        try:
            name = mailbox_name.decode(wire, utf8=utf8)
        except ValueError:
            continue
        assert mailbox_name.encode(name, utf8=utf8) == wire


def test_inbox_in_any_case_is_inbox() -> None:
    assert mailbox_name.fold_inbox("iNbOx") == "INBOX"
    assert mailbox_name.fold_inbox("inbox/a") == "inbox/a"
    assert mailbox_name.fold_inbox("ınbox") == "ınbox"  # dotless i


# --- LIST patterns ---


def matches_slowly(pattern: str, name: str) -> bool:
    """The definition of `*` and `%`, position by position."""
    states = {0}
    for at in range(len(pattern) + 1):
        grown = set(states)
        for state in states if at < len(pattern) and pattern[at] in "*%" else ():
            for end in range(state, len(name)):
                if pattern[at] == "%" and name[end] == "/":
                    break
                grown.add(end + 1)
        if at == len(pattern):
            return len(name) in states
        if pattern[at] in "*%":
            states = grown
        else:
            states = {state + 1 for state in states if name[state : state + 1] == pattern[at]}
    return False


PATTERNS = [
    ("", "*", "a/b", True),
    ("", "%", "a/b", False),
    ("", "%", "a", True),
    ("", "%/%", "a/b", True),
    ("", "%/%", "a/b/c", False),
    ("a/", "%", "a/b", True),
    ("", "*b", "a/b", True),
    ("", "a%b*c", "axb/y/c", True),
    ("", "inbox", "INBOX", True),
    ("", "InB%", "INBOX", True),
    ("", "ınbox", "INBOX", False),  # dotless i
    ("", "sent", "Sent", False),
    ("", "", "a", False),
    ("", "a.c", "abc", False),
    ("", "*", "a\nb", True),
]


@pytest.mark.parametrize(("reference", "pattern", "name", "result"), PATTERNS)
def test_list_pattern(reference: str, pattern: str, name: str, result: bool) -> None:
    assert ListPattern(reference, pattern).matches(name) is result


@given(st.text("ab/*%", max_size=10), st.text("ab/", max_size=14))
def test_list_pattern_agrees_with_the_definition(pattern: str, name: str) -> None:
    assert ListPattern("", pattern).matches(name) is matches_slowly(pattern, name)


def test_hostile_patterns_are_not_slow() -> None:
    start = time.process_time()
    for pattern in (
        "%a" * 50 + "b",
        "*a" * 50 + "b",
        "*%" * 500 + "b",
        "*a%" * 30 + "/b",
        "%" * 1000,
        "*a%a%a" * 9,
    ):
        ListPattern("", pattern).matches("a" * 1000)
    assert time.process_time() - start < 1.0


# --- sequence sets ---

SETS: list[tuple[bytes, tuple[tuple[int, int], ...]]] = [
    (b"1", ((1, 1),)),
    (b"2,4:7,9,12:*", ((2, 2), (4, 7), (9, 9), (12, 0))),
    (b"*:4,5:7", ((0, 4), (5, 7))),
    (b"*", ((0, 0),)),
    (b"4294967295", ((4294967295, 4294967295),)),
]


@pytest.mark.parametrize(("text", "ranges"), SETS)
def test_sequence_set(text: bytes, ranges: tuple[tuple[int, int], ...]) -> None:
    found = parse_sequence_set(text)
    assert found == SequenceSet(ranges)
    assert format_ranges(ranges) == text
    assert repr(found) == f"SequenceSet({text!r})"


@pytest.mark.parametrize("text", [b"$,1,4:6", b"1,4:6,$", b"1,$,4:6"])
def test_the_saved_result_among_other_numbers(text: bytes) -> None:
    assert parse_sequence_set(text) == SequenceSet(((1, 1), (4, 6)), saved=True)


@pytest.mark.parametrize(
    "text", [b"", b"0", b"01", b"1,", b",1", b"1:", b":1", b"1:2:3", b"$:1", b"1,$,", b"2:$", b"$$", b"**",
             b"4294967296", b"1:4294967296", b"10000000000", b"1 2", b"-1", b"1;2"]
)  # fmt: skip
def test_what_is_no_sequence_set(text: bytes) -> None:
    assert parse_sequence_set(text) is None


@pytest.mark.parametrize(
    ("text", "largest", "ranges"),
    [
        (b"2,4:7,9,12:*", 15, [(2, 2), (4, 7), (9, 9), (12, 15)]),  # RFC 9051 §9
        (b"*:4,5:7", 10, [(4, 10)]),  # RFC 9051 §9
        (b"3291:*", 100, [(100, 3291)]),
        (b"5,1:2,3", 9, [(1, 3), (5, 5)]),
        (b"*", 0, []),
        (b"3:*", 0, [(3, 3)]),
        (b"*:*", 7, [(7, 7)]),
    ],
)
def test_resolve(text: bytes, largest: int, ranges: list[tuple[int, int]]) -> None:
    found = parse_sequence_set(text)
    assert found is not None
    assert found.resolve(largest) == ranges


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1), st.integers(1, 30))
def test_resolve_agrees_with_the_definition(pairs: list[tuple[int, int]], largest: int) -> None:
    want: set[int] = set()
    for first, last in pairs:
        low, high = sorted((first or largest, last or largest))
        want.update(range(low, high + 1))
    ranges = SequenceSet(tuple(pairs)).resolve(largest)
    assert [number for low, high in ranges for number in range(low, high + 1)] == sorted(want)
    assert all(after[0] > before[1] + 1 for before, after in pairwise(ranges))


def test_largest_and_star() -> None:
    found = parse_sequence_set(b"5,*,3:9")
    assert found is not None
    assert (found.largest(), found.has_star) == (9, True)
    assert (SequenceSet(saved=True).largest(), SequenceSet(saved=True).has_star) == (0, False)


@given(st.sets(st.integers(1, 200)))
def test_uid_set_comes_back(numbers: set[int]) -> None:
    ordered = sorted(numbers)
    for sequence in (ordered, array("I", ordered)):
        text = format_uid_set(sequence)
        if not ordered:
            assert text == b""
            continue
        found = parse_sequence_set(text)
        assert found is not None
        assert found.resolve(1) == to_ranges(ordered)
        assert [n for low, high in found.ranges for n in range(low, high + 1)] == ordered
