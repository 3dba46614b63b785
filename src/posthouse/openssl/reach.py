"""Whether libssl can be reached: decided once, by a rehearsal on pairs of memory BIOs."""

from __future__ import annotations

import ssl
from functools import cache

from posthouse.openssl.library import Library, Misfit
from posthouse.openssl.rehearsal import rehearse


@cache
def _attempt() -> tuple[Library | None, str]:
    try:
        library = Library()
        rehearse(library)
    except (Misfit, ssl.SSLError, MemoryError, OSError) as error:
        return None, str(error)
    return library, ""


def load() -> Library | None:
    """None where it cannot be relied on; `why_not` says the reason."""
    return _attempt()[0]


def why_not() -> str:
    return _attempt()[1]


def exporter(connection: ssl.SSLObject | None) -> bytes:
    """tls-exporter (RFC 9266) of a connection; empty where there is none.

    Only of TLS 1.3: before it, §4.2 asks for the extended master secret, and clients bind to tls-unique.
    """
    library = load()
    if library is None or connection is None or connection.version() != "TLSv1.3":
        return b""
    try:
        return library.exported(connection)
    except Misfit:
        return b""
