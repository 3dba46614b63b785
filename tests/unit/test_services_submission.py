"""Headers of submitted messages: what is added, removed, and left alone to the byte."""

from __future__ import annotations

import pytest

from posthouse.services.submission import fix_header

FULL = b"From: Li <li@post.test>\r\nDate: x\r\nMessage-ID: <1@x>\r\n"


def fix(header: bytes, sender: str = "li@post.test", name: str = "李") -> tuple[bytes, list[str]]:
    return fix_header(header, sender=sender, name=name, at=1_790_000_000.0, message_id="t1@mx.post.test")


@pytest.mark.parametrize(
    "header",
    [
        FULL + b"\r\n",
        FULL.lower() + b"\r\n",
        b"FROM: LI@POST.TEST\r\n" + FULL.partition(b"\r\n")[2] + b"\r\n",
        FULL + b"Sender: somebody@else.test\r\nX-Odd\x00 line\r\n\xff\xfe: \xff\r\n\r\n",
        FULL,
    ],
)
def test_what_is_complete_stays_to_the_byte(header: bytes) -> None:
    assert fix(header) == (header, [])


def test_what_is_missing_is_added() -> None:
    header, changes = fix(b"Subject: hi\r\n\r\n")
    assert header == (
        b"Subject: hi\r\n"
        b"From: =?utf-8?b?5p2O?= <li@post.test>\r\n"
        b"Date: Mon, 21 Sep 2026 14:13:20 +0000\r\n"
        b"Message-ID: <t1@mx.post.test>\r\n\r\n"
    )
    assert changes == ["+From", "+Date", "+Message-ID"]


def test_a_body_without_header_gets_one() -> None:
    header, _ = fix(b"just words\r\n")
    assert header.endswith(b"\r\n\r\njust words\r\n")
    assert header.startswith(b"From: ")


def test_blind_copies_and_return_paths_are_removed() -> None:
    header, changes = fix(
        b"Return-Path: <x@y>\r\n"
        + FULL
        + b"Bcc: a@b.test,\r\n\tc@d.test\r\nbcc: e@f.test\r\nResent-Bcc: g@h\r\nX: y\r\n\r\n"
    )
    assert header == FULL + b"X: y\r\n\r\n"
    assert changes == ["-Return-Path", "-Bcc", "-bcc", "-Resent-Bcc"]


@pytest.mark.parametrize("author", [b"boss@post.test", b"li@post.test, wang@post.test", b"unreadable"])
def test_sender_names_who_signed_in(author: bytes) -> None:
    header, changes = fix(FULL.replace(b"Li <li@post.test>", author) + b"Sender: fake@else.test\r\n\r\n")
    assert header.count(b"Sender: ") == 1
    assert b"Sender: li@post.test\r\n" in header
    assert changes == ["-Sender", "+Sender"]
