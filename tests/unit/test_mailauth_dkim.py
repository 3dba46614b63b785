"""DKIM: the examples of RFC 8463, signatures made and verified, every way a signature can fail."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from posthouse.mailauth.dkim_sign import key_record
from posthouse.mailauth.verdict import REASONS
from tests.unit.mailauth_world import NOW, signed, signing_key, verified, zone_of

LETTER = (
    b"From: Li <li@post.test>\r\nTo: zhang@far.test\r\nSubject: hello\r\nDate: Mon, 21 Sep 2026 14:13:20 +0000\r\n"
    b"\r\nHello\r\n  you \r\n\r\n"
)
RFC8463 = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace(b"\n", b"\r\n")
RFC8463_ZONE = {
    ("brisbane._domainkey.football.example.com", "TXT"): [
        "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    ],
    ("test._domainkey.football.example.com", "TXT"): [
        "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi"
        "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G"
        "+2kryOTIKT+l/K4w3QIDAQAB"
    ],
}
KEYS = (signing_key("rsa"), signing_key("ed25519"))
ZONE = zone_of("post.test", KEYS)
SIGNED = signed(LETTER, "post.test", *KEYS)


def results(message: bytes, zone: Any = ZONE, **options: Any) -> list[tuple[str, str]]:
    return [(one.result, one.reason) for one in verified(message, zone, **options)]


PASSED = [("pass", ""), ("pass", "")]


@pytest.mark.parametrize("piece", [0, 1, 7])
def test_the_examples_of_rfc_8463(piece: int) -> None:
    verdicts = verified(RFC8463, RFC8463_ZONE, piece=piece)
    assert [(one.result, one.algorithm, one.bits) for one in verdicts] == [
        ("pass", "ed25519-sha256", 256),
        ("pass", "rsa-sha256", 1024),
    ]
    assert verdicts[0].identity == "@football.example.com"
    assert verdicts[0].value == "/gCrinpc"


def test_what_we_sign_verifies_after_what_relays_do() -> None:
    assert results(SIGNED) == PASSED
    folded = SIGNED.replace(b"Subject: hello", b"SUBJECT:\r\n \thello ")
    traced = b"Received: from a by b;\r\n\tx\r\nX-Spam: no\r\n" + folded + b"\r\n\r\n"
    assert results(traced) == PASSED
    assert results(SIGNED.replace(b"  you \r\n", b" \t you\r\n")) == PASSED


@pytest.mark.parametrize(
    "change",
    [
        (b"Subject: hello", b"Subject: hullo"),
        (b"From: Li", b"From: Evil <evil@x.test>\r\nFrom: Li"),  # oversigned
        (b"Subject: hello", b"Subject: other\r\nSubject: hello"),
        (b"To: zhang", b"To: x@y.test\r\nTo: zhang"),
        (b"Date: Mon", b"Date: Tue, 22 Sep 2026 14:13:20 +0000\r\nDate: Mon"),
        (b"Date: Mon", b"Reply-To: x@y.test\r\nDate: Mon"),
        (b"Date: Mon", b"Content-Type: text/html\r\nDate: Mon"),
        (b"t=1790000000", b"t=1790000001"),
    ],
    ids=lambda change: change[1].decode()[:20],
)
def test_a_changed_header_fails(change: tuple[bytes, bytes]) -> None:
    assert {result for result, _ in results(SIGNED.replace(*change))} == {"fail"}


def test_a_changed_body_fails() -> None:
    assert results(SIGNED + b"more\r\n") == [("fail", "body_changed")] * 2
    assert results(SIGNED.replace(b"Hello", b"Hallo")) == [("fail", "body_changed")] * 2


def field(**tags: str) -> bytes:
    """An otherwise valid signature field with other tags."""
    known = {
        "v": "1", "a": "rsa-sha256", "c": "relaxed/relaxed", "d": "post.test", "s": "rsa", "h": "From:To",
        "bh": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "b": "AAAA",
    }  # fmt: skip
    known |= tags
    return (
        b"DKIM-Signature: " + "; ".join(f"{k}={v}" for k, v in known.items() if v != "-").encode() + b"\r\n"
    )


@pytest.mark.parametrize(
    ("tags", "result", "reason"),
    [
        ({}, "fail", "header_changed"),
        ({"v": "2"}, "permerror", "version"),
        ({"v": "-"}, "permerror", "incomplete"),
        ({"a": "rsa-sha1"}, "permerror", "sha1"),
        ({"a": "dsa-md5"}, "permerror", "algorithm"),
        ({"a": "ed25519-sha256"}, "permerror", "key_type"),
        ({"c": "nofws"}, "permerror", "canonicalization"),
        ({"c": "relaxed/nofws"}, "permerror", "canonicalization"),
        ({"c": "relaxed"}, "fail", "body_changed"),  # the body's form is simple then
        ({"d": "-"}, "permerror", "incomplete"),
        ({"d": "a b;"}, "permerror", "malformed"),
        ({"d": "_"}, "permerror", "key_missing"),
        ({"s": "x/y"}, "permerror", "malformed"),
        ({"s": "a..b"}, "permerror", "malformed"),
        ({"s": "unknown"}, "permerror", "key_missing"),
        ({"h": "To:Subject"}, "permerror", "from_unsigned"),
        ({"h": "From::To"}, "permerror", "malformed"),
        ({"h": ":".join(["From"] * 300)}, "permerror", "too_long"),
        ({"bh": "!"}, "permerror", "malformed"),
        ({"bh": "AAAA"}, "fail", "body_changed"),
        ({"b": "x" * 20_000}, "permerror", "too_long"),
        ({"i": "li@sub.post.test"}, "fail", "header_changed"),
        ({"i": "@post.test.evil.test"}, "permerror", "identity"),
        ({"i": "@evilpost.test"}, "permerror", "identity"),
        ({"i": "nobody"}, "permerror", "malformed"),
        ({"l": "x"}, "permerror", "malformed"),
        ({"l": "99999"}, "fail", "body_short"),
        ({"l": "0"}, "fail", "header_changed"),
        ({"t": str(int(NOW) + 7200)}, "permerror", "future"),
        ({"t": "yesterday"}, "permerror", "malformed"),
        ({"x": str(int(NOW) - 1)}, "fail", "expired"),
        ({"t": "100", "x": "100"}, "permerror", "malformed"),
        ({"q": "http/x"}, "permerror", "query_method"),
        ({"q": "http/x:dns/txt"}, "fail", "header_changed"),
        ({"z": "From:a|To:b", "unknown": "tag"}, "fail", "header_changed"),
        ({"1x": "tag"}, "permerror", "malformed"),
    ],
)
def test_fields_that_cannot_be_verified(tags: dict[str, str], result: str, reason: str) -> None:
    message = field(**tags) + b"From: li@post.test\r\nTo: x\r\n\r\n"
    assert results(message) == [(result, reason)]
    assert reason in REASONS


def rsa_record(bits: int, exponent: int = 65537, *, bare: bool = False) -> str:
    public = rsa.generate_private_key(exponent, bits).public_key()
    form = serialization.PublicFormat.PKCS1 if bare else serialization.PublicFormat.SubjectPublicKeyInfo
    data = public.public_bytes(serialization.Encoding.DER, form)
    return f"p={base64.b64encode(data).decode()}"


RSA_RECORD = key_record(KEYS[0])


@pytest.mark.parametrize(
    ("record", "outcome"),
    [
        ([RSA_RECORD.replace("v=DKIM1; ", "")], ("pass", "")),
        ([RSA_RECORD.replace("v=DKIM1; k=rsa; ", "") + ";"], ("pass", "")),
        ([RSA_RECORD.replace("p=MII", "p= M I\tI")], ("pass", "")),
        ([RSA_RECORD + "; h=sha1:sha256; s=email; n=note; t=s"], ("pass", "")),
        (["v=DKIM1; p=", RSA_RECORD], ("pass", "")),
        ([], ("permerror", "key_missing")),
        ([None], ("temperror", "key_lookup")),
        (["v=DKIM1; p="], ("permerror", "key_revoked")),
        (["v=DKIM2; " + RSA_RECORD], ("permerror", "key_malformed")),
        (["v=spf1 -all"], ("permerror", "key_malformed")),
        (["v=DKIM1; k=rsa"], ("permerror", "key_malformed")),
        (["v=DKIM1; p=AAAA"], ("permerror", "key_malformed")),
        (["v=DKIM1; p=*"], ("permerror", "key_malformed")),
        (["p=" + "A" * 10_000], ("permerror", "key_malformed")),
        ([RSA_RECORD.replace("k=rsa", "k=ed25519")], ("permerror", "key_type")),
        ([RSA_RECORD + "; h=sha1"], ("permerror", "key_hash")),
        ([RSA_RECORD + "; s=other"], ("permerror", "key_service")),
        ([rsa_record(2048)], ("fail", "header_changed")),
        ([rsa_record(1024, bare=True)], ("fail", "header_changed")),
        ([rsa_record(2048) + "; t=y"], ("neutral", "header_changed")),
    ],
)
def test_key_records(record: list[str], outcome: tuple[str, str]) -> None:
    only_rsa = signed(LETTER, "post.test", KEYS[0])
    assert results(only_rsa, {("rsa._domainkey.post.test", "TXT"): record}) == [outcome]


def der(*pieces: bytes) -> bytes:
    body = b"".join(pieces)
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return b"\x30" + (bytes([0x80 | len(size)]) + size if len(body) > 127 else size) + body


def integer(value: int) -> bytes:
    body = value.to_bytes(value.bit_length() // 8 + 1, "big")
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return b"\x02" + (bytes([0x80 | len(size)]) + size if len(body) > 127 else size) + body


@pytest.mark.parametrize(
    ("bits", "exponent", "reasons"),
    [
        (512, 65537, {"key_weak", "key_malformed"}),
        (1023, 65537, {"key_weak", "key_malformed"}),
        (4097, 65537, {"key_large"}),
        (16384, 65537, {"key_large", "key_malformed"}),
        (2048, 2**63 + 1, {"key_large", "key_malformed"}),
        (2048, 2**1000 + 1, {"key_large", "key_malformed"}),
    ],
)
def test_keys_too_weak_or_too_dear_are_not_used(bits: int, exponent: int, reasons: set[str]) -> None:
    record = f"p={base64.b64encode(der(integer(2 ** (bits - 1) + 1), integer(exponent))).decode()}"
    only_rsa = signed(LETTER, "post.test", KEYS[0])
    ((result, reason),) = results(only_rsa, {("rsa._domainkey.post.test", "TXT"): [record]})
    assert result == "permerror"
    assert reason in reasons


def test_a_strict_key_wants_exactly_its_domain() -> None:
    message = field(i="@sub.post.test") + b"From: li@post.test\r\nTo: x\r\n\r\n"
    zone = {("rsa._domainkey.post.test", "TXT"): [RSA_RECORD + "; t=s"]}
    assert results(message, zone) == [("permerror", "identity")]


def test_only_so_many_signatures_are_judged_those_of_the_author_first() -> None:
    from posthouse.mailauth.canonical import BodyDigests, HeaderFields  # noqa: PLC0415
    from posthouse.mailauth.dkim_verify import find_signatures, verify, wanted_digests  # noqa: PLC0415
    from tests.unit.mailauth_world import Dns, split  # noqa: PLC0415

    header, body = split(field(d="list.test") * 62 + SIGNED)
    fields = HeaderFields(header)
    found = find_signatures(fields, lambda domain: domain == "post.test")
    digests = BodyDigests(wanted_digests(found))
    digests.feed_view(body)
    dns = Dns(ZONE)
    verdicts = dns.run(verify(found, fields, digests, NOW))
    assert [one.result for one in verdicts[:2]] == ["pass", "pass"]
    assert {(one.result, one.reason) for one in verdicts[8:]} == {("policy", "too_many")}
    assert len(verdicts) == 64


def test_a_message_without_from_is_not_signed() -> None:
    assert signed(b"To: x\r\n\r\nhi\r\n", "post.test", *KEYS) == b"To: x\r\n\r\nhi\r\n"


def test_what_l_leaves_open_is_reported() -> None:
    import hashlib  # noqa: PLC0415

    from posthouse.mailauth.canonical import HeaderFields  # noqa: PLC0415
    from posthouse.mailauth.dkim_signature import parse_signature  # noqa: PLC0415
    from posthouse.mailauth.dkim_verify import header_digest  # noqa: PLC0415

    hash_ = base64.b64encode(hashlib.sha256(b"signed\r\n").digest()).decode()
    head = b"From: li@post.test\r\nTo: x\r\n\r\n"
    unsigned = field(bh=hash_, l="8", b="")
    fields = HeaderFields(unsigned + head)
    digest = header_digest(parse_signature(fields.value(0).replace(b"b=;", b"b=AAAA;")), fields, 0)
    value = base64.b64encode(KEYS[0].sign(digest)).decode()
    (verdict,) = verified(field(bh=hash_, l="8", b=value) + head + b"signed\r\nand more\r\n", ZONE)
    assert (verdict.result, verdict.unsigned_bytes) == ("pass", 10)
