"""Header fields out of properties: every form of RFC 8621 §4.1.2 that a client may set.  Raises SetError."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from posthouse.mime.address import format_mailbox
from posthouse.mime.dates import format_date
from posthouse.mime.header import fold
from posthouse.mime.words import encode_words
from posthouse.wire.jmap.error import SetError, invalid
from posthouse.wire.jmap.header_form import HeaderProperty, try_property
from posthouse.wire.jmap.value import try_date

RAW_MAX_BYTES: Final = 64 * 1024
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]+")
_LINE_END: Final = re.compile(r"\r?\n")
_NOT_FOLDED: Final = re.compile(r"\n(?![ \t])|\r(?!\n)")
_BAD_ID: Final = re.compile(r"[<>\s\x00-\x1f\x7f]")


def written(one: HeaderProperty, property_name: str, value: Any) -> list[str]:
    """Whole fields, with line ends."""
    values = value if one.every else [value]
    if not isinstance(values, list):
        raise invalid(property_name, "an array is wanted")
    return [_WRITERS[one.form](one.written, property_name, each) for each in values if each is not None]


def _raw(name: str, prop: str, value: Any) -> str:
    if not isinstance(value, str):
        raise invalid(prop, "a string is wanted")
    if _NOT_FOLDED.search(value.replace("\r\n", "\n")) or "\0" in value:
        raise invalid(prop, "a line end must be followed by a blank")
    text = _LINE_END.sub("\r\n", value)
    if len(text) > RAW_MAX_BYTES:
        raise invalid(prop, f"longer than {RAW_MAX_BYTES} characters")
    return f"{name}:{text if text[:1] in (' ', chr(9)) else ' ' + text}\r\n"


def _text(name: str, prop: str, value: Any) -> str:
    if not isinstance(value, str):
        raise invalid(prop, "a string is wanted")
    return fold(name, encode_words(_clean(value)))


def _clean(text: str) -> str:
    return _CONTROLS.sub(" ", text.encode("utf-8", "replace").decode())


def _person(prop: str, one: Any) -> str:
    if (
        not isinstance(one, dict)
        or not one.keys() <= {"name", "email"}
        or not isinstance(one.get("email"), str)
    ):
        raise invalid(prop, "addresses are objects with name and email")
    name = one.get("name")
    if name is not None and not isinstance(name, str):
        raise invalid(prop, "the name of an address is a string or null")
    email = _clean(one["email"]).strip()
    if any(c in email for c in "<>,;"):
        raise invalid(prop, "an email holds one of < > , ;")
    return format_mailbox(_clean(name or ""), email)


def _people(prop: str, value: Any) -> str:
    if not isinstance(value, list):
        raise invalid(prop, "an array of addresses is wanted")
    return ", ".join(_person(prop, one) for one in value)


def _addresses(name: str, prop: str, value: Any) -> str:
    return fold(name, _people(prop, value))


def _grouped(name: str, prop: str, value: Any) -> str:
    if not isinstance(value, list):
        raise invalid(prop, "an array of groups is wanted")
    shown = []
    for group in value:
        if not isinstance(group, dict) or not group.keys() <= {"name", "addresses"}:
            raise invalid(prop, "groups are objects with name and addresses")
        people = _people(prop, group.get("addresses"))
        label = group.get("name")
        if label is None:
            shown.append(people)
        elif isinstance(label, str):
            head = format_mailbox(_clean(label), "").removesuffix(" <>")
            shown.append(f"{head}: {people};")
        else:
            raise invalid(prop, "the name of a group is a string or null")
    return fold(name, ", ".join(shown))


def _ids(name: str, prop: str, value: Any) -> str:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise invalid(prop, "an array of message ids is wanted")
    if any(not one or _BAD_ID.search(one) for one in value):
        raise invalid(prop, "a message id holds a blank or a bracket")
    return fold(name, " ".join(f"<{one}>" for one in value))


def _date(name: str, prop: str, value: Any) -> str:
    found = try_date(value)
    if found is None:
        raise invalid(prop, "a Date is wanted")
    return fold(name, format_date(found[0], offset_minutes=found[1]))


def _urls(name: str, prop: str, value: Any) -> str:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise invalid(prop, "an array of URLs is wanted")
    if any(_BAD_ID.search(one) for one in value):
        raise invalid(prop, "a URL holds a blank or a bracket")
    return fold(name, ", ".join(f"<{one}>" for one in value))


_WRITERS: Final[dict[str, Callable[[str, str, Any], str]]] = {
    "Raw": _raw,
    "Text": _text,
    "Addresses": _addresses,
    "GroupedAddresses": _grouped,
    "MessageIds": _ids,
    "Date": _date,
    "URLs": _urls,
}


def header_properties(record: dict[str, Any], known: dict[str, HeaderProperty]) -> dict[str, HeaderProperty]:
    """Those of a record that stand for header fields; raises SetError for a field that is given twice."""
    found: dict[str, HeaderProperty] = {}
    by_field: dict[str, str] = {}
    for name in record:
        one = known.get(name)
        if one is None and name.startswith("header:"):
            one = try_property(name)
            if one is None:
                raise invalid(name, "no such form of this field")
        if one is None:
            continue
        if one.name in by_field:
            raise SetError(
                "invalidProperties",
                f"{by_field[one.name]} and {name} are the same field",
                [by_field[one.name], name],
            )
        by_field[one.name] = name
        found[name] = one
    return found
