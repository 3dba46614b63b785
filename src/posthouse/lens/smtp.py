"""SMTP, LMTP and submission as the lens sees them."""

from __future__ import annotations

from posthouse.lens.line import CLIENT, SECRET, SERVER, visible
from posthouse.lens.scribe import Block, Scribe


class SmtpScribe(Scribe):
    PROTOCOL = "smtp"

    def __init__(self, *, letter_lines: int = 0) -> None:
        super().__init__(letter_lines=letter_lines)
        self._signing_in = False
        self._awaited = 1  # answers; the greeting is one

    def _client_line(self, line: bytes) -> None:
        self._awaited += 1
        if self._signing_in:
            self._say_secret(line)
            return
        verb, _, rest = line.lstrip().partition(b" ")
        match verb.upper():
            case b"AUTH":
                # RFC 4954 §4: the initial response follows the name of the mechanism.
                mechanism, blank, _ = rest.partition(b" ")
                self._say(CLIENT, visible(b"AUTH " + mechanism) + (f" {SECRET}" if blank else ""))
                self._signing_in = True
                return
            case b"MAIL":
                self._lines_left = self._letter_lines
            case b"DATA":
                self._client.holding = True  # what follows is a letter only if the server says so
            case b"BDAT":
                size = rest.split(b" ", 1)[0]
                if size.isdigit() and len(size) < 12:
                    self._client.expect("chunk", int(size))
        self._say_command(verb, line)

    def _server_line(self, line: bytes) -> None:
        final = line[3:4] != b"-"
        if self._signing_in and line.startswith(b"334"):
            self._awaited = max(0, self._awaited - 1)
            self._say(SERVER, f"334 {SECRET}" if len(line) > 4 else "334 ")
            return
        self._say(SERVER, visible(line))
        if not final:
            return
        self._signing_in = False
        self._awaited = max(0, self._awaited - 1)  # LMTP answers a letter once for each recipient
        if self._client.holding and (line.startswith(b"354") or not self._awaited):
            self._client.holding = False
            if line.startswith(b"354"):
                self._client.expect_dots("letter")

    def _client_block(self, block: Block) -> None:
        super()._client_block(block)
        if block.name == "letter":
            self._awaited += 1

    def _crowded(self) -> None:
        super()._crowded()
        self._client.expect_dots("letter")
