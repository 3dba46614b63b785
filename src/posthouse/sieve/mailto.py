"""mailto: addresses (RFC 6068) as `notify` takes them (RFC 5436 §2)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from msgspec import Struct

from posthouse.core.address import try_address

RECIPIENTS_MAX: Final = 5

_FIELD: Final = re.compile(r"[!-9;-~]+")
_OURS: Final = frozenset(
    {
        "from", "sender", "date", "message-id", "received", "return-path", "auto-submitted", "mime-version",
        "content-type", "content-transfer-encoding", "bcc", "resent-from", "resent-to",
    }
)  # fmt: skip
"""RFC 5436 §2.7: fields a notice has of its own."""


class Mailto(Struct):
    to: tuple[str, ...]
    subject: str = ""
    body: str = ""
    extra: tuple[tuple[str, str], ...] = ()


def parse_mailto(uri: str) -> Mailto | None:
    """None when it is no mailto: address, or leads to nobody."""
    if uri[:7].lower() != "mailto:" or len(uri) > 2000:
        return None
    path, _, query = uri[7:].partition("?")
    to = [unquote(one).strip() for one in path.split(",") if one]
    found = Mailto(())
    extra: list[tuple[str, str]] = []
    for pair in query.split("&") if query else []:
        name, equals, value = pair.partition("=")
        name, value = unquote(name).lower(), _line(unquote(value))
        if not equals or not _FIELD.fullmatch(name):
            return None
        if name == "to":
            to += [one.strip() for one in value.split(",")]
        elif name == "subject":
            found.subject = value
        elif name == "body":
            found.body = unquote(pair.partition("=")[2])
        elif name not in _OURS:
            extra.append((name.title(), value))
    addresses = [try_address(one) for one in to]
    if not addresses or len(addresses) > RECIPIENTS_MAX or any(one is None for one in addresses):
        return None
    found.to, found.extra = tuple(map(str, addresses)), tuple(extra)
    return found


def _line(text: str) -> str:
    """No line ends: they would begin another field."""
    return " ".join(text.split())
