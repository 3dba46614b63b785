"""Received octets that wait to be taken as lines or as counted octets; O(n) however they arrive."""

from __future__ import annotations

import enum
from typing import Final, Literal, final

_TAIL: Final = 32
"""Octets of a dropped line that are kept, enough to see the marker of a literal at its end."""


class Overflow(enum.Enum):
    TOO_LONG = "the line is longer than allowed"


TOO_LONG: Final = Overflow.TOO_LONG


@final
class LineBuffer:
    __slots__ = ("_buf", "_pos", "_scan")

    def __init__(self) -> None:
        self._buf = b""
        self._pos = 0  # start of what is not consumed yet
        self._scan = 0  # no LF before here, so it is never searched again

    def __len__(self) -> int:
        return len(self._buf) - self._pos

    def receive(self, data: bytes) -> None:
        if self._pos == len(self._buf):  # the common case: nothing left over, so no copy
            self._buf, self._pos, self._scan = data, 0, 0
        else:
            self._buf = self._buf[self._pos :] + data
            self._pos, self._scan = 0, self._scan - self._pos

    def take_line(self, limit: int) -> bytes | Literal[Overflow.TOO_LONG] | None:
        """The next line with its LF; None: it is not whole; TOO_LONG: it is not taken, use `drop_line`."""
        end = self._buf.find(b"\n", self._scan) + 1
        if not end:
            self._scan = len(self._buf)
            if self._pos == self._scan:  # an idle connection keeps no received block alive
                self._buf, self._pos, self._scan = b"", 0, 0
                return None
            return TOO_LONG if self._scan - self._pos > limit else None
        if end - self._pos > limit:
            return TOO_LONG
        line = self._buf[self._pos : end]
        self._pos = self._scan = end
        return line

    def put_back(self, line: bytes) -> None:
        """The line taken just now was not wanted."""
        self._pos -= len(line)
        self._scan = self._pos

    def peek(self, count: int) -> bytes:
        return self._buf[self._pos : self._pos + count]

    def take(self, count: int) -> bytes:
        """At most `count` octets, as many as there are; a whole received buffer is handed on without a
        copy."""
        chunk = self._buf[self._pos : self._pos + count]
        self._pos = self._scan = self._pos + len(chunk)
        return chunk

    def drop(self, count: int) -> int:
        """Forget at most `count` octets; how many."""
        dropped = min(count, len(self._buf) - self._pos)
        self._pos += dropped
        self._scan = self._pos
        return dropped

    def drop_line(self) -> tuple[bytes | None, int]:
        """Forget the rest of a line: (its last octets, count), or (None, count) if its LF has not come
        yet."""
        end = self._buf.find(b"\n", max(self._scan, self._pos)) + 1
        if not end:
            keep = max(self._pos, len(self._buf) - _TAIL)
            dropped = keep - self._pos
            self._buf = self._buf[keep:]
            self._pos, self._scan = 0, len(self._buf)
            return None, dropped
        tail = self._buf[max(self._pos, end - _TAIL) : end]
        dropped = end - self._pos
        self._pos = self._scan = end
        return tail, dropped

    def clear(self) -> int:
        count = len(self)
        self._buf, self._pos, self._scan = b"", 0, 0
        return count
