"""SASL exchanges: PLAIN and LOGIN from both sides, strict base64, cancel."""

from __future__ import annotations

import pytest

from posthouse.wire.sasl import (
    CLIENT,
    LINE_MAX,
    SERVER,
    Challenge,
    ClientExchange,
    Credentials,
    Failure,
    Reason,
    ServerExchange,
    decode_base64,
    encode_base64,
)


def test_plain_with_initial_response() -> None:
    # RFC 4616 §4, second example: with an authorization identity
    step = ServerExchange("plain").start(encode_base64(b"Ursel\0Kurt\0xipj3plmq"))
    assert step == Credentials("PLAIN", "Kurt", "xipj3plmq", "Ursel")


def test_plain_without_initial_response_sends_an_empty_challenge() -> None:
    exchange = ServerExchange("PLAIN")
    step = exchange.start()
    assert step == Challenge(b"")
    assert exchange.line(step) == b""
    assert exchange.receive(encode_base64("\0tim\0驿站".encode())) == Credentials("PLAIN", "tim", "驿站")


@pytest.mark.parametrize(
    "message",
    [b"", b"tim\0secret", b"\0\0secret", b"\0tim\0", b"a\0b\0c\0d", b"\0\xff\0x", b"\0tim\0\xc0\xaf"],
)
def test_plain_malformed(message: bytes) -> None:
    exchange = ServerExchange("PLAIN")
    exchange.start()
    assert exchange.receive(encode_base64(message)) == Failure(Reason.BAD_MESSAGE)


def test_login_with_prompts_and_with_the_name_as_initial_response() -> None:
    exchange = ServerExchange("LOGIN")
    step = exchange.start()
    assert isinstance(step, Challenge)
    assert exchange.line(step) == b"VXNlcm5hbWU6"
    step = exchange.receive(encode_base64(b"li@163.test"))
    assert isinstance(step, Challenge)
    assert exchange.line(step) == b"UGFzc3dvcmQ6"
    assert exchange.receive(encode_base64(b"s3")) == Credentials("LOGIN", "li@163.test", "s3")
    quick = ServerExchange("LOGIN")
    assert quick.start(encode_base64(b"li@163.test")) == Challenge(b"Password:")
    assert quick.receive(encode_base64(b"s3")) == Credentials("LOGIN", "li@163.test", "s3")


@pytest.mark.parametrize("answers", [(b"", b"x"), (b"x", b""), (b"a\0b", b"x")])
def test_login_malformed(answers: tuple[bytes, bytes]) -> None:
    exchange = ServerExchange("LOGIN")
    exchange.start()
    exchange.receive(encode_base64(answers[0]))
    assert exchange.receive(encode_base64(answers[1])) == Failure(Reason.BAD_MESSAGE)


def test_cancel_and_empty_initial_response() -> None:
    exchange = ServerExchange("PLAIN")
    exchange.start()
    assert exchange.receive(b"*") == Failure(Reason.CANCELLED)
    assert ServerExchange("PLAIN").start(b"=") == Failure(Reason.BAD_MESSAGE)


@pytest.mark.parametrize(
    "text", [b"a", b"ab", b"abc", b"ab==x", b"=ab=", b"a b=", b"YR==", b"YQ", b"YQ==\n", b"Y-_="]
)
def test_base64_is_strict(text: bytes) -> None:
    assert decode_base64(text) is None
    assert ServerExchange("PLAIN").start(text) == Failure(Reason.BAD_BASE64)


def test_limits() -> None:
    assert ServerExchange("PLAIN").start(b"A" * (LINE_MAX + 4)) == Failure(Reason.TOO_LONG)
    long = encode_base64(b"\0tim\0" + b"x" * 1025)
    assert ServerExchange("PLAIN").start(long) == Failure(Reason.TOO_LONG)


@pytest.mark.parametrize("name", sorted(SERVER.keys() & CLIENT.keys()))
@pytest.mark.parametrize("with_initial", [True, False])
def test_client_and_server_understand_each_other(name: str, with_initial: bool) -> None:
    wanted = Credentials(name, "zhang@qq.test", "pässwörd")
    client, server = ClientExchange(name, wanted), ServerExchange(name)
    first = client.initial() if with_initial else None
    step = server.start(first)
    while isinstance(step, Challenge):
        answer = client.receive(server.line(step))
        assert answer is not None
        step = server.receive(answer)
    assert step == wanted
    assert client.receive(b"") is None


def test_client_chooses_and_tolerates_plain_text_prompts() -> None:
    wanted = Credentials("", "a", "b")
    chosen = ClientExchange.choose(["GSSAPI", "login", "plain"], wanted)
    assert chosen is not None
    assert chosen.name == "PLAIN"
    assert ClientExchange.choose(["DIGEST-MD5"], wanted) is None
    login = ClientExchange("LOGIN", wanted)
    assert login.receive(b"Username:") == encode_base64(b"a")


def test_secrets_stay_out_of_repr() -> None:
    assert "hunter2" not in repr(Credentials("PLAIN", "a", "hunter2"))
