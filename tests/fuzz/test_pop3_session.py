"""10,000 mutated POP3 sessions, cut up and lost at the end: no fault, no hang, no lock left, no mail lost."""

from __future__ import annotations

import random

import pytest

from posthouse.sessions.pop3 import Pop3Settings
from tests.fuzz.pop3_mutation import mutated_dialogue
from tests.unit.pop3_world import LargeMessage, MemoryPeer, World, message

EAI = "From: 张@例子.测试\r\n\r\n正文\r\n".encode()
LINES = (b"+OK", b"-ERR ", b"+ ")


def count_of_deletions(said: bytes) -> int:
    """What the last line promises."""
    last = said.rstrip(b"\r\n").rpartition(b"\r\n")[2].decode()
    words = last.replace("已删除", "").split()
    if not last.startswith("+OK") or ("deleted, goodbye" not in last and "已删除" not in last):
        return 0
    return int(next(word for word in words if word.isdigit()))


@pytest.mark.parametrize("seed", range(20))
async def test_mutated_sessions(seed: int) -> None:
    chance = random.Random(seed)
    promised = signed_in = 0
    for number in range(500):
        world = World(message(1), EAI, LargeMessage(message(3, 3000)), settings=Pop3Settings(errors_max=8))
        client = world.connect(MemoryPeer(tls=chance.random() < 0.9, clear_text_auth=chance.random() < 0.5))
        data = mutated_dialogue(chance)
        edges = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(4)))
        said = b""
        for start, end in zip([0, *edges], [*edges, len(data)], strict=True):
            answer = await client.say(data[start:end])
            assert not answer or answer.startswith(LINES), (seed, number, data)
            said += answer
        signed_in += client.session.drop is not None
        deletions = count_of_deletions(said)
        promised += deletions
        await client.drop()
        assert world.faults == [], (seed, number, data)
        assert len(world.inbox.rows) == 3 - deletions, (seed, number, data)
        assert world.store.locked == set(), (seed, number, data)
    assert promised
    assert signed_in > 50
