"""The SMTP client signs in by SCRAM, and believes no server that does not prove itself."""

from __future__ import annotations

import pytest

from posthouse.core.scram import ScramKeys, derive
from posthouse.wire.sasl import Credentials, Lookup, Proof, ServerExchange, encode_base64
from posthouse.wire.smtp.client import Broken, ClientEngine, ClientEvent, Done, Op

EHLO = b"250-mx\r\n250 AUTH PLAIN SCRAM-SHA-1 SCRAM-SHA-256\r\n"
SALT = b"0123456789abcdef"
GIVEN = Credentials("", "li@163.test", "secret")


def say(engine: ClientEngine, data: bytes) -> list[ClientEvent]:
    engine.receive(data)
    events = []
    while (event := engine.next_event()) is not None:
        events.append(event)
        if isinstance(event, Broken):
            break
    return events


def connected() -> ClientEngine:
    engine = ClientEngine("me.test")
    say(engine, b"220 mx\r\n")
    engine.hello()
    engine.data_to_send()
    say(engine, EHLO)
    return engine


def exchange(engine: ClientEngine, password: str) -> Proof:
    """Up to the server's verdict on the client."""
    assert engine.sign_in(GIVEN, b"nonce")
    command, name, initial = engine.data_to_send().split()
    assert (command, name) == (b"AUTH", b"SCRAM-SHA-256")
    server = ServerExchange("SCRAM-SHA-256", b"server")
    assert isinstance(server.start(initial), Lookup)
    challenge = server.resume(ScramKeys(SALT, 4096, [derive("SCRAM-SHA-256", password, SALT, 4096)]))
    assert say(engine, b"334 " + server.line(challenge) + b"\r\n") == []
    proof = server.receive(engine.data_to_send().rstrip(b"\r\n"))
    assert isinstance(proof, Proof)
    return proof


def test_both_prove_themselves() -> None:
    engine = connected()
    proof = exchange(engine, "secret")
    assert proof.key == 0
    assert say(engine, b"334 " + encode_base64(proof.final) + b"\r\n") == []
    assert engine.data_to_send() == b"\r\n"
    (done,) = say(engine, b"235 2.7.0 in\r\n")
    assert isinstance(done, Done)
    assert done.answer.ok


def test_a_wrong_password_is_refused() -> None:
    engine = connected()
    assert exchange(engine, "another").key is None
    (done,) = say(engine, b"535 5.7.8 wrong\r\n")
    assert isinstance(done, Done)
    assert (done.op, done.answer.code) == (Op.AUTH, 535)


def test_a_server_that_only_says_yes_is_not_believed() -> None:
    engine = connected()
    exchange(engine, "another")
    (broken,) = say(engine, b"235 2.7.0 in\r\n")
    assert isinstance(broken, Broken)
    assert "proving" in broken.detail


@pytest.mark.parametrize("signature", [b"dj1BQUFB", b"ZT1vdGhlci1lcnJvcg=="])
def test_a_wrong_signature_ends_the_exchange(signature: bytes) -> None:
    engine = connected()
    exchange(engine, "secret")
    assert say(engine, b"334 " + signature + b"\r\n") == []
    assert engine.data_to_send() == b"*\r\n"
