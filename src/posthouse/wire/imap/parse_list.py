"""LIST, basic and extended (RFC 5258, RFC 5819, RFC 6154), and LSUB."""

from __future__ import annotations

from typing import Final

from .command import List, Lsub
from .cursor import Cursor
from .parse_mailbox import status_items
from .parse_metadata import entries

PATTERNS_MAX: Final = 100
SELECT_OPTIONS: Final = frozenset(("SUBSCRIBED", "REMOTE", "RECURSIVEMATCH", "SPECIAL-USE"))
RETURN_OPTIONS: Final = frozenset(("SUBSCRIBED", "CHILDREN", "SPECIAL-USE", "STATUS", "METADATA", "MYRIGHTS"))


# list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]
def list_command(c: Cursor) -> List:
    c.space()
    select: frozenset[str] | None = None
    if c.peek() == b"(":
        select = _select_options(c)
        c.space()
    reference = c.reference()
    c.space()
    several = c.peek() == b"("
    patterns = _patterns(c) if several else (c.list_mailbox(),)
    returns: frozenset[str] | None = None
    items: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    if c.try_char(b" ") and not c.at_end():
        returns, items, metadata = _return_options(c)
    extended = several or select is not None or returns is not None
    return List(
        c.tag, reference, patterns, select or frozenset(), returns or frozenset(), items, extended, metadata
    )


# list-select-opts = "(" [list-select-opt *(SP list-select-opt)] ")"
def _select_options(c: Cursor) -> frozenset[str]:
    c.char(b"(", "'('")
    found: set[str] = set()
    while not c.try_char(b")"):
        if found:
            c.space()
        name = c.label("a selection option such as SUBSCRIBED")
        if name not in SELECT_OPTIONS:
            raise c.error(f"Unknown selection option {name}, before this")
        found.add(name)
    # RFC 9051 §6.3.9.1: RECURSIVEMATCH needs another option that selects.
    if "RECURSIVEMATCH" in found and not found & {"SUBSCRIBED", "SPECIAL-USE"}:
        raise c.error("RECURSIVEMATCH needs SUBSCRIBED or SPECIAL-USE beside it, before this")
    return frozenset(found)


# patterns = "(" list-mailbox *(SP list-mailbox) ")"
def _patterns(c: Cursor) -> tuple[str, ...]:
    c.char(b"(", "'('")
    found = [c.list_mailbox()]
    while c.try_char(b" "):
        found.append(c.list_mailbox())
        if len(found) > PATTERNS_MAX:
            raise c.error(f"More than {PATTERNS_MAX} patterns; split the command")
    c.char(b")", "')' after the patterns")
    return tuple(found)


# list-return-opts = "RETURN" SP "(" [list-return-opt *(SP list-return-opt)] ")"
def _return_options(c: Cursor) -> tuple[frozenset[str], tuple[str, ...], tuple[str, ...]]:
    if not c.try_word(b"RETURN"):
        raise c.expected("RETURN or the end of the command")
    c.space()
    c.char(b"(", "'(' after RETURN")
    found: set[str] = set()
    items: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    while not c.try_char(b")"):
        if found:
            c.space()
        name = c.label("a return option such as CHILDREN")
        if name not in RETURN_OPTIONS:
            raise c.error(f"Unknown return option {name}, before this")
        found.add(name)
        if name == "STATUS":
            c.space()
            items = status_items(c)
        elif name == "METADATA":  # RFC 9590
            c.space()
            metadata = entries(c)
    return frozenset(found), items, metadata


# lsub = "LSUB" SP mailbox SP list-mailbox          RFC 3501 §9
def lsub(c: Cursor) -> Lsub:
    c.space()
    reference = c.reference()
    c.space()
    return Lsub(c.tag, reference, c.list_mailbox())
