"""10,000 mutated IMAP sessions: the engine never raises, never hangs, holds no more than its limits, and goes on.

The seed is fixed, so a failure comes back; it names the session by number and the bytes.
"""

from __future__ import annotations

import random
from contextlib import suppress
from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.wire.imap import command
from posthouse.wire.imap.client import ResponseError, ResponseReader
from posthouse.wire.imap.cursor import ParseError
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
)
from posthouse.wire.imap.parse import PARSERS, parse_command

SESSIONS: Final = 10_000
LIMITS: Final = Limits(line=2000, literal=500, command=3000, append=2000, skip=5000)
BOUND: Final = LIMITS.line + LIMITS.command

SEEDS: Final = (
    b"a1 CAPABILITY\r\n",
    b'a2 ID ("name" "x" "version" NIL)\r\n',
    b"a3 AUTHENTICATE PLAIN\r\nAGxpAHB3\r\n",
    b"a4 AUTHENTICATE LOGIN =\r\n*\r\n",
    b'a5 LOGIN "li" {6}\r\nsecret\r\n',
    b"a6 ENABLE CONDSTORE IMAP4rev2\r\n",
    b'a7 SELECT "&U,BTFw-" (CONDSTORE QRESYNC (1 2 3:4 (1,5 3,9)))\r\n',
    b"a8 CREATE x/y (USE (\\Drafts))\r\n",
    b"a9 RENAME {3+}\r\nabc {3}\r\ndef\r\n",
    b'b1 LIST (SUBSCRIBED RECURSIVEMATCH) "" ("a*" %) RETURN (CHILDREN STATUS (MESSAGES))\r\n',
    b"b2 STATUS inbox (MESSAGES UIDNEXT)\r\n",
    b'b3 APPEND Sent (\\Seen $x) " 7-Feb-1994 21:52:25 -0800" {20}\r\nFrom: a\r\n\r\nhello..\r\n\r\n',
    b"b4 APPEND {4+}\r\nSent UTF8 (~{5+}\r\nab\x00\r\n)\r\n",
    b"b5 IDLE\r\nDONE\r\n",
    b"b6 UID FETCH 1:*,3 (FLAGS BODY.PEEK[1.2.HEADER.FIELDS (From {2+}\r\nTo)]<0.10> BINARY[1]) (CHANGEDSINCE 5)\r\n",
    b"b7 FETCH $ FULL\r\n",
    b'b8 SEARCH RETURN (MIN SAVE) CHARSET UTF-8 OR (FROM "x" NOT 1:3) HEADER a {2+}\r\n\xc3\xa9 SINCE 1-Feb-1994\r\n',
    b"b9 UID STORE 1,2:9 (UNCHANGEDSINCE 5) -FLAGS.SILENT (\\Deleted $Junk)\r\n",
    b"c1 UID COPY 1:5 x\r\nc2 MOVE 1 y\r\nc3 UID EXPUNGE 5:*\r\n",
    b"c4 CLOSE\r\nc5 LOGOUT\r\n",
)
SPICE: Final = (
    b"\r\n", b"\n", b"\r", b"\x00", b" ", b"  ", b"(", b")", b"()", b'"', b"\\", b"{", b"}", b"{3}\r\n", b"{3+}\r\n",
    b"~{3+}\r\n", b"{0}\r\n", b"{501+}\r\n", b"{99999999999999999999}\r\n", b"{-1}\r\n", b"*", b"$", b"%", b":", b",",
    b"<0.1>", b"[", b"]", b".", b"NIL", b"&", b"&-", b"\xff", b"\xe5\x8f\xb0", b"0", b"4294967296", b"+", b"DONE\r\n",
    b"NOT ", b"OR ", b"(" * 60, b"x" * 300, b"x" * 2100, b"zz APPEND x {9}\r\n", b"zz NOOP\r\n",
)  # fmt: skip
EVENTS: Final = (
    command.Command,
    BadCommand,
    AppendBegin,
    AppendEnd,
    LiteralChunk,
    LiteralEnd,
    IdleDone,
    ContinuationLine,
)


def mutate(rng: random.Random) -> bytes:
    data = bytearray(b"".join(rng.choices(SEEDS, k=rng.randint(1, 5))))
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(5):
            case 0:
                data[at:at] = rng.choice(SPICE)
            case 1:
                del data[at : at + rng.randint(1, 10)]
            case 2:
                data[at : at + 1] = rng.randbytes(1)
            case 3:
                end = at + rng.randint(1, 40)
                data[at:at] = data[at:end]
            case _:
                data[at : at + rng.randint(0, 5)] = rng.choice(SPICE)
    return bytes(data)


def act(engine: Engine, event: Any, choice: int) -> None:
    """A session that sometimes says no."""
    if isinstance(event, AppendBegin):
        if choice % 3:
            engine.accept_literal()
        else:
            engine.refuse_literal()
    elif isinstance(event, command.Idle):
        if choice % 4:
            engine.begin_idle(event.tag)
    elif isinstance(event, command.Authenticate):
        engine.challenge(b"")
    elif isinstance(event, command.Enable):
        engine.utf8 = True


