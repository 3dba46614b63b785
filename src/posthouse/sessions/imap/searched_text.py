"""A message as searches look at it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, final

from posthouse.mime.fuzzy import Looked
from posthouse.mime.header import Fields, header_text, parse_fields
from posthouse.mime.scan import MAX_HEADER, Part, walk
from posthouse.mime.search_text import Extract, body_pieces, folded_fields, header_pieces, other_lines
from posthouse.mime.text_windows import held_of, is_long
from posthouse.storage.content_ports import Content, LargeContent

BLOCK_BYTES: Final = 256 << 10
"""Octets that are read of a long message where few are asked for: its headers lie near each other."""


@final
class SlicedContent:
    """A message that stays in its file: gives slices of itself.  For threads."""

    __slots__ = ("_block", "_content", "_start")

    def __init__(self, content: LargeContent) -> None:
        self._content = content
        self._block = b""
        self._start = 0

    def __getitem__(self, key: slice) -> bytes:
        start, stop, _ = key.indices(self._content.size)
        if stop - start >= BLOCK_BYTES:
            return self._content.read(start, stop)
        if not self._start <= start <= stop <= self._start + len(self._block):
            self._start = start - start % BLOCK_BYTES
            self._block = self._content.read(self._start, self._start + 2 * BLOCK_BYTES)
        return self._block[start - self._start : stop - self._start]


@final
class SearchedText:
    """The searchable text of one message, decoded when asked for.

    `needles`: folded texts that bodies will be asked for; long parts are gone through once for all of them.
    """

    __slots__ = (
        "_body",
        "_content",
        "_extract",
        "_fields",
        "_header",
        "_held",
        "_looked",
        "_needles",
        "_root",
    )

    def __init__(
        self, content: Content, root: Part, extract: Extract | None, needles: Collection[str] = ()
    ) -> None:
        self._extract = extract
        self._needles = needles
        self._held: set[str] | None = None
        self._content = content if isinstance(content, bytes) else SlicedContent(content)
        self._root = root
        self._fields: Fields | None = None
        self._header: list[str] | None = None
        self._body: list[str] | None = None
        self._looked: dict[str, Looked] = {}

    @property
    def fields(self) -> Fields:
        if self._fields is None:
            self._fields = parse_fields(self._block())
        return self._fields

    def _block(self) -> str:
        root = self._root
        return header_text(
            self._content[root.header_start : min(root.body_start, root.header_start + MAX_HEADER)]
        )

    @property
    def header(self) -> list[str]:
        if self._header is None:
            self._header = header_pieces(folded_fields(self.fields), other_lines(self._block()))
        return self._header

    @property
    def body(self) -> list[str]:
        """RFC 9051 §6.4.4: the text parts, with encodings undone, and the headers of messages inside; without the
        long parts."""
        if self._body is None:
            self._body = body_pieces(self._content, self._root, self._extract, leave_out=is_long)
        return self._body

    def _long_holds(self, needle: str) -> bool:
        if self._held is None:
            self._held = set()
            for part in filter(is_long, walk(self._root)):
                self._held |= held_of(self._content, part, self._needles)
        return needle in self._held

    def looked(self, where: str) -> Looked:
        """For FUZZY: HEADER, BODY, or TEXT for both."""
        if (known := self._looked.get(where)) is None:
            header = self.header if where != "BODY" else []
            body = body_pieces(self._content, self._root, self._extract) if where != "HEADER" else []
            known = self._looked[where] = Looked([*header, *body])
        return known

    def header_holds(self, needle: str) -> bool:
        return any(needle in piece for piece in self.header)

    def body_holds(self, needle: str) -> bool:
        return not needle or any(needle in piece for piece in self.body) or self._long_holds(needle)
