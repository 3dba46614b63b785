"""SCRAM in every protocol: the exchange on the line, what is announced where, and that all failures read alike."""

from __future__ import annotations

from typing import Any

import pytest

from posthouse.services.grant import Origin, of_password
from posthouse.sessions.authentication import ActsForOther, Authentication, mechanisms
from posthouse.sessions.session import ConnectionInfo, TlsInfo
from posthouse.wire.sasl import ClientExchange, Credentials
from tests.unit import imap_world, pop3_world, smtp_world

PLUS = ["SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"]
PLAIN = ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"]


SIGN_IN = smtp_world.World().accounts


def info(tls: TlsInfo | None) -> ConnectionInfo:
    return ConnectionInfo("c1", "imap", "192.0.2.1", 1, "192.0.2.2", 143, tls)


def test_plus_is_announced_where_clients_can_use_it() -> None:
    assert mechanisms(info(None), SIGN_IN) == PLAIN
    assert mechanisms(info(TlsInfo("TLSv1.3", "x", end_point=b"e")), SIGN_IN) == PLAIN
    assert mechanisms(info(TlsInfo("TLSv1.2", "x", unique=b"u", end_point=b"e")), SIGN_IN) == PLUS + PLAIN


class Line:
    """One protocol: say the AUTH command and answers, hear challenges (base64) or the end."""

    def __init__(self, begin: bytes, challenge: bytes, say: Any) -> None:
        self.begin, self.challenge, self._say = begin, challenge, say

    async def run(self, mechanism: str, name: str, password: str) -> bytes:
        client = ClientExchange(mechanism, Credentials(mechanism, name, password), b"nonce")
        initial = client.initial()
        assert initial is not None
        said: bytes = await self._say(self.begin % mechanism.encode() + initial + b"\r\n")
        while said.startswith(self.challenge):
            answer = client.receive(said.removeprefix(self.challenge).rstrip(b"\r\n"))
            said = await self._say((b"*" if answer is None else answer) + b"\r\n")
        if b"OK" in said or said.startswith(b"235"):
            assert not client.unproven
        return said


async def pop3() -> tuple[Line, str, str]:
    client = pop3_world.World().connect()
    return Line(b"AUTH %b ", b"+ ", client.say), pop3_world.ZHANG.address, pop3_world.PASSWORD


@pytest.mark.parametrize("mechanism", PLAIN[:3])
async def test_pop3(mechanism: str) -> None:
    line, name, password = await pop3()
    assert (await line.run(mechanism, name, password)).startswith(b"+OK")


async def test_pop3_failures_read_alike() -> None:
    answers = set()
    for name, password in (("zhang@qq.test", "wrong"), ("nobody@qq.test", pop3_world.PASSWORD), ("x", "y")):
        for mechanism in ("SCRAM-SHA-256", "PLAIN"):
            line, *_ = await pop3()
            answers.add(await line.run(mechanism, name, password))
    assert len(answers) == 1
    assert answers.pop().startswith(b"-ERR [AUTH] ")


async def test_pop3_binding_and_malformed_ends() -> None:
    client = pop3_world.World().connect()
    # n=li with "p=tls-exporter", for a mechanism without -PLUS
    answer = await client.say(b"AUTH SCRAM-SHA-256 cD10bHMtZXhwb3J0ZXIsLG49bGkscj1hYmM=\r\n")
    assert (
        answer
        == b"-ERR The channel binding does not fit this connection; use a mechanism that CAPA lists\r\n"
    )
    assert (await client.say(b"AUTH SCRAM-SHA-256-PLUS\r\n")).startswith(b"-ERR This mechanism")


@pytest.mark.parametrize("mechanism", PLAIN[:3])
async def test_smtp(mechanism: str) -> None:
    client = smtp_world.World().connect("submission", tls=True)
    await client.say(b"EHLO c.test\r\n")

    async def say(data: bytes) -> bytes:
        answer: str = await client.say(data)
        return answer.encode()

    line = Line(b"AUTH %b ", b"334 ", say)
    assert (await line.run(mechanism, smtp_world.LI.address, "wrong")).startswith(b"535 5.7.8 ")
    assert (await line.run(mechanism, "nobody@163.test", smtp_world.PASSWORD)).startswith(b"535 5.7.8 ")
    assert (await line.run(mechanism, smtp_world.LI.address, smtp_world.PASSWORD)).startswith(b"235 ")


async def test_our_proof_wants_an_empty_answer() -> None:
    world = smtp_world.World()
    given = Credentials("", smtp_world.LI.address, smtp_world.PASSWORD)
    for last, wanted in ((b"eA==", "BAD_MESSAGE"), (b"*", "CANCELLED"), (b"", of_password(smtp_world.LI))):
        client = ClientExchange("SCRAM-SHA-1", given, b"nonce")
        ours = Authentication(
            "SCRAM-SHA-1", world.accounts, info(None), Origin("submission", "c1", "192.0.2.1")
        )
        step = await ours.start(client.initial())
        for _ in range(2):
            line = client.receive(ours.line(step))  # type: ignore[arg-type]
            assert line is not None
            step = await ours.receive(line) if line else step
        assert not client.unproven
        outcome: Any = await ours.receive(last)
        assert getattr(getattr(outcome, "reason", None), "name", outcome) == wanted


async def test_nobody_acts_for_another() -> None:
    world = smtp_world.World()
    given = Credentials("", smtp_world.LI.address, smtp_world.PASSWORD, "boss@163.test")
    for mechanism in ("PLAIN", "SCRAM-SHA-256"):
        client = ClientExchange(mechanism, given, b"nonce")
        ours = Authentication(mechanism, world.accounts, info(None), Origin("submission", "c1", "192.0.2.1"))
        assert isinstance(await ours.start(client.initial()), ActsForOther)


async def test_imap(tmp_path: Any) -> None:
    async with imap_world.imap_world(tmp_path) as world:
        client = world.connect()
        line = Line(b"a AUTHENTICATE %b ", b"+ ", client.send)
        wrong = await line.run("SCRAM-SHA-256", "li@example.test", "wrong")
        assert wrong.startswith(b"a NO [AUTHENTICATIONFAILED]")
        assert await line.run("PLAIN", "li@example.test", "wrong") == wrong
        assert b"a OK [CAPABILITY " in await line.run("SCRAM-SHA-256", "li@example.test", imap_world.PASSWORD)
