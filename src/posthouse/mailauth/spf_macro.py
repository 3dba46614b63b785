"""Macros of SPF records (RFC 7208 §7)."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import quote

from msgspec import Struct

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

NAME_MAX: Final = 253
EXPANDED_MAX: Final = 1024
"""Characters that the macros of one explanation may grow to."""

# macro-expand = ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-"
_MACRO: Final = re.compile(r"%(?:\{([A-Za-z])([0-9]{0,3})([rR]?)([.\-+,/_=]*)\}|([%_\-]))")
_LETTERS: Final = frozenset("slodiphv")
_EXP_LETTERS: Final = _LETTERS | frozenset("crt")
_LITERALS: Final = re.compile(r"[!-$&-~]*")
_EXP_LITERALS: Final = re.compile(r"[ -$&-~]*")
# toplabel = ( *alphanum ALPHA *alphanum ) / ( 1*alphanum "-" *( alphanum / "-" ) alphanum )
_TOP_LABEL: Final = re.compile(r"(?=[0-9-]*[A-Za-z-])[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


class BadMacro(Exception):
    """Not a macro-string."""


class MacroValues(Struct):
    """What the letters stand for."""

    ip: IpAddress
    sender_local: str
    sender_domain: str
    domain: str  # %{d}: whose record is read now
    helo: str
    receiver: str
    now: float
    validated: str = "unknown"  # %{p}


def check_macros(text: str, *, explanation: bool = False) -> None:
    """Raises BadMacro."""
    letters = _EXP_LETTERS if explanation else _LETTERS
    literals = _EXP_LITERALS if explanation else _LITERALS
    pos = 0
    for match in _MACRO.finditer(text):
        if not literals.fullmatch(text, pos, match.start()):
            raise BadMacro(text)
        if match[1] and (match[1].lower() not in letters or (match[2] and int(match[2]) == 0)):
            raise BadMacro(text)
        pos = match.end()
    if not literals.fullmatch(text, pos):
        raise BadMacro(text)


def check_domain_spec(text: str) -> None:
    """domain-spec = macro-string domain-end.  Raises BadMacro."""
    check_macros(text)
    if text.endswith("}") and any(match.end() == len(text) for match in _MACRO.finditer(text)):
        return
    _, dot, top = text.removesuffix(".").rpartition(".")
    if not dot or not _TOP_LABEL.fullmatch(top):
        raise BadMacro(text)


def needs_validated_name(text: str) -> bool:
    return any(match[1] in ("p", "P") for match in _MACRO.finditer(text))


def expand(text: str, values: MacroValues) -> str:
    """A checked macro-string with its macros replaced."""
    return _MACRO.sub(lambda match: _replaced(match, values), text) if "%" in text else text


def expand_domain(text: str, values: MacroValues) -> str:
    """A domain name in lower case; labels at its left are cut until it fits (RFC 7208 §7.3)."""
    name = expand(text, values).removesuffix(".").lower()
    while len(name) > NAME_MAX and "." in name:
        name = name.partition(".")[2]
    return name


def _replaced(match: re.Match[str], values: MacroValues) -> str:
    letter, digits, reverse, delimiters, escape = match.groups()
    if escape:
        return {"%": "%", "_": " ", "-": "%20"}[escape]
    value = _value(letter.lower(), values)
    if digits or reverse or delimiters:
        parts = re.split(f"[{re.escape(delimiters or '.')}]", value)
        if reverse:
            parts.reverse()
        if digits:
            parts = parts[-int(digits) :]
        value = ".".join(parts)
    return quote(value, safe="-._~") if letter.isupper() else value


def _value(letter: str, values: MacroValues) -> str:
    ip = values.ip
    return {
        "s": f"{values.sender_local}@{values.sender_domain}",
        "l": values.sender_local,
        "o": values.sender_domain,
        "d": values.domain,
        "i": str(ip) if ip.version == 4 else ".".join(ip.exploded.replace(":", "")),
        "p": values.validated,
        "v": "in-addr" if ip.version == 4 else "ip6",
        "h": values.helo,
        "c": str(ip),
        "r": values.receiver,
        "t": str(int(values.now)),
    }[letter]
