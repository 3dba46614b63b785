"""ESEARCH: a search of several mailboxes.  RFC 7377 §4, RFC 5465 §8."""

from __future__ import annotations

from typing import Final

from .command import Esearch
from .cursor import Cursor
from .parse_search import search_keys, try_charset
from .parse_search_return import try_return

SOURCES_MAX: Final = 100
PLAIN: Final = frozenset(("SELECTED", "INBOXES", "PERSONAL", "SUBSCRIBED"))
NAMING: Final = frozenset(("SUBTREE", "SUBTREE-ONE", "MAILBOXES"))


# esearch = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program
def esearch(c: Cursor) -> Esearch:
    c.space()
    sources: tuple[tuple[str, tuple[str, ...]], ...] = (("SELECTED", ()),)
    if c.try_word(b"IN"):
        c.space()
        sources = _sources(c)
        c.space()
    found = try_return(c)
    charset = try_charset(c, found)
    # RFC 7377 §2.1: without result options ALL is meant.
    key = search_keys(c, charset, relevancy=found.asks_relevancy)
    returns = found.options or frozenset(("ALL",))
    command = Esearch(c.tag, key, returns, charset, uid=True, partial=found.partial, updated=found.updated)
    command.sources = sources
    # RFC 7377 §2.2: a result can be saved of the selected mailbox alone.
    if "SAVE" in returns and sources != (("SELECTED", ()),):
        raise c.error("SAVE is for a search of the selected mailbox alone, before this")
    return command


# esearch-source-opts = "IN" SP "(" filter-mailboxes *(SP filter-mailboxes) ")"
def _sources(c: Cursor) -> tuple[tuple[str, tuple[str, ...]], ...]:
    c.char(b"(", "'(' after IN")
    found: list[tuple[str, tuple[str, ...]]] = []
    while True:
        name = c.label("a source such as PERSONAL or MAILBOXES")
        if name in NAMING:
            c.space()
            found.append((name, names_of_mailboxes(c)))
        elif name in PLAIN:
            found.append((name, ()))
        else:
            raise c.error(f"Unknown source {name}, before this")
        if len(found) > SOURCES_MAX:
            raise c.error(f"More than {SOURCES_MAX} sources; split the search")
        if not c.try_char(b" "):
            break
    c.char(b")", "')' after the sources")
    return tuple(found)


# one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")"
def names_of_mailboxes(c: Cursor) -> tuple[str, ...]:
    if not c.try_char(b"("):
        return (c.mailbox(),)
    names = [c.mailbox()]
    while c.try_char(b" "):
        names.append(c.mailbox())
        if len(names) > SOURCES_MAX:
            raise c.error(f"More than {SOURCES_MAX} mailboxes; split the command")
    c.char(b")", "')' after the mailboxes")
    return tuple(names)
