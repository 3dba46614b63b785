"""Framing, streaming APPEND, limits and recovery of the IMAP engine."""

from typing import Any

import pytest

from posthouse.wire.imap.command import Authenticate, Fetch, Idle, Login, Noop, Search, Select
from posthouse.wire.imap.engine import (
    AppendBegin,
    AppendEnd,
    BadCommand,
    ContinuationLine,
    Engine,
    IdleDone,
    Limits,
    LiteralChunk,
    LiteralEnd,
    limits_before_login,
)
from posthouse.wire.imap.search_key import Header

from .imap_wire_feeding import every_way, run

NOOP_B = Noop(b"b")


def small() -> Engine:
    return Engine(Limits(line=60, literal=10, command=100, append=20, skip=400))


def bad(tag: bytes, text: str, status: bytes = b"BAD") -> BadCommand:
    return BadCommand(tag, text, b"%b %b %b\r\n" % (tag or b"*", status, text.encode()))


def too_big(tag: bytes, text: str, status: bytes = b"BAD") -> BadCommand:
    return BadCommand(tag, text, b"%b %b [TOOBIG] %b\r\n" % (tag, status, text.encode()))


CASES: list[tuple[bytes, list[Any], bytes]] = [
    (b"a NOOP\r\n", [Noop(b"a")], b""),
    (b"a noop\r\nb NoOp\r\n", [Noop(b"a"), NOOP_B], b""),
    (b"a LOGIN {3}\r\nbob {2+}\r\npw\r\n", [Login(b"a", "bob", "pw")], b"+ OK\r\n"),
    (b"a LOGIN {3}\r\nbob {0}\r\n\r\nb NOOP\r\n", [Login(b"a", "bob", ""), NOOP_B], b"+ OK\r\n+ OK\r\n"),
    # A literal that looks like commands, line ends and literal markers is still only a value.
    (
        b"a SEARCH SUBJECT {16+}\r\nb NOOP\r\nc {3+}\r\n\r\nb NOOP\r\n",
        [Search(b"a", Header("Subject", "b NOOP\r\nc {3+}\r\n")), NOOP_B],
        b"",
    ),
    (b'a LOGIN "{3}" "x{3}"\r\n', [Login(b"a", "{3}", "x{3}")], b""),
    (b'a LOGIN "q\\"\\\\" p]w\r\n', [Login(b"a", 'q"\\', "p]w")], b""),
    (b"a SELECT {5+}\r\nINBOX\r\n", [Select(b"a", "INBOX")], b""),
    # A command that is not known is refused before its literal is asked for ...
    (
        b"a X {5}\r\nb NOOP\r\n",
        [bad(b"a", "Unknown command X; CAPABILITY tells what there is"), NOOP_B],
        b"",
    ),
    # ... and skipped with it when the literal is on its way.
    (
        b"a X {5+}\r\nb X\r\n {3+}\r\nabc\r\nb NOOP\r\n",
        [bad(b"a", "Unknown command X; CAPABILITY tells what there is"), NOOP_B],
        b"",
    ),
    (
        b"a X {5+}\r\nb X\r\n {3}\r\nb NOOP\r\n",
        [bad(b"a", "Unknown command X; CAPABILITY tells what there is"), NOOP_B],
        b"",
    ),
    (b"\r\n", [bad(b"", "Expected a command such as 'a1 NOOP', not an empty line")], b""),
    (b"+a NOOP\r\n", [bad(b"", "Expected a tag and a command such as 'a1 NOOP' at column 1")], b""),
    (b"a\r\n", [bad(b"a", "Expected a space and the name of a command at column 2")], b""),
    (b"a NOOP x\r\nb NOOP\r\n", [bad(b"a", "Expected the end of the command at column 7"), NOOP_B], b""),
    (
        b"a NOOP\nb NOOP\r\n",
        [bad(b"a", "A line must end with CRLF; this one ended with LF alone"), NOOP_B],
        b"",
    ),
    (
        b"a NO\rOP\r\nb NOOP\r\n",
        [bad(b"a", "Unknown command NO; CAPABILITY tells what there is"), NOOP_B],
        b"",
    ),
    (b'a LOGIN "a\x00b" c\r\n', [bad(b"a", "Expected a user name: this quoted string is not closed "
        "or holds a bad character at column 9")], b""),
]  # fmt: skip


@pytest.mark.parametrize(("data", "events", "output"), CASES)
def test_commands_come_out_the_same_however_the_stream_is_cut(
    data: bytes, events: list[Any], output: bytes
) -> None:
    assert every_way(data) == (events, output)


