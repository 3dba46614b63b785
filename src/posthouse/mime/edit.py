"""Header rewriting on bytes, loop counting, downgrades of 8-bit and NUL.  What is not asked for stays byte-exact."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from typing import Final

from posthouse.mime.header import Header, header_text, raw_fields
from posthouse.mime.scan import LEAF, MESSAGE, MULTIPART, Data, Part, scan, walk
from posthouse.mime.section import decode_transfer

_HEADER_END: Final = re.compile(rb"\n\r?\n")
_EIGHT_BIT: Final = re.compile(rb"[\x80-\xff]")
_LONE_NEWLINE: Final = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_QP_UNSAFE: Final = re.compile(rb"[^\t\x20-\x3c\x3e-\x7e]")
_QP_LINE: Final = 76


def header_end(data: Data) -> int:
    """Offset behind the header's blank line, or the size when there is none."""
    if data[:2] == b"\r\n":
        return 2
    if data[:1] == b"\n":
        return 1
    match = _HEADER_END.search(data)
    return match.end() if match else len(data)


def header_of(content: bytes) -> Header:
    """The fields of a message: what looks like one in its body is none."""
    return Header(header_text(content[: header_end(content)]))


def remove_fields(header: bytes, names: frozenset[bytes]) -> bytes:
    """The header block without the fields called `names` (lower case)."""
    kept: list[bytes] = []
    pos = 0
    for name, start, end in raw_fields(header):
        if name in names:
            kept.append(header[pos:start])
            pos = end
    kept.append(header[pos:])
    return b"".join(kept)


def has_field(header: bytes, name: bytes) -> bool:
    return any(found == name for found, _, _ in raw_fields(header))


def prepend_fields(header: bytes, fields: bytes) -> bytes:
    """Put complete field lines on top (trace fields, RFC 5321 §4.4)."""
    return fields + header


def add_fields(header: bytes, fields: bytes) -> bytes:
    """Put complete field lines at the end of the header, before its blank line."""
    if not fields:
        return header
    for blank in (b"\r\n", b"\n"):
        if header in (blank,) or header.endswith(b"\n" + blank):
            body = header[: len(header) - len(blank)]
            return body + fields + blank
    if header and not header.endswith(b"\n"):
        return header + b"\r\n" + fields
    return header + fields


def count_received(header: bytes) -> int:
    """RFC 5321 §6.3: hops so far."""
    return sum(1 for name, _, _ in raw_fields(header) if name == b"received")


def delivered_to(header: bytes) -> list[bytes]:
    """Lower-case addresses of Delivered-To fields: the other mark of a loop."""
    return [
        header[start:end].partition(b":")[2].strip().lower()
        for name, start, end in raw_fields(header)
        if name == b"delivered-to"
    ]


def has_8bit(data: Data, start: int = 0, end: int | None = None) -> bool:
    """Whether a range holds bytes above 127."""
    return _EIGHT_BIT.search(data, start, len(data) if end is None else end) is not None


def has_lone_newline(data: Data) -> bool:
    """Whether CR or LF stands anywhere but in a pair."""
    return _LONE_NEWLINE.search(data) is not None


def downgrade_8bit(data: Data) -> bytes:
    """RFC 6152 §3: make a message 7-bit for a relay without 8BITMIME.

    Parts with 8-bit bodies become quoted-printable (text) or base64 (all else, and what is no text but holds a CR or
    LF that stands alone, as a binary message of RFC 3030 may).  Elsewhere a lone CR or LF becomes a line end; every
    other byte stays.  Raw 8-bit in headers is left: that is SMTPUTF8's matter (RFC 6531 §3.4).
    """
    lone = has_lone_newline(data)
    if not lone and not has_8bit(data):
        return bytes(data)
    out: list[bytes] = []
    pos = 0
    parts = walk(scan(data))
    tops = _tops(parts)
    for part in parts:
        if part.header_start < pos:
            continue  # inside of one that is encoded whole
        top = part.header_start in tops
        if part.kind != LEAF and not _is_global(data, part):
            if _names_8bit(part):
                out += [data[pos : part.header_start], _with_encoding(data, part, b"7bit", top=top)]
                pos = part.body_start
        elif (
            has_8bit(data, part.body_start, part.body_end)
            or (part.encoding or "").lower() == "binary"
            or (lone and _needs_octets(part) and has_lone_newline(data[part.body_start : part.body_end]))
        ):
            out += [data[pos : part.header_start], _encoded_part(data, part, top=top)]
            pos = part.body_end
    out.append(data[pos:])
    done = _clean_gaps(b"".join(out))
    return _LINE_END.sub(b"\r\n", done) if lone else done


def without_nul(data: Data) -> bytes | None:
    """RFC 3516 §4.4: the message with its parts that hold NUL in base64, so that nothing is lost.

    None where that cannot be: NUL in a header or between parts, or in a part whose encoding has none.
    """
    out: list[bytes] = []
    pos = 0
    data = bytes(data)
    parts = walk(scan(data))
    tops = _tops(parts)
    for part in parts:
        if part.kind == LEAF and data.find(b"\x00", part.body_start, part.body_end) >= 0:
            if (part.encoding or "7bit").lower() not in ("7bit", "8bit", "binary"):
                return None
            header = _with_encoding(data, part, b"base64", top=part.header_start in tops)
            out += [
                data[pos : part.header_start],
                header,
                encode_base64(data[part.body_start : part.body_end]),
            ]
            pos = part.body_end
    out.append(data[pos:])
    found = b"".join(out)
    return None if b"\x00" in found else found


