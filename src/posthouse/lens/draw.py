"""A dialogue as text: what `posthouse lens show` prints and what a page exports."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from posthouse.lens.explain import explain, shown
from posthouse.lens.line import CLIENT, NOTE, Line

ARROWS: Final = {CLIENT: "C ──▶ S", "server": "C ◀── S", NOTE: "·······"}
_MEND: Final = {"zh": "怎么办：", "en": "What to do: "}


def draw_line(protocol: str, at: float, line: Line, language: str, *, words: bool = True) -> Iterator[str]:
    """The line with its arrow, then what it means, indented."""
    moment = datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S.%f")[:-3]
    yield f"{moment}  {ARROWS[line.side]}  {shown(line, language)}"
    meaning = explain(protocol, line, language) if words else None
    if meaning is None:
        return
    source = f"  [{meaning.rfc}]" if meaning.rfc else ""
    yield f"{' ' * 23}{'✗' if meaning.error else '└'} {meaning.text}{source}"
    if meaning.mend:
        yield f"{' ' * 25}{_MEND[language]}{meaning.mend}"
