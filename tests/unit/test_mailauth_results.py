"""Authentication-Results: written so that it reads back, read as RFC 8601's examples, forged ones taken out."""

from __future__ import annotations

import time

import pytest

from posthouse.core.address import parse_address
from posthouse.mailauth.results import Result, format_results, parse_results, remove_forged
from posthouse.mailauth.verdict import DkimVerdict, DmarcVerdict, SpfVerdict

PASSED = DkimVerdict(
    "pass",
    domain="qq.com",
    selector="s1",
    identity="@qq.com",
    algorithm="rsa-sha256",
    bits=2048,
    value="abc+/x==",
)


def test_a_whole_field() -> None:
    field = format_results(
        "mx.post.test",
        dkim=[
            PASSED,
            DkimVerdict("fail", "body_changed", "list.org", "s2", "bot@list.org", "ed25519-sha256"),
        ],
        spf=SpfVerdict("pass", domain="qq.com", mechanism="ip4:192.0.2.0/24"),
        dmarc=DmarcVerdict("pass", domain="qq.com", policy="reject", aligned=("dkim", "spf")),
        sender=parse_address("zhang@qq.com"),
        helo="out.qq.com",
    )
    assert field == (
        b"Authentication-Results: mx.post.test;\r\n"
        b"\tdkim=pass (2048-bit key) header.d=qq.com header.s=s1\r\n"
        b'\t header.a=rsa-sha256 header.b="abc+/x==";\r\n'
        b'\tdkim=fail reason="the body was changed" header.d=list.org\r\n'
        b"\t header.i=bot@list.org header.s=s2 header.a=ed25519-sha256;\r\n"
        b"\tspf=pass (qq.com: ip4:192.0.2.0/24) smtp.mailfrom=zhang@qq.com;\r\n"
        b"\tdmarc=pass (p=reject by dkim and spf) header.from=qq.com\r\n"
    )
    read = parse_results(field.partition(b":")[2].decode())
    assert read is not None
    assert read.authserv_id == "mx.post.test"
    assert [(one.method, one.result) for one in read.results] == [
        ("dkim", "pass"),
        ("dkim", "fail"),
        ("spf", "pass"),
        ("dmarc", "pass"),
    ]
    assert read.results[1] == Result(
        "dkim",
        "fail",
        "the body was changed",
        [
            ("header.d", "list.org"),
            ("header.i", "bot@list.org"),
            ("header.s", "s2"),
            ("header.a", "ed25519-sha256"),
        ],
    )


@pytest.mark.parametrize(
    "sender", ['"a b;c\\"d)"@x.test', "a;b@x.test", "\u5f20@x.test", "x" * 250 + "@x.test"]
)
def test_strange_senders_stay_one_value(sender: str) -> None:
    address = parse_address(sender) if ";" not in sender.partition("@")[0] or sender[0] == '"' else None
    if address is None:
        address = parse_address('"a;b"@x.test')
    field = format_results(
        "mx.post.test",
        dkim=[],
        spf=SpfVerdict("softfail", mechanism="~all (x) \u4e2d", domain="x.test"),
        dmarc=DmarcVerdict("none"),
        sender=address,
        helo="h",
    )
    read = parse_results(field.partition(b":")[2].decode())
    assert read is not None
    assert [one.method for one in read.results] == ["dkim", "spf", "dmarc"]
    assert read.results[1].properties == [("smtp.mailfrom", str(address))]
    assert all(len(line) < 998 for line in field.split(b"\r\n"))
    assert field.count(b"\r\n") == field.count(b"\n")


def test_a_null_sender_and_a_hostile_greeting() -> None:
    field = format_results(
        "mx.post.test",
        dkim=[],
        spf=SpfVerdict("none", "spf_domain", scope="helo"),
        dmarc=DmarcVerdict("none"),
        sender=None,
        helo="a;\r\n\tdmarc=pass",
    )
    read = parse_results(field.partition(b":")[2].decode())
    assert read is not None
    assert [(one.method, one.result) for one in read.results] == [
        ("dkim", "none"),
        ("spf", "none"),
        ("dmarc", "none"),
    ]


@pytest.mark.parametrize(
    ("value", "authserv_id", "results"),
    [  # RFC 8601 Appendix B
        (" example.org 1; none", "example.org", []),
        (" example.com; spf=pass smtp.mailfrom=example.net", "example.com", [("spf", "pass")]),
        (
            " example.com; auth=pass (cram-md5) smtp.auth=sender@example.net; spf=pass smtp.mailfrom=example.net",
            "example.com",
            [("auth", "pass"), ("spf", "pass")],
        ),
        (
            " foo.example.net (foobar) 1 (baz); dkim (Because I like it) / 1 (One yay) = (wait for it) fail "
            "policy (A dot can go here) . (like that) expired (this surprised me) = (as I wasn't "
            "expecting it) 1362471462",
            "foo.example.net",
            [("dkim", "fail")],
        ),
        (
            ' x.test (a " b); dkim=pass (it"s); spf=fail (a\\) b)',
            "x.test",
            [("dkim", "pass"), ("spf", "fail")],
        ),
        (' "quoted id" ; dkim=pass reason="good; signature"', "quoted id", [("dkim", "pass")]),
        (" x.test; dkim=pass ;; spf=fail", "x.test", [("dkim", "pass")]),
    ],
)
def test_fields_of_others(value: str, authserv_id: str, results: list[tuple[str, str]]) -> None:
    read = parse_results(value)
    assert read is not None
    assert read.authserv_id == authserv_id
    if results or "none" in value:
        assert [(one.method, one.result) for one in read.results] == results


@pytest.mark.parametrize(
    ("field", "stays"),
    [
        (b"Authentication-Results: mx.post.test; dmarc=pass", False),
        (b"authentication-results:MX.POST.TEST;dmarc=pass", False),
        (b"Authentication-Results : mx.post.test. 1; dmarc=pass", False),
        (b"Authentication-Results:\r\n\t(comment (nested))\r\n mx.post.test\r\n ; dmarc=pass", False),
        (b'Authentication-Results: "mx.post\\.test"; dmarc=pass', False),
        (b"Authentication-Results: mx.post.test", False),
        (b'Authentication-Results: "mx.post.test; dmarc=pass', False),
        (b"Authentication-Results: other.test; dmarc=pass", True),
        (b"Authentication-Results: mx.post.test.evil.test; dmarc=pass", True),
        (b"Authentication-Results: other.test; spf=pass smtp.mailfrom=mx.post.test", True),
        (b"X-Authentication-Results: mx.post.test; dmarc=pass", True),
    ],
)
def test_only_what_claims_to_be_ours_is_removed(field: bytes, stays: bool) -> None:
    header = b"Received: x\r\n" + field + b"\r\nFrom: a@b\r\n\r\n"
    kept, removed = remove_forged(header, "mx.post.test")
    assert removed == (0 if stays else 1)
    assert kept == (header if stays else b"Received: x\r\nFrom: a@b\r\n\r\n")


@pytest.mark.parametrize("value", ["1" * 60_000 + '"', "a" + " " * 60_000 + "x", '"' + "\\a" * 30_000])
def test_a_field_that_is_cut_nowhere_costs_little(value: str) -> None:
    header = b"Authentication-Results: " + value.encode() + b"\r\n\r\n"
    start = time.process_time()
    assert remove_forged(header, "mx.post.test") == (header, 0)
    assert parse_results(value) is None
    assert time.process_time() - start < 2
