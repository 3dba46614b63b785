"""ENVELOPE and the IMAP string forms.

Everything is built as header text (see `header`) and encoded once at the end, 7-bit safe: a value with 8-bit
bytes becomes a literal, as RFC 3501 §9 demands of clients that did not enable UTF-8.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from posthouse.mime.address import parse_addresses
from posthouse.mime.header import Header

_PLAIN: Final = re.compile(r"[\x01-\x09\x0b\x0c\x0e-\x21\x23-\x5b\x5d-\x7f]*\Z")
_SPECIAL: Final = re.compile(r'(["\\])')
_CONTROL: Final = re.compile(r"[\x00\r\n]")

# perf: `name <local@domain>` that needs no quoting, as nearly all are
_WORD: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
_DOT_ATOM: Final = rf"{_WORD}(?:\.{_WORD})*+"
_ONE_ADDRESS: Final = re.compile(rf"(?:({_WORD}(?: {_WORD})*+) )?<({_DOT_ATOM})@({_DOT_ATOM})>\r?\Z")
_BLANKS: Final = re.compile(r"[ \t]+")

MAX_QUOTED: Final = 4096
"""Longer values are sent as literals, so that a client's line limit is never passed."""

_REMEMBERED: Final = 1024
"""Address fields whose texts are kept in memory."""
_MAX_REMEMBERED: Final = 200
"""Characters of the longest of them."""


def imap_string(value: str) -> str:
    """RFC 9051 §4.3: quoted string, or literal where a quoted string cannot hold the value."""
    if len(value) <= MAX_QUOTED and (
        # perf: half the time of the pattern
        ('"' not in value and "\\" not in value and value.isascii() and value.isprintable())
        or _PLAIN.match(value)
    ):
        return f'"{value}"'
    # RFC 9051 §4.3: NUL cannot be sent at all; bare CR and LF would end a quoted string
    value = _CONTROL.sub(" ", value)
    if len(value) <= MAX_QUOTED and value.isascii():
        return '"' + _SPECIAL.sub(r"\\\1", value) + '"'
    size = len(value.encode("utf-8", "surrogateescape"))
    return f"{{{size}}}\r\n{value}"


def imap_nstring(value: str | None) -> str:
    return "NIL" if value is None else imap_string(value)


def shown_text(value: str | None) -> str:
    """A text that people read: runs of blanks, which folding leaves behind, become one."""
    if value is None:
        return "NIL"
    if "  " in value or "\t" in value or value[:1] == " " or value[-1:] == " ":
        value = _BLANKS.sub(" ", value).strip(" ")
    return imap_string(value)


def envelope_text(header: Header) -> str:
    """RFC 9051 §7.5.2: `(date subject from sender reply-to to cc bcc in-reply-to message-id)`.

    Fields that came twice: the last text wins; addresses are shown together, so that no check of one
    From field can be fooled by another.
    """
    sent_from = _people(header, "from")
    # RFC 9051 §7.5.2: sender and reply-to default to from
    sender = _people(header, "sender")
    reply_to = _people(header, "reply-to")
    return (
        f"({imap_nstring(header.last('date'))} {shown_text(header.last('subject'))} {sent_from} "
        f"{sent_from if sender == 'NIL' else sender} {sent_from if reply_to == 'NIL' else reply_to} "
        f"{_people(header, 'to')} {_people(header, 'cc')} {_people(header, 'bcc')} "
        f"{imap_nstring(header.last('in-reply-to'))} {imap_nstring(header.last('message-id'))})"
    )


def _people(header: Header, name: str) -> str:
    """The addresses of all fields called `name`."""
    values = header.values.get(name)
    if not values:
        return "NIL"
    shown = "".join([address_texts(value)[0] for value in values])
    return f"({shown})" if shown else "NIL"


def first_mailbox(header: Header, name: str) -> str:
    """RFC 5256 §3: the mailbox of the first address; a group's name is its mailbox."""
    for value in header.values.get(name, ()):
        shown, mailbox = address_texts(value)
        if shown:
            return mailbox
    return ""


def address_texts(value: str) -> tuple[str, str]:
    """The addresses of one field as ENVELOPE shows them, and the mailbox of the first one."""
    # perf: the same people write to the same people, and ENVELOPE and the sort keys ask for the same fields
    return _remembered_texts(value) if len(value) <= _MAX_REMEMBERED else _address_texts(value)


def _address_texts(value: str) -> tuple[str, str]:
    if len(value) <= MAX_QUOTED and (match := _ONE_ADDRESS.match(value)):
        name, mailbox, host = match.groups()
        shown = "NIL" if name is None else f'"{name}"'
        return f'({shown} NIL "{mailbox}" "{host}")', mailbox
    found = parse_addresses(value)
    if not found:
        return "", ""
    return "".join([_address(*address) for address in found]), found[0][2] or ""


_remembered_texts = lru_cache(_REMEMBERED)(_address_texts)


def _address(name: str | None, route: str | None, mailbox: str | None, host: str | None) -> str:
    return f"({shown_text(name)} {imap_nstring(route)} {imap_nstring(mailbox)} {imap_nstring(host)})"
