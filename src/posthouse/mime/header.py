"""Header blocks: fields, unfolding, look-up, folding.

A field is `(name, raw value)`: the name as written, the value with its folding, without the final line end.
"""

from __future__ import annotations

import re
from typing import Final, final

Field = tuple[str, str]
Fields = list[Field]

_FIELD: Final = re.compile(r"^([^:\x00-\x20\x7f]+)[ \t]*:[ \t]*([^\n]*(?:\n[ \t][^\n]*)*)", re.MULTILINE)
_WHOLE_FIELD: Final = re.compile(
    r"^(([^:\x00-\x20\x7f]++)[ \t]*+:[ \t]*+([^\n]*+(?:\n[ \t][^\n]*+)*+)\n?)", re.MULTILINE
)
_RAW_FIELD: Final = re.compile(rb"^([^:\x00-\x20\x7f]+)[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*\n?", re.MULTILINE)
_FOLD: Final = re.compile(r"\r?\n")
_BLANK: Final = " \t\r\n"

MAX_LINE: Final = 78  # RFC 5322 §2.1.1: should; the hard limit is 998


def header_text(block: bytes) -> str:
    """Header bytes as text; bytes that are not UTF-8 become surrogates and survive a round trip."""
    return block.decode("utf-8", "surrogateescape")


def header_bytes(text: str) -> bytes:
    """The inverse of `header_text`."""
    return text.encode("utf-8", "surrogateescape")


def parse_fields(text: str) -> Fields:
    """All fields in order.  Lines that are not fields (mbox "From ", garbage) are left out."""
    return _FIELD.findall(text)


@final
class Header:
    """One header block, read once.  `lines`: (whole field, name, raw value) in order."""

    __slots__ = ("lines", "values")

    def __init__(self, text: str) -> None:
        self.lines: list[tuple[str, str, str]] = _WHOLE_FIELD.findall(text)
        self.values: dict[str, list[str]] = {}
        """Raw values in order, by name in lower case."""
        values = self.values
        for _, key, value in self.lines:
            name = key.lower()
            if name in values:
                values[name].append(value)
            else:
                values[name] = [value]

    def first(self, name: str) -> str | None:
        """The unfolded value of the first field called `name` (given in lower case)."""
        found = self.values.get(name)
        return unfold(found[0]) if found else None

    def last(self, name: str) -> str | None:
        found = self.values.get(name)
        return unfold(found[-1]) if found else None


def unfold(value: str) -> str:
    """RFC 5322 §2.2.3: remove the line ends of folding; outer blanks go too."""
    if "\n" in value:
        value = _FOLD.sub("", value)
    return value.strip(_BLANK)


def find_all(fields: Fields, name: str) -> list[str]:
    """The unfolded values of all fields called `name` (given in lower case)."""
    return [unfold(value) for key, value in fields if key.lower() == name]


def raw_fields(block: bytes) -> list[tuple[bytes, int, int]]:
    """(lower-case name, start, end) of each field; the range holds name, folding and line end."""
    return [(match[1].lower(), match.start(), match.end()) for match in _RAW_FIELD.finditer(block)]


def fold(name: str, value: str, *, eol: str = "\r\n") -> str:
    """`Name: value` with line end, broken at blanks where a line would pass 78 characters."""
    line = f"{name}: {value}"
    if len(line) <= MAX_LINE:
        return line + eol
    lines: list[str] = []
    current = ""
    for word in re.findall(r"[ \t]*[^ \t]+", line):
        # The name and its first word stay together: a line of the name alone may be taken for an empty field.
        if current and len(current) + len(word) > MAX_LINE and current.rstrip() != name + ":":
            lines.append(current)
            current = word if word[0] in " \t" else " " + word
        else:
            current += word
    lines.append(current)
    return eol.join(lines) + eol
