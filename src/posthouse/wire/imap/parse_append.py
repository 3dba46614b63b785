"""The head of an APPEND: all that stands before a message's literal.  RFC 4466 §3, RFC 3502, RFC 3516, RFC
6855 §4."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from .command import Catenate
from .cursor import Cursor
from .date_time import parse_date_time
from .flag_name import flag_list
from .sequence_set import SequenceSet

# literal = "{" number64 ["+"] "}" CRLF;  literal8 = "~{" number64 ["+"] "}" CRLF
MARKER: Final = re.compile(rb"(~?)\{([0-9]{1,20})(\+?)\}\r\n\Z")
URLS_MAX: Final = 200
_MAILBOX_IS_LITERAL: Final = re.compile(
    rb"[^ ]+ (?:APPEND|(?:UID )?REPLACE [0-9*]+) \{[0-9]+\+?\}\r\n", re.IGNORECASE
)


class AppendHead(Struct):
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
    urls: tuple[str, ...] = ()  # RFC 4469: what stands before the literal
    catenate: bool = False


HEAD_FIELDS: Final = AppendHead.__struct_fields__


def names_mailbox(parts: list[bytes]) -> bool:
    """The literal announced by the last line is the mailbox name, not a message."""
    return len(parts) == 1 and _MAILBOX_IS_LITERAL.fullmatch(parts[0]) is not None


def append_without_message(c: Cursor) -> Catenate:
    """An APPEND that ended without a literal for the engine to stream: right for URLs alone."""
    c.space()
    mailbox = c.mailbox()
    if c.try_char(b" "):
        flags, date = _options(c)
        if c.try_word(b"CATENATE"):
            c.space()
            c.char(b"(", "'(' after CATENATE")
            urls, size, _ = catenate_parts(c)
            if size is None:
                return Catenate(c.tag, mailbox, flags, date, urls)
    raise c.expected("flags and date if wanted, and the message as a literal such as {310}")


# append = "APPEND" SP mailbox 1*append-message
def append(c: Cursor) -> AppendHead:
    """`c` stands after the name APPEND; the last line ends with the marker of the message's literal."""
    c.space()
    return append_message(c, c.mailbox())


# append-opts = [SP flag-list] [SP date-time]
def _options(c: Cursor) -> tuple[tuple[str, ...], float | None]:
    flags: tuple[str, ...] = ()
    date = None
    if c.peek() == b"(":
        flags = flag_list(c)
        c.space()
    if c.peek() == b'"':
        date = parse_date_time(c)
        c.space()
    return flags, date


# cat-part = "TEXT" SP literal / "URL" SP astring        RFC 4469 §5
# cat-part =/ "UTF8" SP "(" literal8 ")"                 RFC 6855 §4
def catenate_parts(c: Cursor) -> tuple[tuple[str, ...], int | None, bool]:
    """Up to the marker of a literal, whose size comes with it, and whether it is of UTF8, or over the ")" (None)."""
    urls: list[str] = []
    while True:
        if c.try_word(b"TEXT"):
            c.space()
            found = MARKER.match(c.line, c.pos)
            if found is None or found[1]:
                raise c.expected("a literal such as {42} after TEXT")
            return tuple(urls), int(found[2]), False
        if c.try_word(b"UTF8"):
            if not c.utf8:
                raise c.error("ENABLE UTF8=ACCEPT or IMAP4rev2 before UTF8 (...), before this")
            c.space()
            c.char(b"(", "'(' after UTF8")
            return tuple(urls), _literal8(c), True
        if not c.try_word(b"URL"):
            raise c.expected("TEXT, UTF8 or URL")
        c.space()
        urls.append(c.text(c.astring("a URL"), "a URL"))
        if len(urls) > URLS_MAX:
            raise c.error(f"More than {URLS_MAX} URLs in a row")
        if c.try_char(b")"):
            return tuple(urls), None, False
        c.space()


def _literal8(c: Cursor) -> int:
    found = MARKER.match(c.line, c.pos)
    if found is None or not found[1]:
        raise c.expected("a literal8 such as ~{310} after UTF8")
    return int(found[2])


# replace = "REPLACE" SP seq-number SP mailbox append-message        RFC 8508 §5
def replace(c: Cursor, *, uid: bool) -> AppendHead:
    c.space()
    number = _one_number(c)
    c.space()
    head = append_message(c, c.mailbox())
    head.replaces, head.uid = number, uid
    return head


def replace_without_message(c: Cursor, *, uid: bool = False) -> Catenate:
    c.space()
    number = _one_number(c)
    command = append_without_message(c)
    command.replaces, command.uid = number, uid
    return command


def uid_replace_without_message(c: Cursor) -> Catenate:
    return replace_without_message(c, uid=True)


def _one_number(c: Cursor) -> SequenceSet:
    number = c.sequence_set()
    if number.saved or len(number.ranges) != 1 or number.ranges[0][0] != number.ranges[0][1]:
        raise c.error("Expected the number of one message, before this")
    return number


# append-message = append-opts SP append-data
# append-opts = [SP flag-list] [SP date-time]
# append-data = literal / literal8 / "UTF8" SP "(" literal8 ")"
def append_message(c: Cursor, mailbox: str) -> AppendHead:
    c.space()
    flags, date = _options(c)
    if c.try_word(b"CATENATE"):
        c.space()
        c.char(b"(", "'(' after CATENATE")
        urls, size, utf8 = catenate_parts(c)
        if size is None:
            raise c.error("CATENATE of URLs alone must be the whole command, before this")
        return AppendHead(c.tag, mailbox, flags, date, size, binary=utf8, utf8=utf8, urls=urls, catenate=True)
    utf8 = c.try_word(b"UTF8")
    if utf8:
        c.space()
        c.char(b"(", "'(' after UTF8")
        return AppendHead(c.tag, mailbox, flags, date, _literal8(c), binary=True, utf8=True)
    found = MARKER.match(c.line, c.pos)
    if found is None:
        raise c.expected("the message as a literal such as {310}")
    return AppendHead(c.tag, mailbox, flags, date, int(found[2]), bool(found[1]), utf8=False)


STREAMED: Final[dict[bytes, Callable[[Cursor], AppendHead]]] = {
    b"APPEND": append,
    b"REPLACE": lambda c: replace(c, uid=False),
    b"UID REPLACE": lambda c: replace(c, uid=True),
}
"""Commands whose messages the engine hands out as they come."""
