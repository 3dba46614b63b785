"""Kept header fields: the index answers exactly what a search through the text does."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.mime import kept
from posthouse.mime.facts import HEADER_FIELDS, KEPT_FIELDS, MAX_HEADER_FIELDS, facts_of
from posthouse.mime.kept import INDEXED, KeptSelector, pack_kept, unpack_kept
from posthouse.mime.section import select_fields
from tests.mail_corpus import corpus_files

NAMES = sorted(KEPT_FIELDS)


def check(text: bytes, chance: random.Random) -> None:
    stored = pack_kept(text)
    if not text:
        assert stored == b""
        return
    assert unpack_kept(stored) == text
    for _ in range(4):
        names = tuple(chance.sample(NAMES, chance.randrange(1, 9)))
        selector = KeptSelector(names)
        assert selector.select(stored) == selector.select(stored) == select_fields(text, names)


@given(st.lists(st.sampled_from((
    "Subject", "FROM", "x-mailer", "received", "To", ":", " : ", "\t", " ", "\r\n", "\n", "\r", "\n ", "\x00", "a", "é",
))), st.randoms(use_true_random=False))  # fmt: skip
def test_any_header(pieces: list[str], chance: random.Random) -> None:
    check(facts_of("".join(pieces).encode()).header_fields, chance)


def test_the_corpus() -> None:
    chance = random.Random(1)
    for path in corpus_files():
        check(facts_of(path.read_bytes()).header_fields, chance)


@pytest.mark.parametrize("line", [b"to:\n", b"Subject: x\r\n y\r\n", b"X-Mailer:" + b"x" * 900 + b"\r\n"])
def test_as_many_as_are_kept(line: bytes) -> None:
    check(line * (MAX_HEADER_FIELDS // len(line)), random.Random(2))


def test_numbers_of_fields_are_stored_and_stay() -> None:
    assert HEADER_FIELDS[:6] == ("date", "from", "to", "cc", "bcc", "subject")
    assert HEADER_FIELDS[9:11] == ("in-reply-to", "references")
    assert HEADER_FIELDS[39] == "x-universally-unique-identifier"
    assert pack_kept(b"Subject: a\r\nTo: b\r\n") == (
        bytes((INDEXED, 2, 0, 5, 2, 11, 0, 23, 0, 30, 0)) + b"Subject: a\r\nTo: b\r\n"
    )


def test_shapes_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "SHAPES_MAX", 3)
    selector = KeptSelector((b"TO",))
    for count in range(1, 150):
        text = b"Cc: x\r\n" * count + b"To: y\r\n"
        assert selector.select(pack_kept(text)) == b"To: y\r\n\r\n"
    assert len(selector._shapes) == 3
