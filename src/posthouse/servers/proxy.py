"""The PROXY protocol, versions 1 and 2: a strict parser of the header a load balancer puts before the
connection.

Only asked for connections whose source is named in the configuration; there the header is required.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Final, NamedTuple

SIGNATURE_V2: Final = b"\r\n\r\n\x00\r\nQUIT\n"
V1_MAX: Final = 107
"""Octets of the longest version 1 line, CRLF included."""
V2_MAX: Final = 16 + 4096
"""Octets of the longest version 2 header we take; TLVs beyond that are refused."""

_PORT: Final = re.compile(rb"0|[1-9][0-9]{0,4}")


class ProxyError(Exception):
    """The header is malformed; the connection cannot be trusted."""


class ProxyHeader(NamedTuple):
    """Who really connected; `source` is None for LOCAL and UNKNOWN, which keep the connection's own
    addresses."""

    source: tuple[str, int] | None
    destination: tuple[str, int] | None
    length: int  # octets of the header; what follows belongs to the protocol


_NOBODY: Final = (None, None)


def parse_proxy(data: bytes) -> ProxyHeader | None:
    """Parse the header at the start of data; None when more octets are needed.  Raises ProxyError."""
    if data.startswith(b"PROXY "):
        return _parse_v1(data)
    if data.startswith(SIGNATURE_V2):
        return _parse_v2(data)
    if b"PROXY ".startswith(data) or SIGNATURE_V2.startswith(data):
        return None
    raise ProxyError("no PROXY header")


def _parse_v1(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\r\n", 0, V1_MAX)
    if end < 0:
        if len(data) >= V1_MAX:
            raise ProxyError("the version 1 line is too long")
        return None
    words = data[6:end].split(b" ")
    length = end + 2
    if words[0] == b"UNKNOWN":
        return ProxyHeader(*_NOBODY, length)
    if len(words) != 5 or words[0] not in (b"TCP4", b"TCP6"):
        raise ProxyError("the version 1 line is malformed")
    version = 4 if words[0] == b"TCP4" else 6
    source = (_address(words[1], version), _port(words[3]))
    return ProxyHeader(source, (_address(words[2], version), _port(words[4])), length)


def _address(text: bytes, version: int) -> str:
    try:
        address = ipaddress.ip_address(text.decode("ascii"))
    except ValueError as error:
        raise ProxyError("an address is malformed") from error
    if address.version != version or b"%" in text:
        raise ProxyError("an address is of the wrong family")
    return str(address)


def _port(text: bytes) -> int:
    if not _PORT.fullmatch(text) or int(text) > 65535:
        raise ProxyError("a port is malformed")
    return int(text)


def _parse_v2(data: bytes) -> ProxyHeader | None:
    if len(data) < 16:
        return None
    version_command, family = data[12], data[13]
    length = 16 + int.from_bytes(data[14:16], "big")
    if version_command >> 4 != 2 or version_command & 15 > 1:
        raise ProxyError("the version or command is unknown")
    if length > V2_MAX:
        raise ProxyError("the version 2 header is too long")
    if len(data) < length:
        return None
    if version_command & 15 == 0:  # LOCAL: the proxy itself, a health check
        return ProxyHeader(*_NOBODY, length)
    size = {0x11: 4, 0x21: 16}.get(family)  # TCP over IPv4, over IPv6
    if size is None:
        if family == 0:  # UNSPEC: to be accepted, without addresses
            return ProxyHeader(*_NOBODY, length)
        raise ProxyError("the address family is not TCP")
    if length < 16 + 2 * size + 4:
        raise ProxyError("the addresses are cut short")
    source, destination = data[16 : 16 + size], data[16 + size : 16 + 2 * size]
    ports = data[16 + 2 * size : 20 + 2 * size]
    return ProxyHeader(
        (str(ipaddress.ip_address(source)), int.from_bytes(ports[:2], "big")),
        (str(ipaddress.ip_address(destination)), int.from_bytes(ports[2:], "big")),
        length,
    )


class TrustedSources:
    """The networks whose connections begin with a PROXY header; "unix" names Unix sockets."""

    def __init__(self, names: list[str]) -> None:
        self._unix = "unix" in names
        self._networks = [ipaddress.ip_network(n, strict=False) for n in names if n != "unix"]
        # perf: an address is asked for when its connection comes and when it goes; to parse it takes 3 % of a sign-in
        self._has = lru_cache(maxsize=8192)(self._look)

    def __bool__(self) -> bool:
        return self._unix or bool(self._networks)

    def __contains__(self, ip: str) -> bool:
        return self._has(ip) if ip else self._unix

    def _look(self, ip: str) -> bool:
        address = ipaddress.ip_address(ip.partition("%")[0])
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)
