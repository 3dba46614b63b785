"""DEFLATE over bytes (RFC 4978): what comes in is unpacked a bounded piece at a time, what goes out is packed."""

from __future__ import annotations

import zlib
from typing import Final

PIECE_BYTES: Final = 64 * 1024
"""What one step may unpack: a thousand octets of input can hold a megabyte."""
PIECES_AT_ONCE: Final = 4
"""Steps before other work of the event loop gets its turn."""
_LEVEL: Final = 3
# A window of 8 KiB and small tables: 64 KiB per connection instead of 256, for a few per cent of size.
_WINDOW_BITS: Final = -13
_MEMORY_LEVEL: Final = 6


class CompressionLayer:
    """Both directions of one connection.  `paused`: the session takes no more for now."""

    __slots__ = ("_deflate", "_inflate", "_tail", "ended", "paused", "pending")

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL)
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        self._tail = b""
        self.pending = False  # there may be more to take
        self.paused = False
        self.ended = False  # the peer closed its side behind what is pending

    def pack(self, data: bytes) -> bytes:
        """All of the data, so that the peer can unpack it now."""
        return self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def feed(self, data: bytes) -> None:
        self._tail += data
        self.pending = True

    def take(self) -> bytes:
        """The next piece, b"" when more input is needed.  Raises zlib.error for what is no DEFLATE."""
        if self._inflate.eof:
            raise zlib.error("octets behind the end of the stream")
        piece = self._inflate.decompress(self._tail, PIECE_BYTES)
        self._tail = self._inflate.unconsumed_tail
        self.pending = bool(piece)
        return piece
