"""Header fields in the forms of RFC 8621 §4.1.2: read, and written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct

from posthouse.mime.address import MISSING_DOMAIN, MISSING_MAILBOX, parse_addresses, quote_local
from posthouse.mime.address_repair import addresses_in
from posthouse.mime.dates import read_moment
from posthouse.mime.header import unfold
from posthouse.mime.lexer import Cursor
from posthouse.mime.words import decode_unstructured, decode_words, raw_text
from posthouse.wire.jmap.value import same_zone

ADDRESS_FIELDS: Final = (
    "from", "sender", "reply-to", "to", "cc", "bcc", "resent-from", "resent-sender", "resent-reply-to", "resent-to",
    "resent-cc", "resent-bcc",
)  # fmt: skip
_TEXT_FIELDS: Final = ("subject", "comments", "keywords", "list-id")
_ID_FIELDS: Final = ("message-id", "in-reply-to", "references", "resent-message-id")
_DATE_FIELDS: Final = ("date", "resent-date")
_URL_FIELDS: Final = (
    "list-help", "list-unsubscribe", "list-subscribe", "list-post", "list-owner", "list-archive",
)  # fmt: skip
DEFINED: Final = frozenset(
    (*ADDRESS_FIELDS, *_TEXT_FIELDS, *_ID_FIELDS, *_DATE_FIELDS, *_URL_FIELDS, "return-path", "received")
)
"""Fields of RFC 5322 and RFC 2369: each has the forms that make sense for it; all others have every form."""
FORMS: Final[dict[str, tuple[str, ...]]] = {
    "Text": _TEXT_FIELDS,
    "Addresses": ADDRESS_FIELDS,
    "GroupedAddresses": ADDRESS_FIELDS,
    "MessageIds": _ID_FIELDS,
    "Date": _DATE_FIELDS,
    "URLs": _URL_FIELDS,
}
_PROPERTY: Final = re.compile(r"header:([!-9;-~]{1,200})(?::as([A-Za-z]+))?(:all)?")
_BRACKETED: Final = re.compile(r"<([^<>]*)>")
_SURROGATES: Final = re.compile("[\udc80-\udcff]+")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class HeaderProperty(Struct, frozen=True):
    """`header:NAME:asFORM:all`."""

    name: str  # lower case
    written: str  # as the client wrote it
    form: str  # "Raw" or a key of FORMS
    every: bool = False


@lru_cache(1024)
def try_property(text: str) -> HeaderProperty | None:
    """None: no such property, or a form that this field has not (RFC 8621 §4.1.3)."""
    match = _PROPERTY.fullmatch(text)
    if match is None:
        return None
    name, form = match[1].lower(), match[2] or "Raw"
    if form != "Raw" and (form not in FORMS or (name in DEFINED and name not in FORMS[form])):
        return None
    return HeaderProperty(name, match[1], form, match[3] is not None)


def raw_form(value: str) -> str:
    """The octets after the colon, up to the line end that ends the field; wrong UTF-8 becomes U+FFFD, NUL goes."""
    text = value.removesuffix("\n").removesuffix("\r")
    if text.isascii():
        return text.replace("\0", "")
    return _SURROGATES.sub("\ufffd", text).replace("\0", "")


def text_form(value: str) -> str:
    if value.isascii() and value.isprintable() and "=?" not in value:  # perf: most of them
        return value.strip(" ")
    return _tidied(decode_words(value))


def _tidied(text: str) -> str:
    text = _CONTROLS.sub("", text)
    return text if text.isascii() else unicodedata.normalize("NFC", _SURROGATES.sub("\ufffd", text))


def _unstructured(value: str) -> str:
    """RFC 8621 §4.1.2.2: blanks before the text go, those behind it stay."""
    value = value.removesuffix("\n").removesuffix("\r")
    if value.isascii() and value.isprintable() and "=?" not in value:  # perf: most of them
        return value.lstrip(" ")
    return _tidied(decode_unstructured(value)).lstrip(" \t")


def _name(text: str | None) -> str | None:
    shown = text_form(text) if text else ""
    return shown or None


def _address(name: str | None, local: str | None, domain: str | None) -> dict[str, Any] | None:
    if local is None or local == MISSING_MAILBOX or MISSING_MAILBOX in local:
        # RFC 8621 §4.1.2.3: best effort; a name without an address is one that is not finished.
        return {"name": None, "email": text_form(name)} if name else None
    local = quote_local(local)
    email = local if domain in (None, MISSING_DOMAIN) else f"{local}@{domain}"
    return {"name": _name(name), "email": text_form(raw_text(email))}


def addresses_form(value: str) -> list[dict[str, Any]]:
    found = []
    for name, _, local, domain in addresses_in(value):
        if domain is None and name is None:
            continue  # a group begins or ends
        if (one := _address(name, local, domain)) is not None:
            found.append(one)
    return found


def grouped_form(value: str) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = []
    current: dict[str, Any] | None = None
    for name, _, local, domain in parse_addresses(value):
        if domain is None and name is None:
            # RFC 9051 §7.5.2 marks of groups: with a name one begins, without it ends.
            current = {"name": _name(local), "addresses": []} if local is not None else None
            if current is not None:
                groups.append(current)
            continue
        if current is None:
            current = {"name": None, "addresses": []}
            groups.append(current)
        if (one := _address(name, local, domain)) is not None:
            current["addresses"].append(one)
    return groups


def ids_form(value: str) -> list[str] | None:
    """RFC 5322 §3.6.4, without comments and blanks."""
    return _in_brackets(value)


def urls_form(value: str) -> list[str] | None:
    return _in_brackets(value)


def _in_brackets(value: str) -> list[str] | None:
    found = ["".join(one.split()) for one in _BRACKETED.findall(_without_comments(unfold(value)))]
    return [_SURROGATES.sub("\ufffd", one) for one in found if one] or None


def _without_comments(text: str) -> str:
    if "(" not in text:
        return text
    cursor, kept = Cursor(text), []
    while cursor.pos < cursor.end:
        at = text.find("(", cursor.pos)
        opening = text.find("<", cursor.pos)
        if at < 0:
            kept.append(text[cursor.pos :])
            break
        if 0 <= opening < at:
            end = text.find(">", opening)
            end = cursor.end if end < 0 else end + 1
            kept.append(text[cursor.pos : end])
            cursor.pos = end
            continue
        kept.append(text[cursor.pos : at])
        cursor.pos = at
        cursor.skip_space()
    return "".join(kept)


def date_form(value: str) -> str | None:
    found = read_moment(unfold(value))
    if found is None:
        return None
    return same_zone(*found)


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "Raw": raw_form,
    "Text": _unstructured,
    "Addresses": addresses_form,
    "GroupedAddresses": grouped_form,
    "MessageIds": ids_form,
    "Date": date_form,
    "URLs": urls_form,
}


def read_property(one: HeaderProperty, values: Sequence[str]) -> Any:
    """From the raw values of all fields of that name, in order; the last one counts (RFC 8621 §4.1.3)."""
    read = _READERS[one.form]
    if one.every:
        return [read(value) for value in values]
    return read(values[-1]) if values else None


def read_form(form: str, value: str) -> Any:
    return _READERS[form](value)
