"""SMTP server framing: every split gives the same events, and only CRLF.CRLF ends a message."""

from __future__ import annotations

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.wire.smtp.command import Auth, Bdat, Data, Help, Malformed, Noop, Quit, Rset, StartTls
from posthouse.wire.smtp.engine import (
    AUTH_LINE_MAX,
    COMMAND_LINE_MAX,
    DataEnd,
    Event,
    Line,
    Response,
    ServerEngine,
)
from posthouse.wire.smtp.reply import UNKNOWN_COMMAND


def run(pieces: list[bytes]) -> list[Event]:
    """All events, with neighbouring message pieces joined."""
    engine = ServerEngine()
    events: list[Event] = []
    for piece in pieces:
        engine.receive(piece)
        while (event := engine.next_event()) is not None:
            if isinstance(event, Data):
                engine.begin_data()
            elif isinstance(event, Auth):
                engine.expect_response()
            if isinstance(event, bytes) and events and isinstance(events[-1], bytes):
                events[-1] += event
            else:
                events.append(event)
    return events


def every_split(stream: bytes) -> list[Event]:
    whole = run([stream])
    assert run([stream[i : i + 1] for i in range(len(stream))]) == whole
    for cut in range(len(stream) + 1) if len(stream) < 400 else range(0, len(stream), 97):
        assert run([stream[:cut], stream[cut:]]) == whole
    return whole


END = DataEnd(bare_newline=False)
BARE = DataEnd(bare_newline=True)


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"NOOP\r\nnoop x\r\nQUIT\r\n", [Noop(), Noop(), Quit()]),
        (b"DATA\r\n.\r\nNOOP\r\n", [Data(), END, Noop()]),
        (b"DATA\r\nHi\r\n.\r\nNOOP\r\n", [Data(), b"Hi\r\n", END, Noop()]),
        (b"DATA\r\n\r\n.\r\n", [Data(), b"\r\n", END]),
        (b"DATA\r\n..\r\n.\r\n", [Data(), b".\r\n", END]),
        (b"DATA\r\n..a\r\n...\r\n.b\r\n.\r\n", [Data(), b".a\r\n..\r\nb\r\n", END]),
        (b"DATA\r\na.\r\n.\r\n", [Data(), b"a.\r\n", END]),
        (b"DATA\r\n\r\n\r\n.\r\n.\r\n", [Data(), b"\r\n\r\n", END, Malformed(".", UNKNOWN_COMMAND)]),
        (
            b"BDAT 5\r\nab\r\n.BDAT 0 LAST\r\nRSET\r\n",
            [Bdat(5, last=False), b"ab\r\n.", DataEnd(False, False), Bdat(0, True), END, Rset()],
        ),
        (b"BDAT 6 LAST\r\n\r\n.\r\n.NOOP\r\n", [Bdat(6, last=True), b"\r\n.\r\n.", END, Noop()]),
        (
            b"BDAT 5 last\r\nQUIT\r\r\nNOOP\r\n",
            [Bdat(5, last=True), b"QUIT\r", BARE, Malformed("", UNKNOWN_COMMAND), Noop()],
        ),
        (b"AUTH LOGIN\r\nQUIT\r\nQUIT\r\n", [Auth("LOGIN", None), Response(b"QUIT"), Quit()]),
    ],
)
def test_events(stream: bytes, events: list[Event]) -> None:
    assert every_split(stream) == events


SMUGGLING = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r.\r\n",
    b"\r\n.\n",
    b"\r\n.\r",
    b"\r.\r",
    b"\r.\n",
    b"\n.\r",
    b"\n\n.\n\n",
    b"\r\n\n.\r\n",
    b"\r\n.\r\r\n",
    b"\r\r\n.\r\r\n",
    b"\n\r\n.\n\r\n",
    b"\r\n.\x00\r\n",
    b"\r\n\x00.\r\n",
    b"\r\n.\n\r\n",
    b"\r\n. \r\n",
    b"\r\n.\t\r\n",
    b"\r\n\xef\xbb\xbf.\r\n",
    b"\x0b.\r\n",
    b"\r\n.\x85",
    b"\r\n.\xe2\x80\xa8",
]


@pytest.mark.parametrize("variant", SMUGGLING)
def test_no_smuggling_variant_ends_the_message(variant: bytes) -> None:
    inner = b"MAIL FROM:<x@evil.test>\r\nRCPT TO:<y@x.test>\r\nDATA\r\nsecond\r\n"
    events = every_split(b"DATA\r\nfirst" + variant + inner + b".\r\nNOOP\r\n")
    assert len(events) == 4
    assert isinstance(events[1], bytes)
    assert b"MAIL FROM" in events[1]
    lone = variant.replace(b"\r\n", b"")
    alone_at_the_edge = b"\r" in lone or b"\n" in lone
    assert events[2:] == [DataEnd(bare_newline=alone_at_the_edge), Noop()]


