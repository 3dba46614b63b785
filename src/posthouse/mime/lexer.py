"""Tokens of structured header fields, read leniently.

The grammar is RFC 5322 §3.2 with its obsolete forms (§4.1); 8-bit characters count as atom text
(RFC 6532 §3.2).  Where real messages break the grammar, results follow Dovecot's, the oracle of our tests.
Text is `str` (see the package docstring).  A `Cursor` method returns False where the token is malformed.
"""

from __future__ import annotations

import re
from typing import Final, final

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_ATEXT: Final = r"[^\x00-\x20()<>@,;:\\\".\[\]\x7f]"
_ATOM: Final = re.compile(_ATEXT + "+")
_ATOM_OR_DOT: Final = re.compile(r"[^\x00-\x20()<>@,;:\\\"\[\]\x7f]+")
# RFC 2045 §5.1: token; "." is allowed in it, "/", "?" and "=" are not
_TOKEN: Final = re.compile(r"[^\x00-\x20()<>@,;:\\\"/\[\]?=\x7f]*")
_COMMENT_STOP: Final = re.compile(r"[()\\]")
_QUOTED_RUN: Final = re.compile(r'[^"\\\r\n]*')
_NEWLINES: Final = re.compile(r"\r?\n")
_LITERAL_STOP: Final = re.compile(r"[\]\[\\]")

MAX_COMMENT_DEPTH: Final = 100


@final
class Cursor:
    """A position in one field value.  `comment` is the text of the comment passed last."""

    __slots__ = ("comment", "end", "pos", "text")

    def __init__(self, text: str, pos: int = 0) -> None:
        self.text = text
        self.pos = pos
        self.end = len(text)
        self.comment = ""

    def peek(self) -> str:
        """The next character, or an empty string at the end."""
        return self.text[self.pos] if self.pos < self.end else ""

    def skip_space(self) -> bool:
        """Pass blanks and comments.  False: a comment was never closed (and all is consumed)."""
        text = self.text
        while True:
            self.pos = _SPACE.match(text, self.pos).end()  # type: ignore[union-attr]
            if self.pos >= self.end or text[self.pos] != "(":
                return True
            if not self._skip_comment():
                return False

    def _skip_comment(self) -> bool:
        depth, start, pieces = 1, self.pos + 1, []
        pos = start
        while match := _COMMENT_STOP.search(self.text, pos):
            pos = match.end()
            char = match[0]
            if char == "\\":
                pieces.append(self.text[start : pos - 1])
                start = pos
                pos += 1
            elif char == "(":
                depth += 1
                if depth > MAX_COMMENT_DEPTH:
                    break
            else:
                depth -= 1
                if depth == 0:
                    pieces.append(self.text[start : pos - 1])
                    self.comment = _NEWLINES.sub("", "".join(pieces))
                    self.pos = pos
                    return True
        self.pos = self.end
        return False

    def atom(self, out: list[str]) -> bool:
        """RFC 5322 §3.2.3: atom, then blanks."""
        match = _ATOM.match(self.text, self.pos)
        if match is None:
            return False
        out.append(match[0])
        self.pos = match.end()
        return self.skip_space()

    def token(self, out: list[str]) -> bool:
        """RFC 2045 §5.1: token (may be empty), then blanks."""
        match = _TOKEN.match(self.text, self.pos)
        if match is not None:
            out.append(match[0])
            self.pos = match.end()
        return self.skip_space()

    def dot_atom(self, out: list[str]) -> bool:
        """RFC 5322 §3.2.3: dot-atom, with the blanks around dots of §4.4 obs-domain."""
        while self.atom(out):
            if self.peek() != ".":
                return True
            self.pos += 1
            out.append(".")
            if not self.skip_space() or self.pos >= self.end:
                return False
        return False

    def quoted_string(self, out: list[str]) -> bool:
        """RFC 5322 §3.2.4, from its opening quote; escapes resolved, folding removed."""
        text, pos = self.text, self.pos + 1
        while True:
            match = _QUOTED_RUN.match(text, pos)
            assert match is not None  # the pattern matches the empty string
            out.append(match[0])
            pos = match.end()
            if pos >= self.end:
                break
            char = text[pos]
            pos += 1
            if char == '"':
                self.pos = pos
                return self.skip_space()
            if char == "\\":
                if pos >= self.end:
                    break
                out.append(text[pos])
                pos += 1
            elif char == "\r" and text[pos : pos + 1] != "\n":
                out.append(char)
        self.pos = self.end
        return False

    def phrase(self, out: list[str]) -> bool:
        """RFC 5322 §3.2.5 and §4.1 obs-phrase: words joined by one blank."""
        if self.pos >= self.end or self.text[self.pos] == ".":
            return False
        while True:
            if self.peek() == '"':
                good = self.quoted_string(out)
            else:
                match = _ATOM_OR_DOT.match(self.text, self.pos)
                if match is None:
                    return self.pos < self.end
                out.append(match[0])
                self.pos = match.end()
                good = self.skip_space()
            if not good or self.pos >= self.end:
                return False
            char = self.text[self.pos]
            if char != '"' and _ATOM_OR_DOT.match(self.text, self.pos) is None:
                return True
            out.append(" ")

    def domain(self, out: list[str]) -> bool:
        """RFC 5322 §3.4.1, from the "@"."""
        self.pos += 1
        if not self.skip_space() or self.pos >= self.end:
            return False
        if self.text[self.pos] == "[":
            return self._domain_literal(out)
        return self.dot_atom(out)

    def _domain_literal(self, out: list[str]) -> bool:
        start = pos = self.pos
        pos += 1
        while match := _LITERAL_STOP.search(self.text, pos):
            if match[0] == "[":
                break
            pos = match.end()
            if match[0] == "]":
                out.append(self.text[start:pos])
                self.pos = pos
                return self.skip_space()
            pos += 1
        self.pos = self.end
        return False
