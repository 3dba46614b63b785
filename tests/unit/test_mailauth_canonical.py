"""Canonical forms: the examples of RFC 6376 §3.4.5, and bodies fed in pieces of every size."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.mailauth.canonical import BodyDigests, HeaderFields, canonical_field

BODIES = [
    (b"", b"\r\n", b""),
    (b"\r\n", b"\r\n", b""),
    (b"\r\n\r\n\r\n", b"\r\n", b""),
    (b" C \r\nD \t E\r\n\r\n\r\n", b" C \r\nD \t E\r\n", b" C\r\nD E\r\n"),  # §3.4.5
    (b"a", b"a\r\n", b"a\r\n"),
    (b"a\r\n", b"a\r\n", b"a\r\n"),
    (b"a\r\n\r\nb\r\n\r\n", b"a\r\n\r\nb\r\n", b"a\r\n\r\nb\r\n"),
    (b"a\r\n \t \r\n", b"a\r\n \t \r\n", b"a\r\n"),
    (b"a\r\n \t ", b"a\r\n \t \r\n", b"a\r\n"),
    (b" \r\n", b" \r\n", b""),
    (b"\t\t", b"\t\t\r\n", b""),
    (b"a\tb  c\t\r\n", b"a\tb  c\t\r\n", b"a b c\r\n"),
    (b"a\nb\rc \n\r\n", b"a\nb\rc \n\r\n", b"a\nb\rc \n\r\n"),
    (b"a\r", b"a\r\r\n", b"a\r\r\n"),
    (b"a\n\n", b"a\n\n\r\n", b"a\n\n\r\n"),
    (b"a\r\n\r\n\r", b"a\r\n\r\n\r\r\n", b"a\r\n\r\n\r\r\n"),
    (b"\xff \x00  \xfe\r\n", b"\xff \x00  \xfe\r\n", b"\xff \x00 \xfe\r\n"),
]


def digest(body: bytes, form: str, piece: int, limit: int | None = None) -> tuple[bytes, int]:
    digests = BodyDigests([(form, limit)])
    for at in range(0, len(body), piece):
        digests.feed(body[at : at + piece])
    digests.finish()
    return digests.value(form, limit), digests.size(form)


@pytest.mark.parametrize(("body", "simple", "relaxed"), BODIES)
def test_bodies(body: bytes, simple: bytes, relaxed: bytes) -> None:
    for form, expected in (("simple", simple), ("relaxed", relaxed)):
        for piece in range(1, len(body) + 2):
            assert digest(body, form, piece) == (hashlib.sha256(expected).digest(), len(expected)), piece
        for limit in range(len(expected) + 1):
            assert digest(body, form, 2, limit)[0] == hashlib.sha256(expected[:limit]).digest()


def plain_relaxed(body: bytes) -> bytes:
    """RFC 6376 §3.4.4 word by word."""
    lines = [re.sub(rb"[ \t]+", b" ", line).removesuffix(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


@given(
    st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"\r\n\r\n", b"bc", b"  "])).map(b"".join),
    st.integers(1, 9),
)
def test_any_pieces_hash_as_the_whole(body: bytes, piece: int) -> None:
    expected = plain_relaxed(body)
    assert digest(body, "relaxed", piece) == (hashlib.sha256(expected).digest(), len(expected))
    simple = re.sub(rb"(\r\n)*\Z", b"", body) + b"\r\n"
    assert digest(body, "simple", piece) == (hashlib.sha256(simple).digest(), len(simple))


def test_one_pass_serves_several_signatures() -> None:
    digests = BodyDigests([("simple", None), ("relaxed", 3), ("relaxed", None), ("relaxed", 3)])
    digests.feed_view(b"a  b\r\n\r\n")
    assert digests.value("simple", None) == hashlib.sha256(b"a  b\r\n").digest()
    assert digests.value("relaxed", None) == hashlib.sha256(b"a b\r\n").digest()
    assert digests.value("relaxed", 3) == hashlib.sha256(b"a b").digest()


@pytest.mark.parametrize(
    ("field", "relaxed"),
    [
        (b"A: X\r\n", b"a:X\r\n"),  # §3.4.5
        (b"B : Y\t\r\n\tZ  \r\n", b"b:Y Z\r\n"),
        (b"SUBJect: AbC\r\n", b"subject:AbC\r\n"),
        (b"X:\r\n", b"x:\r\n"),
        (b"X:  \r\n \t\r\n", b"x:\r\n"),
        (b"X: a:b", b"x:a:b\r\n"),
    ],
)
def test_fields(field: bytes, relaxed: bytes) -> None:
    assert canonical_field(field, "relaxed") == relaxed
    assert canonical_field(field, "simple") == field.removesuffix(b"\r\n") + b"\r\n"


def test_fields_are_taken_from_the_bottom_and_absent_ones_are_nothing() -> None:
    fields = HeaderFields(b"A: 1\r\nB: 2\r\na: 3\r\n\r\n")
    chosen = fields.selected([b"a", b"x", b"a", b"a", b"b", b"x"], "relaxed")
    assert chosen == [b"a:3\r\n", b"a:1\r\n", b"b:2\r\n"]
