"""The facts of a message, and sections read through a packed layout."""

from __future__ import annotations

import pytest

from posthouse.core.errors import Invalid
from posthouse.mime.facts import KEPT_FIELDS, facts_of
from posthouse.mime.layout import pack_layout, unpack_layout
from posthouse.mime.page_windows import page_windows
from posthouse.mime.scan import scan, walk
from posthouse.mime.search_text import search_text
from posthouse.mime.section import (
    Section,
    decode_transfer,
    is_decodable,
    parse_section,
    section_bytes,
    select_fields,
)
from tests.imap_sexpr import parse_sexpr

MESSAGE = (
    b"Received: by x\r\nDate: Thu, 29 Feb 2024 12:00:00 +0000\r\nFrom: =?utf-8?b?5byg5LiJ?= <zhang@qq.test>\r\n"
    b"To: li@163.test\r\nSubject: =?utf-8?b?5L2g5aW9?=\r\nMessage-ID: <m@qq.test>\r\nReferences: <a@b>\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n5L2g5aW977yM5p2O5Zub\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
    b"--c\r\n\r\nfirst\r\n--c\r\nContent-Type: image/png\r\n\r\nsecond\r\n--c--\r\n\r\n"
    b"--b\r\nContent-Type: application/pdf; name=x.pdf\r\nContent-Disposition: attachment\r\n\r\nPDF\r\n--b--\r\n"
)


def test_facts() -> None:
    facts = facts_of(MESSAGE)
    assert (facts.size, facts.header_size) == (len(MESSAGE), MESSAGE.index(b"\r\n\r\n") + 4)
    assert (facts.subject, facts.base_subject, facts.preview) == ("你好", "你好", "你好，李四")
    assert (facts.message_id, facts.references) == ("m@qq.test", ("a@b",))
    assert (facts.sort_from, facts.sort_to, facts.sort_cc) == ("ZHANG", "LI", "")
    assert facts.sent_at == 1709208000.0
    assert facts.has_attachment
    assert b"Received" not in facts.header_fields
    assert facts.header_fields.startswith(b"Date: Thu, 29 Feb 2024 12:00:00 +0000\r\nFrom: ")
    assert b"SUBJECT" in KEPT_FIELDS


def test_ids_that_are_no_text_can_be_stored() -> None:
    first = facts_of(b"Message-ID: <\xff\xe9@x>\r\n\r\n")
    second = facts_of(b"Message-ID: <b@x>\r\nReferences: <\xff\xe9@x>\r\n\r\n")
    assert first.message_id == "\ufffd\ufffd@x"
    assert second.references == (first.message_id,)
    assert facts_of("Message-ID: <中@x>\r\n\r\n".encode()).message_id == "中@x"


def test_envelope_and_structure() -> None:
    facts = facts_of(MESSAGE)
    (envelope,) = parse_sexpr(facts.envelope)
    person = [[b"=?utf-8?b?5byg5LiJ?=", None, b"zhang", b"qq.test"]]
    assert envelope[2:5] == [person, person, person]
    assert envelope[9] == b"<m@qq.test>"
    (body,) = parse_sexpr(facts.body)
    assert [part[0] for part in body[:3]] == [b"text", b"message", b"application"]
    assert body[1][8][-1] == b"mixed"
    (extended,) = parse_sexpr(facts.bodystructure)
    assert extended[-5:] == [b"mixed", [b"boundary", b"b"], None, None, None]


def test_8bit_values_are_literals() -> None:
    facts = facts_of("Subject: 你\r\nFrom: é <a@b>\r\n\r\n".encode())
    assert b"{3}\r\n\xe4\xbd\xa0 " in facts.envelope
    assert parse_sexpr(facts.envelope)[0][1] == "你".encode()


@pytest.mark.parametrize(
    ("body", "preview"),
    [
        (b"\r\n\r\nHello\r\n\r\n  there\r\n", "Hello there"),
        (b"Content-Type: text/html\r\n\r\n<style>p{}</style><p>a &amp; <b>b</b><!-- c --><script>x", "a & b"),
        (b"\r\n> quoted\r\n> more\r\nmine\r\n", "mine"),
        (b"\r\n> quoted only\r\n", "> quoted only"),
        (b"Content-Type: image/png\r\n\r\nxxx", ""),
        (b"Content-Type: text/plain; charset=gb2312\r\n\r\n" + "你好".encode("gbk"), "你好"),
        (b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + "好".encode() * 1000, "好" * 200),
    ],
)
def test_previews(body: bytes, preview: str) -> None:
    assert facts_of(b"Subject: x\r\n" * (body[:2] != b"\r\n") + body).preview == preview


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (b"Content-Type: text/plain", False),
        (b"Content-Type: image/png", True),
        (b"Content-Type: text/plain\r\nContent-Disposition: attachment", True),
        (b"Content-Type: text/plain; name=a.txt", True),
        (b"Content-Type: text/plain\r\nContent-Disposition: inline; filename=a.txt", False),
    ],
)
def test_attachments(fields: bytes, expected: bool) -> None:
    assert facts_of(fields + b"\r\n\r\nx").has_attachment is expected


def _section(spec: str) -> bytes | None:
    section = parse_section(spec)
    assert section is not None
    return section_bytes(MESSAGE, unpack_layout(facts_of(MESSAGE).layout), section)


