"""Mailbox names between the wire and str: modified UTF-7 (RFC 3501 §5.1.3) or UTF-8 (RFC 9051 §5.1, RFC
6855 §3)."""

from __future__ import annotations

import binascii
import re
from typing import Final

_PLAIN: Final = re.compile(rb"[\x20-\x25\x27-\x7e]*")
_SHIFTED: Final = re.compile(rb"&([A-Za-z0-9+,]*)-")
_RUN: Final = re.compile(r"&|[^\x20-\x7e]+")


def fold_inbox(name: str) -> str:
    """RFC 9051 §5.1: INBOX in any case is the same mailbox."""
    return "INBOX" if len(name) == 5 and name.lower() == "inbox" else name


def decode(raw: bytes, *, utf8: bool) -> str:
    """The name; ValueError, with a text fit for the client, if it is malformed.  `encode(decode(raw)) ==
    raw` always."""
    if not utf8:
        return decode_mutf7(raw)
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("The mailbox name is not valid UTF-8") from None
    if "\x00" in name:
        raise ValueError("The mailbox name holds a NUL character")
    return name


def encode(name: str, *, utf8: bool) -> bytes:
    return name.encode("utf-8") if utf8 else encode_mutf7(name)


def decode_mutf7(raw: bytes) -> str:
    if _PLAIN.fullmatch(raw):
        return raw.decode("ascii")
    if not raw.isascii():
        raise ValueError(
            "The mailbox name holds 8-bit octets; send modified UTF-7, or enable IMAP4rev2 for UTF-8"
        )
    pieces: list[str] = []
    pos = 0
    while pos < len(raw):
        amp = raw.find(b"&", pos)
        if amp < 0:
            amp = len(raw)
        if amp > pos:
            pieces.append(raw[pos:amp].decode("ascii"))
        if amp == len(raw):
            break
        found = _SHIFTED.match(raw, amp)
        if found is None:
            raise ValueError("The mailbox name is not modified UTF-7: write '&' as '&-'")
        pieces.append(_decode_shifted(found[1]))
        pos = found.end()
    name = "".join(pieces)
    # RFC 3501 §5.1.3: one encoding per name; printable ASCII in base64, superfluous shifts and set pad bits
    # are refused.
    if encode_mutf7(name) != raw or "\x00" in name:
        raise ValueError("The mailbox name is not modified UTF-7 in its one correct form")
    return name


def _decode_shifted(text: bytes) -> str:
    if not text:
        return "&"
    try:
        units = binascii.a2b_base64(text.replace(b",", b"/") + b"=" * (-len(text) % 4))
        return units.decode("utf-16-be")
    except ValueError:
        raise ValueError("The mailbox name is not modified UTF-7: bad base64 after '&'") from None


def _shift(found: re.Match[str]) -> str:
    run = found[0]
    if run == "&":
        return "&-"
    units = run.encode("utf-16-be")
    return "&" + binascii.b2a_base64(units, newline=False).decode().rstrip("=").replace("/", ",") + "-"


def encode_mutf7(name: str) -> bytes:
    """ValueError for lone surrogates, which no valid name holds."""
    return _RUN.sub(_shift, name).encode("ascii")
