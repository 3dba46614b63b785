"""The first words of a message, for lists: plain text, at most 200 characters (RFC 8970 §3)."""

from __future__ import annotations

import re
from typing import Final

from posthouse.mime.charset import decode_bytes
from posthouse.mime.entities import undone
from posthouse.mime.scan import LEAF, Data, Part, walk
from posthouse.mime.section import decode_transfer

MAX_PREVIEW: Final = 200
_PLAIN_BYTES: Final = 2048
_HEAD: Final = 250
"""Characters of plain text that are tried first."""
_HTML_BYTES: Final = 16 * 1024
_PARTS_LOOKED_AT: Final = 50

_INVISIBLE: Final = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad\u034f]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_TAG: Final = re.compile(r"<!--|<[^<>]*>")
_HIDDEN: Final = re.compile(r"<(style|script|head|title|svg)\b", re.IGNORECASE)
_QUOTED_LINE: Final = re.compile(r"^>[^\n]*\n?", re.MULTILINE)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def preview_of(data: Data, root: Part) -> str:
    """From the first inline text/plain part with words in it, else from the first text/html part."""
    pages: list[Part] = []
    for part in walk(root)[:_PARTS_LOOKED_AT]:
        if (
            part.kind != LEAF
            or part.maintype.lower() != "text"
            or (part.disposition or "").lower() == "attachment"
        ):
            continue
        subtype = part.subtype.lower()
        if subtype == "html":
            pages.append(part)
        elif subtype == "plain":
            text = _plain_preview(_part_text(data, part, _PLAIN_BYTES))
            if text:
                return text
    for part in pages:
        text = _tidy(html_text(_part_text(data, part, _HTML_BYTES)))
        if text:
            return text
    return ""


def _part_text(data: Data, part: Part, room: int) -> str:
    raw = data[part.body_start : min(part.body_end, part.body_start + room)]
    text = decode_transfer(raw, part.encoding)
    return decode_bytes(_whole_characters(text) if len(raw) < part.size else text, part.charset)


def _whole_characters(raw: bytes) -> bytes:
    """Drop a UTF-8 character the slice cut in two, which would make all of it look like another charset."""
    for back in range(1, min(4, len(raw)) + 1):
        byte = raw[-back]
        if byte < 0x80:
            break
        if byte >= 0xC0:
            need = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return raw[:-back] if back < need else raw
    return raw


def _plain_preview(text: str) -> str:
    # perf: the beginning is nearly always enough, and squeezing blanks is most of the work
    head = text[:_HEAD]
    if "\n>" not in head and head[:1] != ">":
        shown = _squeeze(head)
        if len(shown) >= MAX_PREVIEW:
            return _cut(shown)
    return _tidy(_without_quotes(text))


def _without_quotes(text: str) -> str:
    """The writer's own words, when there are any."""
    if "\n>" not in text and text[:1] != ">":
        return text
    own = _QUOTED_LINE.sub("", text)
    return own if own.strip() else text


def _tidy(text: str) -> str:
    return _cut(_squeeze(text[: MAX_PREVIEW * 4]))


def _squeeze(text: str) -> str:
    """Without invisible characters, and one space for each run of blanks."""
    if not text.isascii():
        text = _SURROGATE.sub("\ufffd", _INVISIBLE.sub("", text))
    return " ".join(text.split())  # perf: five times as fast as a pattern


def _cut(text: str) -> str:
    text = text[:MAX_PREVIEW]
    if not text.isprintable():
        text = _CONTROL.sub("", text)
    return text.rstrip("\ufffd ")


def html_text(page: str) -> str:
    """The visible words of HTML, roughly: tags, comments, styles and scripts go.  Linear in the length."""
    out: list[str] = []
    pos = 0
    while match := _TAG.search(page, pos):
        out.append(page[pos : match.start()])
        pos = match.end()
        tag = match[0]
        if tag == "<!--":
            end = page.find("-->", pos)
            if end < 0:
                return undone(" ".join(out))
            pos = end + 3
        elif hidden := _HIDDEN.match(tag):
            close = re.compile(rf"</{hidden[1]}\b[^<>]*>", re.IGNORECASE).search(page, pos)
            if close is None and hidden[1].lower() in ("style", "script"):
                return undone(" ".join(out))
            pos = pos if close is None else close.end()
    out.append(page[pos:])
    return undone(" ".join(out))
