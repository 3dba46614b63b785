"""FUZZY texts asked of a segment: its words say which messages may be alike, their folded texts how much they are.

The words are those of folded text, where `mime.fuzzy` looks at text that is loosened as well; what a loosened word
would be made of is found in the loosened list of words.  The few messages whose words say too little (scripts that the
index cuts into pairs and `mime.fuzzy` does not, accents apart from their letter) are always looked at.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final, final

from posthouse.mime.fuzzy import (
    ONE_ERROR_FROM,
    PAIRS_MIN,
    TWO_ERRORS_FROM,
    WORD_MAX,
    Looked,
    Needle,
    is_by_pairs,
    is_han,
    loosen,
    text_likeness,
    value_likeness,
    words_in,
)
from posthouse.storage.rows import AlikeSought
from posthouse.storage.search.segment import BODY, HEADER, Segment, WordList
from posthouse.storage.search.texts import PIECE_END
from posthouse.storage.search.tokens import WINDOW

_KINDS: Final = {"HEADER": (HEADER,), "BODY": (BODY,), "TEXT": (HEADER, BODY)}
# Scripts that an index cuts into pairs (`tokens`), without those that `mime.fuzzy` looks at by pairs.
_CUT_APART: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3100-\u312f"
    "\u31a0-\u31bf\u31f0-\u31ff\U00020000-\U0003ffff]"
)
_LOOSE_MARK: Final = re.compile("[\u0300-\u036f]")
LOOKED_AT_ONCE: Final = 2048
"""Messages whose headers are in memory at a time."""
SURE: Final = 1.0
"""What a message counts that is alike, where nobody asks how much."""


def alike(segment: Segment, sought: AlikeSought, needle: Needle) -> dict[int, float]:
    """The messages that are alike, by their numbers in the segment, each with its likeness (0 to 1]."""
    candidates, sure = _candidates(segment, sought, needle)
    found = dict.fromkeys(sure, SURE)
    unsure = sorted(candidates - sure)
    for start in range(0, len(unsure), LOOKED_AT_ONCE):
        found.update(_looked_at(segment, sought, needle, unsure[start : start + LOOKED_AT_ONCE]))
    return found


def _candidates(segment: Segment, sought: AlikeSought, needle: Needle) -> tuple[set[int], set[int]]:
    """All messages that may be alike, and those that are and need not be looked at."""
    everything = set(range(len(segment.messages)))
    if not needle.words or any(
        _CUT_APART.search(word) or is_by_pairs(word) != is_han(word) for word in needle.words
    ):
        return everything, set()
    by_kind = [_LooseWords(segment.words(kind)) for kind in _KINDS[sought.where]]
    least = len(needle.words) - len(needle.words) // 4
    counts: Counter[int] = Counter()
    for word in needle.words:
        docs: set[int] = set()
        for words in by_kind:
            docs |= words.having(word, needle)
        counts.update(docs)
    odd = set().union(*[words.odd for words in by_kind])
    candidates = {doc for doc, count in counts.items() if count >= least}
    exact = not sought.scored and sought.where != "HEADER" and max(map(len, needle.words)) <= WORD_MAX
    return candidates | odd, candidates - odd if exact else set()


def _looked_at(
    segment: Segment, sought: AlikeSought, needle: Needle, docs: list[int]
) -> Iterator[tuple[int, float]]:
    headers = dict(segment.texts(HEADER).of(docs)) if sought.where != "BODY" else {}
    if sought.where == "HEADER":
        label = sought.field + ": "
        for doc, text in headers.items():
            if likeness := value_likeness(needle, _values(_pieces(text), label)):
                yield doc, likeness
        return
    for doc, body in segment.texts(BODY).of(docs):
        if sought.where == "BODY":
            likeness = needle.likeness(Looked(_pieces(body)))
        else:
            header = _pieces(headers[doc])
            likeness = text_likeness(
                needle,
                _values(header, "subject: "),
                partial(Looked, header),
                partial(_both, header, body),
            )
        if likeness:
            yield doc, likeness


def _pieces(text: bytes) -> list[str]:
    return [piece.decode("utf-8") for piece in text.split(PIECE_END)]


def _both(header: list[str], body: bytes) -> Looked:
    return Looked([*header, *_pieces(body)])


def _values(pieces: Iterable[str], label: str) -> list[str]:
    return [piece[len(label) :] for piece in pieces if piece.startswith(label)]


def _says_little(word: str, folded: str) -> bool:
    cut_short = len(folded) >= WINDOW and len(word) < len(folded)
    return cut_short or _LOOSE_MARK.match(folded) is not None or _CUT_APART.search(word) is not None


@final
class _LooseWords:
    """The words of a segment as `mime.fuzzy` sees them."""

    def __init__(self, words: WordList) -> None:
        self._words = words
        text = words.words.decode("utf-8")
        loose = loosen(text)
        self._all = loose.split("\n")[1:-1]
        self._lines: defaultdict[str, list[int]] | None = None
        self.odd: set[int] = set()
        """Messages that have words which say too little."""
        # perf: in most mail no word does
        if _LOOSE_MARK.search(text) or _CUT_APART.search(loose):
            for number, (word, folded) in enumerate(zip(self._all, text.split("\n")[1:-1], strict=True)):
                if not folded.isascii() and _says_little(word, folded):
                    self.odd.update(words.numbers(number))

    def having(self, word: str, needle: Needle) -> set[int]:
        """Messages for which `Needle` finds the word."""
        if is_han(word) and len(word) > 1:
            return self._paired(word)
        part = word[:WORD_MAX]
        found = {number for number, other in enumerate(self._all) if part in other}
        if not is_han(word) and ONE_ERROR_FROM <= len(word) <= WORD_MAX:
            found |= self._mistyped(word, needle)
        return self._docs(found)

    def _docs(self, numbers: Iterable[int]) -> set[int]:
        docs: set[int] = set()
        for number in numbers:
            docs.update(self._words.numbers(number))
        return docs

    def _mistyped(self, word: str, needle: Needle) -> set[int]:
        most = 2 if len(word) >= TWO_ERRORS_FROM else 1
        low, high = len(word) - most, len(word) + most
        letters = frozenset(word)
        found = set()
        for number, other in enumerate(self._all):
            # perf: what `Needle` would find out of nearly every word
            if len(other) < low:
                continue
            if not other.isascii():
                if any(needle.mistyped(word, token) for token in words_in(other)):
                    found.add(number)
            elif (
                low <= len(other) <= high
                and len(letters.symmetric_difference(other)) <= 2 * most
                and needle.mistyped(word, other)
            ):
                found.add(number)
        return found

    def _paired(self, word: str) -> set[int]:
        if self._lines is None:
            self._lines = defaultdict(list)
            for number, line in enumerate(self._all):
                if len(line) == 2 and not line.isascii():
                    self._lines[line].append(number)
        pairs = [word[at : at + 2] for at in range(len(word) - 1)]
        counts: Counter[int] = Counter()
        for pair in pairs:
            counts.update(self._docs(self._lines.get(pair, ())))
        least = PAIRS_MIN if len(word) > 2 else 1.0
        return {doc for doc, count in counts.items() if count / len(pairs) >= least}
