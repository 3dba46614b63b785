"""What SEARCH, SORT and ESEARCH are to return.  RFC 9051 §6.4.4, RFC 9394 §3.1, RFC 5267 §5, RFC 5465 §7."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .command import CancelUpdate
from .cursor import Cursor
from .fetch_item import FetchItem
from .parse_fetch import item_list, partial_range

RETURN_OPTIONS: Final = frozenset(
    ("MIN", "MAX", "ALL", "COUNT", "SAVE", "PARTIAL", "CONTEXT", "UPDATE", "RELEVANCY")
)
TAGS_MAX: Final = 100
"""Tags of one CANCELUPDATE."""


@dataclass(slots=True)
class Returns:
    """`options`: None without RETURN.  `updated`: what to fetch of results that UPDATE adds."""

    options: frozenset[str] | None = None
    partial: tuple[int, int] | None = None
    updated: tuple[FetchItem, ...] = ()

    @property
    def asks_relevancy(self) -> bool:
        return "RELEVANCY" in (self.options or ())


def try_return(c: Cursor) -> Returns:
    """The return options, if there are any, with the space behind them."""
    if not c.try_word(b"RETURN"):
        return Returns()
    c.space()
    found = _return_options(c)
    c.space()
    return found


# search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"
def _return_options(c: Cursor) -> Returns:
    c.char(b"(", "'(' after RETURN")
    names: set[str] = set()
    found = Returns()
    more = not c.try_char(b")")
    while more:
        name = c.label("a return option such as MIN, ALL or COUNT")
        if name not in RETURN_OPTIONS:
            raise c.error(f"Unknown return option {name}, before this")
        # RFC 9394 §3.1: one PARTIAL, or one ALL, or neither.
        if name == "PARTIAL" and name in names:
            raise c.error("PARTIAL can be there once, before this")
        names.add(name)
        if name == "PARTIAL":
            c.space()
            found.partial = partial_range(c)
        more = c.try_char(b" ")
        # modifier-update = "UPDATE" [ "(" fetch-att *(SP fetch-att) ")" ]        RFC 5465 §8
        if name == "UPDATE" and c.peek() == b"(":
            found.updated = item_list(c)
            more = c.try_char(b" ")
        if not more:
            c.char(b")", "')' or a space and another return option")
    if {"PARTIAL", "ALL"} <= names:
        raise c.error("PARTIAL and ALL exclude each other, before this")
    # RFC 9051 §6.4.4: an empty list means ALL.
    found.options = frozenset(names or ("ALL",))
    return found


# command-select =/ "CANCELUPDATE" 1*(SP quoted)        RFC 5267 §5
def cancel_update(c: Cursor) -> CancelUpdate:
    tags: list[bytes] = []
    c.space()
    while True:
        tags.append(c.string("the tag of a search in quotes"))
        if len(tags) > TAGS_MAX:
            raise c.error(f"More than {TAGS_MAX} tags; split the command")
        if not c.try_char(b" "):
            return CancelUpdate(c.tag, tuple(tags))
