"""SCRAM from both sides: the examples of the RFCs, channel binding, and what is refused."""

from __future__ import annotations

import hashlib

import pytest

from posthouse.core.scram import ScramKey, ScramKeys, derive, format_record, parse_record
from posthouse.wire.sasl import (
    Challenge,
    ClientExchange,
    Credentials,
    Failure,
    Lookup,
    Proof,
    Reason,
    ScramClient,
    ScramServer,
    ServerExchange,
    decode_base64,
    encode_base64,
    is_known,
    offered,
)

# (mechanism, client nonce, server nonce, salt, client first, server first, client final, server final)
EXAMPLES = [
    # RFC 5802 §5
    (
        "SCRAM-SHA-1",
        b"fyko+d2lbbFgONRv9qkxdawL",
        b"3rfcNHYJY1ZVvWVs7j",
        b"QSXCR+Q6sek8bf92",
        b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ),
    # RFC 7677 §3
    (
        "SCRAM-SHA-256",
        b"rOprNGfwEbeRWgbNEkqO",
        b"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        b"W22ZaJ0SNY7soEsUEjb6gQ==",
        b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
]
NAMES = ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512")
ROUNDS = 4096
SALT = b"0123456789abcdef"
BINDINGS = {"tls-unique": b"u" * 12, "tls-server-end-point": b"e" * 32}


def keys(mechanism: str, *passwords: str) -> ScramKeys:
    name = mechanism.removesuffix("-PLUS")
    return ScramKeys(SALT, ROUNDS, [derive(name, password, SALT, ROUNDS) for password in passwords])


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e[0])
def test_examples(example: tuple[str, bytes, bytes, bytes, bytes, bytes, bytes, bytes]) -> None:
    name, client_nonce, server_nonce, salt_text, first, challenge, final, signature = example
    salt = decode_base64(salt_text)
    assert salt is not None
    server = ScramServer(name, server_nonce, {}, strict=False)
    assert server.respond(None) == Challenge(b"")
    assert server.respond(first) == Lookup(name, "user", "")
    assert server.resume(ScramKeys(salt, 4096, [derive(name, "pencil", salt, 4096)])) == Challenge(challenge)
    assert server.respond(final) == Proof(name, "user", "", 0, signature)
    client = ScramClient(name, Credentials(name, "user", "pencil"), client_nonce, {})
    assert client.initial() == first
    assert client.respond(challenge) == final
    assert client.respond(signature) == b""
    assert client.verified


def run(
    mechanism: str,
    credentials: Credentials,
    known: ScramKeys,
    theirs: dict[str, bytes] | None = None,
    ours: dict[str, bytes] | None = None,
) -> tuple[object, ClientExchange]:
    """The last step of the server, after the client has seen all."""
    server = ServerExchange(mechanism, b"server", theirs or {})
    client = ClientExchange(mechanism, credentials, b"client", ours or {})
    step = server.start(client.initial())
    while not isinstance(step, Proof | Failure | Credentials):
        if isinstance(step, Lookup):
            step = server.resume(known)
        assert isinstance(step, Challenge)
        line = client.receive(server.line(step))
        assert line is not None
        step = server.receive(line)
    if isinstance(step, Proof) and step.key is not None:
        assert client.unproven
        assert client.receive(encode_base64(step.final)) == b""
        assert not client.unproven
    return step, client


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("plus", ["", "-PLUS"])
def test_both_sides(name: str, plus: str) -> None:
    bindings = BINDINGS if plus else {}
    given = Credentials(name, "li,=x@post.test", "密码 ｏｎｅ", "li@post.test")
    step, _ = run(name + plus, given, keys(name, "密码 one"), bindings, bindings)
    assert isinstance(step, Proof)
    assert (step.username, step.authzid, step.key) == ("li,=x@post.test", "li@post.test", 0)


@pytest.mark.parametrize("name", NAMES)
def test_any_of_several_keys_and_no_other(name: str) -> None:
    known = keys(name, "one", "two", "three")
    for index, password in enumerate(("one", "two", "three")):
        step, _ = run(name, Credentials(name, "li", password), known)
        assert isinstance(step, Proof)
        assert step.key == index
    step, client = run(name, Credentials(name, "li", "four"), known)
    assert isinstance(step, Proof)
    assert step.key is None
    assert step.final == b""
    assert client.unproven


def test_bound_to_another_connection_is_not_proven() -> None:
    name = "SCRAM-SHA-256-PLUS"
    other = dict(BINDINGS, **{"tls-unique": b"x" * 12})
    step, _ = run(name, Credentials(name, "li", "one"), keys(name, "one"), BINDINGS, other)
    assert isinstance(step, Proof)
    assert step.key is None


