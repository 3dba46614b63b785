"""IMAP sections (RFC 9051 §6.4.5) as byte ranges, and content-transfer decoding (RFC 9051 §6.4.5.1 BINARY)."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from typing import Final, final

from posthouse.mime.scan import MESSAGE, MULTIPART, Data, Part

_SECTION: Final = re.compile(
    r"(?P<path>[1-9][0-9]{0,8}(?:\.[1-9][0-9]{0,8})*)?"
    r"(?:(?:\A|(?<=[0-9])\.)(?P<text>HEADER\.FIELDS\.NOT|HEADER\.FIELDS|HEADER|TEXT|MIME)"
    r"(?P<list>[ ]*\([^()]*\))?)?\Z",
    re.IGNORECASE,
)
_FIELD: Final = re.compile(rb"([^:\x00-\x20\x7f]+)[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*\n?")
_LINE: Final = re.compile(rb"[^\n]*\n?")
_BLANK_LINE: Final = re.compile(rb"\r?\n")
_B64_JUNK: Final = re.compile(rb"[^A-Za-z0-9+/]+")
# RFC 2045 §6.7 (3): blanks at the end of a line go.  Each run of blanks is looked at from its start only.
_QP_BLANKS: Final = re.compile(rb"(?<![ \t])[ \t]+(?=\r?\n|\Z)")

MAX_PATH: Final = 100
"""Numbers in a section; deeper ones name nothing."""


@final
@dataclass(slots=True)
class Section:
    """A parsed section: part numbers, what of the part, and upper-case field names."""

    path: tuple[int, ...]
    text: str = ""
    names: tuple[bytes, ...] = ()


def parse_section(spec: str) -> Section | None:
    """`1.2.HEADER.FIELDS (Date From)` -> Section; None when it is no section (RFC 9051 §9 section-spec)."""
    match = _SECTION.match(spec)
    if match is None:
        return None
    path = tuple(int(number) for number in match["path"].split(".")) if match["path"] else ()
    text = (match["text"] or "").upper()
    names = match["list"]
    if (
        len(path) > MAX_PATH
        or (text == "MIME" and not path)
        or (names is not None) != text.startswith("HEADER.FIELDS")
    ):
        return None
    listed = tuple(
        name.strip('"').upper().encode("utf-8", "surrogateescape")
        for name in (names or "").strip(" ()").split()
    )
    if names is not None and not listed:
        return None
    return Section(path, text, listed)


def find_part(root: Part, path: tuple[int, ...]) -> Part | None:
    """The part a number names, or None.

    RFC 9051 §6.4.5.1: a message that is no multipart has one part, 1; numbers after a message/rfc822 part
    count the parts of the message in it.  A multipart in which no part was found has none.
    """
    part = root
    for depth, number in enumerate(path):
        holder = part.children[0] if part.kind == MESSAGE and depth else part
        if holder.kind == MULTIPART or holder.maintype.lower() == "multipart":
            if number > len(holder.children):
                return None
            part = holder.children[number - 1]
        elif number == 1 and (depth == 0 or holder is not part):
            part = holder
        else:
            return None
    return part


def section_range(root: Part, section: Section) -> tuple[int, int] | None:
    """The byte range of a section without field names; None: the message has no such part (NIL to a client)."""
    if not section.path:
        if section.text == "":
            return root.header_start, root.body_end
        return (
            (root.body_start, root.body_end)
            if section.text == "TEXT"
            else (root.header_start, root.body_start)
        )
    part = find_part(root, section.path)
    if part is None:
        return None
    if section.text == "":
        return part.body_start, part.body_end
    if section.text == "MIME":
        return part.header_start, part.body_start
    # RFC 9051 §6.4.5.1: HEADER and TEXT after numbers belong to message/rfc822 parts only
    if part.kind != MESSAGE:
        return None
    inner = part.children[0]
    return (
        (inner.body_start, inner.body_end)
        if section.text == "TEXT"
        else (inner.header_start, inner.body_start)
    )


def section_bytes(data: Data, root: Part, section: Section) -> bytes | None:
    """The bytes of a section, field lists included; None when the message has no such part."""
    found = section_range(root, section)
    if found is None:
        return None
    raw = data[found[0] : found[1]]
    if section.names:
        return select_fields(raw, section.names, exclude=section.text == "HEADER.FIELDS.NOT")
    return raw


def select_fields(block: bytes, names: tuple[bytes, ...], *, exclude: bool = False) -> bytes:
    """RFC 9051 §6.4.5: the fields named (or all others), as they stand, and the blank line that ends a header."""
    wanted = frozenset(names)
    kept: list[bytes] = []
    pos, end = 0, len(block)
    blank = b""
    while pos < end:
        if match := _BLANK_LINE.match(block, pos):
            blank = match[0]
            break
        match = _FIELD.match(block, pos)
        if match is not None:
            if (match[1].upper() in wanted) != exclude:
                kept.append(match[0])
        else:
            match = _LINE.match(block, pos)
            assert match is not None  # the pattern matches anything
            if exclude:
                kept.append(match[0])
        pos = match.end()
    return b"".join(kept) + (blank or b"\r\n")


def decode_transfer(raw: bytes, encoding: str | None) -> bytes:
    """Undo a content-transfer encoding, tolerantly; an unknown one leaves the bytes as they are."""
    name = (encoding or "").lower()
    if name == "base64":
        return decode_base64(raw)
    if name == "quoted-printable":
        return binascii.a2b_qp(join_soft_ends(raw))
    return raw


def join_soft_ends(raw: bytes) -> bytes:
    """RFC 2045 §6.7 (3): blanks at the end of a line are no part of quoted-printable text."""
    return _QP_BLANKS.sub(b"", raw)


def is_decodable(encoding: str | None) -> bool:
    """RFC 9051 §6.4.5.1: BINARY of a part in an unknown encoding is refused with NO [UNKNOWN-CTE]."""
    return (encoding or "7bit").lower() in ("7bit", "8bit", "binary", "base64", "quoted-printable")


def decode_base64(raw: bytes) -> bytes:
    """Base64 with line ends and junk skipped, each padded stretch decoded, a broken tail dropped."""
    if b"=" not in raw.rstrip(b"=\r\n \t"):
        return _decode_stretch(raw)
    return b"".join([_decode_stretch(stretch) for stretch in raw.split(b"=") if stretch])


def pure_base64(raw: bytes) -> bytes:
    """Without what is no digit of it."""
    return _B64_JUNK.sub(b"", raw)


def _decode_stretch(raw: bytes) -> bytes:
    clean = pure_base64(raw)
    if len(clean) % 4 == 1:
        clean = clean[:-1]
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))
