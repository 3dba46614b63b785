"""The packed part tree, stored with a message so that BODY[1.2.MIME] needs no scan.

Version byte, then per part in depth-first order: varints (kind, header start minus the parent's body start,
header length, body length, number of children) and three length-prefixed texts (media type, transfer encoding,
charset).  What else is known of a part stands in BODYSTRUCTURE.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from posthouse.core.errors import Invalid
from posthouse.mime.params import param
from posthouse.mime.scan import LEAF, MAX_DEPTH, Part

_VERSION: Final = 1
_MAX_TEXT: Final = 255
_REMEMBERED: Final = 256
"""Packed texts kept in memory."""
_MAX_REMEMBERED: Final = 100
"""Characters of the longest of them."""


def pack_layout(part: Part) -> bytes:
    out = bytearray((_VERSION,))
    _pack(out, part, 0)
    return bytes(out)


def _pack(out: bytearray, part: Part, origin: int) -> None:
    for number in (
        part.kind,
        part.header_start - origin,
        part.body_start - part.header_start,
        part.body_end - part.body_start,
        len(part.children),
    ):
        while number > 127:
            out.append(number & 127 | 128)
            number >>= 7
        out.append(number)
    charset = (param(part.params, "charset") or "") if part.kind == LEAF else ""
    media, encoding = f"{part.maintype}/{part.subtype}", part.encoding or ""
    if len(media) + len(encoding) + len(charset) <= _MAX_REMEMBERED:
        out += _remembered_texts(media, encoding, charset)
    else:
        out += _pack_texts(media, encoding, charset)
    for child in part.children:
        _pack(out, child, part.body_start)


def _pack_texts(*texts: str) -> bytes:
    out = bytearray()
    for text in texts:
        raw = text.encode("utf-8", "surrogateescape")[:_MAX_TEXT]
        out.append(len(raw))
        out += raw
    return bytes(out)


_remembered_texts = lru_cache(_REMEMBERED)(_pack_texts)  # perf: a few forms are those of nearly all parts


def unpack_layout(packed: bytes) -> Part:
    """The tree `pack_layout` was given, with offsets, kinds, media types, encodings and charsets.

    Raises `Invalid` when the bytes are not a layout of this version.
    """
    if packed[:1] != bytes((_VERSION,)):
        raise Invalid("message layout of an unknown version; run the storage check")
    try:
        part, end = _unpack(packed, 1, 0, 0)
    except IndexError:
        raise Invalid("message layout is cut short; run the storage check") from None
    if end != len(packed):
        raise Invalid("message layout has bytes left over; run the storage check")
    return part


def _unpack(packed: bytes, pos: int, origin: int, depth: int) -> tuple[Part, int]:
    if depth > MAX_DEPTH + 1:
        raise IndexError
    numbers: list[int] = []
    for _ in range(5):
        value = shift = 0
        while (byte := packed[pos]) > 127:
            value |= (byte & 127) << shift
            shift += 7
            pos += 1
        numbers.append(value | byte << shift)
        pos += 1
    texts: list[str] = []
    for _ in range(3):
        end = pos + 1 + packed[pos]
        if end > len(packed):
            raise IndexError
        texts.append(packed[pos + 1 : end].decode("utf-8", "surrogateescape"))
        pos = end
    kind, header_start, header_size, body_size, children = numbers
    header_start += origin
    body_start = header_start + header_size
    part = Part(header_start, body_start, body_start + body_size, kind)
    part.maintype, _, part.subtype = texts[0].partition("/")
    part.encoding = texts[1] or None
    part.params = (("charset", texts[2]),) if texts[2] else ()
    for _ in range(children):
        child, pos = _unpack(packed, pos, body_start, depth + 1)
        part.children.append(child)
    return part, pos