@pytest.mark.parametrize(
    ("mechanism", "first", "strict", "bindings", "reason"),
    [
        ("SCRAM-SHA-256", b"p=tls-unique,,n=li,r=abc", False, BINDINGS, Reason.BAD_BINDING),
        ("SCRAM-SHA-256", b"y,,n=li,r=abc", True, BINDINGS, Reason.BAD_BINDING),
        ("SCRAM-SHA-256-PLUS", b"n,,n=li,r=abc", True, BINDINGS, Reason.BAD_BINDING),
        ("SCRAM-SHA-256-PLUS", b"p=tls-exporter,,n=li,r=abc", True, BINDINGS, Reason.BAD_BINDING),
        ("SCRAM-SHA-256", b"", False, {}, Reason.BAD_MESSAGE),
        ("SCRAM-SHA-256", b"n,,m=x,n=li,r=abc", False, {}, Reason.BAD_MESSAGE),
        ("SCRAM-SHA-256", b"n,,n=l=i,r=abc", False, {}, Reason.BAD_MESSAGE),
        ("SCRAM-SHA-256", b"n,,n=,r=abc", False, {}, Reason.BAD_MESSAGE),
        ("SCRAM-SHA-256", b"n,,n=li,r=", False, {}, Reason.BAD_MESSAGE),
        ("SCRAM-SHA-256", b"n,,n=\xff,r=abc", False, {}, Reason.BAD_MESSAGE),
        ("SCRAM-SHA-256", b"n,,n=li,r=" + b"a" * 5000, False, {}, Reason.TOO_LONG),
    ],
)
def test_refused_at_once(
    mechanism: str,
    first: bytes,
    strict: bool,
    bindings: dict[str, bytes],
    reason: Reason,
) -> None:
    assert ScramServer(mechanism, b"s", bindings, strict=strict).respond(first) == Failure(reason)


def test_y_is_taken_where_plus_was_not_offered() -> None:
    server = ScramServer("SCRAM-SHA-256", b"s", BINDINGS, strict=False)
    assert isinstance(server.respond(b"y,,n=li,r=abc"), Lookup)


@pytest.mark.parametrize("final", [b"", b"c=biws,r=abcs", b"c=biws,r=other,p=AAAA", b"c=biws,r=abcs,p=AAAA"])
def test_a_malformed_end(final: bytes) -> None:
    server = ScramServer("SCRAM-SHA-1", b"s", {}, strict=False)
    server.respond(b"n,,n=li,r=abc")
    server.resume(keys("SCRAM-SHA-1", "one"))
    assert server.respond(final) == Failure(Reason.BAD_MESSAGE)


@pytest.mark.parametrize(
    "challenge",
    [
        b"r=client,s=AAAA,i=4096",
        b"r=other,s=AAAA,i=4096",
        b"r=clientx,s=!,i=4096",
        b"r=clientx,s=AAAA,i=999999999",
        b"e=x",
    ],
)
def test_the_client_refuses_a_strange_server(challenge: bytes) -> None:
    client = ScramClient("SCRAM-SHA-1", Credentials("", "li", "one"), b"client", {})
    client.initial()
    assert client.respond(challenge) is None


def test_what_is_offered() -> None:
    plain = ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"]
    assert offered({}, plus=True) == offered(BINDINGS, plus=False) == plain
    assert offered(BINDINGS, plus=True)[:3] == [
        "SCRAM-SHA-512-PLUS",
        "SCRAM-SHA-256-PLUS",
        "SCRAM-SHA-1-PLUS",
    ]
    assert is_known("SCRAM-SHA-1-PLUS", BINDINGS)
    assert not is_known("SCRAM-SHA-1-PLUS", {})
    assert not is_known("CRAM-MD5", BINDINGS)


def test_the_client_chooses_the_strongest() -> None:
    given = Credentials("", "li", "one")

    def choose(theirs: list[str], nonce: bytes = b"n", bindings: dict[str, bytes] | None = None) -> str:
        found = ClientExchange.choose(theirs, given, nonce, bindings or {})
        assert found is not None
        return found.name

    assert choose(["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"]) == "SCRAM-SHA-256"
    assert choose(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"], bindings=BINDINGS) == "SCRAM-SHA-256-PLUS"
    assert choose(["PLAIN", "SCRAM-SHA-256"], nonce=b"") == "PLAIN"


def test_records() -> None:
    key = derive("SCRAM-SHA-256", "one", SALT, ROUNDS)
    record = format_record("SCRAM-SHA-256", SALT, ROUNDS, key)
    assert record.startswith("SCRAM-SHA-256$4096:MDEyMzQ1Njc4OWFiY2RlZg==$")
    assert parse_record(record) == ("SCRAM-SHA-256", SALT, ROUNDS, key)
    assert hashlib.sha256(b"").digest_size == len(key.stored)
    assert "stored" not in repr(ScramKey(b"a", b"b"))
