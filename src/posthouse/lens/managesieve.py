"""ManageSieve as the lens sees it."""

from __future__ import annotations

import re
from typing import Final

from posthouse.lens.line import CLIENT, SECRET, SERVER, visible
from posthouse.lens.scribe import Block, Scribe

_LITERAL: Final = re.compile(rb"\{(\d{1,12})\+?\}$")
_FINAL: Final = (b"OK", b"NO", b"BYE")


class SieveScribe(Scribe):
    PROTOCOL = "managesieve"

    def __init__(self, *, letter_lines: int = 0) -> None:
        super().__init__(letter_lines=letter_lines)
        self._signing_in = False

    def _client_line(self, line: bytes) -> None:
        if self._signing_in:
            self._say_secret(line)
        else:
            words = line.lstrip().split(b" ", 2)
            if words[0].upper() == b"AUTHENTICATE":
                self._signing_in = True
                named = visible(b" ".join(words[:2]))
                self._say(CLIENT, f"{named} {SECRET}" if len(words) > 2 else named)
            else:
                self._say_command(words[0], line)
        if (found := _LITERAL.search(line)) is not None:
            self._client.expect("literal", int(found[1]))

    def _client_block(self, block: Block) -> None:
        if self._signing_in:
            self._say(CLIENT, SECRET)
        else:
            self._tell_block(CLIENT, block)

    def _server_block(self, block: Block) -> None:
        if self._signing_in:
            self._say(SERVER, SECRET)
        else:
            self._tell_block(SERVER, block)

    def _server_line(self, line: bytes) -> None:
        final = line.split(b" ", 1)[0].upper() in _FINAL
        if self._signing_in and not final:
            self._say(SERVER, SECRET)
        else:
            self._say(SERVER, visible(line))
            if final:
                self._signing_in = False
        if (found := _LITERAL.search(line)) is not None:
            self._server.expect("literal", int(found[1]))
