"""The name people sort by: of the first address in a field of a stored ENVELOPE."""

from __future__ import annotations

import re
from typing import Final

from posthouse.mime.words import decode_words

_TOKEN: Final = re.compile(rb'\(|\)|"(?:[^"\\]|\\.)*"|\{(\d+)\}\r\n|[^ ()"{]+')


def first_name(envelope: bytes, field: int) -> str:
    """RFC 8621 §4.4.2: the name of the first address in a field of ENVELOPE, else the address itself."""
    parts = _first_address(envelope, field)
    if not parts:
        return ""
    name, _, mailbox, host = parts
    text = name or (mailbox or b"") + b"@" + (host or b"")
    return decode_words(text.decode("utf-8", "surrogateescape")).casefold()


def _first_address(envelope: bytes, field: int) -> list[bytes | None]:
    depth, at, pos = 0, -1, 0
    found: list[bytes | None] = []
    while match := _TOKEN.search(envelope, pos):
        pos, token = match.end(), match[0]
        if token == b"(":
            depth += 1
            if depth == 2:
                at += 1
            continue
        if token == b")":
            depth -= 1
            if depth == 1 and at == field:
                break
            if depth == 2 and at == field:
                return found
            continue
        if match[1] is not None:
            end = pos + int(match[1])
            token, pos = envelope[pos:end], end
        elif token.startswith(b'"'):
            token = token[1:-1].replace(b'\\"', b'"').replace(b"\\\\", b"\\")
        elif token == b"NIL":
            if depth == 1:
                at += 1
                continue
            if at == field and depth == 3:
                found.append(None)
            continue
        if depth == 1:
            at += 1
        elif depth == 3 and at == field:
            found.append(token)
    return []
