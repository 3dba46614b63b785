"""Address lists that break the grammar: what a reader would still see in them (RFC 8621 §4.1.2.3: best effort).

IMAP's ENVELOPE shows what `address` says, which stops at the first thing it cannot read; here each piece between
commas is read by itself, so that one broken address costs no other.
"""

from __future__ import annotations

import re
from typing import Final

from posthouse.mime.address import MISSING_DOMAIN, MISSING_MAILBOX, Address, parse_addresses
from posthouse.mime.header import unfold

_MARK: Final = re.compile(r'\\.|["(),;<>]', re.DOTALL)
_ANGLE: Final = re.compile(r"([^<]*)<[ \t]*([^<>@\s]+)@([^<>@\s]+)[ \t]*>[^<>@]*")
# Tried at the beginning of each run only, which is read once.
_BARE: Final = re.compile(r"(?<![^\s<>,;:\"()\[\]@])[^\s<>,;:\"()\[\]@]++@[^\s<>,;:\"()\[\]@]+")
_BROKEN: Final = frozenset((MISSING_DOMAIN, "SYNTAX_ERROR"))


def addresses_in(value: str) -> list[Address]:
    """As `parse_addresses`; never raises, and takes a time linear in the length."""
    found = parse_addresses(value)
    if value.count("@") == len([one for one in found if one[3] is not None]) and _are_whole(found):
        return found
    repaired: list[Address] = []
    for piece in _pieces(unfold(value)):
        repaired += _read(piece)
    return repaired


def _are_whole(found: list[Address]) -> bool:
    """Nothing is missing; marks where a group begins or ends count as whole."""
    for _, _, local, domain in found:
        if domain is not None and (domain in _BROKEN or local is None or MISSING_MAILBOX in local):
            return False
    return True


def _pieces(text: str) -> list[str]:
    """Cut at the commas and semicolons that stand in no quoted string, comment or brackets; an open one is none."""
    pieces: list[str] = []
    start = depth = 0
    quoted = angle = False
    for match in _MARK.finditer(text):
        mark = match[0]
        if quoted:
            quoted = mark != '"'
        elif mark == "(":
            depth += 1
        elif depth:
            depth -= mark == ")"
        elif mark == '"':
            quoted = True
        elif mark in "<>":
            angle = mark == "<"
        elif mark in ",;" and not angle:
            pieces.append(text[start : match.start()])
            start = match.end()
    rest = text[start:]
    return [*pieces, *(rest.split(",") if quoted or angle or depth else [rest])]


def _read(piece: str) -> list[Address]:
    found = parse_addresses(piece)
    if "@" not in piece or (found and piece.count("@") == 1 and _are_whole(found)):
        return found
    if match := _ANGLE.fullmatch(piece):
        name = match[1].strip(" \t\"'")
        return [(name or None, None, match[2], match[3])]
    if found and _are_whole(found):
        return found
    if match := _BARE.search(piece):
        local, _, domain = match[0].partition("@")
        name = f"{piece[: match.start()]} {piece[match.end() :]}".strip(" \t\"'<>();:[]@")
        return [(name or None, None, local, domain)]
    return found
