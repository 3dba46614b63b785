"""Named searches: FILTER, and the annotations in which they are kept.  RFC 5466."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from posthouse.wire.imap import search_key as k
from posthouse.wire.imap.cursor import ParseError
from posthouse.wire.imap.parse_search import DEPTH_MAX, FILTER_NAME, KEYS_MAX, stored_keys

from .answer import RefusedError
from .state import SERVER, UIDONLY
from .uid_only import UID_REQUIRED, names_numbers

if TYPE_CHECKING:
    from .session import ImapSession

PASSES_MAX: Final = 8
"""Filters inside filters; RFC 5466 §3.1 wants at least three."""
_PRIVATE: Final = "/private/filters/values/"
_SHARED: Final = "/shared/filters/values/"


async def resolve(session: ImapSession, key: k.SearchKey) -> k.SearchKey:
    """The key with the searches that its FILTERs name in their place."""
    if not any(isinstance(leaf, k.Filter) for leaf in k.leaves(key)):
        return key
    rows = await session.services.store.metadata.entries(session.account_id, SERVER)
    found = _expand(key, {entry: value for _, entry, value in rows}, (), [KEYS_MAX])
    if k.depth(found) > DEPTH_MAX:
        raise RefusedError(b"NO [LIMIT] The filters go too deep into each other; simplify them")
    if session.enabled & UIDONLY and names_numbers(found):
        raise RefusedError(UID_REQUIRED)
    return found


def _expand(
    key: k.SearchKey, entries: Mapping[str, bytes], inside: tuple[str, ...], room: list[int]
) -> k.SearchKey:
    """`inside`: the filters this stands in.  `room`: how many keys there may still be."""

    def replace(leaf: k.SearchKey) -> k.SearchKey:
        room[0] -= 1
        if room[0] < 0:
            raise RefusedError(b"NO [LIMIT] The filters make a search of too many keys; simplify them")
        if not isinstance(leaf, k.Filter):
            return leaf
        # RFC 5466 §3.1: the private one comes first; loops end as if the filter were not there.
        value = entries.get(_PRIVATE + leaf.name, entries.get(_SHARED + leaf.name))
        if value is None or leaf.name in inside or len(inside) >= PASSES_MAX:
            raise _undefined(leaf.name)
        try:
            stored = stored_keys(value)
        except ParseError:
            raise _undefined(leaf.name) from None
        found = _expand(stored, entries, (*inside, leaf.name), room)
        return k.fuzzily(found) if leaf.fuzzy else found

    return k.replace_leaves(key, replace)


def _undefined(name: str) -> RefusedError:
    return RefusedError(
        b"NO [UNDEFINED-FILTER %b] There is no such filter; GETMETADATA lists them" % name.encode("ascii")
    )


def refuse_value(entry: str, value: bytes | None) -> bytes | None:
    """What to answer to SETMETADATA of a filter that could never be used; RFC 5466 §3.2."""
    for folder in (_PRIVATE, _SHARED):
        if entry.startswith(folder):
            if FILTER_NAME.fullmatch(entry[len(folder) :].encode("utf-8")) is None:
                return b"NO [CANNOT] The name of a filter holds no slash, blank or special character"
            try:
                if value is not None:
                    stored_keys(value)
            except ParseError as error:
                return b"NO [CANNOT] This is no search: " + error.text.encode("utf-8", "replace")
    return None
