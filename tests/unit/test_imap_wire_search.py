"""SEARCH as text and as a tree."""

from datetime import date

import pytest

from posthouse.core import flags
from posthouse.wire.imap import search_key as key
from posthouse.wire.imap.command import Search
from posthouse.wire.imap.parse_search import ARGUMENT_KEYS, CHARSETS, PLAIN_KEYS
from posthouse.wire.imap.search_key import SearchKey
from posthouse.wire.imap.sequence_set import SequenceSet

from .imap_wire_feeding import parse_one, refusal, run

FEB1 = date(1994, 2, 1)

KEYS: list[tuple[bytes, SearchKey]] = [
    (b"ALL", key.All()),
    (b"answered", key.Flag(flags.ANSWERED)),
    (b"DELETED", key.Flag(flags.DELETED)),
    (b"DRAFT", key.Flag(flags.DRAFT)),
    (b"FLAGGED", key.Flag(flags.FLAGGED)),
    (b"SEEN", key.Flag(flags.SEEN)),
    (b"RECENT", key.Flag(flags.RECENT)),
    (b"UNANSWERED", key.Flag(flags.ANSWERED, present=False)),
    (b"UNDELETED", key.Flag(flags.DELETED, present=False)),
    (b"UNDRAFT", key.Flag(flags.DRAFT, present=False)),
    (b"UNFLAGGED", key.Flag(flags.FLAGGED, present=False)),
    (b"UNSEEN", key.Flag(flags.SEEN, present=False)),
    (b"OLD", key.Flag(flags.RECENT, present=False)),
    (b"NEW", key.And((key.Flag(flags.RECENT), key.Flag(flags.SEEN, present=False)))),
    (b"SAVEDATESUPPORTED", key.SaveDateSupported()),
    (b"BCC x", key.Header("Bcc", "x")),
    (b"CC x", key.Header("Cc", "x")),
    (b'FROM "Smith"', key.Header("From", "Smith")),
    (b"TO {2+}\r\nli", key.Header("To", "li")),
    (b'SUBJECT "\xe4\xbd\xa0"', key.Header("Subject", "你")),
    (b'HEADER Message-ID ""', key.Header("Message-ID", "")),
    (b"BODY x", key.Text("BODY", "x")),
    (b"TEXT x", key.Text("TEXT", "x")),
    (b"BEFORE 1-Feb-1994", key.Date("internal", "before", FEB1)),
    (b'ON "01-feb-1994"', key.Date("internal", "on", FEB1)),
    (b"SINCE 1-Feb-1994", key.Date("internal", "since", FEB1)),
    (b"SENTBEFORE 1-Feb-1994", key.Date("sent", "before", FEB1)),
    (b"SENTON 1-Feb-1994", key.Date("sent", "on", FEB1)),
    (b"SENTSINCE 1-Feb-1994", key.Date("sent", "since", FEB1)),
    (b"SAVEDBEFORE 1-Feb-1994", key.Date("saved", "before", FEB1)),
    (b"SAVEDON 1-Feb-1994", key.Date("saved", "on", FEB1)),
    (b"SAVEDSINCE 1-Feb-1994", key.Date("saved", "since", FEB1)),
    (b"LARGER 4000000000000", key.Size("larger", 4000000000000)),
    (b"SMALLER 0", key.Size("smaller", 0)),
    (b"OLDER 259200", key.Within("older", 259200)),
    (b"YOUNGER 1", key.Within("younger", 1)),
    (b"KEYWORD $Junk", key.Keyword("$Junk")),
    (b"UNKEYWORD x", key.Keyword("x", present=False)),
    (b"MODSEQ 620162338", key.ModSeq(620162338)),
    (b'MODSEQ "/flags/\\\\draft" all 620162338', key.ModSeq(620162338, "/flags/\\draft", "all")),
    (b"UID 1:*", key.Uid(SequenceSet(((1, 0),)))),
    (b"UIDAFTER 25000", key.Uid(SequenceSet(((25001, 4294967295),)))),
    (b"UIDBEFORE 25000", key.Uid(SequenceSet(((1, 24999),)))),
    (b"2,4:7", key.Sequence(SequenceSet(((2, 2), (4, 7))))),
    (b"*", key.Sequence(SequenceSet(((0, 0),)))),
    (b"$", key.Sequence(SequenceSet(saved=True))),
    (b"EMAILID M12", key.EmailId("M12")),
    (b"THREADID T_a-1", key.ThreadId("T_a-1")),
    (b"FILTER On-The-Road", key.Filter("on-the-road")),
    (b"FUZZY SUBJECT x", key.Like("HEADER", "x", "Subject")),
    (b"FUZZY (BODY x SEEN FILTER y)",
     key.And((key.Like("BODY", "x"), key.Flag(flags.SEEN), key.Filter("y", fuzzy=True)))),
    (b'FUZZY HEADER Message-ID ""', key.Header("Message-ID", "")),
    (b"NOT NOT ALL", key.Not(key.Not(key.All()))),
    (b"OR ALL (1 SEEN)", key.Or(key.All(), key.And((key.Sequence(SequenceSet(((1, 1),))), key.Flag(flags.SEEN))))),
    (b"((ALL))", key.All()),
    (b"ALL SEEN", key.And((key.All(), key.Flag(flags.SEEN)))),
]  # fmt: skip


