"""Header pieces: fields, encoded words, parameters, dates, charsets, threads, addresses."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.mime.address import Mailbox, format_mailbox, parse_addresses, parse_mailboxes
from posthouse.mime.charset import codec_name, decode_bytes
from posthouse.mime.dates import format_date, parse_date
from posthouse.mime.header import (
    Header,
    find_all,
    fold,
    header_bytes,
    header_text,
    parse_fields,
    raw_fields,
    unfold,
)
from posthouse.mime.params import format_param, param, parse_disposition, parse_media_type
from posthouse.mime.threads import base_subject, message_ids, references
from posthouse.mime.words import decode_unstructured, decode_words, encode_words

HEADER = b"From nobody Mon Jan 1\r\nSubject: a\r\n b\r\nX-Y : z\r\ngarbage\r\nSUBJECT:second\r\n\r\n"


def test_fields() -> None:
    fields = parse_fields(header_text(HEADER))
    assert [name for name, _ in fields] == ["Subject", "X-Y", "SUBJECT"]
    assert find_all(fields, "subject") == ["a b", "second"]


def test_header_knows_its_fields_by_name() -> None:
    header = Header(header_text(HEADER))
    assert (header.first("subject"), header.last("subject")) == ("a b", "second")
    assert (header.first("date"), header.last("date")) == (None, None)
    assert [(whole, name) for whole, name, _ in header.lines] == [
        ("Subject: a\r\n b\r\n", "Subject"),
        ("X-Y : z\r\n", "X-Y"),
        ("SUBJECT:second\r\n", "SUBJECT"),
    ]


@given(
    st.tuples(st.integers(0, 32), st.sampled_from(("Jan", "Feb", "Dec", "Foo")), st.integers(0, 9999)),
    st.tuples(st.integers(0, 25), st.integers(0, 61), st.integers(0, 61)),
    st.tuples(st.sampled_from("+-"), st.integers(0, 9999)),
)
def test_common_dates_read_as_the_general_form_does(
    day: tuple[int, str, int], clock: tuple[int, int, int], zone: tuple[str, int]
) -> None:
    moment = "{} {} {:04d} {:02d}:{:02d}:{:02d} {}{:04d}".format(*day, *clock, *zone)
    assert parse_date(f"Mon, {moment}") == parse_date(f"Mon,\t{moment}")


def test_raw_fields_hold_their_folding() -> None:
    assert [(name, HEADER[start:end]) for name, start, end in raw_fields(HEADER)] == [
        (b"subject", b"Subject: a\r\n b\r\n"),
        (b"x-y", b"X-Y : z\r\n"),
        (b"subject", b"SUBJECT:second\r\n"),
    ]


@given(st.binary(max_size=100))
def test_header_text_loses_nothing(raw: bytes) -> None:
    assert header_bytes(header_text(raw)) == raw


@given(st.lists(st.text("abc é你", min_size=1, max_size=30), max_size=20))
def test_folding_unfolds(words: list[str]) -> None:
    value = encode_words(" ".join(words)).strip()
    folded = fold("Subject", value)
    assert unfold(folded.partition(":")[2]) == value
    assert all(len(line) <= 78 for line in folded.split("\r\n") if " " in line.strip())


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain  text", "plain  text"),
        (b"=?utf-8?B?5L2g5aW9?=", "你好"),
        (b"=?UTF-8?Q?=E4=BD=A0_=E5=A5=BD?= x", "你 好 x"),
        (b"=?gb2312?B?xOO6ww==?=", "你好"),
        # a character split between two words, which RFC 2047 §5 forbids and senders do
        (b"=?utf-8?B?5L2g5Q==?= =?utf-8?B?pb0=?=", "你好"),
        (b"=?utf-8?B?5L2g5Q==?=\r\n =?UTF-8?Q?=A5=BD?= end", "你好 end"),
        (b"a =?us-ascii?q?b?= =?iso-8859-1?q?=E9?= c", "a bé c"),
        (b"=?utf-8*zh?b?5L2g?=", "你"),
        (b"=?unknown-8bit?q?=C4=E3=BA=C3=B0=A1?=", "你好啊"),
        (b"=?utf-8?b?5L2g?", "=?utf-8?b?5L2g?"),
        (b"=?x?z?y?=", "=?x?z?y?="),
        (b"=?utf-8?q?what?_is?=", "what? is"),
        ("raw 你好".encode(), "raw 你好"),
        ("raw 你好啊".encode("gb18030"), "raw 你好啊"),
        (b"caf\xe9", "café"),
        (b"=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?=", "テスト"),
        (b"=?utf-8?B?5L2g5aW9!!?=", "你好"),
    ],
)
def test_decoding_words(raw: bytes, text: str) -> None:
    assert decode_words(header_text(raw)) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=?utf-8?q?a" * 20_000, "=?utf-8?q?a" * 20_000),
        ("=?utf-8?q?a?=" + "=?utf-8?q?b" * 20_000, "a" + "=?utf-8?q?b" * 20_000),
        ("=?utf-8?q?=", "=?utf-8?q?="),
        ("=?utf-8?q??= ?=", " ?="),
    ],
)
def test_words_without_an_end_are_read_once(text: str, shown: str) -> None:
    start = time.process_time()
    assert decode_unstructured(text) == shown
    assert time.process_time() - start < 2


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), max_size=80))
def test_encoding_words_decodes(text: str) -> None:
    coded = encode_words(text)
    assert coded.isascii()
    assert all(len(word) <= 75 for word in coded.split(" ") if word.startswith("=?"))
    assert decode_words(coded) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text/plain; charset=utf-8", ("text", "plain", (("charset", "utf-8"),), True)),
        ('Text/HTML;charset="a;b" ;x=y', ("Text", "HTML", (("charset", "a;b"), ("x", "y")), True)),
        ("text/plain; name*0=a; name*1=b", ("text", "plain", (("name", "ab"),), True)),
        ("text/plain (c); (d) charset (e) = x", ("text", "plain", (("charset", "x"),), True)),
        ("a/b; n*1*=%42; n*0*=utf-8''%41", ("a", "b", (("n*", "utf-8''%41%42"),), True)),
        ("a/b; n=\"x\\\"y\"", ("a", "b", (("n", 'x"y'),), True)),
        ("a/b; bad; c=d", ("a", "b", (("c", "d"),), True)),
        ("text", ("text", "", (), False)),
        ("", ("", "", (), False)),
        ("application/pdf name=x", ("application", "pdf", (), False)),
    ],
)  # fmt: skip
def test_media_types(value: str, expected: tuple[object, ...]) -> None:
    assert parse_media_type(value) == expected


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("attachment; filename*=utf-8''%e2%82%ac.txt", "€.txt"),
        ("attachment; filename*=gb2312'zh'%C4%E3.txt; filename=x", "你.txt"),
        ('attachment; filename="=?utf-8?b?5L2g?=.txt"', "你.txt"),
        ("attachment; filename==?utf-8?b?5L2g?=", "你"),
        ("attachment; filename*0*=utf-8''a%20; filename*1=b.txt", "a b.txt"),
        ("attachment; filename=a.txt", "a.txt"),
        ("attachment; filename*=%zz", "%zz"),
        ("attachment", None),
    ],
)
def test_filenames(value: str, name: str | None) -> None:
    assert param(parse_disposition(value)[1], "filename") == name


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40))
def test_format_param_parses_back(value: str) -> None:
    _, pairs = parse_disposition("attachment; " + format_param("filename", value))
    assert param(pairs, "filename") == value or "=?" in value


NOON = datetime(2024, 2, 29, 12, 0, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "value",
    [
        "Thu, 29 Feb 2024 12:00:00 +0000", "29 Feb 2024 20:00:00 +0800", "Thu, 29 Feb 24 07:00 EST",
        "Thu, 29 Feb 2024 12:00:00 GMT", "Thu,29-Feb-2024 12:00:00", "Thu Feb 29 12:00:00 2024",
        "Thu Feb 29 12:00:00 UTC 2024", "2024-02-29T12:00:00Z", "2024-02-29 20:00:00+08:00",
        "Thu, 29 Feb 2024 12:00:00 +0000 (UTC)", "Thu, 29 February 2024 12.00.00 -0000",
        "Thu, 29 (leap day) Feb 2024 12:00:00 Z", "Thu, 29 Feb 2024 12:00:00.123 +0000",
        "Feb 29, 2024 12:00:00 +0000", "Thu, 29 Feb 2024 12:00:00 \"GMT\"",
    ],
)  # fmt: skip
def test_dates(value: str) -> None:
    assert parse_date(value) == NOON


@pytest.mark.parametrize("year", ["2002", "02", "102", "0102", "0002"])
def test_short_years(year: str) -> None:
    assert (
        parse_date(f"Mon, 5 Aug {year} 17:27:19 -0700")
        == datetime(2002, 8, 6, 0, 27, 19, tzinfo=UTC).timestamp()
    )


@pytest.mark.parametrize(
    "value", ["", "yesterday", "31 Feb 2024 12:00:00", "1 Foo 2024 12:00:00", "99 99 99", "1" * 500]
)
def test_no_dates(value: str) -> None:
    assert parse_date(value) is None


@given(st.integers(0, 4_000_000_000), st.integers(-14 * 60, 14 * 60))
def test_dates_parse_back(moment: int, offset: int) -> None:
    assert parse_date(format_date(moment, offset_minutes=offset)) == moment


@pytest.mark.parametrize(
    ("raw", "label", "text"),
    [
        ("你好".encode("gbk"), "gb2312", "你好"), ("镕".encode("gb18030"), "GB2312", "镕"),
        ("你好".encode(), "us-ascii", "你好"), ("你好".encode(), "gb2312-nonsense", "你好"),
        ("你好".encode(), "iso-8859-1", decode_bytes("你好".encode(), "cp1252")),
        (b"\x93x\x94", "iso-8859-1", "“x”"), ("テスト".encode("iso2022_jp"), "", "テスト"),
        ("テスト".encode("cp932"), "shift_jis", "テスト"), ("한글".encode("cp949"), "ks_c_5601-1987", "한글"),
        (b"abc", "utf-16", "abc"), (b"", "utf-8", ""), (b"This is plain ASCII.", "utf-16", "This is plain ASCII."),
        ("ASCII, and wide".encode("utf-16-be"), "utf-16be", "ASCII, and wide"),
        ("中丰".encode("utf-16-be"), "utf-16be", "中丰"),
        (b"a\xff", "utf-8", "a\ufffd"), (b"x", "rot13", "x"), (b"\xff", "base64", "ÿ"),
        (b"+T2BZfQ-", "utf-7", "你好"), (b"+2AA-x", "utf-7", "\ufffdx"), (b"+2D3eAA-", "utf-7", "\U0001f600"),
    ],
)  # fmt: skip
def test_charsets(raw: bytes, label: str, text: str) -> None:
    assert decode_bytes(raw, label) == text


@given(
    st.binary(max_size=60),
    st.sampled_from(["", "utf-8", "gb2312", "big5", "hz", "utf-7", "iso-2022-jp", "x", "utf-16"]),
)
def test_decoding_never_raises(raw: bytes, label: str) -> None:
    assert decode_bytes(raw, label).encode() is not None


def test_codecs_that_are_no_charsets() -> None:
    assert [codec_name(name) for name in ("base64", "rot13", "zlib", "\0", "idna", "no such")] == [None] * 6


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("Re: hello", "HELLO"), ("RE:re: Fwd: hello (fwd)", "HELLO"), ("[list] Re: [x] hello", "HELLO"),
        ("Re[2]: hello", "HELLO"), ("[Fwd: Re: hello]", "HELLO"), ("[list]", "[LIST]"), ("Fw: 回复：你好", "你好"),
        ("  a   b ", "A B"), ("Re: [list] [other] x", "X"), ("", ""), ("Re:", ""), ("Regards", "REGARDS"),
    ],
)  # fmt: skip
def test_base_subjects(subject: str, base: str) -> None:
    assert base_subject(subject) == base


def test_references() -> None:
    header = Header("In-Reply-To: your mail of <c@d>\r\nReferences: <a@b>\r\n <c@d> < x@y >\r\n")
    assert references(header) == ("a@b", "c@d", "x@y")
    assert message_ids('<"simple"@x>') == ["simple@x"]
    assert message_ids("bare@id") == ["bare@id"]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("a@b", [(None, None, "a", "b")]),
        ('"X, Y" <a@b>, Z <c@d>', [("X, Y", None, "a", "b"), ("Z", None, "c", "d")]),
        ("g: a@b, c@d;, e@f", [(None, None, "g", None), (None, None, "a", "b"), (None, None, "c", "d"),
                               (None, None, None, None), (None, None, "e", "f")]),
        ("a@b (Name)", [("Name", None, "a", "b")]),
        ("<@r:a@b>", [(None, "@r", "a", "b")]),
        ("Foo", [(None, None, "Foo", "MISSING_DOMAIN")]),
        ("", []),
    ],
)  # fmt: skip
def test_addresses(value: str, found: list[tuple[str | None, ...]]) -> None:
    assert parse_addresses(value) == found


def test_readable_mailboxes() -> None:
    assert parse_mailboxes("=?utf-8?b?5L2g?= <a@b>, broken, g: c@d;") == [
        Mailbox("你", "a@b"),
        Mailbox("", "c@d"),
    ]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), max_size=40))
def test_format_mailbox_parses_back(name: str) -> None:
    assert parse_mailboxes(format_mailbox(name, "a@b.example")) == [Mailbox(name, "a@b.example")]
