"""What SEARCH asks of the account's index, and how much of the answer that leaves open."""

from __future__ import annotations

from typing import Final, final

from posthouse.mime.search_text import fold
from posthouse.storage.ports import Search
from posthouse.storage.rows import AlikeSought, TextSought, UidRanges
from posthouse.wire.imap import search_key as k

from .state import Selected
from .view import View, dense_ranges

INDEX_FROM: Final = 64
"""Messages of a mailbox from which on the index is asked, and messages read by a search that make it wanted."""
SCANNED_MAX: Final = 1000
"""Messages whose kept header fields a search looks through before it makes the index wanted."""


@final
class Known:
    """What an index says about one text: the UIDs up to `through` that have it; the view may lack some of them."""

    __slots__ = ("_view", "through", "uids")

    def __init__(self, view: View, through: int, uids: list[int]) -> None:
        self._view = view
        self.through = through
        self.uids = uids

    @property
    def is_whole(self) -> bool:
        """No message of the view is newer than the index."""
        return self._view.uids[-1] <= self.through

    def ranges(self) -> UidRanges:
        """Nothing outside of these can have the text."""
        ranges = dense_ranges(self._view.uids, self.uids)
        if not self.is_whole:
            ranges.append((max(self.through, ranges[-1][1] if ranges else 0) + 1, self._view.uids[-1]))
        return ranges


async def ask_index(search: Search, selected: Selected, key: k.SearchKey) -> dict[TextSought, Known]:
    """What the index of the account knows of the texts in the key; nothing, where there is none."""
    view, shared = selected.view, selected.shared
    sought = list({sought_of(leaf): None for leaf in text_keys(key)})
    if not sought or view.exists < INDEX_FROM:
        return {}
    found = await search.find(shared.account, shared.mailbox, sought)
    if found is None:
        return {}
    return {one: Known(view, found.through, uids) for one, uids in zip(sought, found.uids, strict=True)}


async def ask_alike(
    search: Search, selected: Selected, key: k.SearchKey, *, scored: bool
) -> dict[int, tuple[Known, dict[int, float]]]:
    """What the index knows of FUZZY keys, by their `id`: UIDs that are alike, each with its likeness."""
    view, shared = selected.view, selected.shared
    keys = [leaf for leaf in k.leaves(key) if isinstance(leaf, k.Like)]
    if not keys or view.exists < INDEX_FROM or _names_few(view, key):
        return {}
    sought = [AlikeSought(one.where, one.value, one.name.lower(), scored) for one in keys]
    found = await search.find_alike(shared.account, shared.mailbox, sought)
    if found is None:
        return {}
    return {
        id(one): (Known(view, found.through, list(alike)), alike)
        for one, alike in zip(keys, found.likeness, strict=True)
    }


def _names_few(view: View, key: k.SearchKey) -> bool:
    """Few messages are read faster than the words of all are looked through."""
    parts = key.keys if isinstance(key, k.And) else ()
    return any(
        isinstance(part, k.Uid) and view.count(view.resolve(part.numbers, uid=True)) < INDEX_FROM
        for part in parts
    )


def sought_of(key: k.Header | k.Text) -> TextSought:
    """What an index is asked for this key."""
    if isinstance(key, k.Header):
        return TextSought("HEADER", fold(key.value), key.name.lower())
    return TextSought(key.where, fold(key.value))


def text_keys(key: k.SearchKey) -> list[k.Header | k.Text]:
    """All keys that ask for text."""
    return [leaf for leaf in k.leaves(key) if isinstance(leaf, k.Header | k.Text)]
