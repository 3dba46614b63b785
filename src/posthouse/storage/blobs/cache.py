"""Messages read a moment ago, unpacked: the next part of the same message, another device of the same person.

A blob's id is never given again and its bytes never change, so nothing here is ever stale; who may see a message is
asked of the rows, each time.  What was read together is kept in one block, because the C library gives blocks of a
mebibyte back to the system as soon as they are dropped; the block into which messages were unpacked together is kept as
it is.  A full cache takes nothing new until something was not used
for BUSY_S: one pass over a large mailbox does not push out what is in use, itself included.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final, final

from posthouse.storage.blobs.codec import Buffer

BUSY_S: Final = 3.0
"""Blocks not used for so long make room for others."""
QUIET_S: Final = 60.0
"""Blocks not used for so long are dropped."""
_ROOM_PARTS: Final = 8
"""Room is made for this part of the bound at once, as looking for the oldest takes time."""


@final
class _Block:
    __slots__ = ("blobs", "size", "used_at")

    def __init__(self, blobs: list[int], size: int, now: float) -> None:
        self.blobs = blobs
        self.size = size
        self.used_at = now


@final
class ContentCache:
    """Bounded by bytes.  Used by all threads of a process."""

    def __init__(self, limit_bytes: int, *, now: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit_bytes
        self._now = now
        self._lock = threading.Lock()
        self._places: dict[int, tuple[_Block, Buffer]] = {}
        self._blocks: list[_Block] = []
        self.size_bytes = 0

    def get(self, blob: int) -> bytes | None:
        place = self._places.get(blob)
        if place is None:
            return None
        block, content = place
        block.used_at = self._now()
        return bytes(content)

    def put(self, contents: Mapping[int, Buffer]) -> None:
        """Keep what is not kept yet, all of it or nothing."""
        size = sum(map(len, contents.values()))
        with self._lock:
            if size > self._limit - self.size_bytes:
                self._drop_unused(BUSY_S, self._limit - max(size, self._limit // _ROOM_PARTS))
            if not size or size > self._limit - self.size_bytes:
                return
            new = {blob: data for blob, data in contents.items() if blob not in self._places}
            _join(new)
            block = _Block(list(new), sum(map(len, new.values())), self._now())
            for blob, data in new.items():
                self._places[blob] = block, data
            self._blocks.append(block)
            self.size_bytes += block.size

    def drop_unused(self) -> bool:
        """Whether anything is left."""
        with self._lock:
            self._drop_unused(QUIET_S, 0)
            return bool(self._blocks)

    def _drop_unused(self, seconds: float, size_bytes: int) -> None:
        """The least recently used first, until no more than that is left."""
        oldest = self._now() - seconds
        self._blocks.sort(key=lambda block: block.used_at)
        dropped = 0
        for block in self._blocks:
            if block.used_at > oldest or self.size_bytes <= size_bytes:
                break
            dropped += 1
            self.size_bytes -= block.size
            for blob in block.blobs:
                del self._places[blob]
        del self._blocks[:dropped]


def _join(contents: dict[int, Buffer]) -> None:
    """Put what stands by itself into one block."""
    loose = {blob: data for blob, data in contents.items() if isinstance(data, bytes)}
    joined, start = memoryview(b"".join(loose.values())), 0
    for blob, data in loose.items():
        contents[blob] = joined[start : start + len(data)]
        start += len(data)
