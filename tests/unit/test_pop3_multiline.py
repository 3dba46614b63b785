"""Byte-stuffing and TOP, whole and in chunks."""

from __future__ import annotations

import itertools
import time

import pytest

from posthouse.wire.pop3.answer import unstuff
from posthouse.wire.pop3.multiline import Stuffer, TopCutter, cut_top, find_line_end, format_message

MESSAGES = [
    (b"", b".\r\n"),
    (b"a\r\n", b"a\r\n.\r\n"),
    (b".\r\n", b"..\r\n.\r\n"),
    (b"..\r\n.a\r\n", b"...\r\n..a\r\n.\r\n"),
    (b"a\r\n.\r\nb\r\n", b"a\r\n..\r\nb\r\n.\r\n"),
    (b"a.b\r\nc.\r\n", b"a.b\r\nc.\r\n.\r\n"),
    (b"no end", b"no end\r\n.\r\n"),
    (b"bare\n", b"bare\n\r\n.\r\n"),
    (b"cr\r", b"cr\r\r\n.\r\n"),
    (b"hidden\n.\r\n+OK forged\r\n", b"hidden\n..\r\n+OK forged\r\n.\r\n"),
    (b"\n.\n.", b"\n..\n..\r\n.\r\n"),
]


@pytest.mark.parametrize(("body", "expected"), MESSAGES)
def test_stuffing_whole_and_at_every_split(body: bytes, expected: bytes) -> None:
    assert format_message(b"", body) == expected
    assert format_message(b"+OK\r\n", body) == b"+OK\r\n" + expected
    for cut in range(len(body) + 1):
        for second in range(cut, len(body) + 1):
            stuffer = Stuffer()
            parts = [stuffer.feed(part) for part in (body[:cut], body[cut:second], body[second:])]
            assert b"".join(parts) + stuffer.finish() == expected


@pytest.mark.parametrize("length", range(1, 7))
def test_no_message_can_end_its_answer_early(length: int) -> None:
    for letters in itertools.product(b"\r\n.x", repeat=length):
        body = bytes(letters)
        sent = format_message(b"", body)
        assert sent.endswith(b"\r\n.\r\n") or sent == b".\r\n"
        # Neither a client that reads by CRLF nor one that reads by LF sees a line of "." before the end.
        lines = sent[:-3].replace(b"\r\n", b"\n").split(b"\n")
        assert b"." not in lines
        assert unstuff(sent[:-3]) in (body, body + b"\r\n")


MAIL = b"Subject: a\r\nTo: b\r\n\r\none\r\ntwo\r\n.three\r\nfour"
TOPS = [
    (MAIL, 0, b"Subject: a\r\nTo: b\r\n\r\n"),
    (MAIL, 1, b"Subject: a\r\nTo: b\r\n\r\none\r\n"),
    (MAIL, 3, b"Subject: a\r\nTo: b\r\n\r\none\r\ntwo\r\n.three\r\n"),
    (MAIL, 4, MAIL),
    (MAIL, 1000000, MAIL),
    (b"Subject: only header\r\n", 5, b"Subject: only header\r\n"),
    (b"\r\nbody\r\nmore\r\n", 1, b"\r\nbody\r\n"),
    (b"S: x\n\nbody\nmore\n", 1, b"S: x\n\nbody\n"),
    (b"S: x\n\r\nbody\nmore\n", 1, b"S: x\n\r\nbody\n"),
    (b"S: x\r\n\r\n\r\n\r\nz\r\n", 2, b"S: x\r\n\r\n\r\n\r\n"),
    (b"", 2, b""),
]


@pytest.mark.parametrize(("body", "lines", "expected"), TOPS)
def test_top_whole_and_at_every_split(body: bytes, lines: int, expected: bytes) -> None:
    assert cut_top(body, lines) == expected
    for cut in range(len(body) + 1):
        cutter = TopCutter(lines)
        assert cutter.feed(body[:cut]) + cutter.feed(body[cut:]) == expected
    cutter = TopCutter(lines)
    assert b"".join(cutter.feed(body[i : i + 1]) for i in range(len(body))) == expected


def test_top_says_when_it_is_done() -> None:
    cutter = TopCutter(1)
    cutter.feed(b"A: b\r\n\r\none")
    assert not cutter.done
    assert cutter.feed(b"\r\ntwo\r\n") == b"\r\n"
    assert cutter.done
    assert cutter.feed(b"three\r\n") == b""


def test_find_line_end_agrees_with_a_plain_count() -> None:
    data = b"".join(b"x" * (i % 7) + b"\n" for i in range(2000))
    ends = [i + 1 for i, octet in enumerate(data) if octet == 10]
    for lines in (*range(1, 40), 999, 1000, 1001, 1999, 2000):
        assert find_line_end(data, lines) == ends[lines - 1]
        assert (
            find_line_end(data, min(lines, 1900), 100)
            == [end for end in ends if end > 100][min(lines, 1900) - 1]
        )


def test_top_of_a_large_message_is_linear() -> None:
    body = b"A: b\r\n\r\n" + b"\r\n" * 4_000_000
    started = time.process_time()
    assert len(cut_top(body, 3_999_999)) == len(body) - 2
    assert time.process_time() - started < 0.5
