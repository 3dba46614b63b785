"""One command line -> `Command`, or the `Problem` with it.  No state, no policy."""

from __future__ import annotations

import enum
from typing import Final, NamedTuple


class Problem(enum.Enum):
    """Why a line is not a command.  The session has one text per member and language."""

    TOO_LONG = "longer than the limit"
    BARE_LF = "not ended by CRLF"
    BAD_OCTET = "NUL or a stray CR in the line"
    UNKNOWN = "no such command"
    NEEDS_ARGUMENT = "an argument is missing"
    NO_ARGUMENT = "the command takes no argument"
    BAD_NUMBER = "not a message number"
    BAD_COUNT = "not a number of lines"


class Command(NamedTuple):
    verb: str
    number: int = 0  # message number; 0: none given
    lines: int = 0  # of TOP
    text: bytes = b""  # the rest of the line: name, password, mechanism, language

    def __repr__(self) -> str:
        return f"Command({self.verb!r}, {self.number}, {self.lines}, {len(self.text)} octets)"


class BadCommand(NamedTuple):
    problem: Problem
    verb: str = ""  # when the verb itself was known


class Shape(enum.Enum):
    """What follows the verb."""

    NOTHING = enum.auto()
    TEXT = enum.auto()  # required, taken to the end of the line
    OPTIONAL_TEXT = enum.auto()
    NUMBER = enum.auto()
    OPTIONAL_NUMBER = enum.auto()
    NUMBER_AND_LINES = enum.auto()


SHAPES: Final[dict[bytes, Shape]] = {
    b"USER": Shape.TEXT,
    b"PASS": Shape.TEXT,
    b"APOP": Shape.OPTIONAL_TEXT,
    b"AUTH": Shape.OPTIONAL_TEXT,
    b"STLS": Shape.NOTHING,
    b"CAPA": Shape.NOTHING,
    b"UTF8": Shape.NOTHING,
    b"LANG": Shape.OPTIONAL_TEXT,
    b"STAT": Shape.NOTHING,
    b"LIST": Shape.OPTIONAL_NUMBER,
    b"UIDL": Shape.OPTIONAL_NUMBER,
    b"RETR": Shape.NUMBER,
    b"DELE": Shape.NUMBER,
    b"TOP": Shape.NUMBER_AND_LINES,
    b"NOOP": Shape.NOTHING,
    b"RSET": Shape.NOTHING,
    b"QUIT": Shape.NOTHING,
}
_VERBS: Final = {name: name.decode("ascii") for name in SHAPES}
MAX_NUMBER_DIGITS: Final = 10
"""More digits than any maildrop needs; a longer number is refused before it is converted."""


def parse_command(line: bytes) -> Command | BadCommand:
    """Parse a line without its CRLF.

    RFC 1939 §3: keywords are not case-sensitive, arguments are separated by a single space.  RFC 1939 §7: the
    argument of PASS runs to the end of the line, spaces included, so only the first space separates.
    """
    name, _, rest = line.partition(b" ")
    name = name.upper()
    shape = SHAPES.get(name)
    if shape is None:
        return BadCommand(Problem.UNKNOWN)
    verb = _VERBS[name]
    if shape is Shape.NUMBER or (shape is Shape.OPTIONAL_NUMBER and rest.strip()):
        number = try_number(rest.strip())
        if number is None or number == 0:
            return BadCommand(Problem.BAD_NUMBER if rest.strip() else Problem.NEEDS_ARGUMENT, verb)
        return Command(verb, number)
    if shape is Shape.NUMBER_AND_LINES:
        return _parse_top(verb, rest)
    if shape is Shape.TEXT and not rest:
        return BadCommand(Problem.NEEDS_ARGUMENT, verb)
    if shape is Shape.NOTHING and rest.strip():
        return BadCommand(Problem.NO_ARGUMENT, verb)
    return Command(verb, text=rest if shape is Shape.TEXT else rest.strip())


def _parse_top(verb: str, rest: bytes) -> Command | BadCommand:
    # RFC 1939 §7: TOP takes a message number and a non-negative number of lines, both required.
    words = rest.split()
    if len(words) != 2:
        return BadCommand(Problem.NEEDS_ARGUMENT if len(words) < 2 else Problem.BAD_COUNT, verb)
    number, lines = try_number(words[0]), try_number(words[1])
    if not number:
        return BadCommand(Problem.BAD_NUMBER, verb)
    if lines is None:
        return BadCommand(Problem.BAD_COUNT, verb)
    return Command(verb, number, lines)


def try_number(word: bytes) -> int | None:
    """A decimal number of ASCII digits, or None."""
    if word.isdigit() and len(word) <= MAX_NUMBER_DIGITS:
        return int(word)
    return None


def format_command(command: Command) -> bytes:
    """The inverse of `parse_command`, with CRLF: what a client sends."""
    shape = SHAPES[command.verb.encode("ascii")]
    line = command.verb.encode("ascii")
    if shape is Shape.NUMBER_AND_LINES:
        line += b" %d %d" % (command.number, command.lines)
    elif command.number:
        line += b" %d" % command.number
    elif command.text:
        line += b" " + command.text
    return line + b"\r\n"
