"""FETCH: items, macros, sections, modifiers."""

from __future__ import annotations

import re
from typing import Final

from .command import Fetch
from .cursor import NUMBER64_MAX, Cursor
from .fetch_item import BinarySection, BinarySize, BodySection, FetchItem
from .response import format_astring

ITEMS_MAX: Final = 200
"""Items in one FETCH."""
PART_DEPTH_MAX: Final = 100

SIMPLE_ITEMS: Final = frozenset(
    (
        "ENVELOPE",
        "FLAGS",
        "INTERNALDATE",
        "RFC822.SIZE",
        "BODYSTRUCTURE",
        "BODY",
        "UID",
        "MODSEQ",
        "SAVEDATE",
        "EMAILID",
        "THREADID",
    )
)
MACROS: Final[dict[str, tuple[str, ...]]] = {
    "ALL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"),
    "FAST": ("FLAGS", "INTERNALDATE", "RFC822.SIZE"),
    "FULL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"),
}
_ITEM: Final = re.compile(rb"[A-Za-z][A-Za-z0-9.]*")
# section-part = nz-number *("." nz-number)
_PART: Final = re.compile(rb"[1-9][0-9]{0,8}(?:\.[1-9][0-9]{0,8})*+")
# section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT";  section-text =
# section-msgtext / "MIME"
_SECTION_TEXT: Final = re.compile(rb"HEADER\.FIELDS\.NOT|HEADER\.FIELDS|HEADER|TEXT|MIME", re.IGNORECASE)


# fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att /
#         "(" fetch-att *(SP fetch-att) ")") [fetch-modifiers]
def fetch(c: Cursor, *, uid: bool = False) -> Fetch:
    c.space()
    sequence = c.sequence_set()
    c.space()
    items = _fetch_items(c)
    changed_since, vanished, partial = None, False, None
    if c.try_char(b" ") and not c.at_end():
        changed_since, vanished, partial = _modifiers(c, uid=uid)
        if vanished and not uid:
            raise c.error("VANISHED is for UID FETCH, before this")
    # RFC 9051 §6.4.9: UID FETCH always answers with the UID.
    if uid and "UID" not in items:
        items = ("UID", *items)
    # RFC 7162 §3.1.4.1: CHANGEDSINCE implies MODSEQ.
    if changed_since is not None and "MODSEQ" not in items:
        items = (*items, "MODSEQ")
    return Fetch(c.tag, sequence, items, uid, changed_since, vanished, partial)


def uid_fetch(c: Cursor) -> Fetch:
    return fetch(c, uid=True)


def _fetch_items(c: Cursor) -> tuple[FetchItem, ...]:
    if c.peek() != b"(":
        found = _ITEM.match(c.line, c.pos)
        if found and (macro := MACROS.get(found[0].decode().upper())):
            c.pos = found.end()
            return macro
        return (_fetch_att(c),)
    return item_list(c)


# partial-range = nz-number ":" nz-number / "-" nz-number ":-" nz-number        RFC 9394 §4
def partial_range(c: Cursor) -> tuple[int, int]:
    sign = -1 if c.try_char(b"-") else 1
    first = c.nz_number(what="a position such as 1:500")
    c.char(b":", "':' and the last position")
    if sign < 0:
        c.char(b"-", "'-' here too: both positions count from the end")
    return sign * first, sign * c.nz_number()


# "(" fetch-att *(SP fetch-att) ")"
def item_list(c: Cursor) -> tuple[FetchItem, ...]:
    c.char(b"(", "'(' before items to fetch")
    items: dict[tuple[str | bytes, bool], FetchItem] = {}
    while True:
        item = _fetch_att(c)
        key = (item, False) if isinstance(item, str) else (item.label, getattr(item, "peek", False))
        items[key] = item
        if len(items) > ITEMS_MAX:
            raise c.error(f"More than {ITEMS_MAX} items; split the command")
        if not c.try_char(b" "):
            break
    c.char(b")", "')' or a space and another item")
    return tuple(items.values())


# fetch-att = "ENVELOPE" / "FLAGS" / ... / "BODY" section [partial] / "BODY.PEEK" section [partial] /
#             "BINARY" [".PEEK"] section-binary [partial] / "BINARY.SIZE" section-binary
def _fetch_att(c: Cursor) -> FetchItem:
    start = c.pos
    name = c.match(_ITEM, "an item to fetch such as FLAGS").decode("ascii").upper()
    section = c.peek() == b"["
    if name in SIMPLE_ITEMS and not section:
        return name
    if section and name in ("BODY", "BODY.PEEK"):
        return _body_section(c, peek=name == "BODY.PEEK")
    if section and name in ("BINARY", "BINARY.PEEK"):
        return _binary_section(c, peek=name == "BINARY.PEEK")
    if section and name == "BINARY.SIZE":
        part = _section_binary(c)
        return BinarySize(part, b"BINARY.SIZE[%b]" % _dotted(part))
    if not section:
        # RFC 3501 §6.4.5: RFC822 is BODY[], RFC822.HEADER is BODY.PEEK[HEADER], RFC822.TEXT is BODY[TEXT],
        # by other names.
        if name == "RFC822":
            return BodySection(label=b"RFC822")
        if name == "RFC822.HEADER":
            return BodySection(text="HEADER", peek=True, label=b"RFC822.HEADER")
        if name == "RFC822.TEXT":
            return BodySection(text="TEXT", label=b"RFC822.TEXT")
        if name == "PREVIEW":
            return _preview(c)
    c.pos = start
    raise c.expected("an item to fetch such as FLAGS, ENVELOPE or BODY.PEEK[]")


