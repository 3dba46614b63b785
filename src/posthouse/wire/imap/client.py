"""The client's side: response bytes in, parsed responses out.  No I/O.

Values: an atom is str, a string (quoted or literal) bytes, digits int, NIL None, a parenthesised list a
list.  An atom with a section keeps it whole: `BODY[HEADER.FIELDS (From)]<0>`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final, final

from .line_buffer import TOO_LONG, LineBuffer

DEPTH_MAX: Final = 200
_MARKER: Final = re.compile(rb"~?\{([0-9]{1,20})\}\r\n\Z")
_STATUS: Final = re.compile(rb"(\S+) (OK|NO|BAD|BYE|PREAUTH)(?: |(?=\r\n))", re.IGNORECASE)
_TOKEN: Final = re.compile(
    rb"(?P<open>\()|(?P<close>\))|(?P<blank> +)"
    rb'|"(?P<quoted>(?:[^"\\\r\n]++|\\["\\])*+)"'
    rb"|(?P<literal>~?\{[0-9]+\}\r\n)"
    rb'|(?P<atom>(?:[^\x00-\x20\x7f(){"\[]++|\[(?:[^\]\r\n"]++|"(?:[^"\\\r\n]++|\\["\\])*+")*+\])++)'
)
_ESCAPE: Final = re.compile(rb"\\(.)")


class ResponseError(Exception):
    """The server's octets are not a response; the connection is of no more use."""


@dataclass(slots=True)
class Response:
    """`tag`: "*", "+" or a command's.  `name`: upper case, "" for a continuation.  `number`: of EXISTS,
    EXPUNGE, FETCH.

    Status responses have `code` (a list of values: ["UIDNEXT", 5]) and `text`; all others `data`.
    """

    tag: str
    name: str = ""
    number: int | None = None
    data: list[Any] = field(default_factory=list)
    code: list[Any] | None = None
    text: str = ""

    @property
    def pairs(self) -> dict[str, Any]:
        """The items of a FETCH or STATUS response by upper-case name."""
        items = self.data[-1]
        return {str(name).upper(): value for name, value in zip(items[::2], items[1::2], strict=True)}


@final
class ResponseReader:
    """`receive(data)`, then `next_response()` until None.  Raises ResponseError."""

    __slots__ = ("_buf", "_chunks", "_max_line", "_max_literal", "_parts", "_want")

    def __init__(self, *, max_line: int = 16 * 1024 * 1024, max_literal: int = 256 * 1024 * 1024) -> None:
        self._max_line = max_line
        self._max_literal = max_literal
        self._buf = LineBuffer()
        self._parts: list[bytes] = []
        self._chunks: list[bytes] = []
        self._want = -1  # octets of a literal still to come; -1: none

    def receive(self, data: bytes) -> None:
        self._buf.receive(data)

    def next_response(self) -> Response | None:
        while True:
            if self._want >= 0:
                chunk = self._buf.take(self._want)
                self._want -= len(chunk)
                self._chunks.append(chunk)
                if self._want:
                    return None
                self._parts.append(b"".join(self._chunks))
                self._chunks.clear()
                self._want = -1
            line = self._buf.take_line(self._max_line)
            if line is None:
                return None
            if line is TOO_LONG or line[-2:] != b"\r\n":
                raise ResponseError("a response line too long or without CRLF")
            self._parts.append(line)
            # The text of a status response may end like a literal's marker and is none.
            marker = _MARKER.search(line) if line[-3:] == b"}\r\n" else None
            if marker is None or (len(self._parts) == 1 and _STATUS.match(line)):
                parts, self._parts = self._parts, []
                return parse_response(parts)
            self._want = int(marker[1])
            if self._want > self._max_literal:
                raise ResponseError("a literal too large")


def parse_response(parts: list[bytes]) -> Response:
    """`parts`: [line, literal, line, ...].  Raises ResponseError."""
    line = parts[0]
    if line[:1] == b"+":
        return Response("+", text=_text(line[1:].strip()))
    status = _STATUS.match(line)
    if status:
        response = Response(_text(status[1]), _text(status[2]).upper())
        code, rest = _split_code(line[status.end() : -2])
        response.code = None if code is None else parse_values([code + b"\r\n"])
        response.text = _text(rest)
        return response
    tag, _, rest = line.partition(b" ")
    values = parse_values([rest, *parts[1:]])
    if tag != b"*" or not values:
        raise ResponseError(f"not a response: {line[:80]!r}")
    number = values.pop(0) if isinstance(values[0], int) else None
    if not values or not isinstance(values[0], str):
        raise ResponseError(f"not a response: {line[:80]!r}")
    return Response("*", values[0].upper(), number, values[1:])


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _split_code(text: bytes) -> tuple[bytes | None, bytes]:
    """`[CODE ...] text`; a quoted string in the code may hold a bracket."""
    if text[:1] != b"[":
        return None, text
    found = re.match(rb'\[((?:[^\]"]++|"(?:[^"\\]++|\\.)*+")*+)\] ?', text)
    return (found[1], text[found.end() :]) if found else (None, text)


def parse_values(parts: list[bytes]) -> list[Any]:
    """The values of a line with its literals, as nested lists."""
    out: list[Any] = []
    stack: list[list[Any]] = []
    at, pos, line = 0, 0, parts[0]
    while not line.startswith(b"\r\n", pos):
        found = _TOKEN.match(line, pos)
        if found is None:
            raise ResponseError(f"unexpected octets: {line[pos : pos + 40]!r}")
        pos = found.end()
        kind = found.lastgroup
        if kind == "open":
            stack.append(out)
            if len(stack) > DEPTH_MAX:
                raise ResponseError("lists nested too deeply")
            out = []
        elif kind == "close":
            if not stack:
                raise ResponseError("a ')' too many")
            stack[-1].append(out)
            out = stack.pop()
        elif kind == "quoted":
            value = found["quoted"]
            out.append(_ESCAPE.sub(rb"\1", value) if b"\\" in value else value)
        elif kind == "literal":
            if at + 2 >= len(parts):
                raise ResponseError("a literal that is not there")
            out.append(parts[at + 1])
            at += 2
            line, pos = parts[at], 0
        elif kind == "atom":
            out.append(_atom(found["atom"]))
    if stack:
        raise ResponseError("a ')' is missing")
    return out


def _atom(text: bytes) -> str | int | None:
    if text.isdigit() and len(text) < 20:
        return int(text)
    return None if text.upper() == b"NIL" else _text(text)
