"""Framing of what a POP3 client sends: bytes in, commands out.  No I/O, no clock, no state of the protocol.

`receive(data)`, then `next_event()` until it returns NEED_DATA.  Between two calls the session may change
what the next line means: `expect_auth_line()` after a SASL challenge, `discard_buffer()` before TLS.
Pipelined commands simply wait in the buffer (RFC 2449 §6.6), and `take_retrievals` hands out a whole run of
RETR at once, so that the session can read the messages as one set.
"""

from __future__ import annotations

import enum
import re
from typing import Final, NamedTuple, final

from posthouse.wire.pop3.command import BadCommand, Command, Problem, parse_command

MAX_COMMAND_BYTES: Final = 255
"""RFC 2449 §4: a command line has at most 255 octets, CRLF included."""
MAX_AUTH_LINE_BYTES: Final = 12288
"""RFC 5034 §4 sets no bound on a SASL line; this is the one RFC 4954 §4 gives SMTP, ample for tokens."""


class Need(enum.Enum):
    DATA = "need more bytes"


NEED_DATA: Final = Need.DATA


class AuthLine(NamedTuple):
    """A client's answer to a SASL challenge: base64, or `*` to give up; without its CRLF."""

    text: bytes


Event = Command | BadCommand | AuthLine

_RETR: Final = re.compile(rb"RETR ([1-9][0-9]{0,8})\r\n", re.IGNORECASE)


@final
class Engine:
    __slots__ = ("_auth", "_buf", "_max_auth", "_max_command", "_pos", "_scan", "_skipping", "_tainted")

    def __init__(
        self, *, max_command_bytes: int = MAX_COMMAND_BYTES, max_auth_line_bytes: int = MAX_AUTH_LINE_BYTES
    ) -> None:
        self._max_command = max_command_bytes
        self._max_auth = max_auth_line_bytes
        self._buf = b""
        self._pos = 0  # start of what is not consumed yet
        self._scan = 0  # no LF before here, so it is never searched again
        self._auth = False  # the next line answers a SASL challenge
        self._skipping = False  # inside a line that was too long and is answered already
        self._tainted = False  # after a bare LF: what follows up to CRLF belongs to the same bad line

    @property
    def buffered(self) -> int:
        """Bytes received and not yet handed out."""
        return len(self._buf) - self._pos

    def receive(self, data: bytes) -> None:
        if self._pos == len(self._buf):  # the common case: nothing left over, so no copy
            self._buf, self._pos, self._scan = data, 0, 0
        else:
            self._buf = self._buf[self._pos :] + data
            self._pos, self._scan = 0, self._scan - self._pos

    def discard_buffer(self) -> None:
        """Forget what came in clear text behind STLS.

        RFC 2595 §4: a client sends nothing behind STLS until TLS is up, so bytes here were injected by
        somebody.
        """
        self._buf, self._pos, self._scan = b"", 0, 0
        self._skipping = self._tainted = self._auth = False

    def expect_auth_line(self) -> None:
        """The next line is an `AuthLine`, not a command."""
        self._auth = True

    def next_event(self) -> Event | Need:
        while True:
            end = self._buf.find(b"\n", self._scan)
            if end < 0:
                self._scan = len(self._buf)
                return self._unfinished()
            start, self._pos = self._pos, end + 1
            self._scan = self._pos
            if self._skipping:
                self._skipping = False
                self._tainted = self._buf[end - 1 : end] != b"\r" or end == start
                continue
            return self._line(start, end)

    def take_retrievals(self, limit: int) -> list[int]:
        """Consume the RETR commands, up to `limit`, that stand complete at the front; their numbers."""
        numbers: list[int] = []
        if self._auth or self._skipping or self._tainted:
            return numbers
        pos, match = self._pos, _RETR.match
        while len(numbers) < limit and (found := match(self._buf, pos)):
            numbers.append(int(found[1]))
            pos = found.end()
        if numbers:
            self._pos = self._scan = pos
        return numbers

    def _line(self, start: int, end: int) -> Event:
        auth, self._auth = self._auth, False
        bare = end == start or self._buf[end - 1 : end] != b"\r"
        refused, self._tainted = bare or self._tainted, bare
        if end + 1 - start > self._limit(self._buf[start : start + 5], auth=auth):
            return BadCommand(Problem.TOO_LONG)
        if refused:
            # RFC 1939 §3: lines end with CRLF.  A lone LF is answered at once, since CRLF may never come, and
            # nothing up to the next CRLF is executed: it belongs to the same, malformed line.
            return BadCommand(Problem.BARE_LF)
        line = self._buf[start : end - 1]
        if auth:
            return AuthLine(line)
        if b"\r" in line or b"\0" in line:
            return BadCommand(Problem.BAD_OCTET)
        return parse_command(line)

    def _unfinished(self) -> Event | Need:
        """No line end yet: bound what is kept."""
        if self._skipping:
            self._forget_line()
            return NEED_DATA
        pending = self._scan - self._pos
        if pending <= self._max_command:
            return NEED_DATA
        if pending <= self._limit(self._buf[self._pos : self._pos + 5], auth=self._auth):
            return NEED_DATA
        self._forget_line()
        self._skipping, self._auth = True, False
        return BadCommand(Problem.TOO_LONG)

    def _forget_line(self) -> None:
        self._pos = self._scan - self._buf.endswith(b"\r")  # which may be half of the CRLF

    def _limit(self, head: bytes, *, auth: bool) -> int:
        # quirk(Thunderbird, Outlook): the initial response of AUTH is sent on the command line however long
        # it is, though RFC 5034 §4 asks to keep the line within the limit of a command.
        return self._max_auth if auth or head.upper() == b"AUTH " else self._max_command
