"""CATENATE and REPLACE on the wire: framing of several literals; URLs."""

from __future__ import annotations

from typing import Any

import pytest

from posthouse.wire.imap import command as cmd
from posthouse.wire.imap.engine import AppendBegin, AppendEnd, AppendPiece, BadCommand, Engine, LiteralChunk
from posthouse.wire.imap.message_url import try_message_url
from posthouse.wire.imap.sequence_set import SequenceSet

from .imap_wire_feeding import parse_one


def events(data: bytes, piece: int) -> list[Any]:
    """What the engine says, literals accepted and joined."""
    engine = Engine(multiappend=True)
    out: list[Any] = []
    for at in range(0, len(data), piece):
        engine.receive(data[at : at + piece])
        while (event := engine.next_event()) is not None:
            if isinstance(event, LiteralChunk) and out and isinstance(out[-1], bytes):
                out[-1] += event.data
                continue
            out.append(event.data if isinstance(event, LiteralChunk) else event)
            if isinstance(event, AppendBegin | AppendPiece):
                engine.accept_literal()
    return [event for event in out if type(event).__name__ != "LiteralEnd"]


@pytest.mark.parametrize("piece", [1, 7, 10_000])
def test_literals_and_urls_in_turn(piece: int) -> None:
    data = (
        b'a APPEND D CATENATE (URL "u1" TEXT {2+}\r\nab URL u2 URL u3 TEXT {1+}\r\nc URL u4) {3+}\r\nxyz\r\n'
    )
    first, ab, more, c, second, xyz, end = events(data, piece)
    assert (first.urls, first.catenate, first.size, ab) == (("u1",), True, 2, b"ab")
    assert (more, c) == (AppendPiece(b"a", ("u2", "u3"), 1), b"c")
    assert (second.last_urls, second.catenate, second.first, xyz) == (("u4",), False, False, b"xyz")
    assert end == AppendEnd(b"a")


def test_urls_alone_are_a_command() -> None:
    assert parse_one(b'a APPEND D (\\Seen) CATENATE (URL "/x/;UID=1" URL u2)\r\n') == cmd.Catenate(
        b"a", "D", ("\\Seen",), None, ("/x/;UID=1", "u2")
    )
    assert parse_one(b"a UID REPLACE 7 D CATENATE (URL u)\r\n") == cmd.Catenate(
        b"a", "D", (), None, ("u",), SequenceSet(((7, 7),)), True
    )


@pytest.mark.parametrize(
    "data",
    [
        b"a APPEND D CATENATE (TEXT {1+}\r\na TEXT x)\r\n",
        b"a APPEND D CATENATE (TEXT {1+}\r\na x)\r\n",
        b"a APPEND D CATENATE (TEXT {1+}\r\na",
        b"a APPEND D CATENATE (TEXT {1+}\r\na) x\r\n",
        b"a APPEND D CATENATE (URL u) {1+}\r\na\r\n",
        b"a APPEND D CATENATE ()\r\n",
        b"a APPEND D CATENATE (TEXT ~{1+}\r\na)\r\n",
        b"a REPLACE 1,2 D {1+}\r\na\r\n",
        b"a REPLACE $ D {1+}\r\na\r\n",
        b"a REPLACE 1 D\r\n",
    ],
)
def test_refusals(data: bytes) -> None:
    found = events(data, 10_000)
    if data.endswith(b"\n"):
        assert isinstance(found[-1], BadCommand)
    assert not any(isinstance(event, AppendEnd) for event in found)


def test_replace_names_one_message() -> None:
    begin, data, _ = events(b"a UID REPLACE 7 D (\\Seen) {2+}\r\nhi\r\n", 3)
    assert (begin.replaces, begin.uid, begin.mailbox, data) == (SequenceSet(((7, 7),)), True, "D", b"hi")
    begin, data, _ = events(b"a REPLACE * {1+}\r\nD {2+}\r\nhi\r\n", 3)
    assert (begin.replaces.has_star, begin.uid, begin.mailbox) == (True, False, "D")


@pytest.mark.parametrize(
    ("text", "mailbox", "uid", "part", "section", "partial"),
    [
        ("/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER", "Drafts", 20, (), "HEADER", None),
        ("/Drafts;UIDVALIDITY=385759045/;UID=20/;section=1.MIME", "Drafts", 20, (1,), "MIME", None),
        ("/Drafts/;UID=3002", "Drafts", 3002, (), None, None),
        ("/a/b%20c/%E9%A9%BF/;uid=1/;SECTION=1.2", "a/b c/驿", 1, (1, 2), None, None),
        (";UID=5/;PARTIAL=10.20", None, 5, (), None, (10, 20)),
        ("/;UID=5/;SECTION=TEXT/;PARTIAL=10", None, 5, (), "TEXT", (10, 0xFFFFFFFF)),
        ("/inbox/;UID=5", "INBOX", 5, (), None, None),
    ],
)
def test_urls(text: str, mailbox: str, uid: int, part: Any, section: Any, partial: Any) -> None:
    found = try_message_url(text)
    assert found is not None
    assert (found.mailbox, found.uid) == (mailbox, uid)
    assert (found.section.part, found.section.text, found.section.partial) == (part, section, partial)


@pytest.mark.parametrize(
    "text",
    [
        "", "/INBOX", "imap://h/INBOX/;UID=1", "//h/INBOX/;UID=1", "/INBOX/;UID=0", "/INBOX/;UID=1/;SECTION=x",
        "/INBOX/;UID=1/;SECTION=1] FLAGS", "/%FF/;UID=1", "/INBOX/;UID=1;URLAUTH=x", "/INBOX/;UID=1/;SECTION=1%0D%0A",
    ],
)  # fmt: skip
def test_what_is_no_url_of_a_message(text: str) -> None:
    assert try_message_url(text) is None
