"""Flag bits and their names on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, final

from posthouse.core.flags import FIRST_KEYWORD_BIT, RECENT, SYSTEM_FLAGS

CACHE_MAX: Final = 10_000
"""Different combinations of flags kept formatted."""


@final
class FlagLists(dict[int, bytes]):
    """`lists[bits]` is the parenthesised list, b"(\\\\Seen $Junk)", made once per combination.

    `keywords`: keyword i has bit `1 << (FIRST_KEYWORD_BIT + i)`.  One instance per account will do.
    """

    __slots__ = ("_keywords",)

    def __init__(self, keywords: Sequence[str] = ()) -> None:
        super().__init__()
        self._keywords = tuple(keywords)

    @property
    def keywords(self) -> tuple[str, ...]:
        return self._keywords

    def set_keywords(self, keywords: Sequence[str]) -> None:
        """The registry has grown."""
        if len(keywords) != len(self._keywords):
            self._keywords = tuple(keywords)
            self.clear()

    def __missing__(self, bits: int) -> bytes:
        if len(self) >= CACHE_MAX:
            self.clear()
        text = b"(%b)" % " ".join(self.names(bits)).encode("ascii", "replace")
        self[bits] = text
        return text

    def names(self, bits: int) -> list[str]:
        out = [name for name, bit in SYSTEM_FLAGS.items() if bits & bit]
        if bits & RECENT:
            out.append("\\Recent")
        if rest := bits >> FIRST_KEYWORD_BIT:
            out.extend(name for at, name in enumerate(self._keywords) if rest >> at & 1)
        return out

    def all(self) -> bytes:
        """Every flag there is, for the FLAGS response."""
        return b"(%b)" % " ".join((*SYSTEM_FLAGS, *self._keywords)).encode("ascii", "replace")

    def permanent(self, changeable: int = -1, *, new_keywords: bool = True) -> bytes:
        """For PERMANENTFLAGS, those with bits in `changeable`; `\\*`: clients may make new keywords (RFC 9051 §7.1)."""
        names = [*self.names(changeable & ~RECENT), *(("\\*",) if new_keywords else ())]
        return b"(%b)" % " ".join(names).encode("ascii", "replace")


def split_flags(names: Iterable[str]) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """Names as the parser gives them -> (system bits, keywords, unknown names with a backslash).

    \\Recent is dropped: RFC 3501 §2.3.2, clients cannot alter it.
    """
    bits = 0
    keywords: dict[str, str] = {}
    unknown: list[str] = []
    for name in names:
        if name in SYSTEM_FLAGS:
            bits |= SYSTEM_FLAGS[name]
        elif not name.startswith("\\"):
            keywords.setdefault(name.lower(), name)
        elif name != "\\Recent":
            unknown.append(name)
    return bits, tuple(keywords.values()), tuple(unknown)