def model(stream: bytes) -> tuple[bytes, bool, bytes] | None:
    """An independent reading of RFC 5321 §4.5.2, line by line: message, lone CR or LF seen, what is left."""
    lines = stream.split(b"\r\n")
    for index, line in enumerate(lines[:-1]):
        if line == b".":
            body = lines[:index]
            message = b"".join((text[1:] if text[:1] == b"." else text) + b"\r\n" for text in body)
            bare = any(b"\r" in text or b"\n" in text for text in body)
            return message, bare, b"\r\n".join(lines[index + 1 :])
    return None


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"a", b"\r\n.\r\n"]), max_size=14),
    st.data(),
)
def test_data_agrees_with_a_line_by_line_reading(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts) + b"\r\n.\r\n"
    expected = model(stream)
    assert expected is not None
    message, bare, _ = expected
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    engine = ServerEngine()
    engine.begin_data()
    got, end = b"", None
    for piece in pieces:
        engine.receive(piece)
        while end is None and (event := engine.next_event()) is not None:
            if isinstance(event, bytes):
                got += event
            else:
                end = event
    assert (got, end) == (message, DataEnd(bare))


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b"."]), max_size=10), st.data())
def test_chunks_see_lone_newlines_across_edges(parts: list[bytes], data: st.DataObject) -> None:
    message = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(message)), max_size=3)))
    pieces = [message[a:b] for a, b in zip([0, *cuts], [*cuts, len(message)], strict=True)]
    stream = b"".join(b"BDAT %d\r\n%b" % (len(piece), piece) for piece in pieces) + b"BDAT 0 LAST\r\n"
    ends = [event for event in run([stream]) if isinstance(event, DataEnd)]
    lone = message.replace(b"\r\n", b"")
    assert ends[-1] == DataEnd(b"\r" in lone or b"\n" in lone)


def test_a_bare_line_feed_never_lets_a_command_run() -> None:
    events = every_split(b"NOOP\nMAIL FROM:<a@b.test>\nDATA\r\nHELP\r\n\nQUIT\r\nNOOP\r\n")
    assert events == [Line.BARE_LF, Help(""), Line.BARE_LF, Noop()]


def test_long_lines_are_refused_once_and_skipped() -> None:
    fits = b"NOOP " + b"x" * (COMMAND_LINE_MAX - 7) + b"\r\n"
    assert every_split(fits + b"QUIT\r\n") == [Noop(), Quit()]
    assert every_split(b"x" + fits + b"QUIT\r\n") == [Line.TOO_LONG, Quit()]
    assert every_split(b"NOOP " + b"x" * 9000 + b"\r\nQUIT\r\n") == [Line.TOO_LONG, Quit()]
    auth = b"AUTH PLAIN " + b"A" * (AUTH_LINE_MAX - 13) + b"\r\n"
    assert isinstance(run([auth])[0], Auth)
    assert run([auth[:-2] + b"A\r\n", b"QUIT\r\n"]) == [Line.TOO_LONG, Quit()]


def test_a_line_without_end_costs_no_memory() -> None:
    engine = ServerEngine()
    engine.receive(b"x" * COMMAND_LINE_MAX)
    assert engine.next_event() is Line.TOO_LONG
    for _ in range(100):
        engine.receive(b"y" * 65536)
        assert engine.next_event() is None
        assert engine.buffered <= 1


def test_a_message_costs_no_memory() -> None:
    engine = ServerEngine()
    engine.begin_data()
    for _ in range(50):
        engine.receive(b"line\r\n" * 10000)
        while engine.next_event() is not None:
            pass
        assert engine.buffered <= 4


def test_many_small_packets_behind_a_slow_command() -> None:
    engine = ServerEngine()
    for _ in range(100_000):
        engine.receive(b"N")
        engine.receive(b"OOP\r\n")
    assert engine.buffered == 600_000
    count = 0
    while (event := engine.next_event()) is not None:
        assert event == Noop()
        count += 1
    assert count == 100_000
    assert engine.buffered == 0


def test_an_idle_engine_keeps_no_block_alive() -> None:
    engine = ServerEngine()
    engine.receive(b"NOOP\r\n" * 20_000 + b"NO")
    while engine.next_event() is not None:
        pass
    kept = [part for part in gc.get_referents(engine) if isinstance(part, bytes)]
    assert sum(map(len, kept)) == 2


def test_what_was_pipelined_behind_starttls_is_forgotten() -> None:
    engine = ServerEngine()
    engine.receive(b"STARTTLS\r\nMAIL FROM:<evil@x.test>\r\n")
    assert engine.next_event() == StartTls()
    assert engine.discard_buffer() == 26 - 1
    assert engine.next_event() is None
    engine.receive(b"NOOP\r\n")
    assert engine.next_event() == Noop()


def test_a_bad_bdat_ends_the_stream() -> None:
    events = run([b"BDAT x\r\nMAIL FROM:<evil@x.test>\r\n"])
    assert len(events) == 1
    assert isinstance(events[0], Malformed)
    assert events[0].fatal


def test_refused_data_leaves_commands_as_commands() -> None:
    engine = ServerEngine()
    engine.receive(b"DATA\r\nNOOP\r\n")
    assert [engine.next_event(), engine.next_event()] == [Data(), Noop()]


def test_rset_forgets_a_bare_newline_of_a_broken_off_message() -> None:
    events = run([b"BDAT 1\r\n\nRSET\r\nBDAT 2 LAST\r\n\r\n"])
    assert [event for event in events if isinstance(event, DataEnd)] == [DataEnd(True, last=False), END]
