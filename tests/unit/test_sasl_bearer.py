"""OAUTHBEARER and XOAUTH2: the messages, the refusal, and the same exchange in every protocol."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.errors import ScopeExceeded, Unavailable
from posthouse.services.grant import of_password
from posthouse.wire.sasl import (
    Challenge,
    ClientExchange,
    Credentials,
    Failure,
    Reason,
    ServerExchange,
    Token,
    encode_base64,
    format_refusal,
)
from tests.unit import imap_world, pop3_world, smtp_world
from tests.unit.sign_in_tokens import Tokens

# RFC 7628 §4.1
EXAMPLE = (
    b"bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRj"
    b"Mk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
)
MECHANISMS = ("OAUTHBEARER", "XOAUTH2")


def test_the_example_of_the_rfc() -> None:
    wanted = Token("OAUTHBEARER", "user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==")
    assert ServerExchange("OAUTHBEARER").start(EXAMPLE) == wanted
    later = ServerExchange("oauthbearer")
    assert later.start() == Challenge(b"")
    assert later.receive(EXAMPLE) == wanted


def test_the_example_of_xoauth2() -> None:
    message = b"user=someuser@example.com\1auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\1\1"
    wanted = Token("XOAUTH2", "someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")
    assert ServerExchange("XOAUTH2").start(encode_base64(message)) == wanted


@pytest.mark.parametrize(
    ("mechanism", "message", "wanted"),
    [
        ("OAUTHBEARER", b"n,,\1auth=bEARER  x.y-z_~+/==\1\1", Token("OAUTHBEARER", "", "x.y-z_~+/==")),
        ("OAUTHBEARER", b"y,a=a=2Cb=3D,\1auth=Bearer x\1\1", Token("OAUTHBEARER", "a,b=", "x")),
        ("OAUTHBEARER", b"p=tls-unique,,\1auth=Bearer x\1\1", Reason.BAD_BINDING),
        ("OAUTHBEARER", b"n,a=a=b,\1auth=Bearer x\1\1", Reason.BAD_MESSAGE),
        ("OAUTHBEARER", b"n,a=\xff,\1auth=Bearer x\1\1", Reason.BAD_MESSAGE),
        ("OAUTHBEARER", b"\1", Reason.BAD_MESSAGE),
        ("OAUTHBEARER", b"n,,\1auth=Bearer x\1", Reason.BAD_MESSAGE),
        ("OAUTHBEARER", b"n,,\1auth=Bearer x\1\1\1", Reason.BAD_MESSAGE),
        ("OAUTHBEARER", b"n,,\1auth=Bearer x\1auth=Bearer y\1\1", Reason.BAD_MESSAGE),
        ("OAUTHBEARER", b"n,,\1auth=Bearer \1\1", Reason.BAD_MESSAGE),
        ("OAUTHBEARER", b"n,,\1auth=Bearer x y\1\1", Reason.BAD_MESSAGE),
        ("OAUTHBEARER", b"n,,\1auth=Basic x\1\1", Reason.BAD_MESSAGE),
        ("OAUTHBEARER", b"n,,\1host=a\1\1", Reason.BAD_MESSAGE),
        ("OAUTHBEARER", b"n,a=" + b"x" * 1025 + b",\1auth=Bearer x\1\1", Reason.TOO_LONG),
        ("XOAUTH2", b"user=\1auth=Bearer x\1\1", Token("XOAUTH2", "", "x")),
        ("XOAUTH2", "user=张@例子\1auth=Bearer x\1\1".encode(), Token("XOAUTH2", "张@例子", "x")),
        ("XOAUTH2", b"auth=Bearer x\1\1", Reason.BAD_MESSAGE),
        ("XOAUTH2", b"user=\xff\1auth=Bearer x\1\1", Reason.BAD_MESSAGE),
        ("XOAUTH2", b"", Reason.BAD_MESSAGE),
    ],
)
def test_messages(mechanism: str, message: bytes, wanted: Token | Reason) -> None:
    expected = Failure(wanted) if isinstance(wanted, Reason) else wanted
    exchange = ServerExchange(mechanism)
    exchange.start()
    assert exchange.receive(encode_base64(message)) == expected


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_both_sides_understand_each_other(mechanism: str) -> None:
    given = Credentials("", "li,=@post.test", "to-ken~")
    client, server = ClientExchange(mechanism, given), ServerExchange(mechanism)
    initial = client.initial()
    assert initial is not None
    assert server.start(initial) == Token(mechanism, "li,=@post.test", "to-ken~")
    refusal = format_refusal(mechanism, insufficient=False, discovery="https://x.test", scope="imap")
    assert client.receive(encode_base64(refusal)) == (b"AQ==" if mechanism == "OAUTHBEARER" else b"")
    assert json.loads(client.refusal) == {
        "status": "invalid_token" if mechanism == "OAUTHBEARER" else "401",
        "schemes": "bearer",
        "scope": "imap",
        "openid-configuration": "https://x.test",
    }
    slow = ClientExchange(mechanism, given)
    assert slow.receive(b"") == initial  # a server without initial responses


def test_a_token_is_never_offered_as_a_password() -> None:
    given = Credentials("", "li@post.test", "token")
    assert ClientExchange.choose(["PLAIN", "SCRAM-SHA-256"], given, b"nonce", token=True) is None
    chosen = ClientExchange.choose(["PLAIN", "XOAUTH2", "OAUTHBEARER"], given, token=True)
    assert chosen is not None
    assert chosen.name == "OAUTHBEARER"
    chosen = ClientExchange.choose(["OAUTHBEARER", "PLAIN"], given)
    assert chosen is not None
    assert chosen.name == "PLAIN"


def test_tokens_stay_out_of_repr() -> None:
    assert "hunter2" not in repr(Token("XOAUTH2", "a", "hunter2"))


async def run(say: Any, begin: bytes, more: bytes, mechanism: str, name: str, token: str) -> tuple[str, str]:
    """The last answer, and what the server said of the token."""
    client = ClientExchange(mechanism, Credentials("", name, token))
    initial = client.initial()
    assert initial is not None
    said = await say(begin % mechanism.encode() + b"\r\n")
    assert said.rstrip() == more.rstrip(), said
    said = await say(initial + b"\r\n")
    while said.startswith(more):
        answer = client.receive(said.removeprefix(more).rstrip(b"\r\n"))
        assert answer is not None
        said = await say(answer + b"\r\n")
    return said.decode(), client.refusal.decode()


def tokens(account: Any) -> Tokens:
    return Tokens(good=of_password(account), narrow=ScopeExceeded(), down=Unavailable())


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_pop3(mechanism: str) -> None:
    world = pop3_world.World()
    name = pop3_world.ZHANG.address

    async def go(token: str) -> tuple[str, str]:
        return await run(world.connect().say, b"AUTH %b", b"+ ", mechanism, name, token)

    assert (await world.connect().say(b"AUTH %b\r\n" % mechanism.encode())).startswith(b"-ERR This mechanism")
    assert mechanism.encode() not in await world.connect().say(b"CAPA\r\n")
    world.accounts.tokens = tokens(pop3_world.ZHANG)
    assert mechanism.encode() in await world.connect().say(b"CAPA\r\n")
    assert (await go("good"))[0].startswith("+OK")
    answer, refusal = await go("bad")
    assert answer.startswith("-ERR [AUTH] This token")
    assert ('"invalid_token"' in refusal) is (mechanism == "OAUTHBEARER")
    assert Tokens.discovery in refusal
    answer, refusal = await go("narrow")
    assert answer.startswith("-ERR [AUTH] What you signed in with is not for")
    assert ('"insufficient_scope"' in refusal) is (mechanism == "OAUTHBEARER")
    assert (await go("down")) == ("-ERR [SYS/TEMP] " + answer_of_unavailable(), "")


def answer_of_unavailable() -> str:
    return "The server cannot do this just now, nothing was changed; try again in a minute\r\n"


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_smtp(mechanism: str) -> None:
    world = smtp_world.World()
    world.accounts.tokens = tokens(smtp_world.LI)
    for token, wanted in (
        ("good", "235 2.7.0"),
        ("bad", "535 5.7.8 This token"),
        ("narrow", "535 5.7.1"),
        ("down", "454 4.7.0"),
    ):
        client = world.connect("submission", tls=True)
        assert mechanism in await client.say(smtp_world.HELLO)

        async def say(data: bytes, client: Any = client) -> bytes:
            return (await client.say(data)).encode()

        answer, _ = await run(say, b"AUTH %b", b"334 ", mechanism, smtp_world.LI.address, token)
        assert answer.startswith(wanted)
    assert world.accounts.tokens.asked[0] == (smtp_world.LI.address, "good")


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_imap(mechanism: str, tmp_path: Path) -> None:
    async with imap_world.imap_world(tmp_path) as world:
        world.tokens = tokens(world.account)
        for token, wanted in (
            ("good", "a OK [CAPABILITY "),
            ("bad", "a NO [AUTHENTICATIONFAILED] This token"),
            ("narrow", "a NO [AUTHORIZATIONFAILED]"),
            ("down", "a NO [UNAVAILABLE]"),
        ):
            client = world.connect()
            assert f"AUTH={mechanism}" in " ".join(await client.run("CAPABILITY"))
            answer, _ = await run(
                client.send, b"a AUTHENTICATE %b", b"+ ", mechanism, world.account.address, token
            )
            assert answer.startswith(wanted)
