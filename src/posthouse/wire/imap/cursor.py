"""A reading position in one framed command, and the terminal rules of the grammar.

A framed command is `[line, literal, line, literal, ..., line]`; lines end with CRLF, and each but the last
ends with the marker of the literal after it.  The cursor walks the lines and steps over literals where a
string is wanted, so literal bytes are only ever seen as a value.
"""

from __future__ import annotations

import re
from typing import Final, final

from . import mailbox_name
from .sequence_set import NUMBER_MAX, SequenceSet, parse_sequence_set

NUMBER64_MAX: Final = (1 << 63) - 1

# ATOM-CHAR = <any CHAR except atom-specials>; ASTRING-CHAR adds "]"; list-char adds "%" and "*"   RFC 9051 §9
_ATOM: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
_ASTRING: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\]+')
_LIST_CHARS: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){"\\]+')
_QUOTED: Final = re.compile(rb'"((?:[^"\\\r\n\x00]++|\\["\\])*+)"')
_ESCAPE: Final = re.compile(rb"\\(.)")
_DIGITS: Final = re.compile(rb"[0-9]{1,20}")
_SET: Final = re.compile(rb"[0-9:,*$]+")
_LABEL: Final = re.compile(rb"[A-Za-z][A-Za-z0-9.\-]*")
_MARKER: Final = re.compile(rb"\{[0-9]{1,20}\+?\}\r\n")


class ParseError(Exception):
    """The command is framed well and means nothing to us; `text` tells the client's author what was
    expected where.

    `status`/`code`: the answer, BAD without code unless a rule wants another.  `unsaves`: it was a search that
    should have saved its result (RFC 5182 §2.1).
    """

    def __init__(self, text: str, tag: bytes = b"", *, status: bytes = b"BAD", code: bytes = b"") -> None:
        super().__init__(text)
        self.text = text
        self.tag = tag
        self.status = status
        self.code = code
        self.unsaves = False


def too_big(text: str, tag: bytes) -> ParseError:
    return ParseError(text, tag, code=b"TOOBIG")


@final
class Cursor:
    """`utf8`: mailbox names are UTF-8 (IMAP4rev2 or UTF8=ACCEPT is enabled), else modified UTF-7.

    `quirks` counts what was forgiven, by name.
    """

    __slots__ = ("_at", "_parts", "line", "pos", "quirks", "tag", "utf8")

    def __init__(
        self,
        parts: list[bytes],
        quirks: dict[str, int],
        *,
        tag: bytes = b"",
        pos: int = 0,
        utf8: bool = False,
    ) -> None:
        self._parts = parts
        self._at = 0
        self.line = parts[0]
        self.pos = pos
        self.tag = tag
        self.utf8 = utf8
        self.quirks = quirks

    # --- errors and quirks ---

    def error(self, text: str) -> ParseError:
        where = f"column {self.pos + 1}"
        if self._at:
            where += f" after literal {self._at // 2}"
        return ParseError(f"{text} at {where}", self.tag)

    def expected(self, what: str) -> ParseError:
        return self.error(f"Expected {what}")

    def quirk(self, name: str) -> None:
        self.quirks[name] = self.quirks.get(name, 0) + 1

    # --- single characters ---

    def peek(self) -> bytes:
        return self.line[self.pos : self.pos + 1]

    def try_char(self, char: bytes) -> bool:
        if self.line.startswith(char, self.pos):
            self.pos += 1
            return True
        return False

    def char(self, char: bytes, what: str) -> None:
        if not self.try_char(char):
            raise self.expected(what)

    def space(self) -> None:
        if not self.try_char(b" "):
            raise self.expected("a space and another argument")

    def at_end(self) -> bool:
        return self.line.startswith(b"\r\n", self.pos)

    def end(self) -> None:
        """The command must stop here."""
        if self.line.startswith(b"\r\n", self.pos):
            return
        # quirk(several clients): spaces before the line end.
        if not self.line[self.pos :].strip(b" \r\n"):
            self.quirk("quirk_trailing_space")
            return
        raise self.expected("the end of the command")

    # --- words ---

    def match(self, pattern: re.Pattern[bytes], what: str) -> bytes:
        found = pattern.match(self.line, self.pos)
        if found is None:
            raise self.expected(what)
        self.pos = found.end()
        return found[0]

    # atom = 1*ATOM-CHAR
    def atom(self, what: str = "an atom") -> str:
        return self.match(_ATOM, what).decode("ascii")

    def label(self, what: str) -> str:
        """A keyword of the grammar, in upper case."""
        return self.match(_LABEL, what).decode("ascii").upper()

    def try_word(self, word: bytes) -> bool:
        """Step over `word` (upper case) if it stands here, whole."""
        end = self.pos + len(word)
        if self.line[self.pos : end].upper() == word and not _ASTRING.match(self.line, end):
            self.pos = end
            return True
        return False

    # number = 1*DIGIT; (0 <= n < 4,294,967,296)
    def number(self, maximum: int = NUMBER_MAX, what: str = "a number") -> int:
        start = self.pos
        value = int(self.match(_DIGITS, what))
        if value > maximum:
            self.pos = start
            raise self.expected(f"{what} of at most {maximum}")
        return value

    # number64 = 1*DIGIT; (0 <= n <= 9,223,372,036,854,775,807)
    def number64(self, what: str = "a number") -> int:
        return self.number(NUMBER64_MAX, what)

    # nz-number = digit-nz *DIGIT
    def nz_number(self, maximum: int = NUMBER_MAX, what: str = "a number above zero") -> int:
        start = self.pos
        value = self.number(maximum, what)
        if value == 0:
            self.pos = start
            raise self.expected(what)
        return value

    # sequence-set = (seq-number / seq-range) ["," sequence-set] / "$"
    def sequence_set(self) -> SequenceSet:
        start = self.pos
        text = self.match(_SET, "a set of message numbers such as 1:3,7,9:*")
        found = parse_sequence_set(text)
        if found is None:
            self.pos = start
            raise self.expected("a set of message numbers such as 1:3,7,9:*")
        return found

    # --- strings ---

    # string = quoted / literal
    def string(self, what: str = "a string", *, binary: bool = False) -> bytes:
        line, pos = self.line, self.pos
        char = line[pos : pos + 1]
        if char == b'"':
            found = _QUOTED.match(line, pos)
            if found is None:
                raise self.error(
                    f"Expected {what}: this quoted string is not closed or holds a bad character"
                )
            value = found[1]
            if self.utf8 and not value.isascii():
                # RFC 6855 §3: what is not UTF-8 is refused.
                self.text(value, what)
            self.pos = found.end()
            if b"\\" in value:
                value = _ESCAPE.sub(rb"\1", value)
            return value
        if char == b"{" and _MARKER.match(line, pos) and self._at + 2 < len(self._parts):
            value = self._parts[self._at + 1]
            if b"\x00" in value and not binary:
                raise self.error("A literal must not hold a NUL octet")
            self._at += 2
            self.line = self._parts[self._at]
            self.pos = 0
            return value
        raise self.expected(what)

    # astring = 1*ASTRING-CHAR / string
    def astring(self, what: str = "a string") -> bytes:
        found = _ASTRING.match(self.line, self.pos)
        if found is None:
            return self.string(what)
        self.pos = found.end()
        return found[0]

    # nstring = string / nil
    def nstring(self, what: str = "a string or NIL") -> bytes | None:
        return None if self.try_word(b"NIL") else self.string(what)

    def text(self, value: bytes, what: str) -> str:
        """Decode a value that is to be UTF-8."""
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise self.error(f"Expected {what} in UTF-8, before this") from None

    # mailbox = "INBOX" / astring
    def mailbox(self) -> str:
        return mailbox_name.fold_inbox(self._decode_name(self.astring("a mailbox name")))

    # list-mailbox = 1*list-char / string
    def list_mailbox(self) -> str:
        found = _LIST_CHARS.match(self.line, self.pos)
        if found is None:
            return self._decode_name(self.string("a mailbox name or pattern"))
        self.pos = found.end()
        return self._decode_name(found[0])

    def reference(self) -> str:
        """The first argument of LIST and LSUB: a mailbox name, and often an empty one."""
        return self._decode_name(self.astring("a reference name"))

    def _decode_name(self, raw: bytes) -> str:
        try:
            return mailbox_name.decode(raw, utf8=self.utf8)
        except ValueError as error:
            raise self.error(f"{error}, before this") from None
