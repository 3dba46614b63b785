"""Answers of commands: tables and lines for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

SECRET_FIELDS: Final = frozenset(("password",))


class Output:
    """Where a command says things: `json` decides how."""

    def __init__(self, say: Callable[..., str], language: str, *, as_json: bool) -> None:
        self.say = say
        self.language = language
        self.as_json = as_json

    def text(self, key: str, **fields: object) -> None:
        """A line for people; nothing in JSON."""
        if not self.as_json:
            print(self.say(key, **fields))

    def line(self, text: str = "") -> None:
        if not self.as_json:
            print(text)

    def result(self, value: Any) -> None:
        """The document of a command; nothing for people."""
        if self.as_json:
            json.dump(plain(value), sys.stdout, ensure_ascii=False, indent=1)
            print()

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        if self.as_json:
            return
        cells = [[self.say(f"column.{c}") for c in columns]] + [[_cell(v) for v in row] for row in rows]
        widths = [max(width(row[i]) for row in cells) for i in range(len(columns))]
        for row in cells:
            print("  ".join(text + " " * (widths[i] - width(text)) for i, text in enumerate(row)).rstrip())


def error(text: str) -> None:
    print(f"posthouse: {text}", file=sys.stderr)


def width(text: str) -> int:
    """Columns on a terminal: East Asian wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "✓" if value else "-"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(v) for v in value)
    return "-" if value is None or value == "" else str(value)


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S") if seconds else ""


def plain(value: Any) -> Any:
    """Structs as objects, without secrets."""
    import msgspec  # noqa: PLC0415 - `--help` needs none of it

    return _without_secrets(msgspec.to_builtins(value))


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_secrets(v) for k, v in value.items() if k not in SECRET_FIELDS}
    if isinstance(value, list):
        return [_without_secrets(v) for v in value]
    return value
