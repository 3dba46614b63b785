"""10,000 mutated SMTP sessions, cut up and lost at the end: no fault, no hang, no growth, no unanswered mail."""

from __future__ import annotations

import random
import re

import pytest

from posthouse.sessions.smtp import SmtpSettings
from posthouse.storage.rows import Delivery
from posthouse.wire.smtp.engine import AUTH_LINE_MAX
from tests.fuzz.smtp_mutation import mutated_dialogue
from tests.unit.smtp_world import World

REPLY = re.compile(r"(?:[2-5][0-9]{2}[ -][ -~]*\r\n)*")
TAKEN = re.compile(r"(?m)^250 2\.0\.0 (?:Message accepted|<[^>]*> Delivered) as (\w+)")
BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


def is_from_peer(delivery: Delivery) -> bool:
    """False for the notices that delivery itself sends."""
    return delivery.journal[0].facts["listener"] != "internal"


@pytest.mark.parametrize("seed", range(20))
async def test_mutated_sessions(seed: int) -> None:
    chance = random.Random(seed)
    accepted = 0
    for number in range(500):
        where = (seed, number)
        world = World(SmtpSettings(errors_max=20), max_message_bytes=20_000)
        client = world.connect(
            chance.choice(["smtp", "submission", "lmtp"]),
            tls=chance.random() < 0.7,
            clear_text_auth=chance.random() < 0.5,
        )
        data = mutated_dialogue(chance)
        edges = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(5)))
        said = ""
        for start, end in zip([0, *edges], [*edges, len(data)], strict=True):
            said += await client.say(data[start:end])
            assert client.session.closing or client.session.engine.buffered <= AUTH_LINE_MAX, where
        assert REPLY.fullmatch(said), where
        traces = set(TAKEN.findall(said))
        own = [delivery for delivery in world.store.delivered if is_from_peer(delivery)]
        delivered = [delivery.trace for delivery in own]
        assert len(delivered) == len(set(delivered)), where
        assert set(delivered) == traces, where
        for delivery in own:
            assert delivery.content.packed is not None
            binary = b"BINARYMIME" in data
            assert binary or not BARE.search(delivery.content.packed), where
        accepted += len(traces)
        await client.drop()
        assert world.faults == [], where
        assert world.store.open == 0, where
    assert accepted > 50


async def test_the_mutations_are_the_same_every_time() -> None:
    assert mutated_dialogue(random.Random(7)) == mutated_dialogue(random.Random(7))
