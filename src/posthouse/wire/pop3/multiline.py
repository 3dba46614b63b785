"""Messages as multi-line answers: byte-stuffed in bulk, whole or chunk by chunk, and cut for TOP.

RFC 1939 §3: a line that begins with "." gets one more; a line with "." alone ends the answer.
"""

from __future__ import annotations

import re
from typing import Final, final

_DOT_LINE: Final = re.compile(rb"\n\.")
_END: Final = b".\r\n"
_END_AFTER_NO_EOL: Final = b"\r\n.\r\n"


def format_message(first: bytes, body: bytes) -> bytes:
    """`format_parts` in one piece."""
    return b"".join(format_parts(first, body))


def format_parts(first: bytes, body: bytes) -> tuple[bytes, bytes, bytes]:
    """`first` (a status line), the stuffed body, and the end.

    A "." behind a bare LF is stuffed too: a client that takes LF for a line end would otherwise see the
    answer end inside a hostile message, and read the rest of it as answers of ours.
    """
    stuffed = _stuff(body)
    if stuffed[:1] == b".":
        first += b"."
    end = _END if not stuffed or stuffed.endswith(b"\r\n") else _END_AFTER_NO_EOL
    return first, stuffed, end


def _stuff(body: bytes) -> bytes:
    # perf: the search costs half of what `replace` costs, and few messages have such a line.
    return body.replace(b"\n.", b"\n..") if _DOT_LINE.search(body) else body


@final
class Stuffer:
    """`format_message` for a body that comes in chunks: `feed` each, then send `finish()`."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b"\r\n"  # the last two octets so far; at the start we are at a line start

    def feed(self, chunk: bytes) -> bytes:
        if not chunk:
            return b""
        stuffed = _stuff(chunk)
        if chunk[:1] == b"." and self._tail.endswith(b"\n"):
            stuffed = b"." + stuffed
        self._tail = (self._tail + chunk[-2:])[-2:]
        return stuffed

    def finish(self) -> bytes:
        return _END if self._tail == b"\r\n" else _END_AFTER_NO_EOL


@final
class TopCutter:
    """Passes the header, the blank line and the first `lines` lines of the body; says when it has them.

    Linear in what it is fed, without splitting it: whole chunks are counted, only the last is searched.
    """

    __slots__ = ("_edge", "_in_body", "_lines", "done")

    def __init__(self, lines: int) -> None:
        self._lines = lines  # of the body, still to pass
        self._in_body = False
        self._edge = b"\n"  # the end of what was fed before, enough to see a blank line across two chunks
        self.done = False

    def feed(self, chunk: bytes) -> bytes:
        """The part of the chunk that TOP sends; behind the cut `done` is set and nothing passes any more."""
        if self.done or not chunk:
            return b""
        start = 0
        if not self._in_body:
            start = self._header_end(chunk)
            if start < 0:
                return chunk
            self._in_body = True
        return chunk[: self._cut(chunk, start)]

    def _header_end(self, chunk: bytes) -> int:
        """Where the body begins in the chunk, or -1.

        quirk(senders without CRLF): a blank line made of a bare LF ends the header as well.
        """
        data = self._edge + chunk
        ends = [at + len(mark) for mark in (b"\n\r\n", b"\n\n") if (at := data.find(mark)) >= 0]
        if ends:
            return min(ends) - len(self._edge)
        self._edge = data[-2:]
        return -1

    def _cut(self, chunk: bytes, start: int) -> int:
        """Where the wanted lines end in the chunk."""
        if self._lines == 0:
            self.done = True
            return start
        available = chunk.count(b"\n", start)
        if available < self._lines:
            self._lines -= available
            return len(chunk)
        self.done = True
        return find_line_end(chunk, self._lines, start)


def find_line_end(data: bytes, lines: int, start: int = 0) -> int:
    """Just behind the `lines`-th LF from `start`; the LF must be there.  Halves the range by counting:
    linear, in C.
    """
    low, high = start, len(data)
    while high - low > 512 and lines > 4:
        middle = (low + high) // 2
        before = data.count(b"\n", low, middle)
        if before >= lines:
            high = middle
        else:
            lines -= before
            low = middle
    for _ in range(lines):
        low = data.index(b"\n", low) + 1
    return low


def cut_top(body: bytes, lines: int) -> bytes:
    """What TOP sends of a message held in memory."""
    return TopCutter(lines).feed(body)
