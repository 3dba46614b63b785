"""Which messages need RFC 6856's UTF-8 mode."""

from __future__ import annotations

from typing import Final

_ADDRESS_FIELDS: Final = frozenset(
    f"{prefix}{name}".encode()
    for name in ("from", "sender", "reply-to", "to", "cc", "bcc")
    for prefix in ("", "resent-")
) | {b"return-path", b"disposition-notification-to"}
_SEPARATORS: Final = bytes.maketrans(b'<>,;:()"\t\r\n', b"           ")
MAX_HEADER_BYTES: Final = 256 * 1024
"""Only so much of a header is looked at."""


def needs_utf8_mode(message_start: bytes) -> bool:
    """True when the header holds an address outside ASCII, in UTF-8.

    RFC 6856 §2.1: strings outside ASCII are not sent as is before UTF8.  Such an address cannot have
    travelled without SMTPUTF8, so the message is an internationalized one.
    quirk(mailers that "just send 8 bits"): raw octets in a Subject, a display name or a body are as old as
    POP3 itself; such messages are passed unchanged, since a refusal would lock their readers out of the
    maildrop for good.
    """
    if message_start.isascii():
        return False
    header = message_start[: _header_length(message_start)]
    if header.isascii():
        return False
    current = False
    for line in header.split(b"\n"):
        if line[:1] not in (b" ", b"\t"):
            current = line.partition(b":")[0].strip().lower() in _ADDRESS_FIELDS
        if current and not line.isascii() and _has_utf8_address(line):
            return True
    return False


def _has_utf8_address(line: bytes) -> bool:
    for word in line.translate(_SEPARATORS).split(b" "):
        if b"@" in word and not word.isascii():
            try:
                word.decode("utf-8")
            except UnicodeDecodeError:
                continue
            return True
    return False


def _header_length(message: bytes) -> int:
    ends = [at for mark in (b"\n\r\n", b"\n\n") if (at := message.find(mark, 0, MAX_HEADER_BYTES)) >= 0]
    return min(ends, default=min(len(message), MAX_HEADER_BYTES))
