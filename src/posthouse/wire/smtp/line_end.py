"""Line ends of what we send: CRLF and nothing else, whatever the message held."""

from __future__ import annotations

import re
from typing import Final, final

_ANY: Final = re.compile(rb"\r\n|\r|\n")


@final
class LineEnds:
    """RFC 5321 §2.3.8: a client sends CR and LF as the pair that ends a line only.

    A bare one in front of a dot could end the message at a peer that is less strict, and make what follows commands
    in our name.  It becomes a line end, as most readers show it.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""  # a CR whose LF may come with the next piece

    def feed(self, piece: bytes) -> bytes:
        if self._held:
            piece, self._held = self._held + piece, b""
        if piece.endswith(b"\r"):
            piece, self._held = piece[:-1], b"\r"
        # perf: three counts run at memory speed; the regex is for the rare message that needs it.
        if piece.count(b"\r\n") == piece.count(b"\n") == piece.count(b"\r"):
            return piece
        return _ANY.sub(b"\r\n", piece)

    def finish(self) -> bytes:
        held, self._held = self._held, b""
        return b"\r\n" if held else b""
