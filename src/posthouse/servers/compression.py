"""DEFLATE over bytes (RFC 4978): what comes in is unpacked a bounded piece at a time, what goes out is packed.

To a peer that takes octets faster than they can be packed, they go as they are, in stored blocks: packing would only
delay them.  How fast it takes them the kernel knows.
"""

from __future__ import annotations

import socket
import struct
import zlib
from collections.abc import Iterator
from typing import Final

PIECE_BYTES: Final = 64 * 1024
"""What one step may unpack: a thousand octets of input can hold a megabyte."""
PIECES_AT_ONCE: Final = 4
"""Steps before other work of the event loop gets its turn."""
_LEVEL: Final = 1
"""50 to 80 MB/s; level 3 makes mail 4 % smaller in three times the time."""
STORED_FROM_BYTES: Final = 4096
FAST_BYTES_S: Final = 50_000_000
"""What a peer takes from which on long answers are not packed."""
_STORED_MAX: Final = 0xFFFF
_TCP_INFO_BYTES: Final = 168
_DELIVERY_RATE: Final = 160  # of struct tcp_info, Linux 4.9
# A window of 8 KiB and small tables: 64 KiB per connection instead of 256, for a few per cent of size.
_WINDOW_BITS: Final = -13
_MEMORY_LEVEL: Final = 6


class CompressionLayer:
    """Both directions of one connection.  `paused`: the session takes no more for now."""

    __slots__ = ("_deflate", "_inflate", "_tail", "ended", "paused", "pending")

    def __init__(self) -> None:
        self._deflate: zlib._Compress | None = None
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        self._tail = b""
        self.pending = False  # there may be more to take
        self.paused = False
        self.ended = False  # the peer closed its side behind what is pending

    def pack(self, data: bytes) -> bytes:
        """All of the data, so that the peer can unpack it now."""
        if self._deflate is None:
            self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL)
        return self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def store(self, data: bytes) -> bytes:
        """The same without making it smaller."""
        # What is packed next must not refer back to what stood before this, so it begins with a packer of its own.
        self._deflate = None
        return b"".join(_stored_blocks(data))

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


def _stored_blocks(data: bytes) -> Iterator[bytes]:
    # RFC 1951 §3.2.4: three bits (not the last block, stored), to the next octet, the length and its complement.
    # A flushed stream stands at the beginning of an octet.
    for start in range(0, len(data), _STORED_MAX):
        block = data[start : start + _STORED_MAX]
        yield struct.pack("<BHH", 0, len(block), len(block) ^ 0xFFFF)
        yield block


def is_fast(sock: socket.socket | None) -> bool:
    """Whether the peer takes octets faster than they can be packed; False where that is not known."""
    try:
        info = b"" if sock is None else sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    except OSError:  # no TCP
        return False
    if len(info) < _TCP_INFO_BYTES:
        return False
    rate: int = struct.unpack_from("=Q", info, _DELIVERY_RATE)[0]
    return rate >= FAST_BYTES_S
