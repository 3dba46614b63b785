"""The trace fields we put on top of every message: Return-Path and Received (RFC 5321 §4.4)."""

from __future__ import annotations

import re
from typing import Final

from posthouse.mime.dates import format_date

_STRANGE: Final = re.compile(r"[\x00-,/;-@\\^`{-\x7f]")

RETURN_PATH: Final = b"Return-Path: <"
_last: tuple[int, str] = (0, "")


def _date(at: float) -> str:
    global _last  # noqa: PLW0603  # perf: one message of many per second pays for the formatting
    second = int(at)
    if _last[0] != second:
        _last = (second, format_date(second))
    return _last[1]


def format_return_path(sender: str) -> bytes:
    """The first field of every stored message; never sent on (RFC 5321 §4.4), see `without_return_path`."""
    return b"Return-Path: <%b>\r\n" % sender.encode("utf-8", "surrogateescape")


def return_path_length(head: bytes) -> int:
    """How many bytes at the start of a stored message are our own Return-Path field."""
    return head.find(b"\r\n") + 2 if head.startswith(RETURN_PATH) else 0


def format_received(
    *, helo: str, peer_ip: str, by: str, protocol: str, tls: str, trace: str, recipient: str, at: float
) -> bytes:
    """An empty helo leaves out the from clause's details, an empty recipient the for clause."""
    # RFC 5321 §4.4: From-domain = "FROM" FWS Extended-Domain; the address seen goes into the comment.
    name = _STRANGE.sub("?", helo) or "unknown"
    literal = f" ([{'IPv6:' if ':' in peer_ip else ''}{peer_ip}])" if peer_ip else ""
    # RFC 3848 §1: the keywords ESMTPS, ESMTPA, ESMTPSA, LMTPS, ...
    protocol = f"\r\n\t(using {tls})\r\n\twith {protocol}" if tls else f" with {protocol}"
    target = f"\r\n\tfor <{recipient}>" if recipient else ""
    return (
        f"Received: from {name}{literal}\r\n\tby {by} (Posthouse){protocol} id {trace}{target};\r\n"
        f"\t{_date(at)}\r\n"
    ).encode("utf-8", "surrogateescape")