def drive(data: bytes, cuts: list[int], choice: int) -> list[Any]:
    """All events, literal chunks joined; checks what must hold after each."""
    engine = Engine(
        LIMITS, multiappend=bool(choice & 8), literal_minus=bool(choice & 16), quirk_bare_lf=bool(choice & 32)
    )
    events: list[Any] = []
    edges = [0, *cuts, len(data)]
    for start, end in pairwise(edges):
        engine.receive(data[start:end])
        steps = 0
        while (event := engine.next_event()) is not None:
            steps += 1
            assert steps <= 2 * len(data) + 10, "no end of events"
            assert isinstance(event, EVENTS)
            if isinstance(event, BadCommand):
                check_answer(event)
            act(engine, event, choice)
            if isinstance(event, LiteralChunk) and events and isinstance(events[-1], LiteralChunk):
                events[-1] = LiteralChunk(events[-1].data + event.data)
            else:
                events.append(event)
        assert engine.buffered <= BOUND, "more is held than the limits allow"
        output = engine.take_output()
        assert not output or output.endswith(b"\r\n")
    return events


def check_answer(event: BadCommand) -> None:
    """The answer is one line that a client understands."""
    assert event.answer.count(b"\n") == 1
    reader = ResponseReader()
    reader.receive(event.answer)
    response = reader.next_response()
    assert response is not None
    assert response.name in {"BAD", "NO", "BYE"}
    assert response.text


def random_cuts(rng: random.Random, length: int) -> list[int]:
    return sorted(rng.randrange(length + 1) for _ in range(rng.randint(0, 6)))


@pytest.mark.parametrize("block", range(10))
def test_mutated_sessions(block: int) -> None:
    for number in range(block * SESSIONS // 10, (block + 1) * SESSIONS // 10):
        rng = random.Random(number)
        data = mutate(rng)
        choice = rng.randrange(64)
        try:
            whole = drive(data, [], choice)
            cut = drive(data, random_cuts(rng, len(data)), choice)
        except Exception as error:
            raise AssertionError(f"session {number}: {data!r}") from error
        assert cut == whole, f"session {number}: {data!r}"


def test_the_mutations_reach_every_event() -> None:
    kinds = set()
    for number in range(1000):
        rng = random.Random(number)
        kinds.update(type(event) for event in drive(mutate(rng), [], rng.randrange(64)))
    seeded = {type(event) for seed in SEEDS for event in drive(seed, [], 1)}
    assert kinds >= seeded | {BadCommand}
    assert len(seeded) >= 25


@pytest.mark.parametrize("seed", SEEDS)
def test_unmutated_seeds_are_well_formed(seed: bytes) -> None:
    assert not [event for event in drive(seed, [], 1) if isinstance(event, BadCommand)]


def test_after_whatever_came_before_the_next_command_is_heard() -> None:
    """Unless the connection was closed: a literal left open takes its octets, then lines end what is open."""
    heard = closed = 0
    for number in range(2000):
        engine = Engine(LIMITS)
        engine.receive(mutate(random.Random(-number)))
        fatal = False
        while (event := engine.next_event()) is not None:
            act(engine, event, 1)
            fatal = isinstance(event, BadCommand) and event.fatal
        closed += fatal
        engine.receive((b"x" * 98 + b"\r\n") * (LIMITS.skip // 50) + b"DONE\r\nlast NOOP\r\n")
        last: Any = None
        while (event := engine.next_event()) is not None:
            act(engine, event, 1)
            last = event
        assert fatal is (last is None), number
        heard += last == command.Noop(b"last")
    assert heard + closed == 2000
    assert heard > 1500
    assert closed > 10


@settings(max_examples=300)
@given(
    st.sampled_from(sorted(PARSERS)), st.lists(st.sampled_from(SPICE) | st.binary(max_size=6), max_size=12)
)
def test_only_parse_errors_leave_a_parser(name: bytes, pieces: list[bytes]) -> None:
    line = b"a " + name + b" " + b"".join(pieces).replace(b"\n", b"") + b"\r\n"
    try:
        outcome: Any = parse_command([line], {})
    except ParseError as error:
        outcome = error
    assert isinstance(outcome, command.Command) or outcome.text


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from(SPICE) | st.sampled_from([b"* ", b"1 FETCH ", b"a OK "]) | st.binary(max_size=6))
)
def test_only_response_errors_leave_the_reader(pieces: list[bytes]) -> None:
    reader = ResponseReader(max_line=5000, max_literal=5000)
    reader.receive(b"".join(pieces))
    count = 0
    with suppress(ResponseError):
        while reader.next_response() is not None:
            count += 1
    assert count <= len(pieces)
