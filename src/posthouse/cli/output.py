"""Answers of commands: tables and lines for people, one JSON document for programs."""

from __future__ import annotations

import errno
import json
import re
import sys
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from posthouse.core.errors import MailError

EXIT_FAILED: Final = 1
EXIT_TRY_AGAIN: Final = 3
EXIT_PROBLEMS: Final = 4
EXIT_CONFIG: Final = 78
SECRET_FIELDS: Final = frozenset(("password",))
# What strangers wrote (a Message-ID, a sender) is shown on the administrator's terminal: C0, C1, DEL, and the marks
# that turn the direction of writing.
_UNSAFE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Output:
    """Where a command says things: `json` decides how."""

    def __init__(self, say: Callable[..., str], language: str, *, as_json: bool) -> None:
        self.say = say
        self.language = language
        self.as_json = as_json

    def text(self, key: str, **fields: object) -> None:
        """A line for people; nothing in JSON."""
        if not self.as_json:
            print(visible(self.say(key, **fields)))

    def line(self, text: str = "") -> None:
        if not self.as_json:
            print(visible(text))

    def result(self, value: Any) -> None:
        """The document of a command; nothing for people."""
        if self.as_json:
            print(visible(json.dumps(plain(value), ensure_ascii=False, indent=1)))

    def detail(self, problem: MailError) -> str:
        """What a domain error says, in the language of the user where it has a sentence."""
        return problem.sentence.text(self.language) if problem.sentence is not None else problem.detail

    def refused(self, problem: OSError) -> str:
        """What the system has against a file."""
        from posthouse.core.sentence import Sentence, reason  # noqa: PLC0415 - `--help` needs none of it

        if isinstance(problem, PermissionError):
            return self.say("error.permission", path=problem.filename)
        full = problem.errno in (errno.ENOSPC, errno.EDQUOT)
        key = "start.space" if full else "start.file"
        return Sentence(key, path=problem.filename, reason=reason(problem)).text(self.language)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        if self.as_json:
            return
        cells = [[self.say(f"column.{c}") for c in columns]] + [[_cell(v) for v in row] for row in rows]
        widths = [max(width(row[i]) for row in cells) for i in range(len(columns))]
        for row in cells:
            line = "  ".join(text + " " * (widths[i] - width(text)) for i, text in enumerate(row))
            print(visible(line.replace("\n", " ")).rstrip())
        if not rows:
            print(self.say("table.empty"))


def error(text: str) -> None:
    print(visible(f"posthouse: {text}"), file=sys.stderr)


def visible(text: str) -> str:
    """Without what a terminal would act on; still JSON if it was."""
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


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
