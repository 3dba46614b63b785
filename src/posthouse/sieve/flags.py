"""RFC 5232 §2: lists of flags."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from posthouse.sieve.limits import FLAGS_MAX

_SYSTEM: Final = {
    "\\" + name.lower(): "\\" + name for name in ("Seen", "Answered", "Flagged", "Deleted", "Draft")
}
_KEYWORD: Final = re.compile(r"[!#$&'+,\-./0-9:;<=>?@A-Z^_`a-z|~]{1,128}")  # RFC 9051 §9: flag-keyword = atom


def split_flags(texts: Iterable[str]) -> tuple[str, ...]:
    """The flags in these texts, each once; what is no flag is left out."""
    found: dict[str, str] = {}
    for text in texts:
        for word in text.split():
            flag = _SYSTEM.get(word.lower()) if word.startswith("\\") else word
            if flag is not None and (flag[0] == "\\" or _KEYWORD.fullmatch(flag)):
                found.setdefault(flag.lower(), flag)
    return tuple(found.values())[:FLAGS_MAX]


def without(flags: Iterable[str], removed: Iterable[str]) -> tuple[str, ...]:
    gone = {flag.lower() for flag in removed}
    return tuple(flag for flag in flags if flag.lower() not in gone)