@pytest.mark.parametrize(("text", "tree"), KEYS)
def test_keys(text: bytes, tree: SearchKey) -> None:
    assert parse_one(b"a SEARCH " + text + b"\r\n") == Search(b"a", tree)


def test_every_key_of_the_tables_is_tested() -> None:
    tested = {text.split(b" ")[0].upper() for text, _ in KEYS}
    assert set(PLAIN_KEYS) | set(ARGUMENT_KEYS) <= tested


def test_return_options() -> None:
    assert parse_one(b"a SEARCH ALL\r\n").returns is None
    assert parse_one(b"a UID SEARCH RETURN () ALL\r\n") == Search(
        b"a", key.All(), frozenset(["ALL"]), uid=True
    )
    found = parse_one(b"a SEARCH RETURN (MIN max COUNT SAVE) ALL\r\n")
    assert found.returns == {"MIN", "MAX", "COUNT", "SAVE"}


@pytest.mark.parametrize("charset", sorted(set(CHARSETS) - {"US-ASCII"}))
def test_charsets(charset: str) -> None:
    text = "é" if charset in ("ISO-8859-1", "ISO-8859-15", "WINDOWS-1252") else "д"
    if charset in ("EUC-KR", "GBK", "GB2312", "BIG5"):
        text = "中"
    value = text.encode(CHARSETS[charset])
    data = b"a SEARCH CHARSET %b SUBJECT {%d+}\r\n%b\r\n" % (charset.lower().encode(), len(value), value)
    assert parse_one(data) == Search(b"a", key.Header("Subject", text), None, charset)


def test_an_unknown_charset_is_answered_with_those_there_are() -> None:
    event = parse_one(b'a SEARCH CHARSET "KLINGON" ALL\r\n')
    assert event.answer.startswith(b"a NO [BADCHARSET (US-ASCII UTF-8 ")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (b"", "Expected a search key at column 10"),
        (b"FOO", "Unknown search key FOO at column 10"),
        (b"()", "Expected a search key at column 11"),
        (b"(ALL", "Expected ')' or a space and another search key at column 14"),
        (b"NOT", "Expected a space and another argument at column 13"),
        (b"OR ALL", "Expected a space and another argument at column 16"),
        (b"FROM", "Expected a space and another argument at column 14"),
        (b"SINCE 31-Feb-1994", "There is no such day at column 16"),
        (b"SINCE 1-Foo-1994", "Expected a date such as 1-Feb-2026 at column 16"),
        (b'SINCE "1-Feb-1994', "Expected a date such as 1-Feb-2026 at column 16"),
        (b"SINCE 1-Feb-19945", "Expected a date such as 1-Feb-2026 at column 16"),
        (b"OLDER 0", "Expected seconds at column 16"),
        (b"LARGER x", "Expected a size in octets at column 17"),
        (b'MODSEQ "x" foo 1', "Expected priv, shared or all, before this at column 24"),
        (b"RETURN (FOO) ALL", "Unknown return option FOO, before this at column 21"),
        (b"SUBJECT {1+}\r\n\xff", "The string is not in the character set of the search, before this at column 1 "
         "after literal 1"),
        (b"NOT " * 60 + b"ALL",
         "Search keys inside each other more than 50 levels deep; simplify the search at column 214"),
        (b"(" * 60 + b"ALL" + b")" * 60, "Search keys inside each other more than 50 levels deep; simplify the search "
         "at column 61"),
        (b" ".join([b"ALL"] * 2001), "More than 2000 search keys; split the search at column 8010"),
    ],
)  # fmt: skip
def test_refusals(text: bytes, answer: str) -> None:
    if len(text) > 5000:
        events, _ = run([b"a SEARCH " + text + b"\r\n"])
        assert events[0].text == answer
    else:
        assert refusal(b"a SEARCH " + text + b"\r\n") == answer


def test_deep_but_allowed() -> None:
    found = parse_one(b"a SEARCH " + b"NOT " * 50 + b"ALL\r\n")
    depth, tree = 0, found.key
    while isinstance(tree, key.Not):
        depth, tree = depth + 1, tree.key
    assert depth == 50
