"""RFC 5804 §4: commands and what they take."""

from __future__ import annotations

import enum
import re
from typing import Final, NamedTuple

TOKEN: Final = re.compile(rb' ?(?:"((?:[^"\\\r\n\0]|\\["\\])*)"|([0-9]{1,10})(?= |\Z)|([A-Za-z]+)(?= |\Z))')
_ESCAPED: Final = re.compile(rb"\\(.)")

STRING, NUMBER = "s", "n"
COMMANDS: Final[dict[str, str]] = {
    "AUTHENTICATE": "sS",  # a capital letter may be left out
    "STARTTLS": "",
    "LOGOUT": "",
    "CAPABILITY": "",
    "HAVESPACE": "sn",
    "PUTSCRIPT": "ss",
    "LISTSCRIPTS": "",
    "SETACTIVE": "s",
    "GETSCRIPT": "s",
    "DELETESCRIPT": "s",
    "RENAMESCRIPT": "ss",
    "CHECKSCRIPT": "s",
    "NOOP": "S",
    "UNAUTHENTICATE": "",
}


class Problem(enum.Enum):
    UNKNOWN = "unknown command"
    ARGUMENTS = "wrong arguments"
    SYNTAX = "not understood"
    TOO_LONG = "line too long"
    TOO_LARGE = "literal too large"
    BARE_LF = "line does not end with CRLF"
    NOT_UTF8 = "not UTF-8"


class Command(NamedTuple):
    name: str
    arguments: tuple[bytes | int, ...]


class Response(NamedTuple):
    """The client's answer to a SASL challenge: base64, or `*`."""

    text: bytes


class BadCommand(NamedTuple):
    problem: Problem


def parse_command(pieces: list[bytes]) -> Command | BadCommand:
    """`pieces`: the text of the line and the octets of its literals, in turn, text first."""
    values = tokens(pieces)
    if values is None or not values or not isinstance(values[0], str):
        return BadCommand(Problem.SYNTAX)
    name = values[0].upper()
    takes = COMMANDS.get(name)
    if takes is None:
        return BadCommand(Problem.UNKNOWN)
    arguments = [value for value in values[1:] if not isinstance(value, str)]
    required = sum(kind.islower() for kind in takes)
    if len(arguments) != len(values) - 1 or not required <= len(arguments) <= len(takes):
        return BadCommand(Problem.ARGUMENTS)
    for value, kind in zip(arguments, takes, strict=False):
        if isinstance(value, int) != (kind == NUMBER):
            return BadCommand(Problem.ARGUMENTS)
    return Command(name, tuple(arguments))


def tokens(pieces: list[bytes]) -> list[str | bytes | int] | None:
    """Words as text, strings as octets, numbers; None when it is no command at all."""
    found: list[str | bytes | int] = []
    for number, piece in enumerate(pieces):
        if number % 2:
            found.append(piece)
            continue
        pos, text = 0, piece
        while pos < len(text.rstrip(b" ")):
            match = TOKEN.match(text, pos)
            if match is None:
                return None
            if match[1] is not None:
                found.append(_ESCAPED.sub(rb"\1", match[1]))
            elif match[2] is not None:
                found.append(int(match[2]))
            else:
                found.append(match[3].decode("ascii"))
            pos = match.end()
    return found
