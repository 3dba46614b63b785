"""What leaves as lines has CRLF only, however it was cut into pieces."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.core.address import parse_address
from posthouse.wire.smtp.client import ClientEngine, GoAhead
from posthouse.wire.smtp.line_end import LineEnds
from posthouse.wire.smtp.outgoing import Outgoing, OutgoingRecipient

SMUGGLED = b"hello\n.\nMAIL FROM:<boss@example.org>\r\n.\rQUIT\n.\r\nx\r.\r\ny\r"
MENDED = b"hello\r\n..\r\nMAIL FROM:<boss@example.org>\r\n..\r\nQUIT\r\n..\r\nx\r\n..\r\ny\r\n"


@given(st.lists(st.text("\r\n.a").map(str.encode), max_size=6))
def test_pieces(pieces: list[bytes]) -> None:
    ends = LineEnds()
    sent = b"".join([ends.feed(piece) for piece in pieces]) + ends.finish()
    assert sent == re.sub(rb"\r\n|\r|\n", b"\r\n", b"".join(pieces))


def begun(capabilities: bytes, body: str) -> ClientEngine:
    engine = ClientEngine("relay.example.net")
    engine.receive(b"220 x\r\n")
    engine.next_event()
    engine.hello()
    engine.receive(b"250-x\r\n" + capabilities + b"250 PIPELINING\r\n")
    engine.next_event()
    engine.begin(Outgoing(None, [OutgoingRecipient(parse_address("a@example.net"))], body=body))
    engine.receive(b"250 ok\r\n" * 2 + (b"" if capabilities else b"354 go\r\n"))
    assert isinstance(engine.next_event(), GoAhead)
    engine.data_to_send()
    return engine


@pytest.mark.parametrize("cut", range(len(SMUGGLED)))
def test_no_bare_newline_leaves_in_data(cut: int) -> None:
    engine = begun(b"", "7BIT")
    engine.content(SMUGGLED[:cut])
    engine.content(SMUGGLED[cut:])
    engine.content(b"", last=True)
    assert engine.data_to_send() == MENDED + b".\r\n"


def test_no_bare_newline_leaves_in_chunks() -> None:
    engine = begun(b"250-CHUNKING\r\n", "7BIT")
    engine.content(b"a\n.\nb\r")
    engine.content(b"\n", last=True)
    assert engine.data_to_send() == b"BDAT 7\r\na\r\n.\r\nbBDAT 2 LAST\r\n\r\n"


def test_a_binary_message_is_sent_as_it_is() -> None:
    engine = begun(b"250-CHUNKING\r\n250-BINARYMIME\r\n", "BINARYMIME")
    engine.content(b"a\n\r", last=True)
    assert engine.data_to_send() == b"BDAT 3 LAST\r\na\n\r"
