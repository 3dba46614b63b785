"""How well messages match what FUZZY keys seek.  RFC 6203 §3, §4; `mime.fuzzy` says what is alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from posthouse.mime.fuzzy import Needle, text_likeness, value_likeness
from posthouse.mime.header import Fields
from posthouse.mime.search_text import folded_fields
from posthouse.wire.imap import search_key as k

from .searched_text import SearchedText

Scores = dict[int, dict[int, float]]
"""UID -> by FUZZY key how well it matches, 0 to 1."""
Row = tuple[Any, ...]


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
            found = value_likeness(needle, [value for _, value in fields])
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


def _anywhere(needle: Needle, message: SearchedText) -> float:
    subject = [field for field in message.fields if field[0].lower() == "subject"]
    return text_likeness(
        needle,
        [value for _, value in folded_fields(subject)],
        lambda: message.looked("HEADER"),
        lambda: message.looked("TEXT"),
    )


def relevancy(scores: Mapping[int, Mapping[int, float]], uid: int) -> int:
    """1 to 100; a message that matches without the help of a FUZZY key is just what was sought."""
    found = scores.get(uid)
    return max(1, round(100 * sum(found.values()) / len(found))) if found else 100
