"""Networks that mail is not sent to, unless a route says so."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

REFUSED_NETWORKS: Final = (
    "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
    "::/128", "::1/128", "fe80::/10", "ff00::/8",
)  # fmt: skip
"""Addresses at which no other mail system can be (RFC 6890 §2.2)."""


_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


def leads_to(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for: mapped (RFC 4291 §2.5.5), 6to4, translated (RFC 6052 §2.1)."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


class Networks:
    """Where DNS, and address literals, may not send mail."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = [ipaddress.ip_network(network, strict=False) for network in networks]

    def __contains__(self, address: str) -> bool:
        parsed = ipaddress.ip_address(address)
        inner = leads_to(parsed) if isinstance(parsed, ipaddress.IPv6Address) else None
        return any(one in network for one in (parsed, inner) if one is not None for network in self._networks)
