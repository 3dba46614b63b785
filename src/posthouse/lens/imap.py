"""IMAP as the lens sees it."""

from __future__ import annotations

import re
from typing import Final

from posthouse.lens.line import CLIENT, SECRET, SERVER, visible
from posthouse.lens.scribe import Block, Scribe

_LITERAL: Final = re.compile(rb"~?\{(\d{1,12})[+-]?\}$")
_TAG: Final = re.compile(rb"[^\x00-\x20(){%*\"\\\]+]+ ")
SHOWN_LITERAL_MAX: Final = 200
"""A literal up to here that is not of a letter (a mailbox name, words sought) is shown."""


class ImapScribe(Scribe):
    PROTOCOL = "imap"

    def __init__(self, *, letter_lines: int = 0) -> None:
        super().__init__(letter_lines=letter_lines)
        self._signing_in = b""  # the tag of AUTHENTICATE
        self._command = b""  # the verb whose literals are coming
        self._secret = False  # they belong to LOGIN
        self._inside = False  # the next line goes on with a command

    def _client_line(self, line: bytes) -> None:
        if self._signing_in:
            self._say_secret(line)
            return
        if self._inside:
            self._say(CLIENT, SECRET if self._secret and line else visible(line))
        else:
            self._begin(line)
        found = _LITERAL.search(line)
        self._inside = found is not None
        if found is not None:
            letter = self._command in (b"APPEND", b"REPLACE")
            self._client.expect("letter" if letter else "literal", int(found[1]))
        else:
            self._secret = False

    def _begin(self, line: bytes) -> None:
        words = line.split(None, 3)
        verb = words[1].upper() if len(words) > 1 else b""
        if verb == b"UID" and len(words) > 2:
            verb = words[2].upper()
        self._command = verb
        head = visible(b" ".join(words[:2]))
        if verb == b"LOGIN":
            self._secret = True
            self._say(CLIENT, f"{head} {SECRET}{_literal_mark(line)}")
        elif verb == b"AUTHENTICATE" and len(words) > 2:
            self._say(CLIENT, f"{head} {visible(words[2])}" + (f" {SECRET}" if len(words) > 3 else ""))
            self._signing_in = words[0]
        else:
            self._say_command(b"DONE" if line.upper() == b"DONE" else verb, line)

    def _client_block(self, block: Block) -> None:
        if self._secret:
            self._say(CLIENT, SECRET)
        elif block.name == "literal" and block.octets <= SHOWN_LITERAL_MAX:
            self._say(CLIENT, visible(block.sample))
        else:
            self._tell_block(CLIENT, block)

    def _server_line(self, line: bytes) -> None:
        tagged = self._tag_ends(line)
        if self._signing_in and line.startswith(b"+"):
            self._say(SERVER, f"+ {SECRET}" if len(line) > 2 else "+ ")
            return
        if tagged and line.startswith(self._signing_in + b" "):
            self._signing_in = b""
        self._say(SERVER, visible(line))
        self._passed_line(line)

    def _passed_line(self, line: bytes) -> None:
        if (found := _LITERAL.search(line)) is not None:
            self._server.expect("literal", int(found[1]))

    def _ends_run(self, piece: bytes | Block) -> bool:
        return isinstance(piece, bytes) and self._tag_ends(piece)

    @staticmethod
    def _tag_ends(line: bytes) -> bool:
        """Whether it is a tagged answer, RFC 9051 §7.1."""
        found = _TAG.match(line)
        return found is not None and line[found.end() : found.end() + 3].upper() in (b"OK ", b"NO ", b"BAD")


def _literal_mark(line: bytes) -> str:
    found = _LITERAL.search(line)
    return "" if found is None else f" {visible(found[0])}"
