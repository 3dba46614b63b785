"""How well messages match what FUZZY keys seek.  RFC 6203 §3, §4; `mime.fuzzy` says what is alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from posthouse.mime.fuzzy import Looked, Needle
from posthouse.mime.header import Fields
from posthouse.mime.search_text import folded_fields
from posthouse.wire.imap import search_key as k

from .searched_text import SearchedText

Scores = dict[int, dict[int, float]]
"""UID -> by FUZZY key how well it matches, 0 to 1."""
Row = tuple[Any, ...]

_IN_HEADER: Final = 0.85
_IN_BODY: Final = 0.7
_VALUE: Final = 0.8
"""What a field is worth that is much longer than what is sought; the rest is for the share that was meant."""


def likeness_test(
    key: k.Like,
    scores: Scores,
    fields_of: Callable[[Row, str], Fields | None],
    message_of: Callable[[Row], SearchedText | None],
) -> Callable[[Row], bool | None]:
    """A test of rows that leaves what it found in `scores`; None where the row lacks the text.

    `fields_of`: fields of a name, with folded values.
    """
    needle, number = Needle(key.value), id(key)
    name = key.name.lower()

    def test(row: Row) -> bool | None:
        if key.where == "HEADER":
            fields = fields_of(row, name)
            if fields is None:
                return None
            found = _in_fields(needle, fields)
        else:
            message = message_of(row)
            if message is None:
                return None
            found = (
                needle.likeness(message.looked("BODY")) if key.where == "BODY" else _anywhere(needle, message)
            )
        if found:
            scores.setdefault(row[0], {})[number] = found
        return found > 0

    return test


def _in_fields(needle: Needle, fields: Fields) -> float:
    best = 0.0
    for _, value in fields:
        if likeness := needle.likeness(Looked((value,))):
            share = min(1.0, len(needle.text) / max(len(value), 1))
            best = max(best, likeness * (_VALUE + (1 - _VALUE) * share))
    return best


def _anywhere(needle: Needle, message: SearchedText) -> float:
    """The subject tells most of what a message is about, then the rest of the header, then the body."""
    subject = [field for field in message.fields if field[0].lower() == "subject"]
    best = _in_fields(needle, folded_fields(subject))
    if best < _IN_HEADER:
        best = max(best, _IN_HEADER * needle.likeness(message.looked("HEADER")))
    if best < _IN_BODY:
        best = max(best, _IN_BODY * needle.likeness(message.looked("TEXT")))
    return best


def relevancy(scores: Mapping[int, Mapping[int, float]], uid: int) -> int:
    """1 to 100; a message that matches without the help of a FUZZY key is just what was sought."""
    found = scores.get(uid)
    return max(1, round(100 * sum(found.values()) / len(found))) if found else 100
