"""RFC 5228 §8.1: tokens."""

from __future__ import annotations

import re
from typing import Final

from posthouse.sieve.errors import ScriptError

WORD, TAG, NUMBER, STRING, MARK, END = range(6)
Token = tuple[int, str | int, int]
"""Kind, value, line."""

NUMBER_MAX: Final = 2**63 - 1

_TOKEN: Final = re.compile(
    r"""
      (?P<blank> [ \t\n]++ | \#[^\n]*+ | /\*(?:[^*]++|\*(?!/))*+\*/ )
    | (?P<text> text:[ \t]*+(?:\#[^\n]*+)?\n )
    | (?P<word> [A-Za-z_][A-Za-z0-9_]*+ )
    | : (?P<tag> [A-Za-z_][A-Za-z0-9_]*+ )
    | (?P<number> [0-9]++[KkMmGg]?+ ) (?![A-Za-z0-9_])
    | " (?P<string> (?:[^"\\]++|\\.)*+ ) "
    | (?P<mark> [\[\](){},;] )
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_TEXT_END: Final = re.compile(r"^\.(?:\n|\Z)", re.MULTILINE)
_UNITS: Final = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def tokens(text: str) -> list[Token]:
    """All tokens and END; `text` has LF line ends.  Raises ScriptError."""
    found: list[Token] = []
    pos, line = 0, 1
    while pos < len(text):
        match = _TOKEN.match(text, pos)
        if match is None:
            raise ScriptError(_fault(text, pos), line, near=text[pos : pos + 20].partition("\n")[0])
        start, pos = pos, match.end()
        kind = match.lastgroup
        if kind == "text":
            value, pos = _multi_line(text, pos, line)
            found.append((STRING, value, line))
        elif kind == "string":
            found.append((STRING, _ESCAPED.sub(r"\1", match["string"]), line))
        elif kind == "word":
            found.append((WORD, match["word"].lower(), line))
        elif kind == "tag":
            found.append((TAG, match["tag"].lower(), line))
        elif kind == "number":
            found.append((NUMBER, _number(match["number"], line), line))
        elif kind == "mark":
            found.append((MARK, match["mark"], line))
        line += text.count("\n", start, pos)
    found.append((END, "", line))
    return found


def _fault(text: str, pos: int) -> str:
    if text[pos] == '"':
        return "string.open"
    return "comment.open" if text.startswith("/*", pos) else "token"


def _multi_line(text: str, pos: int, line: int) -> tuple[str, int]:
    """The text up to the line that is a single dot; leading dots doubled by the author are one."""
    end = _TEXT_END.search(text, pos)
    if end is None:
        raise ScriptError("text.open", line)
    body = text[pos : end.start()]
    return re.sub(r"^\.\.", ".", body, flags=re.MULTILINE), end.end()


def _number(digits: str, line: int) -> int:
    unit = _UNITS.get(digits[-1].lower(), 1)
    plain = digits if unit == 1 else digits[:-1]
    if len(plain) > 19 or int(plain) * unit > NUMBER_MAX:
        raise ScriptError("number.large", line, number=digits[:30])
    return int(plain) * unit
