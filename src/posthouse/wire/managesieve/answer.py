"""RFC 5804 §1.3, §4: what the server says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_QUOTED: Final = re.compile(r"[^\r\n\0]{0,400}")


def format_string(text: str) -> bytes:
    """Quoted where that can be, else a literal (RFC 5804 §4: quoted strings have at most 1,024 octets)."""
    if _QUOTED.fullmatch(text):
        return b'"' + text.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'
    return format_literal(text)


def format_literal(text: str) -> bytes:
    data = text.encode()
    return b"{%d}\r\n%b" % (len(data), data)


def format_answer(word: str, text: str = "", code: str = "") -> bytes:
    """`word`: OK, NO or BYE; `code` without its parentheses."""
    line = word.encode()
    if code:
        line += f" ({code})".encode()
    if text:
        line += b" " + format_string(text)
    return line + b"\r\n"


def format_capabilities(rows: Iterable[tuple[str, str | None]]) -> bytes:
    """RFC 5804 §1.7."""
    return b"".join(
        format_string(name) + (b"" if value is None else b" " + format_string(value)) + b"\r\n"
        for name, value in rows
    )


def format_scripts(scripts: Iterable[tuple[str, bool]]) -> bytes:
    """RFC 5804 §2.7: (name, active)."""
    return b"".join(
        format_string(name) + (b" ACTIVE" if active else b"") + b"\r\n" for name, active in scripts
    )


def format_script(content: str) -> bytes:
    """RFC 5804 §2.9."""
    return format_literal(content) + b"\r\n"
