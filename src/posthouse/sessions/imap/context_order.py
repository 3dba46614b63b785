"""Where new results go in a SORT that is kept up to date.  RFC 5267 §4.3.3."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, Final, final

from posthouse.wire.imap.format_context import ADD, REMOVE, Update

from .find import rows_of
from .sort_order import Criteria, columns_for, row_key

if TYPE_CHECKING:
    from .session import ImapSession

_PROBED_MAX: Final = 32
"""New results up to which single messages are read to find their places; with more all keys are read."""


@final
class SortedPlaces:
    """`results` is changed in place: sort keys are not kept, so a context costs four bytes for each message."""

    __slots__ = ("_columns", "_key", "_keys", "_results", "_session")

    def __init__(self, session: ImapSession, criteria: Criteria, results: array[int]) -> None:
        self._session = session
        self._columns = columns_for(criteria)
        self._key = row_key(criteria)
        self._keys: dict[int, Any] = {}  # UID -> what it is sorted by
        self._results = results

    async def add(self, uids: list[int]) -> list[Update]:
        """What to say; messages that turn out to be gone leave."""
        await self._read(uids)
        if len(uids) > _PROBED_MAX:
            await self._read(sorted(self._results))
        out: list[Update] = []
        for uid in sorted(filter(self._keys.__contains__, uids), key=self._keys.__getitem__):
            out += await self._add(uid)
        return out

    async def _add(self, uid: int) -> list[Update]:
        out: list[Update] = []
        results, keys = self._results, self._keys
        low, high = 0, len(results)
        while low < high:
            middle = (low + high) // 2
            probed = results[middle]
            if probed not in keys:
                await self._read([probed])
            if probed not in keys:
                del results[middle]
                out.append((REMOVE, middle + 1, probed))
                high -= 1
            elif keys[probed] < keys[uid]:
                low = middle + 1
            else:
                high = middle
        results.insert(low, uid)
        out.append((ADD, low + 1, uid))
        return out

    async def _read(self, uids: list[int]) -> None:
        for row in await rows_of(self._session, uids, self._columns):
            self._keys[row[0]] = self._key(row)
