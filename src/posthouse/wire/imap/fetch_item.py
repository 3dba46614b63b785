"""What FETCH asks of a message.  RFC 9051 §6.4.5, RFC 3516."""

from __future__ import annotations

from msgspec import Struct


class BodySection(Struct):
    """BODY[...], BODY.PEEK[...], and RFC822, RFC822.HEADER, RFC822.TEXT under their own `label`.

    `part`: () is the message.  `text`: None, HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT or MIME.
    `fields`: names as sent.  `partial`: (first octet, length).  `label`: what stands before the literal in
    the answer, `BODY[1.TEXT]<0>`.
    """

    part: tuple[int, ...] = ()
    text: str | None = None
    fields: tuple[str, ...] = ()
    partial: tuple[int, int] | None = None
    peek: bool = False
    label: bytes = b"BODY[]"


class BinarySection(Struct):
    """BINARY[part] (RFC 3516, RFC 9051 §6.4.5): the part with its transfer encoding undone."""

    part: tuple[int, ...] = ()
    partial: tuple[int, int] | None = None
    peek: bool = False
    label: bytes = b"BINARY[]"


class BinarySize(Struct):
    part: tuple[int, ...] = ()
    label: bytes = b"BINARY.SIZE[]"


FetchItem = str | BodySection | BinarySection | BinarySize
"""str: ENVELOPE FLAGS INTERNALDATE RFC822.SIZE BODYSTRUCTURE BODY UID MODSEQ SAVEDATE EMAILID THREADID
PREVIEW PREVIEW.LAZY (`PREVIEW (LAZY)`)."""
