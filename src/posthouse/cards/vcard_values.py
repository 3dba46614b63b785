"""Pieces of vCards: the cards of a file, and values that several properties have (RFC 6350, RFC 9554, RFC 9555)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from posthouse.cards.content_line import split_value, unescape
from posthouse.cards.jscontact import Card

_SPLIT: Final = re.compile(rb"(?im)^[ \t]*BEGIN[ \t]*:[ \t]*VCARD[ \t]*$")


def split_cards(data: bytes) -> Iterator[bytes]:
    """The cards of a file, one at a time; what stands before the first is not looked at."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = data.decode("utf-16", "replace").encode()
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    starts = [match.start() for match in _SPLIT.finditer(data)]
    for at, start in enumerate(starts):
        yield data[start : starts[at + 1] if at + 1 < len(starts) else len(data)]


def place_of(text: str) -> Card:
    return {"coordinates": text} if text.startswith("geo:") else {"full": text}


def components_of(fields: list[list[str]], kinds: tuple[str, ...], order: str, owner: Card) -> list[Card]:
    """In the order of the fields, or in that of JSCOMPS (RFC 9555 §3.3.1), which says that it matters."""
    found = [
        {"kind": kind, "value": part}
        for kind, parts in zip(kinds, fields, strict=False)
        for part in parts
        if part.strip()
    ]
    if not order:
        return found
    ordered: list[Card] = []
    separator, *entries = split_value(order, ";")
    if separator.startswith("s,"):
        owner["defaultSeparator"] = unescape(separator[2:])
    for entry in entries:
        if entry.startswith("s,"):
            ordered.append({"kind": "separator", "value": unescape(entry[2:])})
            continue
        field, _, part = entry.partition(",")
        try:
            at, index = int(field), int(part or 0)
            ordered.append({"kind": kinds[at], "value": fields[at][index]})
        except (ValueError, IndexError):
            return found  # it is of another value
    owner["isOrdered"] = True
    return ordered


def label_of(text: str) -> str:
    """quirk(Apple Contacts): labels that it knows itself are written `_$!<Home>!$_`."""
    match = re.fullmatch(r"_\$!<(.*)>!\$_", text)
    return match[1] if match else text


def moment_of(text: str) -> str | None:
    """A timestamp of vCard as a UTCDateTime."""
    match = re.fullmatch(
        r"(\d{4})-?(\d\d)-?(\d\d)T(\d\d):?(\d\d):?(\d\d)(?:[.,]\d+)?(?:Z|[+-]00(?::?00)?)?", text
    )
    if match is None:
        day = re.fullmatch(r"(\d{4})-?(\d\d)-?(\d\d)", text)
        return f"{day[1]}-{day[2]}-{day[3]}T00:00:00Z" if day else None
    year, month, day_, hour, minute, second = match.groups()
    return f"{year}-{month}-{day_}T{hour}:{minute}:{second}Z"


def take_index(params: dict[str, list[str]], value: Card) -> None:
    index = (params.pop("INDEX", None) or [""])[0]
    if index.isascii() and index.isdigit() and int(index[:6]):
        value["listAs"] = int(index[:6])
