"""What SEARCH asks of the account's index, and how much of the answer that leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from posthouse.mime.search_text import fold
from posthouse.storage.ports import Search
from posthouse.storage.rows import TextSought, UidRanges
from posthouse.wire.imap import search_key as k

from .state import Selected
from .view import View, dense_ranges

INDEX_FROM: Final = 64
"""Messages of a mailbox from which on the index is asked, and messages read by a search that make it wanted."""
SCANNED_MAX: Final = 1000
"""Messages whose kept header fields a search looks through before it makes the index wanted."""


@dataclass(slots=True)
class Known:
    """What an index says about one text: the UIDs up to `through` that have it."""

    through: int
    uids: frozenset[int]
    ranges: UidRanges


async def ask_index(search: Search, selected: Selected, key: k.SearchKey) -> dict[TextSought, Known]:
    """What the index of the account knows of the texts in the key; nothing, where there is none."""
    view, shared = selected.view, selected.shared
    sought = list({sought_of(leaf): None for leaf in text_keys(key)})
    if not sought or view.exists < INDEX_FROM:
        return {}
    found = await search.find(shared.account, shared.mailbox, sought)
    if found is None:
        return {}
    return {one: known_of(view, found.through, uids) for one, uids in zip(sought, found.uids, strict=True)}


def sought_of(key: k.Header | k.Text) -> TextSought:
    """What an index is asked for this key."""
    if isinstance(key, k.Header):
        return TextSought("HEADER", fold(key.value), key.name.lower())
    return TextSought(key.where, fold(key.value))


def text_keys(key: k.SearchKey) -> list[k.Header | k.Text]:
    """All keys that ask for text."""
    match key:
        case k.Header() | k.Text():
            return [key]
        case k.Not(inner):
            return text_keys(inner)
        case k.Or(left, right):
            return text_keys(left) + text_keys(right)
        case k.And(keys):
            return [found for part in keys for found in text_keys(part)]
        case _:
            return []


def known_of(view: View, through: int, uids: list[int]) -> Known:
    """`uids` may name messages that the view no longer has."""
    ranges = dense_ranges(view.uids, uids)
    if (last := view.uids[-1]) > through:
        ranges.append((max(through, ranges[-1][1] if ranges else 0) + 1, last))
    return Known(through, frozenset(uids), ranges)
