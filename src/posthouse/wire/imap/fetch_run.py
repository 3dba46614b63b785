"""Runs of commands that each ask for one message and ask the same of it, as clients that pull a mailbox pipeline them.

The rest of such a command is compared with that of the one before, octet by octet, so it need not be parsed again.
"""

from __future__ import annotations

import re
from typing import Final

from .line_buffer import LineBuffer
from .parse import TAG_CHARS

_ONE: Final = re.compile(TAG_CHARS + rb" (UID FETCH )[1-9][0-9]{0,9}( [^\r\n]+\r\n)", re.IGNORECASE)
_TAG: Final = re.compile(TAG_CHARS)
_UID_MAX: Final = 0xFFFFFFFF


def take_same(buffer: LineBuffer, last: bytes, limit: int) -> list[tuple[bytes, int]]:
    """(tag, UID) of at most `limit` whole commands at the front of the buffer; `last`: a command that was in order."""
    match = _ONE.fullmatch(last)
    if match is None:
        return []
    head, tail = match[2], match[3]
    found: list[tuple[bytes, int]] = []
    while len(found) < limit and isinstance(line := buffer.take_line(len(last) + 300), bytes):
        tag, _, rest = line.partition(b" ")
        number = rest[len(head) : -len(tail)]
        alike = rest.startswith(head) and rest.endswith(tail) and number.isdigit() and number[:1] != b"0"
        if not alike or len(number) > 10 or int(number) > _UID_MAX or not _TAG.fullmatch(tag):
            buffer.put_back(line)
            break
        found.append((tag, int(number)))
    return found