def test_sections_through_the_layout() -> None:
    assert _section("") == MESSAGE
    assert _section("1") == b"5L2g5aW977yM5p2O5Zub"
    assert _section("2.HEADER.FIELDS (SUBJECT)") == b"Subject: inner\r\n\r\n"
    assert _section("2.1") == b"first"
    assert _section("2.2.MIME") == b"Content-Type: image/png\r\n\r\n"
    assert _section("2.TEXT") == MESSAGE[MESSAGE.index(b"--c\r\n") : MESSAGE.index(b"--c--") + 7]
    assert _section("HEADER.FIELDS (DATE X)") == b"Date: Thu, 29 Feb 2024 12:00:00 +0000\r\n\r\n"
    assert _section("HEADER.FIELDS.NOT (DATE)") == (_section("HEADER") or b"").replace(
        b"Date: Thu, 29 Feb 2024 12:00:00 +0000\r\n", b""
    )
    assert [_section(spec) for spec in ("4", "1.1", "1.HEADER", "2.3", "2.1.1", "3.TEXT")] == [None] * 6


def test_one_part_message_is_part_one() -> None:
    data = b"Subject: x\r\n\r\nbody"
    root = scan(data)
    assert [section_bytes(data, root, Section(path)) for path in ((1,), (2,), (1, 1))] == [
        b"body",
        None,
        None,
    ]


@pytest.mark.parametrize(
    "spec",
    ["0", "1.", ".1", "MIME", "1..2", "FOO", "HEADER.FIELDS", "HEADER.FIELDS ()", "TEXT (A)", "1TEXT", "01"],
)
def test_no_sections(spec: str) -> None:
    assert parse_section(spec) is None


def test_select_fields_keeps_the_fields_kept() -> None:
    assert select_fields(b"A: 1\nB: 2\n\n", (b"B",)) == b"B: 2\n\n"
    assert select_fields(b"A: 1\r\n", (b"B",)) == b"\r\n"


@pytest.mark.parametrize(
    ("raw", "encoding", "decoded"),
    [
        (b"aGVs\r\nbG8=\r\n", "BASE64", b"hello"), (b"aGVsbG8", "base64", b"hello"), (b"aGVs!bG8=", "base64", b"hello"),
        (b"aGk=aGk=", "base64", b"hihi"), (b"a", "base64", b""),
        (b"a=3Db=\r\nc  \r\n", "Quoted-Printable", b"a=bc\r\n"),
        (b"=ZZ=", "quoted-printable", b"=ZZ"), (b"x\0", "binary", b"x\0"), (b"x", None, b"x"), (b"x", "uuencode", b"x"),
    ],
)  # fmt: skip
def test_transfer_decoding(raw: bytes, encoding: str | None, decoded: bytes) -> None:
    assert decode_transfer(raw, encoding) == decoded
    assert is_decodable(encoding) is (encoding != "uuencode")


def test_long_runs_of_blanks_take_no_longer() -> None:
    """Each run is looked at once; a million blanks took hours when it was looked at from every place in it."""
    assert (
        decode_transfer(b" " * 1_000_000 + b"x  \r\ny \t", "quoted-printable") == b" " * 1_000_000 + b"x\r\ny"
    )


@pytest.mark.parametrize(
    "damage", [b"", b"\x02", b"\x01", pack_layout(scan(MESSAGE))[:-1], pack_layout(scan(MESSAGE)) + b"x"]
)
def test_damaged_layouts(damage: bytes) -> None:
    with pytest.raises(Invalid):
        unpack_layout(damage)


def test_layout_keeps_what_sections_need() -> None:
    parts = list(zip(walk(scan(MESSAGE)), walk(unpack_layout(facts_of(MESSAGE).layout)), strict=True))
    for ours, packed in parts:
        assert (ours.kind, ours.media_type, ours.encoding, ours.charset, ours.size) == (
            packed.kind, packed.media_type, packed.encoding, packed.charset, packed.size)  # fmt: skip


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        ("&#" + "1" * 5000 + ";", "\ufffd"),
        ("&#" + "0" * 5000 + "65;", "A"),
        ("&#x" + "0" * 5000 + "41;", "A"),
    ],
    ids=["beyond", "zeros", "hexadecimal"],
)
def test_references_of_very_many_digits(reference: str, shown: str) -> None:
    data = f"Content-Type: text/html\r\n\r\n<p>a{reference}b</p>".encode()
    assert facts_of(data).preview == f"a{shown}b"
    assert search_text(data, scan(data)).body == [f"a{shown}b".lower()]
    assert "".join(page_windows([f"<p>a{reference}", "b</p>"])).strip() == f"a{shown}b"


def test_halves_of_characters_are_not_taken_in() -> None:
    data = (
        b"Subject: =?utf-7?q?+2AA-?= a\r\nFrom: =?utf-7?b?KzJBQS0=?= <a@b>\r\n"
        b"Content-Type: text/plain; charset*=utf-7''+2AA-\r\n"
        b"Content-Disposition: inline; filename*=utf-7''+2AA-\r\n\r\n+2AA-x"
    )
    facts = facts_of(data)
    assert facts.subject == "\ufffd a"
    assert unpack_layout(facts.layout).charset == "\ufffd"
    assert search_text(data, scan(data)).field_holds("from", "\ufffd")
