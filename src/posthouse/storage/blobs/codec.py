"""Forms in which a message is stored; the codec number of a blob names its form for ever.

A seekable file is a run of independent zstd frames of 256 KiB of message each, followed by the seek table of the
zstd seekable format, so `zstd -d` reads it too.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, Final

import zstandard

from posthouse.core.errors import Unavailable

Buffer = Any
"""What `bytes` makes a copy of, and `len` tells the length of; zstandard has no stubs that say so of its segments."""

RAW: Final = 0
ZSTD: Final = 1
ZSTD_MAIL_V1: Final = 2
SEEKABLE_FILE: Final = 16

FILE_LEVEL: Final = 3
LEVEL: Final = 2
"""Of what is packed while a client waits.  Level 6 takes three to four times as long and saves 9 % of the room of real
mail up to 12 KB, 2 % of the disk, which attachments fill."""
FRAME_BYTES: Final = 256 << 10
DICTIONARY_MAX_BYTES: Final = 12 << 10
"""Longer messages are packed without the dictionary, which does little for them: 60 us instead of 79 for 19 KB."""

_SEEK_TABLE_MAGIC: Final = 0x184D2A5E
_SEEK_FOOTER: Final = struct.Struct("<IBI")  # frames, descriptor, magic
_SEEKABLE_MAGIC: Final = 0x8F92EAB1
_ENTRY: Final = struct.Struct("<II")  # compressed size, decompressed size


@cache
def _dictionary() -> zstandard.ZstdCompressionDict:
    data = resources.files(__package__).joinpath("mail-v1.dict").read_bytes()
    dictionary = zstandard.ZstdCompressionDict(data, dict_type=zstandard.DICT_TYPE_FULLDICT)
    dictionary.precompute_compress(level=LEVEL)
    return dictionary


class Codec:
    """Packs and unpacks; not to be used by two threads at once, see `codec_of_thread`."""

    def __init__(self) -> None:
        dictionary = _dictionary()
        self._small = zstandard.ZstdCompressor(dict_data=dictionary, level=LEVEL, write_dict_id=False)
        self._large = zstandard.ZstdCompressor(level=LEVEL)
        small, large = zstandard.ZstdDecompressor(dict_data=dictionary), zstandard.ZstdDecompressor()
        self._unpack_small = small.decompress
        self._unpack_large = large.decompress
        self._unpack_sets = {
            ZSTD_MAIL_V1: small.multi_decompress_to_buffer,
            ZSTD: large.multi_decompress_to_buffer,
        }

    def pack(self, data: bytes) -> tuple[int, bytes]:
        """(codec, stored form) of a message held in memory."""
        if len(data) <= DICTIONARY_MAX_BYTES:
            codec, packed = ZSTD_MAIL_V1, self._small.compress(data)
        else:
            codec, packed = ZSTD, self._large.compress(data)
        return (codec, packed) if len(packed) < len(data) else (RAW, data)

    def unpack_text(self, stored: bytes) -> bytes:
        """A short text in one value: its codec number and the stored form; nothing stays nothing."""
        return self.unpack(stored[0], stored[1:]) if stored else b""

    def unpack(self, codec: int, packed: bytes) -> bytes:
        if codec == ZSTD_MAIL_V1:
            return self._unpack_small(packed)
        if codec == ZSTD:
            return self._unpack_large(packed)
        if codec == RAW:
            return packed
        raise Unavailable(f"codec {codec} is unknown: the data was written by a later version")

    def unpack_all(self, stored: Sequence[tuple[int, bytes]]) -> list[Buffer]:
        """`unpack` of many (codec, stored form), for threads: nearly all of it runs without the interpreter lock.

        Most of what it gives are parts of one block; `bytes` makes a copy.
        """
        if len(stored) < 2:
            return [self.unpack(codec, packed) for codec, packed in stored]
        unpacked: list[Buffer] = [packed for _, packed in stored]
        by_codec: dict[int, list[int]] = {}
        for at, (codec, _) in enumerate(stored):
            by_codec.setdefault(codec, []).append(at)
        for codec, places in by_codec.items():
            if (unpack_set := self._unpack_sets.get(codec)) is None:
                for at in places:
                    unpacked[at] = self.unpack(codec, stored[at][1])
                continue
            found = unpack_set([stored[at][1] for at in places])
            for number, at in enumerate(places):
                unpacked[at] = found[number]
        return unpacked


_OF_THREAD: Final = threading.local()


def codec_of_thread() -> Codec:
    """The one of the calling thread; making one costs more than unpacking a message."""
    codec: Codec | None = getattr(_OF_THREAD, "codec", None)
    if codec is None:
        codec = _OF_THREAD.codec = Codec()
    return codec


class SeekableFrames:
    """The parts of a seekable file, from pieces of FRAME_BYTES of message each (the last may be shorter)."""

    def __init__(self) -> None:
        # perf: what is packed already passes at 2 GB/s and stays as it is; text takes 5 ms for each MB
        self._compressor = zstandard.ZstdCompressor(level=FILE_LEVEL, write_content_size=True)
        self._entries: list[bytes] = []

    def frame(self, piece: Buffer) -> bytes:
        frame = self._compressor.compress(piece)
        self._entries.append(_ENTRY.pack(len(frame), len(piece)))
        return frame

    def table(self) -> bytes:
        """What stands behind the last frame."""
        body = b"".join(self._entries) + _SEEK_FOOTER.pack(len(self._entries), 0, _SEEKABLE_MAGIC)
        return struct.pack("<II", _SEEK_TABLE_MAGIC, len(body)) + body


SEEK_FOOTER_BYTES: Final = _SEEK_FOOTER.size
SEEK_HEADER_BYTES: Final = 8


def seek_table_bytes(footer: bytes) -> int:
    """The length of the seek table's entries, from the last SEEK_FOOTER_BYTES of a file."""
    frames, descriptor, magic = _SEEK_FOOTER.unpack(footer)
    if magic != _SEEKABLE_MAGIC or descriptor:
        raise Unavailable("the seek table of a message file is damaged")
    return int(frames) * _ENTRY.size


def frame_offsets(entries: bytes) -> list[int]:
    """Where each frame starts, and behind the last one where it ends."""
    offsets = [0]
    for compressed, _ in _ENTRY.iter_unpack(entries):
        offsets.append(offsets[-1] + compressed)
    return offsets


def message_length(entries: bytes) -> int:
    return sum(length for _, length in _ENTRY.iter_unpack(entries))
