"""Flags as the client names them."""

from __future__ import annotations

from typing import Final

from posthouse.core.flags import SYSTEM_FLAGS

from .cursor import Cursor

FLAGS_MAX: Final = 1000
"""Flags in one command."""
_CANONICAL: Final = {name.lower(): name for name in (*SYSTEM_FLAGS, "\\Recent")}


# flag = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword / flag-extension
def flag(c: Cursor) -> str:
    if c.try_char(b"\\"):
        name = "\\" + c.atom("the name of a flag")
        return _CANONICAL.get(name.lower(), name)
    return c.atom("a flag such as \\Seen or a keyword")


# flag *(SP flag)
def flags(c: Cursor) -> list[str]:
    out = [flag(c)]
    while c.try_char(b" "):
        if c.at_end():
            c.quirk("quirk_trailing_space")
            break
        out.append(flag(c))
        if len(out) > FLAGS_MAX:
            raise c.error(f"More than {FLAGS_MAX} flags; split the command")
    return out


# flag-list = "(" [flag *(SP flag)] ")"
def flag_list(c: Cursor) -> tuple[str, ...]:
    c.char(b"(", "'(' before flags")
    if c.try_char(b")"):
        return ()
    out = flags(c)
    c.char(b")", "')' after flags")
    return tuple(out)
