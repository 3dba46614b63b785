"""PROXY protocol headers, versions 1 and 2: what is taken, what is refused, at every split."""

import ipaddress

import pytest

from posthouse.servers.proxy import (
    SIGNATURE_V2,
    V1_MAX,
    ProxyError,
    ProxyHeader,
    TrustedSources,
    parse_proxy,
)


def v2(command: int, family: int, addresses: bytes, tlvs: bytes = b"") -> bytes:
    body = addresses + tlvs
    return SIGNATURE_V2 + bytes([0x20 | command, family]) + len(body).to_bytes(2, "big") + body


def pair(source: str, destination: str, sport: int, dport: int) -> bytes:
    packed = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    return packed + sport.to_bytes(2, "big") + dport.to_bytes(2, "big")


GOOD = [
    (b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 25\r\n", ("192.0.2.1", 56324), ("198.51.100.2", 25)),
    (b"PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n", ("2001:db8::1", 1), ("2001:db8::2", 65535)),
    (b"PROXY UNKNOWN\r\n", None, None),
    (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", None, None),
    (v2(1, 0x11, pair("192.0.2.1", "198.51.100.2", 1, 2)), ("192.0.2.1", 1), ("198.51.100.2", 2)),
    (v2(1, 0x21, pair("2001:db8::1", "::1", 7, 8)), ("2001:db8::1", 7), ("::1", 8)),
    (
        v2(1, 0x11, pair("192.0.2.1", "198.51.100.2", 1, 2), b"\x04\x00\x01x"),
        ("192.0.2.1", 1),
        ("198.51.100.2", 2),
    ),
    (v2(0, 0x00, b""), None, None),
    (v2(0, 0x11, pair("192.0.2.1", "198.51.100.2", 1, 2)), None, None),
    (v2(1, 0x00, b"whatever"), None, None),
]


@pytest.mark.parametrize(("header", "source", "destination"), GOOD)
def test_headers_are_parsed_and_what_follows_is_left(header, source, destination):
    assert parse_proxy(header + b"EHLO x\r\n") == ProxyHeader(source, destination, len(header))


@pytest.mark.parametrize(("header", "source", "destination"), GOOD)
def test_every_prefix_asks_for_more(header, source, destination):
    for end in range(len(header)):
        assert parse_proxy(header[:end]) is None, end


@pytest.mark.parametrize(
    "data",
    [
        b"EHLO client\r\n",
        b"P\x00",
        b"PROXX",
        b"proxy TCP4 192.0.2.1 198.51.100.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n",
        b"PROXY TCP4 192.0.2.1  198.51.100.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n",
        b"PROXY TCP4 2001:db8::1 198.51.100.2 1 2\r\n",
        b"PROXY TCP6 192.0.2.1 2001:db8::2 1 2\r\n",
        b"PROXY TCP6 fe80::1%eth0 2001:db8::2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 65536 2\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 -1 2\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 1 \xff\r\n",
        b"PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n",
        b"PROXY \r\n",
        b"PROXY " + b"x" * V1_MAX,
        b"PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n" + b"x" * V1_MAX,
        SIGNATURE_V2 + bytes([0x11, 0x11, 0, 12]) + bytes(12),
        SIGNATURE_V2 + bytes([0x22, 0x11, 0, 12]) + bytes(12),
        v2(1, 0x11, bytes(11)),
        v2(1, 0x21, bytes(35)),
        v2(1, 0x12, bytes(12)),
        v2(1, 0x31, bytes(216)),
        SIGNATURE_V2 + bytes([0x21, 0x11, 0xFF, 0xFF]),
        b"\r\n\r\n\x00\r\nQUIT\r",
    ],
)
def test_malformed_headers_are_refused(data):
    with pytest.raises(ProxyError):
        parse_proxy(data)


def test_trusted_sources_are_networks_of_either_family_and_unix():
    trusted = TrustedSources(["192.0.2.0/24", "2001:db8::/32", "unix"])
    assert "192.0.2.77" in trusted
    assert "::ffff:192.0.2.77" in trusted
    assert "2001:db8::5%eth0" in trusted
    assert "" in trusted
    assert "198.51.100.1" not in trusted
    assert not TrustedSources([])
    with pytest.raises(ValueError, match="does not appear"):
        TrustedSources(["balancer.example.org"])
