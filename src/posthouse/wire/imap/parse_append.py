"""The head of an APPEND: all that stands before a message's literal.  RFC 4466 §3, RFC 3502, RFC 3516, RFC
6855 §4."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from .cursor import Cursor
from .date_time import parse_date_time
from .flag_name import flag_list
from .sequence_set import SequenceSet

# literal = "{" number64 ["+"] "}" CRLF;  literal8 = "~{" number64 ["+"] "}" CRLF
MARKER: Final = re.compile(rb"(~?)\{([0-9]{1,20})(\+?)\}\r\n\Z")
_MAILBOX_IS_LITERAL: Final = re.compile(
    rb"[^ ]+ (?:APPEND|(?:UID )?REPLACE [0-9*]+) \{[0-9]+\+?\}\r\n", re.IGNORECASE
)


@dataclass(slots=True)
class AppendHead:
    """`date`: seconds since the epoch.  `binary`: a literal8.  `utf8`: wrapped in UTF8 (...), so `)`
    follows it."""

    tag: bytes
    mailbox: str
    flags: tuple[str, ...]
    date: float | None
    size: int
    binary: bool
    utf8: bool
    replaces: SequenceSet | None = None  # RFC 8508: the one message that goes, by `uid` or by number
    uid: bool = False


HEAD_FIELDS: Final = tuple(AppendHead.__slots__)


def names_mailbox(parts: list[bytes]) -> bool:
    """The literal announced by the last line is the mailbox name, not a message."""
    return len(parts) == 1 and _MAILBOX_IS_LITERAL.fullmatch(parts[0]) is not None


def append_without_message(c: Cursor) -> NoReturn:
    """An APPEND that ended without a literal for the engine to stream."""
    c.space()
    c.mailbox()
    raise c.expected("flags and date if wanted, and the message as a literal such as {310}")


# append = "APPEND" SP mailbox 1*append-message
def append(c: Cursor) -> AppendHead:
    """`c` stands after the name APPEND; the last line ends with the marker of the message's literal."""
    c.space()
    return append_message(c, c.mailbox())


# replace = "REPLACE" SP seq-number SP mailbox append-message        RFC 8508 §5
def replace(c: Cursor, *, uid: bool) -> AppendHead:
    c.space()
    number = c.sequence_set()
    if number.saved or len(number.ranges) != 1 or number.ranges[0][0] != number.ranges[0][1]:
        raise c.error("Expected the number of one message, before this")
    c.space()
    head = append_message(c, c.mailbox())
    head.replaces, head.uid = number, uid
    return head


def replace_without_message(c: Cursor) -> NoReturn:
    c.space()
    c.sequence_set()
    append_without_message(c)


# append-message = append-opts SP append-data
# append-opts = [SP flag-list] [SP date-time]
# append-data = literal / literal8 / "UTF8" SP "(" literal8 ")"
def append_message(c: Cursor, mailbox: str) -> AppendHead:
    c.space()
    flags: tuple[str, ...] = ()
    date = None
    if c.peek() == b"(":
        flags = flag_list(c)
        c.space()
    if c.peek() == b'"':
        date = parse_date_time(c)
        c.space()
    utf8 = c.try_word(b"UTF8")
    if utf8:
        c.space()
        c.char(b"(", "'(' after UTF8")
    found = MARKER.match(c.line, c.pos)
    if found is None:
        raise c.expected("the message as a literal such as {310}")
    if utf8 and not found[1]:
        raise c.expected("a literal8 such as ~{310} after UTF8")
    return AppendHead(c.tag, mailbox, flags, date, int(found[2]), bool(found[1]), utf8)


STREAMED: Final[dict[bytes, Callable[[Cursor], AppendHead]]] = {
    b"APPEND": append,
    b"REPLACE": lambda c: replace(c, uid=False),
    b"UID REPLACE": lambda c: replace(c, uid=True),
}
"""Commands whose messages the engine hands out as they come."""
