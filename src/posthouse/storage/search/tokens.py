"""Words of folded text, and what the words of a message must be for it to hold a text.

A run of letters, digits and marks is a word.  Scripts that put no blanks between words (Chinese, Japanese, Thai ...)
are cut into overlapping pairs of characters, a lone character stays alone.  Everything else separates.  Overlong words
(unbroken hexadecimal, base64) become overlapping windows, so that the vocabulary stays small in the number of forms.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_MARKS: Final = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u0900-\u0dff"
)
_PAIRED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_ASCII_WORD: Final = re.compile(r"[0-9a-z_]+")
_RUN: Final = re.compile(rf"[\w{_MARKS}{_PAIRED}]+")
_PIECE: Final = re.compile(rf"(?P<paired>[{_PAIRED}]+)|[^{_PAIRED}]+")

WINDOW: Final = 64
"""Characters of the longest word."""
STRIDE: Final = 32
LISTED_MAX: Final = 1 << 20
"""Characters of a text whose words may be listed before they are compared."""
SURE_LENGTH: Final = WINDOW - STRIDE + 1
"""Any stretch so long of an overlong word lies within one of its windows."""


def words_of(text: str) -> set[str]:
    """The words of folded text."""
    if text.isascii():
        words = _forms(_ASCII_WORD, text)
    else:
        words = set()
        for run in _forms(_RUN, text):
            if run.isascii():
                words.add(run)
            else:
                _split(run, words)
    if max(map(len, words), default=0) > WINDOW:
        _cut(words)
    return words


def _forms(what: re.Pattern[str], text: str) -> set[str]:
    if len(text) <= LISTED_MAX:
        return set(
            what.findall(text)
        )  # perf: in half the time, but a list of all words is eight times the text
    return {match[0] for match in what.finditer(text)}


def _cut(words: set[str]) -> None:
    for word in [word for word in words if len(word) > WINDOW]:
        words.discard(word)
        words.update(word[at : at + WINDOW] for at in range(0, len(word) - WINDOW, STRIDE))
        words.add(word[-WINDOW:])


def _split(run: str, words: set[str]) -> None:
    for match in _PIECE.finditer(run):
        piece = match[0]
        if match["paired"] is None or len(piece) == 1:
            words.add(piece)
        else:
            words.update([piece[at : at + 2] for at in range(len(piece) - 1)])


class Demand(NamedTuple):
    """A text that holds the needle has, for each pattern, a word in which it occurs.

    Patterns are looked for in a list of words with line ends around each.  `enough`: the reverse is true as well.
    """

    patterns: list[bytes]
    enough: bool


def demand_of(needle: str) -> Demand:
    """What a folded needle demands; the words at its edges may go on beyond it."""
    patterns: list[str] = []
    enough = False
    for run in _RUN.finditer(needle):
        for match in _PIECE.finditer(run[0]):
            piece = match[0]
            at = run.start() + match.start()
            whole = len(piece) == len(needle)
            if match["paired"] is not None:
                patterns += _pairs(piece)
                enough = whole and len(piece) <= 2
            else:
                opened, ended = at == 0, at + len(piece) == len(needle)
                patterns.append(_word(piece, opened=opened, ended=ended))
                enough = whole and len(piece) <= SURE_LENGTH
    # The rarest words tend to be the longest: they leave the least to do for the others.
    unique = sorted(set(patterns), key=len, reverse=True)
    return Demand([pattern.encode("utf-8", "replace") for pattern in unique], enough)


def _pairs(piece: str) -> list[str]:
    if len(piece) == 1:
        return [piece]
    return [f"\n{piece[at : at + 2]}\n" for at in range(len(piece) - 1)]


def _word(piece: str, *, opened: bool, ended: bool) -> str:
    """`opened`: the word may begin before the piece, `ended`: may end after it."""
    if len(piece) > SURE_LENGTH:
        return piece[:SURE_LENGTH]
    before, after = "" if opened else "\n", "" if ended else "\n"
    return before + piece + after
