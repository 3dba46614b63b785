"""Feeds an IMAP engine in every way the network could cut a stream; what comes out may not depend on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from posthouse.wire.imap.engine import (
    AppendBegin,
    BadCommand,
    ContinuationLine,
    Engine,
    LiteralChunk,
)

Act = Callable[[Engine, Any], None]


def accept(engine: Engine, event: Any) -> None:
    """The session that welcomes every message and does nothing else."""
    if isinstance(event, AppendBegin):
        engine.accept_literal()


def run(chunks: Iterable[bytes], engine: Engine | None = None, act: Act = accept) -> tuple[list[Any], bytes]:
    """(events, output); the chunks of a literal are joined, for their cuts are the network's."""
    engine = engine or Engine()
    events: list[Any] = []
    output = b""
    for chunk in chunks:
        engine.receive(chunk)
        while True:
            event = engine.next_event()
            output += engine.take_output()
            if event is None:
                break
            if isinstance(event, LiteralChunk) and events and isinstance(events[-1], LiteralChunk):
                events[-1] = LiteralChunk(events[-1].data + event.data)
            else:
                events.append(event)
            act(engine, event)
            output += engine.take_output()
    return events, output


def every_way(data: bytes, make: Callable[[], Engine] = Engine, act: Act = accept) -> tuple[list[Any], bytes]:
    """Feed whole, byte by byte, and at every split; all must agree."""
    whole = run([data], make(), act)
    assert run([data[at : at + 1] for at in range(len(data))], make(), act) == whole, "byte by byte"
    for at in range(1, len(data)):
        assert run([data[:at], data[at:]], make(), act) == whole, f"split at {at}"
    return whole


def parse_one(data: bytes, *, utf8: bool = False) -> Any:
    """The single event of a single command."""

    def make() -> Engine:
        engine = Engine()
        engine.utf8 = utf8
        return engine

    events, _ = every_way(data, make)
    assert len(events) == 1, events
    return events[0]


def refusal(data: bytes, *, utf8: bool = False) -> str:
    """The text of the BAD (or NO) that a command gets."""
    event = parse_one(data, utf8=utf8)
    assert isinstance(event, BadCommand), event
    assert not event.fatal
    assert event.text.encode() in event.answer
    return event.text


__all__ = ["ContinuationLine", "accept", "every_way", "parse_one", "refusal", "run"]
