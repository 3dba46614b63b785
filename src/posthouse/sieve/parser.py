"""RFC 5228 §8.2: the generic grammar.  Which command takes what is `spec.py`'s."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, final

from posthouse.sieve.errors import ScriptError
from posthouse.sieve.lexer import END, MARK, NUMBER, STRING, TAG, WORD, Token, tokens
from posthouse.sieve.limits import NESTING_MAX, STRINGS_MAX


@final
@dataclass(slots=True)
class Tag:
    name: str
    line: int


Argument = str | int | list[str] | Tag


@final
@dataclass(slots=True)
class Node:
    """A command, or a test (then without a block)."""

    name: str
    line: int
    arguments: list[Argument] = field(default_factory=list)
    tests: list[Node] = field(default_factory=list)
    listed: bool = False  # the tests stood in parentheses
    block: list[Node] | None = None


_PLAIN: Final = (STRING, NUMBER)


def parse(text: str) -> list[Node]:
    """The commands of a script with LF line ends; raises ScriptError."""
    parser = _Parser(tokens(text))
    commands = parser.commands(0)
    if parser.kind != END:
        raise parser.unexpected()
    return commands


class _Parser:
    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0

    @property
    def kind(self) -> int:
        return self._tokens[self._at][0]

    @property
    def line(self) -> int:
        return self._tokens[self._at][2]

    def unexpected(self) -> ScriptError:
        kind, value, line = self._tokens[self._at]
        if kind == END:
            return ScriptError("end", line)
        return ScriptError("unexpected", line, token=str(value)[:40])

    def _is(self, mark: str) -> bool:
        kind, value, _ = self._tokens[self._at]
        return kind == MARK and value == mark

    def _take(self, mark: str) -> None:
        if not self._is(mark):
            kind, value, line = self._tokens[self._at]
            # The missing ";" stands at the end of what came before.
            line = self._tokens[self._at - 1][2] if self._at else line
            if kind == END:
                raise ScriptError("expected.end", line, mark=mark)
            raise ScriptError("expected", line, mark=mark, token=str(value)[:40])
        self._at += 1

    def commands(self, depth: int) -> list[Node]:
        """commands = *command"""
        found: list[Node] = []
        while self.kind == WORD:
            found.append(self._command(depth))
        return found

    def _command(self, depth: int) -> Node:
        """command = identifier arguments (";" / block)"""
        node = self._head(depth)
        if self._is("{"):
            if depth >= NESTING_MAX:
                raise ScriptError("nesting", node.line, limit=NESTING_MAX)
            self._at += 1
            node.block = self.commands(depth + 1)
            self._take("}")
        else:
            self._take(";")
        return node

    def _head(self, depth: int) -> Node:
        """identifier arguments; arguments = *argument [ test / test-list ]"""
        if self.kind != WORD:
            raise self.unexpected()
        _, name, line = self._tokens[self._at]
        node = Node(str(name), line)
        self._at += 1
        while (argument := self._argument()) is not None:
            node.arguments.append(argument)
        if self.kind == WORD:
            node.tests.append(self._test(depth + 1))
        elif self._is("("):
            node.listed = True
            self._at += 1
            node.tests.append(self._test(depth + 1))
            while self._is(","):
                self._at += 1
                node.tests.append(self._test(depth + 1))
            self._take(")")
        return node

    def _test(self, depth: int) -> Node:
        if depth > NESTING_MAX:
            raise ScriptError("nesting", self.line, limit=NESTING_MAX)
        return self._head(depth)

    def _argument(self) -> Argument | None:
        """argument = string-list / number / tag"""
        kind, value, line = self._tokens[self._at]
        if kind == TAG:
            self._at += 1
            return Tag(str(value), line)
        if kind in _PLAIN:
            self._at += 1
            return value
        return self._list() if self._is("[") else None

    def _list(self) -> list[str]:
        """string-list = "[" string *("," string) "]\""""
        found: list[str] = []
        self._at += 1
        while True:
            kind, value, line = self._tokens[self._at]
            if kind != STRING:
                raise self.unexpected()
            found.append(str(value))
            if len(found) > STRINGS_MAX:
                raise ScriptError("strings", line, limit=STRINGS_MAX)
            self._at += 1
            if self._is("]"):
                self._at += 1
                return found
            self._take(",")
