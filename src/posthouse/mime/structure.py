"""BODY and BODYSTRUCTURE: RFC 3501 §7.4.2, RFC 9051 §7.5.2."""

from __future__ import annotations

from typing import Final

from posthouse.mime.envelope import envelope_text, imap_nstring, imap_string
from posthouse.mime.header import Header, header_text
from posthouse.mime.params import Params
from posthouse.mime.scan import MAX_HEADER, MESSAGE, MULTIPART, Data, Part, count_lines

# A multipart must have a part (RFC 9051 §9 body-type-mpart): one without any shows an empty text.
_EMPTY: Final = '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0'


def structure_texts(data: Data, root: Part) -> tuple[str, str]:
    """(BODY, BODYSTRUCTURE) of a message, as header text."""
    return _part(data, root)


def _part(data: Data, part: Part) -> tuple[str, str]:
    maintype = part.maintype.lower()
    if part.kind == MULTIPART or maintype == "multipart":
        return _multipart(data, part)
    text = maintype == "text"
    media = f"{imap_string(part.maintype)} {imap_string(part.subtype)}"
    nested = ("", "")
    tail = ""
    if text:
        tail = f" {count_lines(data, part.body_start, part.body_end)}"
    elif part.kind == MESSAGE:
        media = '"message" "global"' if part.subtype.lower() == "global" else '"message" "rfc822"'
        child = part.children[0]
        nested = _part(data, child)
        tail = f" {count_lines(data, part.body_start, part.body_end)}"
        start = child.header_start
        block = data[start : min(child.body_start, start + MAX_HEADER)]
        envelope = envelope_text(Header(header_text(block)))
        nested = (f" {envelope} {nested[0]}", f" {envelope} {nested[1]}")
    elif maintype == "message" and part.subtype.lower() in ("rfc822", "global"):
        # RFC 9051 §9: the grammar demands an envelope of message/rfc822; at the depth limit none was read
        media = '"application" "octet-stream"'
    common = (
        f"({media} {_params(part.params, default_charset=text)} {imap_nstring(part.content_id)} "
        f"{imap_nstring(part.description)} {imap_string(part.encoding or '7bit')} {part.size}"
    )
    return (
        f"{common}{nested[0]}{tail})",
        f"{common}{nested[1]}{tail} {imap_nstring(part.md5)} {_extension(part)})",
    )


def _multipart(data: Data, part: Part) -> tuple[str, str]:
    pairs = [_part(data, child) for child in part.children] or [(_EMPTY + ")", _EMPTY + " NIL NIL NIL NIL)")]
    subtype = imap_string(part.subtype)
    plain = "".join([pair[0] for pair in pairs])
    extended = "".join([pair[1] for pair in pairs])
    params = _params(part.params, default_charset=False)
    return f"({plain} {subtype})", f"({extended} {subtype} {params} {_extension(part)})"


def _params(params: Params, *, default_charset: bool) -> str:
    words: list[str] = []
    for name, value in params:
        words.append(f"{imap_string(name)} {imap_string(value)}")
        if name.lower() == "charset":
            default_charset = False
    # RFC 2046 §4.1.2: text without a charset is us-ascii
    if default_charset:
        words.append('"charset" "us-ascii"')
    return f"({' '.join(words)})" if words else "NIL"


def _extension(part: Part) -> str:
    disposition = "NIL"
    if part.disposition is not None:
        disposition = (
            f"({imap_string(part.disposition)} {_params(part.disposition_params, default_charset=False)})"
        )
    language = "NIL"
    if part.language:
        language = "(" + " ".join([imap_string(tag) for tag in part.language]) + ")"
    return f"{disposition} {language} {imap_nstring(part.location)}"
