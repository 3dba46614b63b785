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


class Networks:
    """Where DNS, and address literals, may not send mail."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = [ipaddress.ip_network(network, strict=False) for network in networks]

    def __contains__(self, address: str) -> bool:
        parsed = ipaddress.ip_address(address)
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)
