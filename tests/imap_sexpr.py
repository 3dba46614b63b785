"""Reads the parenthesised data of IMAP answers, literals included, into nested lists of bytes, ints and None."""

from __future__ import annotations

import re
from typing import Any

_TOKEN = re.compile(
    rb'[ \r\n]*(?:(\()|(\))|"((?:[^"\\\r\n]|\\.)*)"|\{(\d+)\+?\}\r\n|([^ ()\r\n"{]+))', re.DOTALL
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


def parse_sexpr(data: bytes) -> list[Any]:
    """All values of `data`.  Strings are bytes, numbers ints, NIL None, other atoms str.

    Raises ValueError where `data` is not well formed, which makes it a check of the grammar too.
    """
    stack: list[list[Any]] = [[]]
    pos, end = 0, len(data.rstrip())
    while pos < end:
        match = _TOKEN.match(data, pos)
        if match is None:
            raise ValueError(f"not IMAP data at {pos}: {data[pos : pos + 40]!r}")
        pos = match.end()
        if match[1]:
            stack.append([])
        elif match[2]:
            if len(stack) < 2:
                raise ValueError(f"unbalanced at {pos}")
            done = stack.pop()
            stack[-1].append(done)
        elif match[3] is not None:
            stack[-1].append(_ESCAPED.sub(rb"\1", match[3]))
        elif match[4]:
            size = int(match[4])
            if pos + size > end:
                raise ValueError("literal runs over the end")
            stack[-1].append(data[pos : pos + size])
            pos += size
        else:
            stack[-1].append(_atom(match[5]))
    if len(stack) != 1:
        raise ValueError("unbalanced at the end")
    return stack[0]


def _atom(raw: bytes) -> int | str | None:
    if raw == b"NIL":
        return None
    return int(raw) if raw.isdigit() else raw.decode("ascii")
