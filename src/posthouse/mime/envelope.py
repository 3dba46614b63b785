"""ENVELOPE and the IMAP string forms.

Everything is built as header text (see `header`) and encoded once at the end, 7-bit safe: a value with 8-bit
bytes becomes a literal, as RFC 3501 §9 demands of clients that did not enable UTF-8.
"""

from __future__ import annotations

import re
from typing import Final

from posthouse.mime.address import Address, parse_addresses
from posthouse.mime.header import Fields, unfold

_PLAIN: Final = re.compile(r"[\x01-\x09\x0b\x0c\x0e-\x21\x23-\x5b\x5d-\x7f]*\Z")
_SPECIAL: Final = re.compile(r'(["\\])')
_CONTROL: Final = re.compile(r"[\x00\r\n]")

_BLANKS: Final = re.compile(r"[ \t]+")

_ADDRESS_FIELDS: Final = frozenset({"from", "sender", "reply-to", "to", "cc", "bcc"})
_TEXT_FIELDS: Final = frozenset({"date", "subject", "in-reply-to", "message-id"})

MAX_QUOTED: Final = 4096
"""Longer values are sent as literals, so that a client's line limit is never passed."""


def imap_string(value: str) -> str:
    """RFC 9051 §4.3: quoted string, or literal where a quoted string cannot hold the value."""
    if len(value) <= MAX_QUOTED and _PLAIN.match(value):
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


def envelope_text(fields: Fields) -> str:
    """RFC 9051 §7.5.2: `(date subject from sender reply-to to cc bcc in-reply-to message-id)`.

    Fields that came twice: the last text wins; addresses are shown together, so that no check of one
    From field can be fooled by another.
    """
    texts: dict[str, str] = {}
    people: dict[str, list[Address]] = {}
    for key, value in fields:
        name = key.lower()
        if name in _TEXT_FIELDS:
            texts[name] = unfold(value)
        elif name in _ADDRESS_FIELDS:
            people.setdefault(name, []).extend(parse_addresses(value))
    sent_from = _addresses(people.get("from"))
    # RFC 9051 §7.5.2: sender and reply-to default to from
    sender = _addresses(people.get("sender"))
    reply_to = _addresses(people.get("reply-to"))
    return (
        f"({imap_nstring(texts.get('date'))} {shown_text(texts.get('subject'))} {sent_from} "
        f"{sent_from if sender == 'NIL' else sender} {sent_from if reply_to == 'NIL' else reply_to} "
        f"{_addresses(people.get('to'))} {_addresses(people.get('cc'))} {_addresses(people.get('bcc'))} "
        f"{imap_nstring(texts.get('in-reply-to'))} {imap_nstring(texts.get('message-id'))})"
    )


def _addresses(found: list[Address] | None) -> str:
    if not found:
        return "NIL"
    return "(" + "".join([_address(*address) for address in found]) + ")"


def _address(name: str | None, route: str | None, mailbox: str | None, host: str | None) -> str:
    return f"({shown_text(name)} {imap_nstring(route)} {imap_nstring(mailbox)} {imap_nstring(host)})"
