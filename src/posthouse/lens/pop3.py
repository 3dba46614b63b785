"""POP3 as the lens sees it."""

from __future__ import annotations

from collections import deque
from typing import Final

from posthouse.lens.line import CLIENT, SECRET, SERVER, visible
from posthouse.lens.scribe import Scribe

PENDING_MAX: Final = 1000
_LISTINGS: Final = frozenset((b"LIST", b"UIDL"))  # of many lines without an argument only


class Pop3Scribe(Scribe):
    PROTOCOL = "pop3"

    def __init__(self, *, letter_lines: int = 0) -> None:
        super().__init__(letter_lines=letter_lines)
        self._signing_in = False
        self._pending: deque[str] = deque(
            maxlen=PENDING_MAX
        )  # what each answer to come brings: "", "letter", "lines"
        self._listing = False

    def _client_line(self, line: bytes) -> None:
        if self._signing_in:
            self._say_secret(line)
            return
        words = line.split()
        verb = words[0].upper() if words else b""
        follows = ""
        if verb in (b"RETR", b"TOP"):
            follows = "letter"
        elif (
            verb == b"CAPA"
            or (verb == b"LANG" and len(words) == 1)
            or (verb in _LISTINGS and len(words) == 1)
        ):
            follows = "lines"
        self._pending.append(follows)
        if verb == b"PASS":
            self._say(CLIENT, f"PASS {SECRET}")
        elif verb == b"APOP":
            # RFC 1939 §7: the digest can be tried against a list of passwords.
            self._say(CLIENT, f"APOP {visible(words[1]) if len(words) > 1 else ''} {SECRET}")
        elif verb == b"AUTH" and len(words) > 1:
            self._say(CLIENT, visible(b"AUTH " + words[1]) + (f" {SECRET}" if len(words) > 2 else ""))
            self._signing_in = True
        else:
            self._say_command(verb, line)

    def _server_line(self, line: bytes) -> None:
        if self._listing:
            self._say(SERVER, visible(line))
            self._listing = line != b"."
            return
        if self._signing_in and line.startswith(b"+ "):
            self._say(SERVER, f"+ {SECRET}" if len(line) > 2 else "+ ")
            return
        self._say(SERVER, visible(line))
        self._signing_in = False
        follows = self._pending.popleft() if self._pending else ""
        if line.startswith(b"+OK"):
            if follows == "letter":
                self._server.expect_dots("letter")
            elif follows == "lines":
                self._listing = True

    def _passed_line(self, line: bytes) -> None:
        if self._listing:
            self._listing = line != b"."
        else:  # an answer of a pipeline
            self._server_line(line)
            self._out.pop()

    def _ends_run(self, piece: object) -> bool:
        return piece == b"."
