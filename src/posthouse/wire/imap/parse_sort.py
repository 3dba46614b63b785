"""SORT and THREAD.  RFC 5256 §5, RFC 5957, RFC 5267."""

from __future__ import annotations

from typing import Final

from .command import Sort, Thread
from .cursor import Cursor
from .parse_search import charset_name, search_keys
from .parse_search_return import try_return

CRITERIA_MAX: Final = 20
SORT_KEYS: Final = frozenset(
    ("ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO", "RELEVANCY")
)
ALGORITHMS: Final = frozenset(("ORDEREDSUBJECT", "REFERENCES", "REFS"))


# sort = ["UID" SP] "SORT" [search-return-opts] SP sort-criteria SP search-criteria
# search-criteria = charset 1*(SP search-key)
def sort(c: Cursor, *, uid: bool = False) -> Sort:
    c.space()
    found = try_return(c)
    criteria = _criteria(c)
    c.space()
    charset = charset_name(c, found)
    c.space()
    by_relevancy = any(name == "RELEVANCY" for name, _ in criteria)
    key = search_keys(c, charset, relevancy=by_relevancy or found.asks_relevancy)
    return Sort(c.tag, key, found.options, charset, uid, found.partial, found.updated, criteria)


def uid_sort(c: Cursor) -> Sort:
    return sort(c, uid=True)


# sort-criteria = "(" sort-criterion *(SP sort-criterion) ")"
# sort-criterion = ["REVERSE" SP] sort-key
def _criteria(c: Cursor) -> tuple[tuple[str, bool], ...]:
    c.char(b"(", "'(' before the sort keys, such as (REVERSE DATE)")
    found: list[tuple[str, bool]] = []
    while True:
        name = c.label("a sort key such as DATE")
        reverse = name == "REVERSE"
        if reverse:
            c.space()
            name = c.label("a sort key such as DATE")
        if name not in SORT_KEYS:
            raise c.error(f"Unknown sort key {name}, before this")
        found.append((name, reverse))
        if len(found) > CRITERIA_MAX:
            raise c.error(f"More than {CRITERIA_MAX} sort keys")
        if not c.try_char(b" "):
            break
    c.char(b")", "')' after the sort keys")
    return tuple(found)


# thread = ["UID" SP] "THREAD" SP thread-alg SP search-criteria
def thread(c: Cursor, *, uid: bool = False) -> Thread:
    c.space()
    algorithm = c.label("a threading algorithm such as REFERENCES")
    if algorithm not in ALGORITHMS:
        raise c.error(f"Unknown threading algorithm {algorithm}; CAPABILITY tells what there is, before this")
    c.space()
    charset = charset_name(c)
    c.space()
    return Thread(c.tag, algorithm, search_keys(c, charset), charset, uid)


def uid_thread(c: Cursor) -> Thread:
    return thread(c, uid=True)
