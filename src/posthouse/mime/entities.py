"""Character references of HTML: what they stand for, however long they are."""

from __future__ import annotations

import html
import re
from typing import Final

# The standard library raises ValueError for a number of more digits than Python takes.
_LONG: Final = re.compile(r"&#0*+([0-9]{0,9})[0-9]*+")


def undone(text: str) -> str:
    """Never raises."""
    if "&#" in text:
        text = _LONG.sub(_shortened, text)
    return html.unescape(text) if "&" in text else text


def _shortened(match: re.Match[str]) -> str:
    """Nine digits are beyond Unicode already."""
    return match[0] if len(match[0]) < 100 else f"&#{match[1] or '0'}"