def _tops(parts: Iterable[Part]) -> set[int]:
    """Where headers of messages begin."""
    return {0} | {part.body_start for part in parts if part.kind == MESSAGE}


def _is_global(data: Data, part: Part) -> bool:
    """RFC 6532 §3.7, RFC 6533 §4.5: a message with UTF-8 header fields inside of another is encoded whole."""
    return (
        part.kind == MESSAGE
        and part.subtype.lower() == "global"
        and has_8bit(data, part.body_start, part.body_end)
    )


def _needs_octets(part: Part) -> bool:
    """Whether other line ends would be other content."""
    encoded = (part.encoding or "").lower() in ("base64", "quoted-printable")
    return not encoded and part.maintype.lower() != "text"


def _names_8bit(part: Part) -> bool:
    return part.kind in (MULTIPART, MESSAGE) and (part.encoding or "").lower() in ("8bit", "binary")


def _encoded_part(data: Data, part: Part, *, top: bool) -> bytes:
    raw = data[part.body_start : part.body_end]
    encoding = (part.encoding or "").lower()
    if encoding in ("base64", "quoted-printable"):
        # Mislabelled: 8-bit bytes inside an encoded body.  Decoding drops or keeps them as readers would.
        raw = decode_transfer(raw, encoding)
    header = data[part.header_start : part.body_start]
    eol = b"\r\n" if b"\r\n" in header or b"\n" not in header else b"\n"
    # The line end before a boundary belongs to the boundary, so a body ends where its last line does.
    if part.maintype.lower() == "text" and encoding != "base64":
        return _with_encoding(data, part, b"quoted-printable", top=top) + encode_qp(raw, eol)
    return _with_encoding(data, part, b"base64", top=top) + encode_base64(raw, eol)


def _with_encoding(data: Data, part: Part, encoding: bytes, *, top: bool) -> bytes:
    header = data[part.header_start : part.body_start]
    eol = b"\r\n" if b"\r\n" in header or b"\n" not in header else b"\n"
    line = b"Content-Transfer-Encoding: " + encoding + eol
    header = remove_fields(header, frozenset({b"content-transfer-encoding"}))
    if top and not has_field(header, b"mime-version"):
        line += b"MIME-Version: 1.0" + eol  # RFC 2045 §4: without it the encoding would mean nothing
    if header[:2] == b"\r\n" or header[:1] == b"\n":
        return line + header
    if not header.endswith((b"\n\r\n", b"\n\n")):
        header = header + (b"" if header.endswith(b"\n") or not header else eol) + eol
    return add_fields(header, line)


def _clean_gaps(data: bytes) -> bytes:
    """8-bit left in preambles and epilogues, which nobody reads, becomes `?`; headers are left alone."""
    if not has_8bit(data):
        return data
    root = scan(data)
    kept: list[tuple[int, int]] = []
    for part in walk(root):
        kept.append((part.header_start, part.body_start))
        if part.kind == LEAF:
            kept.append((part.body_start, part.body_end))
    out: list[bytes] = []
    pos = 0
    for start, end in sorted(kept):
        if start > pos:
            out.append(_EIGHT_BIT.sub(b"?", data[pos:start]))
        if end > pos:
            out.append(data[max(pos, start) : end])
            pos = end
    out.append(_EIGHT_BIT.sub(b"?", data[pos:]))
    return b"".join(out)


def encode_base64(raw: bytes, eol: bytes = b"\r\n") -> bytes:
    """RFC 2045 §6.8: lines of 76 characters, no line end after the last."""
    coded = binascii.b2a_base64(raw, newline=False)
    return eol.join([coded[at : at + 76] for at in range(0, len(coded), 76)])


def encode_qp(raw: bytes, eol: bytes = b"\r\n") -> bytes:
    """RFC 2045 §6.7, line ends of the text kept as line ends."""
    return eol.join([_qp_line(line, eol) for line in raw.replace(b"\r\n", b"\n").split(b"\n")])


def _qp_line(line: bytes, eol: bytes) -> bytes:
    coded = _QP_UNSAFE.sub(lambda m: b"=%02X" % m[0][0], line)
    # RFC 2045 §6.7 (3): no blank at the end of a line
    if coded[-1:] in (b" ", b"\t"):
        coded = coded[:-1] + b"=%02X" % coded[-1]
    if len(coded) <= _QP_LINE:
        return coded
    pieces: list[bytes] = []
    pos = 0
    while len(coded) - pos > _QP_LINE:
        cut = pos + _QP_LINE - 1
        if coded[cut - 1 : cut] == b"=":
            cut -= 1
        elif coded[cut - 2 : cut - 1] == b"=":
            cut -= 2
        pieces.append(coded[pos:cut] + b"=")
        pos = cut
    pieces.append(coded[pos:])
    return eol.join(pieces)
