"""The client's side: a POP3 server's answers, framed and parsed; for tests, checks and a fetching client."""

from __future__ import annotations

import re
from typing import Final, NamedTuple, final

from posthouse.wire.pop3.engine import NEED_DATA, Need

MAX_LINE_BYTES: Final = 2048
"""A status line longer than this is not POP3; RFC 2449 §4 allows 512."""
_CODE: Final = re.compile(r"\[([^\[\]]+)\] ?")


class Answer(NamedTuple):
    """`ok` is None for a SASL challenge, whose text is the challenge; `body` is None for a single line."""

    ok: bool | None
    code: str
    text: str
    body: bytes | None = None


class AnswerError(Exception):
    """The server does not speak POP3; the connection is of no more use."""


@final
class AnswerReader:
    """`receive(data)`, then `next_answer(multiline=...)` for each command sent, in order, until NEED_DATA."""

    __slots__ = ("_buf", "_first", "_scan")

    def __init__(self) -> None:
        self._buf = bytearray()
        self._scan = 0
        self._first: Answer | None = None  # the status line of the multi-line answer being read

    def receive(self, data: bytes) -> None:
        self._buf += data

    def next_answer(self, *, multiline: bool = False) -> Answer | Need:
        if self._first is None:
            end = self._buf.find(b"\r\n", max(0, self._scan - 1))
            if end < 0:
                self._scan = len(self._buf)
                if self._scan > MAX_LINE_BYTES:
                    raise AnswerError("status line too long")
                return NEED_DATA
            answer = parse_status(bytes(self._buf[:end]))
            del self._buf[: end + 2]
            self._scan = 0
            if not multiline or not answer.ok:
                return answer
            self._first = answer
        return self._multiline(self._first)

    def _multiline(self, first: Answer) -> Answer | Need:
        if self._buf.startswith(b".\r\n"):
            body, size = b"", 3
        else:
            end = self._buf.find(b"\r\n.\r\n", max(0, self._scan - 4))
            if end < 0:
                self._scan = len(self._buf)
                return NEED_DATA
            body, size = unstuff(bytes(self._buf[: end + 2])), end + 5
        del self._buf[:size]
        self._scan, self._first = 0, None
        return first._replace(body=body)


def unstuff(body: bytes) -> bytes:
    """Undo the byte-stuffing of RFC 1939 §3."""
    if body[:1] == b".":
        body = body[1:]
    return body.replace(b"\n.", b"\n")


def parse_status(line: bytes) -> Answer:
    """Parse a status line without its CRLF."""
    text = line.decode("utf-8", "replace")
    status, _, rest = text.partition(" ")
    if status == "+":
        return Answer(None, "", rest)
    if status not in ("+OK", "-ERR"):
        raise AnswerError("neither +OK nor -ERR")
    code = ""
    if found := _CODE.match(rest):
        code, rest = found[1].upper(), rest[found.end() :]
    return Answer(status == "+OK", code, rest)
