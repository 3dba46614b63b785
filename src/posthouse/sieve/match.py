"""RFC 5228 §2.7: comparators and match types.  Every match is linear in the value, whatever the key.

`:matches` finds each stretch between two `*` at its first place, which is the shortest match of every wildcard from
the left (RFC 5229 §3.2) without ever going back; `:regex` is RE2's, which never goes back either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from posthouse.core.casemap import casemap
from posthouse.sieve.limits import REGEX_MEMORY, SINGLES_AT_ONCE, STATES_AT_ONCE

Captures = list[str]
Match = Callable[[str, str], Captures | None]
"""(value, key) -> what the wildcards matched, the whole value first; None: no match."""

_UPPER: Final = {upper: upper + 32 for upper in range(65, 91)}
_DIGITS: Final = re.compile(r"[0-9]+")
_WILD: Final = re.compile(r"\\(.)|([*?])|([^\\*?]+)|\\\Z", re.DOTALL)
_NOTHING: Final[Captures] = []


def ascii_fold(text: str) -> str:
    """i;ascii-casemap (RFC 4790 §9.2) folds A to Z and nothing else."""
    return text.lower() if text.isascii() else text.translate(_UPPER)


def number_of(text: str) -> float:
    """i;ascii-numeric (RFC 4790 §9.1): the digits at the start; without any, more than every number."""
    found = _DIGITS.match(text)
    return float("inf") if found is None else float(found[0][:300])


_FOLDS: Final[dict[str, Callable[[str], str]]] = {
    "i;octet": str,
    "i;ascii-casemap": ascii_fold,
    "i;unicode-casemap": casemap,
}


def order_of(comparator: str) -> Callable[[str], Any]:
    """What values of this comparator are ordered and equal by."""
    return number_of if comparator == "i;ascii-numeric" else _FOLDS[comparator]


def matcher(kind: str, comparator: str) -> Match:
    """`kind`: is, contains, matches, regex."""
    if kind == "regex":
        return lambda value, key: _regex(value, key, comparator)
    order = order_of(comparator)
    if kind == "is":
        return lambda value, key: _NOTHING if order(value) == order(key) else None
    if kind == "contains":
        return lambda value, key: _NOTHING if order(key) in order(value) else None
    return lambda value, key: _glob(value, key, order)


def cost(kind: str, key: str) -> int:
    """How often a comparison with this key may look at each character of a value, at worst."""
    if kind == "matches" and "?" in key:
        return max(1, sum(one.size for one in _stretches(key)[1:] if one.singles) // SINGLES_AT_ONCE)
    if kind == "regex" and not check_regex(key):
        states: int = _compiled(key, True).programsize  # noqa: FBT003
        return max(1, states // STATES_AT_ONCE)
    return 1


def relation(name: str) -> Callable[[Any, Any], bool]:
    """RFC 5231 §4.1."""
    return _RELATIONS[name.lower()]


_RELATIONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
    "eq": lambda one, other: one == other,
    "ne": lambda one, other: one != other,
}


# --- wildcards ---


class _Stretch:
    """What stands between two `*`: literal characters, and `?` for any one."""

    __slots__ = ("_pattern", "_text", "singles", "size")

    def __init__(self, characters: Sequence[str | None]) -> None:
        self.size = len(characters)
        self.singles = [at for at, one in enumerate(characters) if one is None]
        self._text = "".join(one or "" for one in characters)
        self._pattern = None
        if self.singles:
            source = "".join("." if one is None else re.escape(one) for one in characters)
            self._pattern = re.compile(source, re.DOTALL)

    def find(self, text: str, pos: int) -> int:
        if self._pattern is None:
            return text.find(self._text, pos)
        found = self._pattern.search(text, pos)
        return -1 if found is None else found.start()

    def at(self, text: str, pos: int) -> bool:
        if self._pattern is None:
            return text.startswith(self._text, pos)
        return self._pattern.match(text, pos) is not None


@lru_cache(512)
def _stretches(key: str) -> tuple[_Stretch, ...]:
    """RFC 5228 §2.7.1: `*`, `?`, and a backslash that takes their meaning away."""
    found: list[list[str | None]] = [[]]
    for escaped, wild, plain in _WILD.findall(key):
        if wild == "*":
            found.append([])
        elif wild:
            found[-1].append(None)
        else:
            found[-1].extend(escaped or plain or "\\")
    return tuple(map(_Stretch, found))


def _glob(value: str, key: str, fold: Callable[[str], str]) -> Captures | None:
    text = fold(value)
    first, *rest = _stretches(fold(key))
    spans = _spans(text, first, rest)
    if spans is None:
        return None
    shown = value if len(value) == len(text) else text  # folding may change the length
    return [shown, *(shown[start:end] for start, end in spans)]


def _spans(text: str, first: _Stretch, rest: Sequence[_Stretch]) -> list[tuple[int, int]] | None:
    if not first.at(text, 0) or (not rest and first.size != len(text)):
        return None
    spans = [(at, at + 1) for at in first.singles]
    pos = first.size
    for number, stretch in enumerate(rest, 1):
        if number == len(rest):
            start = len(text) - stretch.size
            if start < pos or not stretch.at(text, start):
                return None
        else:
            start = stretch.find(text, pos)
            if start < 0:
                return None
        spans.append((pos, start))
        spans += [(start + at, start + at + 1) for at in stretch.singles]
        pos = start + stretch.size
    return spans


# --- regular expressions ---


@lru_cache(256)
def _compiled(key: str, fold: bool) -> Any:  # noqa: FBT001 - a cache key
    import re2  # noqa: PLC0415 - most scripts need none

    options = re2.Options()
    options.max_mem = REGEX_MEMORY
    options.case_sensitive = not fold
    options.log_errors = False
    options.dot_nl = True
    return re2.compile(key, options)


def check_regex(key: str) -> str:
    """What is wrong with it, "" when nothing is."""
    import re2  # noqa: PLC0415

    try:
        _compiled(key, True)  # noqa: FBT003
    except re2.error as error:
        fault = error.args[0] if error.args else "?"
        return fault.decode("utf-8", "replace") if isinstance(fault, bytes) else str(fault)
    return ""


def _regex(value: str, key: str, comparator: str) -> Captures | None:
    """One that is no regular expression (it may come from a variable) matches nothing."""
    if check_regex(key):
        return None
    found = _compiled(key, comparator != "i;octet").search(value)
    return None if found is None else [found[0], *(one or "" for one in found.groups())]
