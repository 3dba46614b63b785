"""Replies as a client reads them: many lines, enhanced codes, and whatever real servers send instead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

ANSWER_LINE_MAX: Final = 4096
"""Octets.  RFC 5321 §4.5.3.1.5 allows 512; longer ones are seen, endless ones are not waited for."""
ANSWER_LINES_MAX: Final = 200
TEXT_MAX: Final = 2000
"""Characters."""
ANSWERS_MAX: Final = 1024 * 1024
"""Octets that may wait to be read: more than any answers to what we send."""

_LINE: Final = re.compile(rb"([2-5][0-9]{2})(?:([ \-])(.*))?")
# RFC 3463 §2: status-code = class "." subject "." detail
_ENHANCED: Final = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: +|\Z)")


@dataclass(slots=True)
class Answer:
    code: int
    lines: list[str]
    enhanced: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.code < 400

    @property
    def temporary(self) -> bool:
        return 400 <= self.code < 500

    @property
    def text(self) -> str:
        """In one line; of a very long answer its beginning, which is what is kept and told of it."""
        text = " ".join(line for line in self.lines if line)
        return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]} ..."

    @property
    def status(self) -> str:
        """ "451 4.3.0 text", one line, for records and bounces."""
        return " ".join(part for part in (str(self.code), self.enhanced, self.text) if part)


class AnswerReader:
    """`receive`, then `next_answer` until None.  `broken` is set when what comes cannot be SMTP."""

    __slots__ = ("_buf", "_lines", "broken")

    def __init__(self) -> None:
        self._buf = b""
        self._lines: list[str] = []
        self.broken = ""

    @property
    def buffered(self) -> int:
        return len(self._buf) + len(self._lines)

    @property
    def overrun(self) -> bool:
        """The peer sends without being asked and will not stop."""
        return len(self._buf) > ANSWERS_MAX

    def receive(self, data: bytes) -> None:
        if not self.overrun:
            self._buf += data

    def next_answer(self) -> Answer | None:
        while not self.broken:
            end = self._buf.find(b"\n")
            if end < 0:
                if len(self._buf) > ANSWER_LINE_MAX:
                    self.broken = "a reply line has no end"
                return None
            # quirk(some servers): LF alone ends a reply line.
            line, self._buf = self._buf[:end].rstrip(b"\r"), self._buf[end + 1 :]
            if answer := self._take(line):
                return answer
        return None

    def _take(self, line: bytes) -> Answer | None:
        match = _LINE.fullmatch(line[:ANSWER_LINE_MAX])
        if match is None:
            if not self._lines:
                self.broken = "what the server says is not SMTP"
            # quirk(some servers): a line inside a reply without its code is taken as text.
            self._add(line)
            return None
        self._add(match[3] or b"")
        if match[2] == b"-":
            return None
        lines, self._lines = self._lines, []
        return _answer(int(match[1]), lines)

    def _add(self, text: bytes) -> None:
        self._lines.append(text.decode("utf-8", "replace"))
        if len(self._lines) > ANSWER_LINES_MAX:
            self.broken = "a reply has too many lines"


def _answer(code: int, lines: list[str]) -> Answer:
    """Take the enhanced code off every line that has it."""
    enhanced = ""
    texts = []
    for line in lines:
        line = "".join(c if c.isprintable() else "?" for c in line)
        if (match := _ENHANCED.match(line)) and int(match[1][0]) == code // 100:
            enhanced = match[1]
            line = line[match.end() :]
        texts.append(line)
    return Answer(code, texts, enhanced)
