"""GETMETADATA and SETMETADATA.  RFC 5464 §5."""

from __future__ import annotations

import re
from typing import Final

from .command import GetMetadata, SetMetadata
from .cursor import Cursor

ENTRIES_MAX: Final = 200
ENTRY_MAX: Final = 255
# RFC 5464 §3.2: begins with a slash, holds neither wildcards nor two slashes in a row, does not end with one.
_ENTRY: Final = re.compile(r"(?:/[\x1a-$&-)+-.0-~]+)+")


# getmetadata = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries
def get_metadata(c: Cursor) -> GetMetadata:
    c.space()
    command = GetMetadata(c.tag, "", ())
    if c.peek() == b"(":
        _options(c, command)
        c.space()
    command.mailbox = c.mailbox()
    c.space()
    # RFC 5464 §4.2.1: the examples have the options here, where many clients send them.
    if c.line[c.pos : c.pos + 1] == b"(" and c.line[c.pos + 1 : c.pos + 2].isalpha():
        _options(c, command)
        c.space()
    command.entries = entries(c)
    return command


# getmetadata-options = "(" getmetadata-option *(SP getmetadata-option) ")"
def _options(c: Cursor, command: GetMetadata) -> None:
    c.char(b"(", "'(' before the options")
    while True:
        name = c.label("MAXSIZE or DEPTH")
        c.space()
        if name == "MAXSIZE":
            command.max_size = c.number(what="a size in octets")
        elif name == "DEPTH":
            depth = c.atom("0, 1 or infinity").lower()
            if depth not in ("0", "1", "infinity"):
                raise c.error("Expected 0, 1 or infinity, before this")
            command.depth = None if depth == "infinity" else int(depth)
        else:
            raise c.error(f"Unknown option {name}, before this")
        if not c.try_char(b" "):
            break
    c.char(b")", "')' after the options")


# entries = entry / "(" entry *(SP entry) ")"
def entries(c: Cursor) -> tuple[str, ...]:
    if not c.try_char(b"("):
        return (_entry(c),)
    found: dict[str, None] = {}
    while True:
        found[_entry(c)] = None
        if len(found) > ENTRIES_MAX:
            raise c.error(f"More than {ENTRIES_MAX} entries; split the command")
        if not c.try_char(b" "):
            break
    c.char(b")", "')' after the entries")
    return tuple(found)


def _entry(c: Cursor) -> str:
    name = c.text(c.astring("an entry such as /private/comment"), "an entry").lower()
    if len(name) > ENTRY_MAX or not _ENTRY.fullmatch(name):
        raise c.error("Expected an entry such as /private/comment, before this")
    return name


# setmetadata = "SETMETADATA" SP mailbox SP "(" entry SP value *(SP entry SP value) ")"
def set_metadata(c: Cursor) -> SetMetadata:
    c.space()
    mailbox = c.mailbox()
    c.space()
    c.char(b"(", "'(' before the entries")
    values: dict[str, bytes | None] = {}
    while True:
        entry = _entry(c)
        c.space()
        values[entry] = _value(c)
        if len(values) > ENTRIES_MAX:
            raise c.error(f"More than {ENTRIES_MAX} entries; split the command")
        if not c.try_char(b" "):
            break
    c.char(b")", "')' after the entries")
    return SetMetadata(c.tag, mailbox, values)


# value = nstring / literal8
def _value(c: Cursor) -> bytes | None:
    if c.try_char(b"~"):
        return c.string("a literal8 such as ~{5}", binary=True)
    return c.nstring("a value or NIL")
