"""STORE, COPY, MOVE and UID EXPUNGE."""

from __future__ import annotations

import re
from typing import Final, Literal

from .command import Copy, Expunge, Move, Store
from .cursor import Cursor
from .flag_name import flag_list, flags

_STORE_ITEM: Final = re.compile(rb"([+-]?)FLAGS(\.SILENT)?(?= )", re.IGNORECASE)


# store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags                RFC 4466 §3
# store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
def store(c: Cursor, *, uid: bool = False) -> Store:
    c.space()
    sequence = c.sequence_set()
    c.space()
    unchanged_since = None
    if c.peek() == b"(":
        unchanged_since = _unchanged_since(c)
        c.space()
    found = _STORE_ITEM.match(c.line, c.pos)
    if found is None:
        raise c.expected("FLAGS, +FLAGS or -FLAGS, with or without .SILENT, and flags")
    c.pos = found.end() + 1
    action: Literal["+", "-", "="] = "+" if found[1] == b"+" else "-" if found[1] == b"-" else "="
    names = flag_list(c) if c.peek() == b"(" else tuple(flags(c))
    return Store(c.tag, sequence, action, names, found[2] is not None, uid, unchanged_since)


# store-modifier = "UNCHANGEDSINCE" SP mod-sequence-valzer         RFC 7162 §7
def _unchanged_since(c: Cursor) -> int:
    c.char(b"(", "'('")
    if not c.try_word(b"UNCHANGEDSINCE"):
        raise c.expected("UNCHANGEDSINCE")
    c.space()
    value = c.number64("a modification sequence")
    c.char(b")", "')' after the modification sequence")
    return value


def uid_store(c: Cursor) -> Store:
    return store(c, uid=True)


# copy = "COPY" SP sequence-set SP mailbox
def copy(c: Cursor, *, uid: bool = False) -> Copy:
    c.space()
    sequence = c.sequence_set()
    c.space()
    return Copy(c.tag, sequence, c.mailbox(), uid)


def uid_copy(c: Cursor) -> Copy:
    return copy(c, uid=True)


# move = "MOVE" SP sequence-set SP mailbox          RFC 6851 §5
def move(c: Cursor, *, uid: bool = False) -> Move:
    c.space()
    sequence = c.sequence_set()
    c.space()
    return Move(c.tag, sequence, c.mailbox(), uid)


def uid_move(c: Cursor) -> Move:
    return move(c, uid=True)


# uid-expunge = "EXPUNGE" SP sequence-set
def uid_expunge(c: Cursor) -> Expunge:
    c.space()
    return Expunge(c.tag, c.sequence_set())
