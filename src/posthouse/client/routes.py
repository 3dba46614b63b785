"""Where configuration overrules DNS: static routes, smarthosts, and how a connection has to be secured."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from msgspec import Struct

from posthouse.core.discreet import Discreet
from posthouse.core.errors import Invalid
from posthouse.core.sentence import Sentence

TLS_POLICIES: Final = ("opportunistic", "required", "verified", "implicit", "none")
"""opportunistic: STARTTLS if offered, any certificate; required: STARTTLS or no delivery, any certificate;
verified: STARTTLS and a certificate that is valid for the host; implicit: TLS from the first byte, verified;
none: clear text."""

SMTP_PORT: Final = 25
_HOST_PORT: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::([0-9]{1,5}))?")


class Route(Discreet, Struct, frozen=True):
    """A next hop that is not found by MX."""

    host: str = ""  # empty: by MX, only the policy below is set
    port: int = SMTP_PORT
    tls: str = "opportunistic"
    username: str = ""
    password: str = ""
    use_mx: bool = False
    """Look up the MX of `host` instead of its address."""


class Routes(Struct, frozen=True):
    """First match wins: the recipient's domain, its parents as ".parent", the sender's domain, "*"."""

    by_domain: dict[str, Route] = {}
    by_sender: dict[str, Route] = {}

    def find(self, destination: str, sender_domain: str) -> Route:
        if (rerouted := try_host_port(destination)) is not None:
            return rerouted
        table = self.by_domain
        if (route := table.get(destination)) is not None:
            return route
        for start, character in enumerate(destination):
            if character == "." and (route := table.get(destination[start:])) is not None:
                return route
        return self.by_sender.get(sender_domain) or table.get("*") or DIRECT


DIRECT: Final = Route()


def parse_route(text: str, *, tls: str = "opportunistic", username: str = "", password: str = "") -> Route:
    """`HOST:PORT` or `HOST` with the policy fields of Route; raises Invalid."""
    match = _HOST_PORT.fullmatch(text)
    if match is None or (match[2] is not None and not 0 < int(match[2]) < 65536):
        raise Invalid(Sentence("route.form", given=repr(text)))
    if tls not in TLS_POLICIES:
        raise Invalid(Sentence("choice", given=repr(tls), known=", ".join(TLS_POLICIES)))
    return Route(match[1].strip("[]").lower(), int(match[2] or SMTP_PORT), tls, username, password)


def try_host_port(destination: str) -> Route | None:
    """The route if a queue destination is HOST:PORT (rerouted by hand) and not a domain."""
    match = _HOST_PORT.fullmatch(destination)
    return parse_route(destination) if match is not None and match[2] is not None else None


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
