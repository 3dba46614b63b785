"""The words of a long HTML page in stretches: what `search_text.page_text` says of the whole.

Each step of it works on a stream and keeps back what the next stretch may change: an open comment, tag or entity.  Of
a comment, style or script only its begin and what may be its end are kept, so a page takes little memory; a tag of
more than `TAG_MAX` characters is not seen as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from posthouse.mime.entities import undone
from posthouse.mime.search_text import INLINE, TAG, UNSEEN

TAG_MAX: Final = 64 << 10
_OPEN_ENTITY: Final = re.compile(r"&(?:#[0-9a-zA-Z]*|[^\t\n\f <&#;]{0,32})\Z")
_ENTITY_MAX: Final = 4096
_UNSEEN_BEGIN: Final = re.compile(r"<!--|<(?:style|script)\b", re.IGNORECASE)


def page_windows(texts: Iterable[str]) -> Iterator[str]:
    return _spaced(_unescaped(_without(TAG, " ", _without(INLINE, "", _seen(texts)))))


def _seen(texts: Iterable[str]) -> Iterator[str]:
    """Without comments, styles and scripts."""
    held = ""
    for text in texts:
        held += text
        end = len(held)
        for match in UNSEEN.finditer(held):
            if match.end() == len(held):  # perhaps not its end
                end = match.start()
        if end == len(held):
            end = _open_tag(held)
        yield UNSEEN.sub(" ", held[:end])
        held = _shortened(held[end:])
    yield UNSEEN.sub(" ", held)


def _shortened(text: str) -> str:
    """The begin of a comment, style or script, and what may become its end."""
    begin = _UNSEEN_BEGIN.match(text)
    if begin is None or len(text) < 64:
        return text
    if begin[0] == "<!--":
        return begin[0] + text[max(begin.end(), len(text) - 2) :]
    last = text.rfind("<", begin.end())
    rest = text[last:] if last >= 0 and len(text) - last <= TAG_MAX else ""
    return f"{begin[0]} {rest}"


def _open_tag(text: str) -> int:
    """Where a tag begins that has no end yet; else the length."""
    last = text.rfind("<")
    return last if last >= 0 and ">" not in text[last:] and len(text) - last <= TAG_MAX else len(text)


def _without(what: re.Pattern[str], instead: str, texts: Iterable[str]) -> Iterator[str]:
    held = ""
    for text in texts:
        held += text
        end = _open_tag(held)
        yield what.sub(instead, held[:end])
        held = held[end:]
    yield what.sub(instead, held)


def _unescaped(texts: Iterable[str]) -> Iterator[str]:
    held = ""
    for text in texts:
        held += text
        open_entity = _OPEN_ENTITY.search(held, max(0, len(held) - _ENTITY_MAX))
        end = len(held) if open_entity is None else open_entity.start()
        yield undone(held[:end])
        held = held[end:]
    yield undone(held)


def _spaced(texts: Iterable[str]) -> Iterator[str]:
    """One blank between words, none around all."""
    begun = blank = False
    for text in texts:
        words = " ".join(text.split())
        if not words:
            blank = blank or bool(text)
            continue
        yield " " + words if begun and (blank or text[0].isspace()) else words
        begun, blank = True, text[-1].isspace()
