"""The SMTP client engine against peers that say anything: no exception, and every recipient gets a verdict."""

from __future__ import annotations

import random

import pytest

from posthouse.core.address import parse_address
from posthouse.wire.sasl import Credentials
from posthouse.wire.smtp.client import Broken, ClientEngine, Done, Finished, GoAhead, Op
from posthouse.wire.smtp.outgoing import Outgoing, OutgoingRecipient, find_obstacle

GOOD = [
    b"250 2.0.0 ok",
    b"250-x\r\n250-PIPELINING\r\n250-AUTH PLAIN LOGIN\r\n250 CHUNKING",
    b"250 SIZE",
    b"354 go",
]
SAID = [
    *(
        b"220 hi",
        b"334 ",
        b"334 VXNlcm5hbWU6",
        b"235 in",
        b"421 4.3.2 bye",
        b"450 no",
        b"550 5.1.1 no",
        b"503 no",
    ),
    *(b"250", b"2500 x", b"", b"\xff\xfe", b"250-half", b"999 x", b"text", b"250 " + b"x" * 5000),
]


def drive(engine: ClientEngine, chance: random.Random, events: list[object]) -> bool:
    """React as a driver does; False when the connection is over."""
    while (event := engine.next_event()) is not None:
        events.append(event)
        if isinstance(event, Broken) or engine.closing:
            return False
        if isinstance(event, GoAhead):
            for _ in range(chance.randrange(3)):
                engine.content(chance.choice([b"a\r\n", b".\r\n", b"\r\n.", b""]))
            engine.content(b"", last=True)
        elif isinstance(event, Done) and event.op is Op.GREETING:
            engine.hello()
        elif isinstance(event, Done) and event.op is Op.HELLO and chance.random() < 0.3:
            if not engine.sign_in(Credentials("", "li", "pw")):
                engine.quit()
        elif isinstance(event, (Done, Finished)):
            if isinstance(event, Done) and event.op is Op.QUIT:
                return False
            count = chance.randrange(1, 4)
            to = [OutgoingRecipient(parse_address(f"r{n}@x.test")) for n in range(count)]
            message = Outgoing(None, to, size=5)
            if find_obstacle(message, engine.capabilities, tls=False):
                return False
            engine.begin(message)
            events.append(count)
    return True


@pytest.mark.parametrize("lmtp", [False, True])
def test_any_peer(lmtp: bool) -> None:
    chance = random.Random(11)
    verdicts = 0
    for number in range(5000):
        engine = ClientEngine("qq.test", lmtp=lmtp)
        events: list[object] = []
        stream = b"220 x\r\n250-x\r\n250 PIPELINING\r\n" if chance.random() < 0.8 else b""
        for _ in range(chance.randrange(1, 25)):
            stream += chance.choice(GOOD if chance.random() < 0.8 else SAID) + b"\r\n"
        alive = True
        while stream and alive:
            piece = chance.randrange(1, 60)
            engine.receive(stream[:piece])
            stream = stream[piece:]
            alive = drive(engine, chance, events)
            engine.data_to_send()
        asked = [event for event in events if isinstance(event, int)]
        got = [len(event.results) for event in events if isinstance(event, Finished)]
        assert got == asked[: len(got)], number
        assert len(asked) - len(got) <= 1, number
        verdicts += len(got)
    assert verdicts > 1000
