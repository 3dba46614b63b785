"""Framing of what a ManageSieve client sends: bytes in, whole commands out.

A command is a line, with literals in it (`{17+}` CRLF and 17 octets); its edges are known before it is parsed, so the
octets of a literal never run as a command.
"""

from __future__ import annotations

import enum
import re
from typing import Final, final

from posthouse.wire.managesieve.command import (
    BadCommand,
    Command,
    Problem,
    Response,
    parse_command,
    tokens,
)

LINE_MAX: Final = 16 * 1024
"""Octets of a line without its literals; ample for tokens in AUTHENTICATE."""
LITERALS_MAX: Final = 4
"""Literals of one command."""

_LITERAL: Final = re.compile(rb"\{([0-9]{1,10})\+?\}\r\n\Z")


class Need(enum.Enum):
    DATA = "need more bytes"


NEED_DATA: Final = Need.DATA
Event = Command | Response | BadCommand


@final
class Engine:
    __slots__ = ("_buf", "_literal", "_literal_max", "_pieces", "_problem", "_responding", "_scan", "_skip")

    def __init__(self, literal_max: int) -> None:
        self._literal_max = literal_max
        self._buf = b""
        self._scan = 0  # no LF before here
        self._pieces: list[bytes] = []  # text and literals of the command so far
        self._literal = -1  # octets of the literal that is awaited
        self._skip = 0  # octets of a literal that nobody wants
        self._problem: Problem | None = None  # what is said of the command once it has ended
        self._responding = False

    @property
    def buffered(self) -> int:
        return len(self._buf)

    def receive(self, data: bytes) -> None:
        self._buf += data

    def discard_buffer(self) -> None:
        """What came in clear text behind STARTTLS was injected by somebody (RFC 5804 §2.2)."""
        self._buf, self._scan, self._pieces, self._literal, self._skip = b"", 0, [], -1, 0
        self._problem, self._responding = None, False

    def expect_response(self) -> None:
        """The next line answers a SASL challenge."""
        self._responding = True

    def next_event(self) -> Event | Need:
        while True:
            if self._skip:
                cut = min(self._skip, len(self._buf))
                self._buf, self._skip = self._buf[cut:], self._skip - cut
                if self._skip:
                    return NEED_DATA
            if self._literal >= 0:
                if len(self._buf) < self._literal:
                    return NEED_DATA
                self._pieces.append(self._buf[: self._literal])
                self._buf, self._literal = self._buf[self._literal :], -1
            end = self._buf.find(b"\n", self._scan)
            if end < 0:
                self._scan = len(self._buf)
                return self._unfinished()
            line, self._buf, self._scan = self._buf[: end + 1], self._buf[end + 1 :], 0
            if (event := self._line(line)) is not None:
                return event

    def _unfinished(self) -> Event | Need:
        if len(self._buf) > LINE_MAX:
            # What is kept is bounded; the rest of the line is dropped as it comes.
            self._buf, self._scan = self._buf[-1:] if self._buf.endswith(b"\r") else b"", 0
            self._problem = Problem.TOO_LONG
        return NEED_DATA

    def _line(self, line: bytes) -> Event | None:
        """A whole line, or the part of one up to a literal (None: the command goes on)."""
        if len(line) > LINE_MAX:
            self._problem = self._problem or Problem.TOO_LONG
        if not line.endswith(b"\r\n"):
            self._problem = self._problem or Problem.BARE_LF
            return self._ended(b"")
        if match := _LITERAL.search(line):
            size = int(match[1])
            self._pieces.append(line[: match.start()])
            if size > self._literal_max or len(self._pieces) >= 2 * LITERALS_MAX:
                self._problem = self._problem or Problem.TOO_LARGE
            if self._problem is not None:
                self._skip, self._pieces = size, []
            else:
                self._literal = size
            return None
        return self._ended(line[:-2])

    def _ended(self, text: bytes) -> Event:
        pieces, self._pieces = [*self._pieces, text], []
        problem, self._problem = self._problem, None
        responding, self._responding = self._responding, False
        if problem is not None:
            return BadCommand(problem)
        if responding:
            found = tokens(pieces)
            if found is None or len(found) != 1 or not isinstance(found[0], bytes):
                return BadCommand(Problem.SYNTAX)
            return Response(found[0])
        return parse_command(pieces)
