"""One line of a dialogue, as it is kept and shown."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

CLIENT: Final = "client"
SERVER: Final = "server"
NOTE: Final = "note"
"""What happened to the connection: `text` is a name from `NOTES`, then facts behind blanks."""
SECRET: Final = "•••"  # noqa: S105 - what stands for one
SHOWN_MAX: Final = 1000
"""Characters of a line that are kept."""
NOTES: Final = ("opened", "tls", "compressed", "closed", "lost")

# What strangers sent is shown on terminals and pages: C0, C1, DEL, and the marks that turn the direction of writing.
_UNSAFE: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Line(Struct, omit_defaults=True):
    """`block` names octets that are counted and not shown: "letter", "literal", "lines", "chunk"; "" for a line."""

    side: str  # CLIENT, SERVER, NOTE
    text: str = ""
    block: str = ""
    octets: int = 0


def visible(octets: bytes) -> str:
    """A line as people may see it: UTF-8 where it is, bounded, nothing that acts on a screen."""
    text = octets[: SHOWN_MAX * 4].decode("utf-8", "replace")
    if len(text) > SHOWN_MAX:
        text = text[:SHOWN_MAX] + "…"
    return _UNSAFE.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
