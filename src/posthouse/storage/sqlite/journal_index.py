"""Finding letters by Message-ID: packed hashes of a thousand letters in one row, in the order of their traces.

An index of the hashes, which are random, cost every letter a page of its own, a seventh of what its commit writes.  To
look through these rows takes a few milliseconds for a million letters.  The last letters are looked through in the
journal itself.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import Any, Final

PACKED_AT_ONCE: Final = 1000
LEFT: Final = 200
"""Of the newest so many wait: others with older traces may still be on their way."""

FIND_TRACES: Final = (
    "SELECT j.trace FROM journal_index i CROSS JOIN journal j ON j.trace BETWEEN i.first AND i.last"
    " WHERE instr(i.hashes, ?1) AND j.message_hash = ?2"
    " UNION SELECT trace FROM journal"
    " WHERE trace > (SELECT coalesce(max(last), '') FROM journal_index) AND message_hash = ?2 ORDER BY 1"
)
"""With the packed hash and the hash; where one stands across two others, the journal tells."""
_ADD: Final = "INSERT INTO journal_index (first, last, hashes) VALUES (?, ?, ?)"
_PACKED: Final = struct.Struct(">q")
pack_hash: Final = _PACKED.pack


class JournalIndex:
    """The writer's side: what is not packed yet is remembered, and after a rollback read again."""

    def __init__(self, execute: Callable[..., Any]) -> None:
        self._execute = execute
        self._last = ""  # traces up to here are packed
        self._waiting: list[tuple[str, int]] | None = None

    def note(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Rows of the journal that are about to be written."""
        named = [(row[0], row[2]) for row in rows if row[2] is not None]
        if not named:
            return
        if self._waiting is None:
            self._waiting = self._read()
        for trace, number in named:
            if trace > self._last:
                self._waiting.append((trace, number))
            else:  # it took its time to arrive
                self._execute(_ADD, (trace, trace, pack_hash(number)))
        if len(self._waiting) >= PACKED_AT_ONCE + LEFT:
            self._pack(self._waiting)

    def _read(self) -> list[tuple[str, int]]:
        [(self._last,)] = self._execute("SELECT coalesce(max(last), '') FROM journal_index").fetchall()
        sql = "SELECT trace, message_hash FROM journal WHERE trace > ? AND message_hash IS NOT NULL"
        rows: list[tuple[str, int]] = self._execute(sql, (self._last,)).fetchall()
        return rows

    def _pack(self, waiting: list[tuple[str, int]]) -> None:
        waiting.sort()
        packed = waiting[:-LEFT]
        self._last = packed[-1][0]
        hashes = b"".join([pack_hash(number) for _, number in packed])
        self._execute(_ADD, (packed[0][0], self._last, hashes))
        del waiting[:-LEFT]

    def forget(self) -> None:
        """After a rollback."""
        self._waiting = None


def prune_index(execute: Callable[..., Any]) -> None:
    """Forget what tells only of letters that the journal does not have any more."""
    execute("DELETE FROM journal_index WHERE last < (SELECT coalesce(min(trace), '~') FROM journal)")


def hashes_in(packed: bytes) -> list[int]:
    return [number for (number,) in _PACKED.iter_unpack(packed)]
