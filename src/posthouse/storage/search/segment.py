"""One segment: an immutable file with the words and the texts of up to `DOCS_MAX` messages.

    magic, CRC-32 and length of the table of sections, the table (MessagePack), the sections

Sections: `messages` (ids, ascending by number in the segment); the short fields of all messages in a row, which are
scanned; for header and body the sorted words between line ends, where each begins, where its list of messages begins,
and the lists (16-bit numbers, or a bitmap where that is shorter); and the texts of both (`texts.py`).
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import Final, final

import msgspec

from posthouse.mime.search_text import SearchText
from posthouse.storage.search.texts import PIECE_END, TEXT_END, TextBlocks, TextPacker, utf8
from posthouse.storage.search.tokens import demand_of, words_of

DOCS_MAX: Final = 60_000
SHORT_FIELDS: Final = ("subject", "from", "to", "cc")
HEADER: Final = "header"
BODY: Final = "body"
NONE: Final[frozenset[int]] = frozenset()
_MAGIC: Final = b"PHSEG\x00\x01\n"
_HEAD: Final = struct.Struct("<8sII")
_BITS: Final = [[bit for bit in range(8) if byte >> bit & 1] for byte in range(256)]

Words = Iterable[tuple[bytes, "array[int]"]]


class CorruptSegment(Exception):
    """The file is not what was written."""


# ---------------------------------------------------------------------- writing


@final
class SegmentBuilder:
    """Collects messages in memory, then writes them."""

    def __init__(self) -> None:
        self.messages: array[int] = array("Q")
        self.text_bytes = 0
        self._short: dict[str, list[bytes]] = {name: [] for name in SHORT_FIELDS}
        self._words: dict[str, defaultdict[str, list[int]]] = {
            HEADER: defaultdict(list),
            BODY: defaultdict(list),
        }
        self._texts = {HEADER: TextPacker(), BODY: TextPacker()}

    def __len__(self) -> int:
        return len(self.messages)

    def add(self, message: int, text: SearchText) -> None:
        doc = len(self.messages)
        self.messages.append(message)
        for name, docs in self._short.items():
            values = [utf8(value) + PIECE_END for key, value in text.fields if key == name]
            docs.append(b"".join(values))
        for kind, pieces in (HEADER, text.header()), (BODY, text.body):
            words = self._words[kind]
            for word in words_of("\n".join(pieces)):
                words[word].append(doc)
            packed = PIECE_END.join(map(utf8, pieces))
            self.text_bytes += len(packed)
            self._texts[kind].add(packed)

    def write(self, path: Path) -> None:
        write_segment(
            path,
            self.messages,
            {name: TEXT_END.join(docs) for name, docs in self._short.items()},
            {kind: self._sorted(words) for kind, words in self._words.items()},
            self._texts,
        )

    @staticmethod
    def _sorted(words: dict[str, list[int]]) -> Words:
        for word, docs in sorted((utf8(word), docs) for word, docs in words.items()):
            yield word, array("H", docs)


def write_segment(
    path: Path,
    messages: array[int],
    short: dict[str, bytes],
    words: dict[str, Words],
    texts: dict[str, TextPacker],
) -> None:
    """Write a segment, complete and on stable storage when this returns."""
    sections: dict[str, bytes] = {"messages": messages.tobytes()}
    for name, values in short.items():
        sections[name + ".values"] = values
    for kind, ordered in words.items():
        sections |= _word_sections(kind, ordered, len(messages))
    for kind, packer in texts.items():
        sections |= packer.sections(kind)
    table: dict[str, tuple[int, int, int]] = {}
    at = 0
    for name, data in sections.items():
        table[name] = at, len(data), zlib.crc32(data)
        at += len(data)
    head = msgspec.msgpack.encode(table)
    with path.open("wb") as file:
        file.write(_HEAD.pack(_MAGIC, zlib.crc32(head), len(head)) + head)
        for data in sections.values():
            file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _word_sections(kind: str, ordered: Words, docs: int) -> dict[str, bytes]:
    bitmap_bytes = (docs + 7) // 8
    words = bytearray(b"\n")
    starts, offsets = array("I"), array("I", (0,))
    lists = bytearray()
    for word, numbers in ordered:
        starts.append(len(words))
        words += word
        words += b"\n"
        if 2 * len(numbers) < bitmap_bytes:
            lists += numbers.tobytes()
        else:
            bits = bytearray(bitmap_bytes)
            for number in numbers:
                bits[number >> 3] |= 1 << (number & 7)
            lists += bits
        offsets.append(len(lists))
    return {
        f"{kind}.words": bytes(words),
        f"{kind}.starts": starts.tobytes(),
        f"{kind}.offsets": offsets.tobytes(),
        f"{kind}.lists": bytes(lists),
    }


# ---------------------------------------------------------------------- reading


@final
class WordList:
    """The words of the header or the body, and the messages they are in."""

    def __init__(self, segment: Segment, kind: str) -> None:
        self.words = bytes(
            segment.section(f"{kind}.words")
        )  # perf: `find` of bytes is ten times that of mmap
        self._starts = segment.section(f"{kind}.starts").cast("I")
        self._offsets = segment.section(f"{kind}.offsets").cast("I")
        self._lists = segment.section(f"{kind}.lists")
        self._docs = len(segment.messages)
        self._bitmap_bytes = (self._docs + 7) // 8

    def __len__(self) -> int:
        return len(self._starts)

    def numbers(self, word: int) -> Iterable[int]:
        data = self._lists[self._offsets[word] : self._offsets[word + 1]]
        if len(data) != self._bitmap_bytes:
            return data.cast("H")
        return [8 * at + bit for at, byte in enumerate(data) if byte for bit in _BITS[byte]]

    def _word(self, number: int) -> bytes:
        start = self._starts[number]
        return self.words[start : self.words.index(b"\n", start)]

    def holding(self, pattern: bytes) -> set[int]:
        """Messages with a word in which the pattern occurs."""
        return self._beginning(pattern[1:]) if pattern.startswith(b"\n") else self._within(pattern)

    def _beginning(self, pattern: bytes) -> set[int]:
        """Words are in order, so those that begin alike stand together."""
        sought = pattern.rstrip(b"\n")
        found: set[int] = set()
        word = bisect_left(range(len(self)), sought, key=self._word)
        while word < len(self) and self.words.startswith(pattern, self._starts[word]):
            found.update(self.numbers(word))
            word += 1
        return found

    def _within(self, pattern: bytes) -> set[int]:
        found: set[int] = set()
        words, starts = self.words, self._starts
        at = words.find(pattern)
        while at >= 0:
            # A pattern may end with the line end after its word, but never begins before it.
            word = bisect_right(starts, at) - 1
            found.update(self.numbers(word))
            if len(found) == self._docs:
                break
            at = words.find(pattern, starts[word + 1]) if word + 1 < len(starts) else -1
        return found

    def holding_all(self, patterns: list[bytes]) -> set[int]:
        found = self.holding(patterns[0])
        for pattern in patterns[1:]:
            if not found:
                break
            found &= self.holding(pattern)
        return found

    def items(self) -> Iterator[tuple[bytes, int]]:
        for number in range(len(self)):
            yield self._word(number), number


@final
class Segment:
    """A segment in use.  Raises CorruptSegment; a method may be called by any thread."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < _HEAD.size:
                raise CorruptSegment(f"{path}: {size} bytes")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.path = path
        self.size_bytes = size
        self._view = memoryview(self._map)
        magic, checksum, length = _HEAD.unpack_from(self._view)
        head = self._view[_HEAD.size : _HEAD.size + length]
        if magic != _MAGIC or len(head) != length or zlib.crc32(head) != checksum:
            raise CorruptSegment(f"{path}: damaged head")
        self._table = msgspec.msgpack.decode(head, type=dict[str, tuple[int, int, int]])
        self._origin = _HEAD.size + length
        if size != self._origin + sum(length for _, length, _ in self._table.values()):
            raise CorruptSegment(f"{path}: {size} bytes")
        self.messages = self.section("messages").cast("Q")
        self._texts = {kind: TextBlocks(self.section, kind) for kind in (HEADER, BODY)}
        self._lists: dict[str, WordList] = {}
        self._short: dict[str, bytes] = {}

    def section(self, name: str) -> memoryview:
        at, length, _ = self._table[name]
        return self._view[self._origin + at : self._origin + at + length]

    def verify(self) -> None:
        """Read all of it."""
        for name, (_, _, checksum) in self._table.items():
            if zlib.crc32(self.section(name)) != checksum:
                raise CorruptSegment(f"{self.path}: damaged {name}")

    def words(self, kind: str) -> WordList:
        if kind not in self._lists:
            self._lists[kind] = WordList(self, kind)
        return self._lists[kind]

    def values(self, name: str) -> bytes:
        """A short field of all messages, message by message."""
        if name not in self._short:
            self._short[name] = bytes(self.section(name + ".values"))
        return self._short[name]

    def texts(self, kind: str) -> TextBlocks:
        return self._texts[kind]

    # --- questions; the answers are numbers in the segment ---

    def having_field(self, name: str, needle: str) -> set[int]:
        if name in SHORT_FIELDS:
            return self._having_value(name, utf8(needle) or PIECE_END)
        # Every word of the name stands in the header, with something else around it.
        docs = self._candidates(HEADER, demand_of(f"\n{name}:").patterns + demand_of(needle).patterns)
        label, sought = utf8(name + ": "), utf8(needle)
        return {
            doc
            for doc, text in self._texts[HEADER].having(docs, sought)
            if any(p.startswith(label) and sought in p[len(label) :] for p in text.split(PIECE_END))
        }

    def _having_value(self, name: str, needle: bytes) -> set[int]:
        values = self.values(name)
        found: set[int] = set()
        doc = begin = 0
        at = values.find(needle)
        while at >= 0:
            doc += values.count(TEXT_END, begin, at)
            found.add(doc)
            begin = values.find(TEXT_END, at)
            at = values.find(needle, begin) if begin >= 0 else -1
        return found

    def having_body(self, needle: str, known: Set[int] = NONE) -> set[int]:
        """`known` ones need not be looked at."""
        return self._having(BODY, needle, known) if needle else set(range(len(self.messages)))

    def having_text(self, needle: str, known: Set[int] = NONE) -> set[int]:
        found = self._having(HEADER, needle, known)
        return found | self.having_body(needle, found | known)

    def _having(self, kind: str, needle: str, known: Set[int]) -> set[int]:
        patterns, enough = demand_of(needle)
        docs = self._candidates(kind, patterns) - known
        return docs if enough else {doc for doc, _ in self._texts[kind].having(docs, utf8(needle))}

    def _candidates(self, kind: str, patterns: list[bytes]) -> set[int]:
        if not patterns:
            return set(range(len(self.messages)))
        return self.words(kind).holding_all(patterns)
