"""The scanner: structure, limits, and the properties that hold for any bytes."""

from __future__ import annotations

import mmap
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.mime import scan as scanner
from posthouse.mime.facts import facts_of
from posthouse.mime.layout import unpack_layout
from posthouse.mime.scan import LEAF, MESSAGE, MULTIPART, Part, count_lines, scan, walk
from tests.imap_sexpr import parse_sexpr
from tests.mail_corpus import bulk_messages, corpus_files


def check_tiling(data: bytes, root: Part) -> None:
    """No byte is lost: the parts of a part lie inside its body, in order, apart, and the root is the message."""
    assert (root.header_start, root.body_end) == (0, len(data))
    for part in walk(root):
        assert part.header_start <= part.body_start <= part.body_end
        edge = part.body_start
        for child in part.children:
            # Only line ends and boundary lines stand between parts.
            gap = data[edge : child.header_start]
            assert edge <= child.header_start
            assert part.kind == MESSAGE or gap.endswith(b"\n")
            edge = child.body_end
        assert edge <= part.body_end
        if part.kind == MESSAGE:
            (child,) = part.children
            assert (child.header_start, child.body_end) == (part.body_start, part.body_end)
        elif part.kind == LEAF:
            assert part.children == []


def check_facts(data: bytes) -> None:
    facts = facts_of(data)
    check_tiling(data, scan(data))
    for wire in (facts.envelope, facts.body, facts.bodystructure):
        (value,) = parse_sexpr(wire)
        assert isinstance(value, list)
        assert b"\0" not in wire
    assert len(facts.preview) <= 200
    assert facts.size == len(data)
    shape = [(one.kind, one.header_start, one.body_start, one.body_end) for one in walk(scan(data))]
    unpacked = unpack_layout(facts.layout)
    assert [(one.kind, one.header_start, one.body_start, one.body_end) for one in walk(unpacked)] == shape
    for text in (facts.subject, facts.preview, facts.message_id, *facts.references, facts.sort_from):
        text.encode("utf-8", "surrogateescape")
    facts.preview.encode("utf-8")
    facts.subject.encode("utf-8")


TWO_PARTS = (
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\npost\r\n"
)


def test_offsets_of_two_parts() -> None:
    root = scan(TWO_PARTS)
    assert root.kind == MULTIPART
    assert [TWO_PARTS[part.body_start : part.body_end] for part in root.children] == [b"one", b"two"]
    assert (
        TWO_PARTS[root.children[0].header_start : root.children[0].body_start]
        == b"Content-Type: text/plain\r\n\r\n"
    )
    assert [part.media_type for part in walk(root)] == ["multipart/mixed", "text/plain", "text/plain"]


@pytest.mark.parametrize("eol", [b"\n", b"\r\n"])
def test_line_ends_do_not_change_the_parts(eol: bytes) -> None:
    data = TWO_PARTS.replace(b"\r\n", eol)
    assert [data[part.body_start : part.body_end] for part in scan(data).children] == [b"one", b"two"]


def test_mixed_line_ends() -> None:
    data = b"Content-Type: multipart/mixed; boundary=b\n\r\n--b\n\r\none\n--b\r\n\ntwo\r\n--b--"
    assert [data[part.body_start : part.body_end] for part in scan(data).children] == [b"one", b"two"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\r\n",
        b"\0",
        b"x",
        b":",
        b"--",
        b"\n--",
        b"Subject",
        b"Content-Type: multipart/mixed; boundary",
    ],
)
def test_tiny_messages(data: bytes) -> None:
    check_facts(data)


def test_content_fields() -> None:
    part = scan(
        b'Content-Type: TEXT/Html; charset="utf-8"; name*0=a; name*1=b\r\nContent-ID: <x@y>\r\n'
        b"Content-Disposition: attachment; filename*=utf-8''%E7%85%A7%E7%89%87.jpg\r\nContent-Language: zh, en\r\n"
        b"Content-Description: a\r\n b\r\nContent-Transfer-Encoding: BASE64\r\nContent-Location: u\r\n\r\n"
    )
    assert (part.maintype, part.subtype, part.media_type) == ("TEXT", "Html", "text/html")
    assert part.params == (("charset", "utf-8"), ("name", "ab"))
    assert (part.content_id, part.description, part.encoding, part.location) == (
        "<x@y>",
        "a b",
        "BASE64",
        "u",
    )
    assert (part.disposition, part.filename, part.language) == ("attachment", "照片.jpg", ("zh", "en"))


def test_depth_is_bounded() -> None:
    data = b"Content-Type: message/rfc822\r\n\r\n" * 1000
    parts = walk(scan(data))
    assert len(parts) == scanner.MAX_DEPTH
    check_facts(data)
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(500)
    )
    check_facts(deep)


def test_part_count_is_bounded() -> None:
    data = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * (scanner.MAX_PARTS * 2)
    root = scan(data)
    assert len(walk(root)) == scanner.MAX_PARTS
    check_facts(data)


