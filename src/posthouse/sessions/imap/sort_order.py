"""The order of SORT.  RFC 5256 §2.2, §3; RFC 5957 §3.  Pure; sorting many messages belongs in a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import total_ordering
from typing import Any, Final

from posthouse.core.casemap import collation_key
from posthouse.mime.address import parse_addresses
from posthouse.mime.header import find_all, header_text, parse_fields
from posthouse.mime.words import decode_words

Row = tuple[Any, ...]
Criteria = Sequence[tuple[str, bool]]


@dataclass(slots=True, frozen=True)
class SortKey:
    """How a key comes out of columns; `make` is None where the column is the key."""

    columns: tuple[str, ...]
    make: Callable[..., Any] | None = None


def _display(field: str) -> Callable[[bytes, str], str]:
    def display(fields: bytes, mailbox: str) -> str:
        for value in find_all(parse_fields(header_text(fields)), field):
            for name, _, local, host in parse_addresses(value):
                # RFC 5957 §3: the name, else the address, else its mailbox.
                if name and (text := decode_words(name).strip()):
                    return collation_key(text.upper())
                return collation_key((f"{local}@{host}" if local and host else local or "").upper())
        return mailbox  # the fields are too long to be kept

    return display


RELEVANCY: Final = "RELEVANCY"
SORT_KEYS: Final = {
    RELEVANCY: SortKey(()),
    "ARRIVAL": SortKey(("date",)),
    "SIZE": SortKey(("size",)),
    "DATE": SortKey(("sent_at", "date")),
    "SUBJECT": SortKey(("base_subject",), collation_key),
    "FROM": SortKey(("sort_from",), collation_key),
    "TO": SortKey(("sort_to",), collation_key),
    "CC": SortKey(("sort_cc",), collation_key),
    "DISPLAYFROM": SortKey(("header_fields", "sort_from"), _display("from")),
    "DISPLAYTO": SortKey(("header_fields", "sort_to"), _display("to")),
}


def columns_for(criteria: Criteria) -> tuple[str, ...]:
    """What `sort_rows` needs, UID first."""
    names = [column for name, _ in criteria for column in SORT_KEYS[name].columns]
    return ("uid", *dict.fromkeys(names))


@total_ordering
class _Descending:
    """Sorts the other way round."""

    __slots__ = ("key",)

    def __init__(self, key: Any) -> None:
        self.key = key

    def __lt__(self, other: _Descending) -> bool:
        return bool(other.key < self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and bool(other.key == self.key)

    def __hash__(self) -> int:
        return hash(self.key)


def row_key(criteria: Criteria) -> Callable[[Row], tuple[Any, ...]]:
    """What single rows can be compared by; the order is that of `sort_rows`."""
    at = {column: i for i, column in enumerate(columns_for(criteria))}

    def key(row: Row) -> tuple[Any, ...]:
        out: list[Any] = []
        for name, reverse in criteria:
            inputs = [row[at[column]] for column in SORT_KEYS[name].columns]
            value = _sent(*inputs) if name == "DATE" else (SORT_KEYS[name].make or _same)(*inputs)
            out.append(_Descending(value) if reverse else value)
        return (*out, row[0])

    return key


def _same(value: Any) -> Any:
    return value


def _sent(sent: int | None, date: int) -> int:
    """RFC 5256 §2.2: the internal date stands for a Date field that is missing or cannot be read."""
    return date if sent is None else sent


def sort_rows(rows: Sequence[Row], criteria: Criteria, scores: Sequence[int] | None = None) -> list[int]:
    """Positions of the rows, which are in the order of the mailbox, in the order asked for.

    `scores`: how well each row matches, for RELEVANCY.
    """
    at = {column: i for i, column in enumerate(columns_for(criteria))}
    order = list(range(len(rows)))
    if not rows:
        return order
    columns = list(zip(*rows, strict=True))
    # RFC 5256 §3: equal keys leave the order to the next key, and at last to the sequence number; sorts are stable,
    # so the least important key comes first.
    for name, reverse in reversed(criteria):
        key = SORT_KEYS[name]
        inputs = [columns[at[column]] for column in key.columns]
        values: Sequence[Any]
        if name == RELEVANCY:
            # RFC 6203 §6: what matches best comes first.
            values = [-score for score in scores or ()]
        elif name == "DATE":
            values = list(map(_sent, *inputs))
        else:
            values = inputs[0] if key.make is None else list(map(key.make, *inputs))
        order.sort(key=values.__getitem__, reverse=reverse)
    return order
