"""Pictures of cards: which formats are taken, and how they are told by their first bytes; data: URIs (RFC 2397)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Final
from urllib.parse import unquote_to_bytes

_MAGIC: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
)
_BRANDS: Final = {b"avif": "image/avif", b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif"}
_BLOB: Final = re.compile(r"K([1-9][0-9]{0,17})")
_DATA: Final = re.compile(r"data:([^,;]*)((?:;[^,;]*)*),", re.IGNORECASE)


def image_type(data: bytes) -> str | None:
    """The media type; None for what is no picture.  SVG is none: it can hold scripts."""
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return _BRANDS.get(data[8:12]) if data[4:8] == b"ftyp" else None


def picture_id(data: bytes) -> int:
    """The number of a picture in an account: the same for the same bytes."""
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big") >> 5 | 1


def try_picture_blob(blob: object) -> int | None:
    """The number in the id of a blob that is a picture of a card."""
    match = _BLOB.fullmatch(blob) if isinstance(blob, str) else None
    return None if match is None else int(match[1])


def try_data_uri(uri: str) -> tuple[str, bytes] | None:
    """(media type, bytes) of a data: URI; None for everything else, and for broken ones."""
    match = _DATA.match(uri)
    if match is None:
        return None
    rest = uri[match.end() :]
    try:
        if match[2].lower().endswith(";base64"):
            data = base64.b64decode(re.sub(r"\s", "", rest) + "=" * (-len(rest) % 4), validate=False)
        else:
            data = unquote_to_bytes(rest)
    except (binascii.Error, ValueError):
        return None
    return match[1].lower() or "application/octet-stream", data


def data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