def test_header_is_bounded() -> None:
    data = b"X: " + b"a" * (scanner.MAX_HEADER * 2) + b"\r\nContent-Type: text/html\r\n\r\nbody"
    root = scan(data)
    assert data[root.body_start :] == b"body"
    assert root.media_type == "text/plain"


def test_map_reads_as_bytes(tmp_path: Path) -> None:
    path = tmp_path / "message"
    path.write_bytes(TWO_PARTS)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        assert scan(data) == scan(TWO_PARTS)
        assert facts_of(data) == facts_of(TWO_PARTS)
        assert count_lines(data, 0, len(data)) == TWO_PARTS.count(b"\n")


# Inputs made to cost more than linear time in naive scanners; each doubled in size may cost about double.
HOSTILE = {
    "boundary prefixes": b"Content-Type: multipart/mixed; boundary=bbbbbbbb\r\n\r\n"
    + b"--bbbbbbb\r\n" * 20_000,
    "lone dashes": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--\r\n" * 50_000,
    "open multiparts": b"Content-Type: multipart/mixed; boundary=a\r\n\r\n"
    + b"".join(b"--a\r\nContent-Type: multipart/x; boundary=n%d\r\n\r\n" % n for n in range(4000)),
    "nested multiparts": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(5000)
    ),
    "comments": b"To: " + b"(" * 200_000 + b"\r\n\r\n",
    "parameters": b"Content-Type: text/plain" + b"; a" * 60_000 + b"\r\n\r\n",
    "encoded words": b"Subject: " + b"=?utf-8?q?" * 20_000 + b"\r\n\r\n",
    "addresses": b"To: " + b"a <" * 60_000 + b"\r\n\r\n",
    "quotes": b"To: " + b'"\\' * 100_000 + b"\r\n\r\n",
    "ids": b"References: " + b"<" * 200_000 + b"\r\n\r\n",
    "folds": b"Subject: x" + b"\r\n " * 60_000 + b"\r\n\r\n",
    "tags": b"Content-Type: text/html\r\n\r\n" + b"<style" * 40_000,
    "blank subject": b"Subject: " + b"[" * 100_000 + b"\r\n\r\n",
    "dates": b"Date: " + b"1 " * 100_000 + b"\r\n\r\n",
    "dots": b"From: " + b"a." * 100_000 + b"\r\n\r\n",
    "blanks": b"From: " + b" " * 200_000 + b"x\r\n\r\n",
    "headers without end": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b\r\nx: y\r\n" * 4000
    + b"x\r\n" * 1_000_000,
    "commas": b"To: " + b"," * 200_000 + b"\r\n\r\n",
    "references without brackets": b"References: " + b"a" * 200_000 + b"\r\n\r\n",
    "an id without brackets": b"Message-ID: " + b"a" * 200_000 + b"\r\n\r\n",
    "names that are words without end": b"From: " + b'"=?utf-8?q?a' * 16_000 + b'" <a@b>\r\n\r\n',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_stay_cheap(name: str) -> None:
    data = HOSTILE[name]
    start = time.process_time()
    check_facts(data)
    # Linear: about 0.1 s at most for these 200 KB; quadratic would take minutes.
    assert time.process_time() - start < 3.0


_LINES = st.sampled_from(
    [
        b"", b" ", b"x", b"--a", b"--a--", b"--ab", b"--ab--", b"--", b"Content-Type: multipart/mixed; boundary=a",
        b"Content-Type: multipart/digest; boundary=ab", b"Content-Type: message/rfc822", b"Content-Type: text/html",
        b"MIME-Version: 1.0", b"Subject: =?utf-8?b?5L2g?=", b"From: a <b@c>, d", b" folded", b"\xff\xfe", b"\0",
        b"Content-Type: multipart/mixed; boundary=\"\"", b"Content-Transfer-Encoding: base64", b"To: g: a@b;",
        b"Content-Disposition: attachment; filename*0*=x'", b"Date: Mon, 1 Jan 2024 00:00:00 +0800", b"\r",
    ]
)  # fmt: skip


@given(st.lists(st.tuples(_LINES, st.sampled_from([b"\n", b"\r\n", b""])), max_size=40))
@settings(max_examples=400, deadline=None)
def test_any_lines(lines: list[tuple[bytes, bytes]]) -> None:
    check_facts(b"".join(line + eol for line, eol in lines))


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes(data: bytes) -> None:
    check_facts(data)


@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_field_values(one: bytes, two: bytes, three: bytes) -> None:
    check_facts(
        b"Content-Type: "
        + one
        + b"\r\nTo: "
        + two
        + b"\r\nSubject: "
        + three
        + b"\r\nDate: "
        + one
        + b"\r\n\r\nx"
    )


@pytest.mark.corpus
def test_corpus_files() -> None:
    files = corpus_files()
    assert len(files) > 1300
    for path in files:
        check_facts(path.read_bytes())


@pytest.mark.corpus
@pytest.mark.slow
def test_bulk() -> None:
    assert sum(1 for _, data in bulk_messages() if check_facts(data) is None) > 4700
