"""Filters of Email/query, by table (RFC 8621 §4.4.1): from JSON to conditions of the store and texts to search for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, final

from msgspec import Struct

from posthouse.mime.search_text import fold
from posthouse.services.email_search import FIELDS
from posthouse.storage import email_rows as e
from posthouse.storage.rows import TextSought
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError
from posthouse.wire.jmap.value import is_keyword, is_unsigned, try_utc

from .context import Context
from .email_properties import KeywordNames
from .query import operator_of

Record = dict[str, Any]
_JOINED: Final[dict[str, Any]] = {"AND": e.Every, "OR": e.Either, "NOT": e.Neither}


class Texts(Struct, frozen=True):
    """An email has at least one of these texts; becomes `OneOf` when they were looked for."""

    sought: tuple[TextSought, ...]


_TERM: Final = re.compile(r"\"([^\"]*)\"|'([^']*)'(?=\s|$)|(\S+)")
TERMS_MAX: Final = 16
"""Words of one text that are looked for; the rest is not."""


def terms_of(text: str) -> list[str]:
    """Folded words; what is quoted stays together."""
    found = [fold(" ".join((a or b or c).split())) for a, b, c in _TERM.findall(text)]
    return list(dict.fromkeys(one for one in found if one))[:TERMS_MAX]


@final
class FilterReader:
    """Reads one filter; raises MethodError for what it does not understand."""

    def __init__(self, context: Context, keywords: KeywordNames, visible: frozenset[int] | None) -> None:
        self.context = context
        self.keywords = keywords
        self.visible = visible  # None: every mailbox
        self.texts: list[Texts] = []
        self.of_threads = False
        self._left = context.services.limits.filter_max

    def read(self, filter_: Record | None) -> Any:
        """A condition in which `Texts` may stand for some that are not known yet."""
        if filter_ is None:
            return e.Every(())
        self._left -= 1
        if self._left < 0:
            limit = self.context.services.limits.filter_max
            raise MethodError("unsupportedFilter", f"the filter has more than {limit} conditions")
        if (operator := operator_of(filter_)) is not None:
            return _JOINED[operator[0]](tuple([self.read(one) for one in operator[1]]))
        conditions = []
        for name, value in filter_.items():
            reader = FILTERS.get(name)
            if reader is None:
                raise MethodError("unsupportedFilter", f"cannot filter emails by {name[:100]!r}")
            conditions.append(reader(self, name, value))
        return conditions[0] if len(conditions) == 1 else e.Every(tuple(conditions))

    def box(self, text: str) -> int:
        """The number of a mailbox; 0: there is none."""
        number = self.context.number(ids.MAILBOX, text) or 0
        return number if self.visible is None or number in self.visible else 0

    def search(self, *sought: TextSought) -> Texts:
        one = Texts(sought)
        self.texts.append(one)
        return one


def _bad(name: str, wanted: str) -> MethodError:
    return MethodError("invalidArguments", f"filter: {name} must be {wanted}")


def _every(reader: FilterReader, name: str, value: Any, *where: tuple[str, str]) -> Any:
    """All words of the text, each in one of these places."""
    if not isinstance(value, str):
        raise _bad(name, "a string")
    parts: list[Any] = [
        reader.search(*[TextSought(kind, term, field) for kind, field in where]) for term in terms_of(value)
    ]
    return parts[0] if len(parts) == 1 else e.Every(tuple(parts))


# --- one function for each kind of condition ---


def _mailbox(reader: FilterReader, name: str, value: Any) -> Any:
    if not isinstance(value, str):
        raise _bad(name, "an id")
    return e.InMailbox((reader.box(value),))


def _other_mailbox(reader: FilterReader, name: str, value: Any) -> Any:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _bad(name, "an array of ids")
    boxes = {reader.box(one) for one in value}
    if reader.visible is not None:  # "other" ones that are hidden are not there
        return e.InMailbox(tuple(sorted(reader.visible - boxes)))
    return e.NotOnlyIn(tuple(boxes))


def _moment(_: FilterReader, name: str, value: Any) -> Any:
    moment = try_utc(value)
    if moment is None:
        raise _bad(name, "a UTCDate")
    return e.Compare("date", "<" if name == "before" else ">=", moment)


def _size(_: FilterReader, name: str, value: Any) -> Any:
    if not is_unsigned(value):
        raise _bad(name, "a number")
    return e.Compare("size", ">=" if name == "minSize" else "<", value)


def _keyword(reader: FilterReader, name: str, value: Any) -> Any:
    if not is_keyword(value):
        raise _bad(name, "a keyword")
    bit = reader.keywords.bit(value)
    if name in _THREADS:
        reader.of_threads = True
        return e.ThreadKeyword(bit, _THREADS[name], reader.visible)
    return e.Keyword(bit, name == "hasKeyword")


def _attachment(_: FilterReader, name: str, value: Any) -> Any:
    if not isinstance(value, bool):
        raise _bad(name, "true or false")
    return e.Attachment(value)


def _anywhere(reader: FilterReader, name: str, value: Any) -> Any:
    return _every(reader, name, value, ("BODY", ""), *[("HEADER", field) for field in FIELDS])


def _field(reader: FilterReader, name: str, value: Any) -> Any:
    return _every(reader, name, value, ("HEADER", name))


def _body(reader: FilterReader, name: str, value: Any) -> Any:
    return _every(reader, name, value, ("BODY", ""))


def _header(reader: FilterReader, name: str, value: Any) -> Any:
    if not isinstance(value, list) or len(value) not in (1, 2) or not all(isinstance(v, str) for v in value):
        raise _bad(name, "an array of a field name and, if wanted, a text")
    needle = fold(value[1]) if len(value) == 2 else ""
    return reader.search(TextSought("HEADER", needle, value[0].lower()))


_THREADS: Final = {
    "allInThreadHaveKeyword": "all",
    "someInThreadHaveKeyword": "some",
    "noneInThreadHaveKeyword": "none",
}
FILTERS: Final[dict[str, Callable[[FilterReader, str, Any], Any]]] = {
    "inMailbox": _mailbox,
    "inMailboxOtherThan": _other_mailbox,
    "before": _moment,
    "after": _moment,
    "minSize": _size,
    "maxSize": _size,
    **dict.fromkeys(_THREADS, _keyword),
    "hasKeyword": _keyword,
    "notKeyword": _keyword,
    "hasAttachment": _attachment,
    "text": _anywhere,
    **dict.fromkeys(FIELDS, _field),
    "body": _body,
    "header": _header,
}


def put_found(condition: Any, found: dict[Texts, e.Condition]) -> e.Condition:
    """The condition with every `Texts` replaced by what was found."""
    if isinstance(condition, Texts):
        return found[condition]
    if isinstance(condition, e.Every | e.Either | e.Neither):
        return type(condition)(tuple(put_found(part, found) for part in condition.of))
    known: e.Condition = condition
    return known