APPENDS: list[tuple[bytes, list[Any], bytes]] = [
    (
        b"a APPEND INBOX {5}\r\nhello\r\nb NOOP\r\n",
        [
            AppendBegin(b"a", "INBOX", (), None, 5, binary=False, utf8=False),
            LiteralChunk(b"hello"),
            LiteralEnd(),
            AppendEnd(b"a"),
            NOOP_B,
        ],
        b"+ OK\r\n",
    ),
    (
        b'a append "Sent" (\\seen $x) " 7-Feb-1994 21:52:25 -0800" ~{3+}\r\n\x00\r\n\r\n',
        [
            AppendBegin(b"a", "Sent", ("\\Seen", "$x"), 760686745.0, 3, binary=True, utf8=False),
            LiteralChunk(b"\x00\r\n"),
            LiteralEnd(),
            AppendEnd(b"a"),
        ],
        b"",
    ),
    # The mailbox as a literal is no message.
    (
        b"a APPEND {4}\r\nSent () {2+}\r\nhi\r\n",
        [
            AppendBegin(b"a", "Sent", (), None, 2, binary=False, utf8=False),
            LiteralChunk(b"hi"),
            LiteralEnd(),
            AppendEnd(b"a"),
        ],
        b"+ OK\r\n",
    ),
    (
        b"a APPEND x UTF8 (~{2+}\r\nhi)\r\n",
        [
            AppendBegin(b"a", "x", (), None, 2, binary=True, utf8=True),
            LiteralChunk(b"hi"),
            LiteralEnd(),
            AppendEnd(b"a"),
        ],
        b"",
    ),
    (
        b"a APPEND x {0+}\r\n\r\n",
        [AppendBegin(b"a", "x", (), None, 0, binary=False, utf8=False), LiteralEnd(), AppendEnd(b"a")],
        b"",
    ),
    # What follows the message must be the end.
    (
        b"a APPEND x {2+}\r\nhi (x\r\nb NOOP\r\n",
        [
            AppendBegin(b"a", "x", (), None, 2, binary=False, utf8=False),
            LiteralChunk(b"hi"),
            LiteralEnd(),
            bad(b"a", "Expected the end of the command at column 1"),
            NOOP_B,
        ],
        b"",
    ),
    (
        b"a APPEND x {2+}\r\nhi {6+}\r\nb NOOP\r\nb NOOP\r\n",
        [
            AppendBegin(b"a", "x", (), None, 2, binary=False, utf8=False),
            LiteralChunk(b"hi"),
            LiteralEnd(),
            bad(b"a", "One message per APPEND; the command must end at column 1"),
            NOOP_B,
        ],
        b"",
    ),
    # A malformed head is refused before the message is asked for.
    (
        b"a APPEND x (\\Seen {2}\r\nb NOOP\r\n",
        [bad(b"a", "Expected a flag such as \\Seen or a keyword at column 19"), NOOP_B],
        b"",
    ),
    (
        b"a APPEND x UTF8 ({2+}\r\nhi)\r\nb NOOP\r\n",
        [bad(b"a", "Expected a literal8 such as ~{310} after UTF8 at column 18"), NOOP_B],
        b"",
    ),
    (
        b"a APPEND INBOX\r\n",
        [bad(b"a", "Expected flags and date if wanted, and the message as a literal such as {310} at column 15")],
        b"",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("data", "events", "output"), APPENDS)
def test_append_streams_its_message(data: bytes, events: list[Any], output: bytes) -> None:
    assert every_way(data) == (events, output)


def test_append_hands_on_what_was_received_without_gathering_it() -> None:
    engine = Engine()
    engine.receive(b"a APPEND INBOX {10485760+}\r\n")
    assert isinstance(engine.next_event(), AppendBegin)
    engine.accept_literal()
    block = bytes(65536)
    for _ in range(160):
        engine.receive(block)
        event = engine.next_event()
        assert isinstance(event, LiteralChunk)
        assert event.data is block
        assert engine.buffered == 0
    assert isinstance(engine.next_event(), LiteralEnd)


def test_no_event_follows_append_before_the_session_has_decided() -> None:
    engine = Engine()
    engine.receive(b"a APPEND INBOX {2+}\r\nhi\r\nb NOOP\r\n")
    assert isinstance(engine.next_event(), AppendBegin)
    assert engine.next_event() is None
    assert engine.take_output() == b""
    with pytest.raises(RuntimeError):
        engine.begin_idle(b"a")
    engine.accept_literal()
    assert engine.next_event() == LiteralChunk(b"hi")


@pytest.mark.parametrize(
    "data", [b"a APPEND x {9}\r\nb NOOP\r\n", b"a APPEND x {9+}\r\nb NOOP\r\n\x00\r\nb NOOP\r\n"]
)
def test_a_refused_message_is_not_asked_for_or_skipped(data: bytes) -> None:
    def refuse(engine: Engine, event: Any) -> None:
        if isinstance(event, AppendBegin):
            engine.refuse_literal()

    events, output = every_way(data, act=refuse)
    assert isinstance(events[0], AppendBegin)
    assert events[1:] == [NOOP_B]
    assert output == b""


def test_multiappend_when_it_is_offered() -> None:
    data = b"a APPEND x {2+}\r\nhi (\\Seen) {3}\r\nyou\r\nb NOOP\r\n"
    events, output = every_way(data, lambda: Engine(multiappend=True))
    assert events == [
        AppendBegin(b"a", "x", (), None, 2, binary=False, utf8=False),
        LiteralChunk(b"hi"),
        LiteralEnd(),
        AppendBegin(b"a", "x", ("\\Seen",), None, 3, binary=False, utf8=False, first=False),
        LiteralChunk(b"you"),
        LiteralEnd(),
        AppendEnd(b"a"),
        NOOP_B,
    ]
    assert output == b"+ OK\r\n"


LIMITS: list[tuple[bytes, list[Any]]] = [
    (b"a LOGIN " + b"x" * 80 + b"\r\nb NOOP\r\n", [too_big(b"a", "Line longer than 60 octets"), NOOP_B]),
    (b"x" * 300 + b"\r\nb NOOP\r\n", [BadCommand(
        b"", "Line longer than 60 octets", b"* BAD [TOOBIG] Line longer than 60 octets\r\n"), NOOP_B]),
    # The line is skipped with the literals it announces.
    (
        b"a LOGIN " + b"x" * 80 + b" {6+}\r\nb NOOP {3+}\r\nabc\r\nb NOOP\r\n",
        [too_big(b"a", "Line longer than 60 octets"), NOOP_B],
    ),
    (b"a LOGIN {11}\r\nb NOOP\r\n", [too_big(b"a", "Literal larger than 10 octets"), NOOP_B]),
    (
        b"a LOGIN {11+}\r\nb NOOP\r\nxyz x\r\nb NOOP\r\n",
        [too_big(b"a", "Literal larger than 10 octets"), NOOP_B],
    ),
    (
        b"a SEARCH" + b" SUBJECT {9+}\r\n123456789" * 5 + b"\r\nb NOOP\r\n",
        [too_big(b"a", "Command longer than 100 octets"), NOOP_B],
    ),
    (
        b"a APPEND x {21}\r\nb NOOP\r\n",
        [too_big(b"a", "Message larger than 20 octets; send a smaller one", b"NO"), NOOP_B],
    ),
    (
        b"a APPEND x {21+}\r\n" + b"m" * 21 + b"\r\nb NOOP\r\n",
        [too_big(b"a", "Message larger than 20 octets; send a smaller one", b"NO"), NOOP_B],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("data", "events"), LIMITS)
def test_each_limit_has_a_message_and_the_stream_goes_on(data: bytes, events: list[Any]) -> None:
    assert every_way(data, small) == (events, b"")


@pytest.mark.parametrize(
    "data",
    [
        b"a LOGIN {401+}\r\n",
        b"a LOGIN {99999999999999999999+}\r\n",
        b"a LOGIN " + b"x" * 600,
        b"a LOGIN {11+}\r\n12345678901 {390+}\r\n",
        b"a LOGIN x {3}\nabc\r\n",
        b"a LOGIN {11+}\r\n12345678901 {390+}\n",
    ],
)
def test_what_cannot_be_skipped_ends_the_connection(data: bytes) -> None:
    for chunks in ([data], [data[at : at + 1] for at in range(len(data))]):
        engine = small()
        events, _ = run(chunks, engine)
        assert len(events) == 1
        assert events[0].fatal
        assert events[0].answer.startswith(b"* BYE ")
        engine.receive(b"b NOOP\r\n")
        assert engine.next_event() is None


def test_literal_minus_refuses_long_literals_that_do_not_wait() -> None:
    def make() -> Engine:
        return Engine(literal_minus=True)

    events, _ = run([b"a APPEND x {4097+}\r\n" + b"m" * 4097 + b"\r\nb NOOP\r\n"], make())
    assert events == [bad(b"a", "A literal over 4096 octets needs {n}, not {n+}"), NOOP_B]
    events, _ = run([b"a APPEND x {4096+}\r\n" + b"m" * 4096 + b"\r\n"], make())
    assert events[-1] == AppendEnd(b"a")


def test_memory_stays_bounded_while_a_long_line_is_skipped() -> None:
    engine = Engine(Limits(line=1000, skip=10_000_000))
    engine.receive(b"a LOGIN ")
    for _ in range(100):
        engine.receive(b"x" * 5000)
        assert engine.next_event() is None
        assert engine.buffered < 6100
    engine.receive(b"\r\nb NOOP\r\n")
    assert engine.next_event() == too_big(b"a", "Line longer than 1000 octets")
    assert engine.next_event() == NOOP_B


def test_limits_may_change_after_login() -> None:
    engine = Engine(limits_before_login())
    line = b"a FETCH 1 (" + b" ".join([b"FLAGS"] * 3000) + b")\r\n"
    engine.receive(line)
    assert isinstance(engine.next_event(), BadCommand)
    engine.limits = Limits()
    engine.receive(line)
    assert isinstance(engine.next_event(), Fetch)


def test_idle_ends_with_done_and_nothing_else() -> None:
    def act(engine: Engine, event: Any) -> None:
        if isinstance(event, Idle):
            engine.begin_idle(event.tag)

    assert every_way(b"a IDLE\r\ndone\r\nb NOOP\r\n", act=act) == (
        [Idle(b"a"), IdleDone(b"a"), NOOP_B],
        b"+ idling\r\n",
    )
    events, _ = every_way(b"a IDLE\r\nc NOOP\r\nb NOOP\r\n", act=act)
    assert events == [
        Idle(b"a"),
        bad(b"a", "Expected DONE to end IDLE; the command sent instead was not run"),
        NOOP_B,
    ]
    events, _ = every_way(b"a IDLE\r\nc X {7+}\r\nb NOOP.\r\nb NOOP\r\n", act=act)
    assert events[1:] == [
        bad(b"a", "Expected DONE to end IDLE; the command sent instead was not run"),
        NOOP_B,
    ]


def test_authenticate_exchange() -> None:
    def act(engine: Engine, event: Any) -> None:
        if isinstance(event, Authenticate):
            engine.challenge(b"VXNlcm5hbWU6")
        elif event == ContinuationLine(b"bGk="):
            engine.challenge(b"UGFzc3dvcmQ6")

    assert every_way(b"a AUTHENTICATE LOGIN\r\nbGk=\r\n*\r\nb NOOP\r\n", act=act) == (
        [Authenticate(b"a", "LOGIN", None), ContinuationLine(b"bGk="), ContinuationLine(b"*"), NOOP_B],
        b"+ VXNlcm5hbWU6\r\n+ UGFzc3dvcmQ6\r\n",
    )
    events, _ = run([b"a AUTHENTICATE LOGIN\r\n" + b"x" * 70 + b"\r\nb NOOP\r\n"], small(), act)
    assert events[1:] == [too_big(b"a", "Line longer than 60 octets"), NOOP_B]


def test_starttls_forgets_what_was_sent_in_clear_after_it() -> None:
    engine = Engine()
    engine.receive(b"a STARTTLS\r\nb LOGIN mallory x\r\nc")
    assert engine.next_event() is not None
    assert engine.discard_buffer() == 20
    engine.receive(b"b NOOP\r\n")
    assert engine.next_event() == NOOP_B
    assert engine.next_event() is None


def test_quirks_are_named_and_counted() -> None:
    engine = Engine(quirk_bare_lf=True)
    events, _ = run([b'a NOOP\nb NOOP \r\nc APPEND x "7-Feb-1994 21:52:25 -0800" {1+}\r\nx\r\n'], engine)
    assert [type(event) for event in events] == [Noop, Noop, AppendBegin, LiteralChunk, LiteralEnd, AppendEnd]
    assert engine.quirks == {"quirk_bare_lf": 1, "quirk_trailing_space": 1, "quirk_unpadded_day": 1}


def test_secrets_do_not_show_in_repr() -> None:
    assert "hunter2" not in repr(Login(b"a", "li", "hunter2"))
