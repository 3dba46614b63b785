"""LIST patterns: `*` matches anything, `%` anything but the hierarchy delimiter.  RFC 9051 §6.3.9."""

from __future__ import annotations

import re
from typing import Final, final

_STARS: Final = re.compile(r"[*%]*\*[*%]*")
_PERCENTS: Final = re.compile(r"%+")


@final
class ListPattern:
    """`matches(name)`, for names with `INBOX` in capitals; compile once per command.

    Linear in the name for each literal piece of the pattern: every wildcard is an atomic group that takes
    the earliest place of the literal after it, which loses no match because what follows starts with a
    wildcard again.
    """

    __slots__ = ("_any_case", "_exact")

    def __init__(self, reference: str, pattern: str, delimiter: str = "/") -> None:
        source = _regex(reference + pattern, delimiter)
        self._exact = re.compile(source, re.DOTALL).match
        self._any_case = re.compile(source, re.DOTALL | re.IGNORECASE | re.ASCII).match

    def matches(self, name: str) -> bool:
        # RFC 9051 §5.1: INBOX matches without case.
        return (self._any_case if name == "INBOX" else self._exact)(name) is not None


def _regex(pattern: str, delimiter: str) -> str:
    pattern = _PERCENTS.sub("%", _STARS.sub("*", pattern))
    not_delimiter = f"[^{re.escape(delimiter)}]*?"
    first, *rest = pattern.split("*")
    out = [_segment(first, not_delimiter, at_end=not rest)]
    for at, segment in enumerate(rest, 1):
        last = at == len(rest)
        out.append("(?>.*?" + _segment(segment, not_delimiter, at_end=last) + ")")
    return "".join(out)


def _segment(segment: str, not_delimiter: str, *, at_end: bool) -> str:
    """A piece without `*`: the literals between its `%`."""
    literals = [re.escape(literal) for literal in segment.split("%")]
    if at_end:
        literals[-1] += r"\Z"
    return literals[0] + "".join(f"(?>{not_delimiter}{literal})" for literal in literals[1:])
