"""Mutated POP3 input: no exception, the same events however it is cut, and nothing kept beyond the limits."""

from __future__ import annotations

import random

import pytest

from posthouse.wire.pop3.answer import AnswerError, AnswerReader
from posthouse.wire.pop3.command import Command
from posthouse.wire.pop3.engine import MAX_AUTH_LINE_BYTES, NEED_DATA, Engine, Event
from tests.fuzz.pop3_mutation import mutated_dialogue


def events_of(chunks: list[bytes]) -> list[Event]:
    engine, events = Engine(), []
    for chunk in chunks:
        engine.receive(chunk)
        while (event := engine.next_event()) is not NEED_DATA:
            events.append(event)
            if isinstance(event, Command) and event.verb == "AUTH":
                engine.expect_auth_line()
        assert engine.buffered <= MAX_AUTH_LINE_BYTES
    return events


def cut(data: bytes, chance: random.Random) -> list[bytes]:
    edges = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(6)))
    return [data[start:end] for start, end in zip([0, *edges], [*edges, len(data)], strict=True)]


@pytest.mark.parametrize("seed", range(10))
def test_server_side(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(1000):
        data = mutated_dialogue(chance)
        assert events_of(cut(data, chance)) == events_of([data])


@pytest.mark.parametrize("seed", range(4))
def test_client_side(seed: int) -> None:
    chance = random.Random(seed)
    understood = refused = 0
    for _ in range(1000):
        reader = AnswerReader()
        data = chance.choice([b"+OK\r\n", b"-ERR x\r\n", b"+ "]) + mutated_dialogue(chance)
        try:
            for chunk in cut(data, chance):
                reader.receive(chunk)
                while reader.next_answer(multiline=chance.random() < 0.5) is not NEED_DATA:
                    understood += 1
        except AnswerError:
            refused += 1
    assert understood
    assert refused
