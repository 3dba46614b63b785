"""Text as people mean it rather than as they typed it: what FUZZY searches match, and how well.  RFC 6203.  Pure.

Beyond `search_text.fold` (case, width, compatibility forms) accents are dropped and traditional Chinese characters
count as their simplified forms.  The words of the needle may stand anywhere, in any order, as parts of words, and
longer ones with a typing error; a run of Chinese may lack a part of its pairs of characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, final

from posthouse.mime.han_table import SIMPLIFIED, TRADITIONAL
from posthouse.mime.search_text import fold

WORDS_MAX: Final = 16
"""Words of a needle that are looked for; more tell nothing new."""
WORD_MAX: Final = 32
"""Characters of a word that are compared with errors; longer ones are no words."""
ONE_ERROR_FROM: Final = 4
TWO_ERRORS_FROM: Final = 8
KNOWN_MAX: Final = 200_000
"""Words of texts whose likeness to those of one needle is remembered."""
COMPARED_MAX: Final = 20_000
"""Words that are compared letter by letter with those of one needle; that many are made up to take time."""

_HAN: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD: Final = re.compile(rf"[{_HAN}]+|[^\W{_HAN}]+")
_RUN_OF_HAN: Final = re.compile(rf"[{_HAN}]+")
_WHOLE: Final = 1.0
_PART: Final = 0.8
_IN_HEADER: Final = 0.85
_IN_BODY: Final = 0.7
_VALUE: Final = 0.8
"""What a field is worth that is much longer than what is sought; the rest is for the share that was meant."""
_ERRORS: Final = (1.0, 0.6, 0.4)
PAIRS_MIN: Final = 0.6
_LETTERS: Final = {
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ı": "i",
}
_LOOSE: Final = (
    dict.fromkeys(range(0x300, 0x370)) | str.maketrans(TRADITIONAL, SIMPLIFIED) | str.maketrans(_LETTERS)
)


def loosen(folded: str) -> str:
    """Folded text without accents and with simplified characters."""
    return folded if folded.isascii() else folded.translate(_LOOSE)


def words_in(loose: str) -> list[str]:
    return _WORD.findall(loose)


def is_by_pairs(word: str) -> bool:
    """Whether a word of a needle that is not there as a whole is looked for by pairs of characters."""
    return "\u3040" <= word[0] <= "\ufaff"


def is_han(word: str) -> bool:
    return _RUN_OF_HAN.fullmatch(word) is not None


def errors_between(one: str, other: str, most: int) -> int:
    """Letters to insert, drop, change or swap with their neighbour; `most` + 1 when more are needed."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, their in enumerate(other, 1):
            cost = min(last[column] + 1, line[-1] + 1, last[column - 1] + (letter != their))
            if row > 1 and column > 1 and letter == other[column - 2] and their == one[row - 2]:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        if min(line) > most:
            return most + 1
        before, last = last, line
    return min(last[-1], most + 1)


@final
class Looked:
    """A text in the form in which needles are looked for."""

    __slots__ = ("_words", "text")

    def __init__(self, pieces: Iterable[str]) -> None:
        """Of folded pieces."""
        self.text = loosen("\n".join(pieces))
        self._words: frozenset[str] | None = None

    @property
    def words(self) -> frozenset[str]:
        if self._words is None:
            self._words = frozenset(_WORD.findall(self.text))
        return self._words


@final
class Needle:
    """What is sought; remembers which words are like its own, so it belongs to one search."""

    __slots__ = ("_known", "compared", "text", "words")

    def __init__(self, value: str) -> None:
        self.text = " ".join(loosen(fold(value)).split())
        self.words = list(dict.fromkeys(_WORD.findall(self.text)))[:WORDS_MAX]
        self._known: dict[tuple[str, str], float] = {}
        self.compared = 0

    def likeness(self, looked: Looked) -> float:
        """0: it is not there; 1: it is, word by word."""
        if self.text in looked.text:
            return 1.0 if _stands_alone(self.text, looked.text) else 0.95
        if not self.words:
            return 0.0
        found = [likeness for word in self.words if (likeness := self._word(word, looked))]
        # Of four words or more one in four may be missing.
        if len(self.words) - len(found) > len(self.words) // 4:
            return 0.0
        return 0.9 * sum(found) / len(self.words)

    def _word(self, word: str, looked: Looked) -> float:
        if word in looked.text:
            return _WHOLE if _stands_alone(word, looked.text) else _PART
        if is_by_pairs(word):
            return _pairs(word, looked.text)
        if not ONE_ERROR_FROM <= len(word) <= WORD_MAX:
            return 0.0
        return max((self.mistyped(word, other) for other in looked.words), default=0.0)

    def mistyped(self, word: str, other: str) -> float:
        """How much a word of a text is one of the needle's with typing errors."""
        most = 2 if len(word) >= TWO_ERRORS_FROM else 1
        if abs(len(word) - len(other)) > most:
            return 0.0
        if (known := self._known.get((word, other))) is None:
            known = 0.0
            # perf: an error adds at most two letters to those that only one of them has
            if len(frozenset(word).symmetric_difference(other)) <= 2 * most and self.compared < COMPARED_MAX:
                self.compared += 1
                errors = errors_between(word, other, most)
                known = _ERRORS[errors] if errors <= most else 0.0
            if len(self._known) < KNOWN_MAX:
                self._known[word, other] = known
        return known


def _stands_alone(needle: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(needle)}(?!\w)", text) is not None or not needle.isascii()


def _pairs(run: str, text: str) -> float:
    """The share of neighbouring characters that stand together in the text too."""
    if len(run) < 3:
        return 0.0
    pairs = [run[at : at + 2] for at in range(len(run) - 1)]
    share = sum(pair in text for pair in pairs) / len(pairs)
    return 0.8 * share if share >= PAIRS_MIN else 0.0


def value_likeness(needle: Needle, values: Iterable[str]) -> float:
    """Of a field with these folded values."""
    best = 0.0
    for value in values:
        if likeness := needle.likeness(Looked((value,))):
            share = min(1.0, len(needle.text) / max(len(value), 1))
            best = max(best, likeness * (_VALUE + (1 - _VALUE) * share))
    return best


def text_likeness(
    needle: Needle, subjects: Iterable[str], header: Callable[[], Looked], text: Callable[[], Looked]
) -> float:
    """Of a message.  The subject tells most of what it is about, then the rest of the header, then the body.

    `subjects`: values of Subject; `header`, `text`: the pieces of the header, of header and body.
    """
    best = value_likeness(needle, subjects)
    if best < _IN_HEADER:
        best = max(best, _IN_HEADER * needle.likeness(header()))
    if best < _IN_BODY:
        best = max(best, _IN_BODY * needle.likeness(text()))
    return best
