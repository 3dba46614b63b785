"""POP3 framing: each case is fed whole, byte by byte, and cut in two at every place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from posthouse.wire.pop3.command import BadCommand, Command, Problem
from posthouse.wire.pop3.engine import MAX_COMMAND_BYTES, NEED_DATA, AuthLine, Engine, Event

LONG_PASS = b"PASS " + b"x" * (MAX_COMMAND_BYTES - 7)
CASES: list[tuple[bytes, list[Event]]] = [
    (b"", []),
    (b"STAT", []),
    (b"STAT\r", []),
    (b"STAT\r\n", [Command("STAT")]),
    (
        b"USER a\r\nPASS b\r\nSTAT\r\n",
        [Command("USER", text=b"a"), Command("PASS", text=b"b"), Command("STAT")],
    ),
    (b"RETR 1\r\nRETR 2\r\nDELE", [Command("RETR", 1), Command("RETR", 2)]),
    (b"\r\n", [BadCommand(Problem.UNKNOWN)]),
    # A bare LF is answered at once and taints what stands before the next CRLF.
    (b"NOOP\n", [BadCommand(Problem.BARE_LF)]),
    (b"\n", [BadCommand(Problem.BARE_LF)]),
    (
        b"USER a\nDELE 1\r\nNOOP\r\n",
        [BadCommand(Problem.BARE_LF), BadCommand(Problem.BARE_LF), Command("NOOP")],
    ),
    (b"\n\n\r\nNOOP\r\n", [BadCommand(Problem.BARE_LF)] * 3 + [Command("NOOP")]),
    (b"NOOP\rDELE 1\r\nNOOP\r\n", [BadCommand(Problem.BAD_OCTET), Command("NOOP")]),
    (b"NOOP\0\r\n", [BadCommand(Problem.BAD_OCTET)]),
    # RFC 2449 §4: 255 octets with CRLF.
    (LONG_PASS + b"\r\nNOOP\r\n", [Command("PASS", text=LONG_PASS[5:]), Command("NOOP")]),
    (LONG_PASS + b"x\r\nNOOP\r\n", [BadCommand(Problem.TOO_LONG), Command("NOOP")]),
    (b"x" * 3000 + b"\r\nNOOP\r\n", [BadCommand(Problem.TOO_LONG), Command("NOOP")]),
    (
        b"x" * 3000 + b"\nNOOP\r\nNOOP\r\n",
        [BadCommand(Problem.TOO_LONG), BadCommand(Problem.BARE_LF), Command("NOOP")],
    ),
    (b"x" * 300, [BadCommand(Problem.TOO_LONG)]),
    # quirk(Thunderbird, Outlook): a long initial response on the AUTH line.
    (b"AUTH PLAIN " + b"QUFB" * 200 + b"\r\n", [Command("AUTH", text=b"PLAIN " + b"QUFB" * 200)]),
]


def drain(engine: Engine) -> Iterator[Event]:
    while (event := engine.next_event()) is not NEED_DATA:
        yield event


def run(chunks: Iterable[bytes]) -> list[Event]:
    engine = Engine()
    events: list[Event] = []
    for chunk in chunks:
        engine.receive(chunk)
        events.extend(drain(engine))
    return events


@pytest.mark.parametrize(("data", "expected"), CASES, ids=range(len(CASES)))
def test_frames(data: bytes, expected: list[Event]) -> None:
    assert run([data]) == expected
    assert run(data[i : i + 1] for i in range(len(data))) == expected
    for cut in range(len(data) + 1):
        assert run([data[:cut], data[cut:]]) == expected


def test_auth_lines_are_not_commands() -> None:
    data = b"AUTH LOGIN\r\nUSER\r\n*\r\nUSER a\r\n"
    for size in (1, 2, 3, 7, len(data)):
        engine, events = Engine(), []
        for i in range(0, len(data), size):
            engine.receive(data[i : i + size])
            for event in drain(engine):
                events.append(event)
                if event in (Command("AUTH", text=b"LOGIN"), AuthLine(b"USER")):
                    engine.expect_auth_line()
        assert events == [
            Command("AUTH", text=b"LOGIN"),
            AuthLine(b"USER"),
            AuthLine(b"*"),
            Command("USER", text=b"a"),
        ]


def test_auth_lines_may_be_long_but_not_endless() -> None:
    engine = Engine(max_auth_line_bytes=1000)
    engine.expect_auth_line()
    engine.receive(b"A" * 998 + b"\r\n")
    assert engine.next_event() == AuthLine(b"A" * 998)
    engine.expect_auth_line()
    engine.receive(b"A" * 1001)
    assert engine.next_event() == BadCommand(Problem.TOO_LONG)
    engine.receive(b"A" * 5000 + b"\r\nNOOP\r\n")
    assert engine.next_event() == Command("NOOP")


def test_what_came_before_tls_is_discarded() -> None:
    engine = Engine()
    engine.receive(b"STLS\r\nUSER injected\r\nPASS x")
    assert engine.next_event() == Command("STLS")
    engine.discard_buffer()
    assert engine.buffered == 0
    engine.receive(b"NOOP\r\n")
    assert engine.next_event() == Command("NOOP")


@pytest.mark.parametrize(
    ("data", "limit", "numbers", "rest"),
    [
        (b"RETR 2\r\nretr 3\r\nRETR 9\r\n", 10, [2, 3, 9], []),
        (b"RETR 2\r\nRETR 3\r\n", 1, [2], [Command("RETR", 3)]),
        (b"RETR 2\r\nDELE 2\r\nRETR 3\r\n", 10, [2], [Command("DELE", 2), Command("RETR", 3)]),
        (b"DELE 2\r\nRETR 3\r\n", 10, [], [Command("DELE", 2), Command("RETR", 3)]),
        (b"RETR 2\r\nRETR 3", 10, [2], []),
        (b"RETR 2\r\nRETR 3\n", 10, [2], [BadCommand(Problem.BARE_LF)]),
        (b"RETR x\r\n", 10, [], [BadCommand(Problem.BAD_NUMBER, "RETR")]),
        (b"RETR 0\r\n", 10, [], [BadCommand(Problem.BAD_NUMBER, "RETR")]),
        (b"", 10, [], []),
    ],
)
def test_takes_a_run_of_retrievals(data: bytes, limit: int, numbers: list[int], rest: list[Event]) -> None:
    engine = Engine()
    engine.receive(b"RETR 1\r\n" + data)
    assert engine.next_event() == Command("RETR", 1)
    assert engine.take_retrievals(limit) == numbers
    assert list(drain(engine)) == rest


def test_a_tainted_line_is_not_taken_as_retrieval() -> None:
    engine = Engine()
    engine.receive(b"USER a\nRETR 1\r\n")
    assert engine.next_event() == BadCommand(Problem.BARE_LF)
    assert engine.take_retrievals(10) == []
    assert engine.next_event() == BadCommand(Problem.BARE_LF)


def test_nothing_is_kept_of_an_endless_line() -> None:
    engine = Engine()
    for _ in range(1000):
        engine.receive(b"x" * 1000)
        list(drain(engine))
        assert engine.buffered <= 1000
    assert engine.buffered == 0