# fetch-att =/ "PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"]       RFC 8970 §6
def _preview(c: Cursor) -> str:
    if c.line[c.pos : c.pos + 7].upper() == b" (LAZY)":
        c.pos += 7
        return "PREVIEW.LAZY"
    return "PREVIEW"


# section = "[" [section-spec] "]";  section-spec = section-msgtext / (section-part ["." section-text])
def _body_section(c: Cursor, *, peek: bool) -> BodySection:
    c.char(b"[", "'['")
    part = _section_part(c)
    text: str | None = None
    fields: tuple[str, ...] = ()
    spec = _dotted(part)
    if not part or c.try_char(b"."):
        found = _SECTION_TEXT.match(c.line, c.pos)
        if found:
            c.pos = found.end()
            text = found[0].decode("ascii").upper()
            spec += (b"." if part else b"") + text.encode("ascii")
            if text == "MIME" and not part:
                raise c.error("MIME needs a part number, before this")
            if text.startswith("HEADER.FIELDS"):
                fields, echo = _header_list(c)
                spec += b" (" + echo + b")"
        elif part:
            raise c.expected("HEADER, HEADER.FIELDS, TEXT, MIME or a part number")
    c.char(b"]", "']' after the section")
    partial = _partial(c)
    label = b"BODY[%b]" % spec if partial is None else b"BODY[%b]<%d>" % (spec, partial[0])
    return BodySection(part, text, fields, partial, peek, label)


def _section_part(c: Cursor) -> tuple[int, ...]:
    found = _PART.match(c.line, c.pos)
    if found is None:
        return ()
    numbers = found[0].split(b".")
    if len(numbers) > PART_DEPTH_MAX:
        raise c.error(f"A part number has at most {PART_DEPTH_MAX} levels")
    c.pos = found.end()
    return tuple(map(int, numbers))


def _dotted(part: tuple[int, ...]) -> bytes:
    return ".".join(map(str, part)).encode("ascii")


# header-list = "(" header-fld-name *(SP header-fld-name) ")"
def _header_list(c: Cursor) -> tuple[tuple[str, ...], bytes]:
    c.space()
    c.char(b"(", "'(' before header field names")
    names = [c.astring("a header field name")]
    while c.try_char(b" "):
        names.append(c.astring("a header field name"))
        if len(names) > ITEMS_MAX:
            raise c.error(f"More than {ITEMS_MAX} header fields; split the command")
    c.char(b")", "')' after header field names")
    fields = tuple(c.text(name, "a header field name") for name in names)
    return fields, b" ".join(map(format_astring, names))


# partial = "<" number64 "." nz-number64 ">"
def _partial(c: Cursor) -> tuple[int, int] | None:
    if not c.try_char(b"<"):
        return None
    first = c.number64("the first octet")
    c.char(b".", "'.' and a length")
    length = c.nz_number(NUMBER64_MAX, "a length above zero")
    c.char(b">", "'>' after the partial range")
    return first, length


# section-binary = "[" [section-part] "]"
def _section_binary(c: Cursor) -> tuple[int, ...]:
    c.char(b"[", "'['")
    part = _section_part(c)
    c.char(b"]", "a part number and ']'")
    return part


def _binary_section(c: Cursor, *, peek: bool) -> BinarySection:
    part = _section_binary(c)
    partial = _partial(c)
    spec = _dotted(part)
    label = b"BINARY[%b]" % spec if partial is None else b"BINARY[%b]<%d>" % (spec, partial[0])
    return BinarySection(part, partial, peek, label)


# fetch-modifiers = SP "(" fetch-modifier *(SP fetch-modifier) ")"        RFC 4466 §3
# fetch-modifier =/ "CHANGEDSINCE" SP mod-sequence-value / "VANISHED"     RFC 7162 §7
def _modifiers(c: Cursor, *, uid: bool) -> tuple[int | None, bool, tuple[int, int] | None]:
    c.char(b"(", "'(' before modifiers")
    changed_since, vanished, partial = None, False, None
    while True:
        if c.try_word(b"CHANGEDSINCE"):
            c.space()
            changed_since = c.number64("a modification sequence")
        elif c.try_word(b"VANISHED"):
            vanished = True
        elif uid and c.try_word(b"PARTIAL"):
            c.space()
            partial = partial_range(c)
        else:
            raise c.expected("CHANGEDSINCE, VANISHED or, for UID FETCH, PARTIAL")
        if not c.try_char(b" "):
            break
    c.char(b")", "')' after modifiers")
    # RFC 7162 §3.2.6: VANISHED only together with CHANGEDSINCE.
    if vanished and changed_since is None:
        raise c.error("VANISHED needs CHANGEDSINCE, before this")
    return changed_since, vanished, partial
