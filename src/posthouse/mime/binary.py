"""Messages with NUL octets, made fit for protocols that cannot carry them.  RFC 3516 §4.4, RFC 2045 §6."""

from __future__ import annotations

import binascii
import re
from typing import Final

from .scan import LEAF, Data, Part, scan, walk

_ENCODING_FIELD: Final = re.compile(
    rb"^Content-Transfer-Encoding[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*\n", re.IGNORECASE | re.MULTILINE
)
_IS_MIME: Final = re.compile(rb"^(?:MIME-Version|Content-Type)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_BASE64_FIELD: Final = b"Content-Transfer-Encoding: base64\r\n"
_LINE_OCTETS: Final = 57
"""Of a line of base64 (RFC 2045 §6.8)."""


def without_nul(data: Data) -> bytes | None:
    """The message with its parts that hold NUL in base64, so that nothing is lost; all else stays as it is.

    None where that cannot be: NUL in a header or between parts, or in a part whose encoding has none.
    """
    octets = bytes(data)
    edits: list[tuple[int, int, bytes]] = []
    for part in walk(scan(octets)):
        if part.kind == LEAF and octets.find(b"\x00", part.body_start, part.body_end) >= 0:
            if (part.encoding or "7bit").lower() not in ("7bit", "8bit", "binary"):
                return None
            edits += (_field(octets, part), (part.body_start, part.body_end, _base64(octets, part)))
    pieces: list[bytes] = []
    at = 0
    for start, stop, new in edits:
        pieces += (octets[at:start], new)
        at = stop
    pieces.append(octets[at:])
    found = b"".join(pieces)
    return None if b"\x00" in found else found


def _field(octets: bytes, part: Part) -> tuple[int, int, bytes]:
    """Where the header says how the part is encoded, or could."""
    header = octets[part.header_start : part.body_start]
    # RFC 2045 §4: without MIME-Version the encoding would mean nothing.
    new = _BASE64_FIELD if _IS_MIME.search(header) else b"MIME-Version: 1.0\r\n" + _BASE64_FIELD
    start, end = match.span() if (match := _ENCODING_FIELD.search(header)) else (0, 0)
    return part.header_start + start, part.header_start + end, new


def _base64(octets: bytes, part: Part) -> bytes:
    lines = [
        binascii.b2a_base64(octets[at : min(at + _LINE_OCTETS, part.body_end)], newline=False)
        for at in range(part.body_start, part.body_end, _LINE_OCTETS)
    ]
    return b"\r\n".join(lines)
