"""xtext (RFC 3461 §4) and the UTF-8 address forms of RFC 6533 §3."""

from __future__ import annotations

import re
from typing import Final

# RFC 3461 §4: xchar is any of "!" to "~" except "+" and "="; hexchar is "+" and two hex digits.
_XTEXT: Final = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_HEXCHAR: Final = re.compile(r"\+([0-9A-F]{2})")
_NOT_XCHAR: Final = re.compile(r"[^!-*,-<>-~]")
# RFC 6533 §3: EmbeddedUnicodeChar = %x5C.78 "{" HEXPOINT "}"
_EMBEDDED: Final = re.compile(r"\\x\{([0-9A-F]{2,6})\}")
_UTF8_XTEXT: Final = re.compile(r"(?:[^\x00-\x20+=\\\x7f]|\\x\{[0-9A-F]{2,6}\})*")


def try_xtext(text: str) -> str | None:
    """The decoded text; None when it is not xtext or hides a control character."""
    if not _XTEXT.fullmatch(text):
        return None
    plain = _HEXCHAR.sub(lambda match: chr(int(match[1], 16)), text) if "+" in text else text
    return plain if plain.isascii() and plain.isprintable() else None


def quirk_try_utf8_octets(text: str) -> str | None:
    """quirk(Postfix 3.7): an international ORCPT as rfc822 type, each octet of its UTF-8 as a hexchar."""
    if not _XTEXT.fullmatch(text):
        return None
    octets = _HEXCHAR.sub(lambda match: chr(int(match[1], 16)), text).encode("latin-1")
    try:
        plain = octets.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return plain if plain.isprintable() else None


def format_xtext(text: str) -> str:
    """`text` is ASCII."""
    return _NOT_XCHAR.sub(lambda match: f"+{ord(match[0]):02X}", text)


def try_utf8_xtext(text: str) -> str | None:
    """utf-8-addr-unitext / utf-8-addr-xtext, decoded."""
    if not _UTF8_XTEXT.fullmatch(text):
        return None
    points = [int(point, 16) for point in _EMBEDDED.findall(text)]
    if any(point > 0x10FFFF or 0xD800 <= point < 0xE000 for point in points):
        return None
    plain = _EMBEDDED.sub(lambda match: chr(int(match[1], 16)), text)
    return plain if plain.isprintable() else None


def format_utf8_xtext(text: str) -> str:
    """utf-8-addr-xtext: ASCII only."""
    return "".join(c if "!" <= c <= "~" and c not in "+=\\" else rf"\x{{{ord(c):02X}}}" for c in text)
