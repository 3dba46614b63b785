"""SASLprep: equal names and passwords become equal strings.  RFC 4013, a profile of stringprep (RFC 3454)."""

from __future__ import annotations

import stringprep
import unicodedata
from typing import Final

from posthouse.core.errors import Invalid
from posthouse.core.sentence import Sentence

# RFC 4013 §2.3: what may not be in a prepared string.
_PROHIBITED: Final = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def prepare(text: str, *, stored: bool = False) -> str:
    """The prepared form; raises Invalid.  `stored` strings may not hold code points unknown to Unicode 3.2."""
    if text.isascii() and text.isprintable():
        return text
    # RFC 4013 §2.1: spaces of all kinds become a space, some characters vanish.
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char for char in text if not stringprep.in_table_b1(char)
    )
    # RFC 4013 §2.2: normalization form KC, of Unicode 3.2.
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if any(prohibited(char) for char in prepared for prohibited in _PROHIBITED):
        raise Invalid(Sentence("prep.control"))
    _check_direction(prepared)
    # RFC 4013 §2.5, RFC 3454 §7: what is asked for may be newer than the tables, what is kept may not.
    if stored and any(stringprep.in_table_a1(char) for char in prepared):
        raise Invalid(Sentence("prep.new"))
    return prepared


def _check_direction(text: str) -> None:
    # RFC 3454 §6: right-to-left text begins and ends as such and holds nothing else with a direction.
    if any(stringprep.in_table_d1(char) for char in text) and (
        any(stringprep.in_table_d2(char) for char in text)
        or not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1]))
    ):
        raise Invalid(Sentence("prep.direction"))


def try_prepare(text: str) -> str | None:
    """None when it cannot be prepared or nothing is left of it."""
    try:
        return prepare(text) or None
    except Invalid:
        return None
