"""Where to listen, as the configuration says it.  Apart from `listener`, as whoever reads a configuration needs it."""

from __future__ import annotations

import socket

from msgspec import Struct

from posthouse.core.errors import Invalid
from posthouse.core.sentence import Sentence


class Address(Struct, frozen=True):
    """Where to listen: host and port, or the path of a Unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""
    mode: int = 0o666  # of the Unix socket

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen_address(text: str) -> list[Address]:
    """ADDRESS:PORT, [IPV6]:PORT, *:PORT (both families, so two sockets) or unix:/PATH; raises Invalid."""
    if text.startswith("unix:"):
        if not text[5:].startswith("/"):
            raise Invalid(Sentence("listen.unix", given=text))
        return [Address(path=text[5:])]
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise Invalid(Sentence("listen.form", given=text))
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        try:
            socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
        except OSError as error:
            raise Invalid(Sentence("listen.form", given=text)) from error
    elif host == "*":
        families = ["0.0.0.0", "::"] if _has_ipv6() else ["0.0.0.0"]  # noqa: S104 - what was asked for
        return [Address(host=h, port=int(port)) for h in families]
    elif ":" in host:
        raise Invalid(Sentence("listen.brackets", given=text))
    return [Address(host=host, port=int(port))]


def _has_ipv6() -> bool:
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True
