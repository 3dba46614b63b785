"""Folded texts of messages in packed blocks, against which what the words promise is verified.

A text is pieces; a phrase is found inside one piece.  Texts of one kind share a block, since they pack better
together.  Blocks of texts beyond ASCII are small: their words are pairs of characters, so nearly every phrase in
them has to be verified.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final, final

import zstandard

PIECE_END: Final = b"\xfe"  # neither occurs in UTF-8
TEXT_END: Final = b"\xff"
_LEVEL: Final = 3
_ASCII_BLOCK_BYTES: Final = 256 << 10
_OTHER_BLOCK_BYTES: Final = 6 << 10


def utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")


@final
class TextPacker:
    """Takes texts in the order of their numbers."""

    def __init__(self) -> None:
        self._packer = zstandard.ZstdCompressor(level=_LEVEL)
        self._collected: dict[bool, list[bytes]] = {True: [], False: []}
        self._sizes = {True: 0, False: 0}
        self._owners: dict[bool, list[int]] = {True: [], False: []}
        self._blocks = array("I")  # by text
        self._slots = array("H")
        self._ends = array("Q")
        self._packed = bytearray()

    def add(self, text: bytes) -> None:
        """Pieces with PIECE_END between them."""
        plain = text.replace(PIECE_END, b"").isascii()
        self._owners[plain].append(len(self._blocks))
        self._slots.append(len(self._collected[plain]))
        self._blocks.append(0)
        self._collected[plain].append(text)
        self._sizes[plain] += len(text)
        if self._sizes[plain] >= (_ASCII_BLOCK_BYTES if plain else _OTHER_BLOCK_BYTES):
            self._close(plain=plain)

    def _close(self, *, plain: bool) -> None:
        texts, owners = self._collected[plain], self._owners[plain]
        if texts:
            for owner in owners:
                self._blocks[owner] = len(self._ends)
            self._packed += self._packer.compress(TEXT_END.join(texts))
            self._ends.append(len(self._packed))
        self._collected[plain], self._owners[plain], self._sizes[plain] = [], [], 0

    def sections(self, kind: str) -> dict[str, bytes]:
        """What `TextBlocks` is made of; nothing may be added any more."""
        self._close(plain=True)
        self._close(plain=False)
        return {
            f"{kind}.blocks": self._blocks.tobytes(),
            f"{kind}.slots": self._slots.tobytes(),
            f"{kind}.ends": self._ends.tobytes(),
            f"{kind}.texts": bytes(self._packed),
        }


@final
class TextBlocks:
    """The texts of one kind in a segment."""

    def __init__(self, section: Callable[[str], memoryview], kind: str) -> None:
        self._blocks = section(f"{kind}.blocks").cast("I")
        self._slots = section(f"{kind}.slots").cast("H")
        self._ends = section(f"{kind}.ends").cast("Q")
        self._packed = section(f"{kind}.texts")

    def _block(self, number: int, unpack: Callable[[memoryview], bytes]) -> bytes:
        start = self._ends[number - 1] if number else 0
        return unpack(self._packed[start : self._ends[number]])

    def having(self, docs: Iterable[int], needle: bytes) -> Iterator[tuple[int, bytes]]:
        """Those of the texts in which the needle occurs."""
        wanted: defaultdict[int, list[int]] = defaultdict(list)
        for doc in docs:
            wanted[self._blocks[doc]].append(doc)
        unpack = zstandard.ZstdDecompressor().decompress
        for number, members in wanted.items():
            block = self._block(number, unpack)
            if needle not in block:
                continue
            texts = block.split(TEXT_END)
            for doc in members:
                text = texts[self._slots[doc]]
                if needle in text:
                    yield doc, text

    def of(self, docs: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """The texts of these."""
        return self.having(docs, b"")

    def all(self) -> Iterator[bytes]:
        """Every text, in order."""
        unpack = zstandard.ZstdDecompressor().decompress
        open_blocks: dict[int, list[bytes]] = {}
        for doc, number in enumerate(self._blocks):
            if number not in open_blocks:
                if len(open_blocks) > 2:  # at most two kinds of blocks are filled at a time
                    del open_blocks[min(open_blocks)]
                open_blocks[number] = self._block(number, unpack).split(TEXT_END)
            yield open_blocks[number][self._slots[doc]]
