"""SPF records (RFC 7208 §4.5, §5, §6), read whole before any of it is evaluated (§4.6)."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Final

from msgspec import Struct

from posthouse.mailauth.spf_macro import BadMacro, check_domain_spec

RECORD_CHARACTERS_MAX: Final = 16 * 1024
"""Length of a record; a longer one is an error."""
VERSION: Final = "v=spf1"

_TERM: Final = re.compile(r"([+\-?~]?)([A-Za-z][A-Za-z0-9_.\-]*)(?:([:=/])(.*))?", re.DOTALL)
# dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ]
_DUAL: Final = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?\Z")
_PREFIX: Final = re.compile(r"(?:0|[1-9][0-9]{0,2})")
_QUALIFIERS: Final = {"": "pass", "+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}


class BadRecord(Exception):
    """The text is no SPF record; `term` is where it goes wrong."""

    def __init__(self, term: str) -> None:
        super().__init__(term)
        self.term = term[:100]


class Mechanism(Struct, frozen=True):
    name: str
    result: str  # of a match
    text: str  # as it stands in the record
    domain: str = ""  # with macros; empty: the current one
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None = None
    prefix4: int = 32
    prefix6: int = 128


class Record(Struct, frozen=True):
    mechanisms: tuple[Mechanism, ...]
    redirect: str = ""
    explanation: str = ""  # exp=


def is_spf(text: str) -> bool:
    """version section: "v=spf1", then a blank or the end (RFC 7208 §4.5)."""
    return text[:6].lower() == VERSION and text[6:7] in ("", " ")


@lru_cache(maxsize=512)
def parse_record(text: str) -> Record:
    """Raises BadRecord."""
    if len(text) > RECORD_CHARACTERS_MAX:
        raise BadRecord("too long")
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, str] = {}
    for term in text[len(VERSION) :].split(" "):
        if not term:
            continue
        match = _TERM.fullmatch(term)
        if match is None:
            raise BadRecord(term)
        sign, name, mark, rest = match[1], match[2].lower(), match[3] or "", match[4] or ""
        try:
            if mark == "=":
                _modifier(modifiers, sign, name, rest, term)
            else:
                mechanisms.append(_MECHANISMS[name](_QUALIFIERS[sign], name, mark, rest, term))
        except (BadMacro, ValueError, KeyError):
            raise BadRecord(term) from None
    return Record(tuple(mechanisms), modifiers.get("redirect", ""), modifiers.get("exp", ""))


def _modifier(modifiers: dict[str, str], sign: str, name: str, value: str, term: str) -> None:
    if sign:
        raise BadRecord(term)
    if name in ("redirect", "exp"):
        if name in modifiers:
            raise BadRecord(term)  # RFC 7208 §6: each at most once
        check_domain_spec(value)
        modifiers[name] = value


def _all(result: str, name: str, mark: str, rest: str, term: str) -> Mechanism:
    if mark or rest:
        raise ValueError(term)
    return Mechanism(name, result, term)


def _named(result: str, name: str, mark: str, rest: str, term: str) -> Mechanism:
    """include, exists: a domain is required."""
    if mark != ":":
        raise ValueError(term)
    check_domain_spec(rest)
    return Mechanism(name, result, term, rest)


def _ptr(result: str, name: str, mark: str, rest: str, term: str) -> Mechanism:
    return _named(result, name, mark, rest, term) if mark else Mechanism(name, result, term)


def _hosts(result: str, name: str, mark: str, rest: str, term: str) -> Mechanism:
    """a, mx: [ ":" domain-spec ] [ dual-cidr-length ]"""
    text = rest if mark == ":" else mark + rest
    match = _DUAL.search(text)
    assert match is not None
    domain = text[: match.start()]
    if mark == ":" or domain:
        check_domain_spec(domain)
    prefix4 = 32 if match[1] is None else int(match[1])
    prefix6 = 128 if match[2] is None else int(match[2])
    if prefix4 > 32 or prefix6 > 128:
        raise ValueError(term)
    return Mechanism(name, result, term, domain, prefix4=prefix4, prefix6=prefix6)


def _network(result: str, name: str, mark: str, rest: str, term: str) -> Mechanism:
    """ip4, ip6"""
    text, slash, prefix = rest.partition("/")
    if mark != ":" or (slash and not _PREFIX.fullmatch(prefix)):
        raise ValueError(term)
    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    if name == "ip4":
        network = ipaddress.IPv4Network(rest, strict=False)
    else:
        if "%" in text:
            raise ValueError(term)
        network = ipaddress.IPv6Network(rest, strict=False)
    return Mechanism(name, result, term, network=network)


_MECHANISMS: Final = {
    "all": _all,
    "include": _named,
    "exists": _named,
    "a": _hosts,
    "mx": _hosts,
    "ptr": _ptr,
    "ip4": _network,
    "ip6": _network,
}
