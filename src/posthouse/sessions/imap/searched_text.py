"""A message as searches look at it."""

from __future__ import annotations

from typing import final

from posthouse.mime.fuzzy import Looked
from posthouse.mime.header import Fields, header_text, parse_fields
from posthouse.mime.scan import MAX_HEADER, Part
from posthouse.mime.search_text import Extract, body_pieces, folded_fields, header_pieces, other_lines


@final
class SearchedText:
    """The searchable text of one message, decoded when asked for."""

    __slots__ = ("_body", "_content", "_extract", "_fields", "_header", "_looked", "_root")

    def __init__(self, content: bytes, root: Part, extract: Extract | None) -> None:
        self._extract = extract
        self._content = content
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
        """RFC 9051 §6.4.4: the text parts, with encodings undone, and the headers of messages inside."""
        if self._body is None:
            self._body = body_pieces(self._content, self._root, self._extract)
        return self._body

    def looked(self, where: str) -> Looked:
        """For FUZZY: HEADER, BODY, or TEXT for both."""
        if (known := self._looked.get(where)) is None:
            header = self.header if where != "BODY" else []
            body = self.body if where != "HEADER" else []
            known = self._looked[where] = Looked([*header, *body])
        return known

    def header_holds(self, needle: str) -> bool:
        return any(needle in piece for piece in self.header)

    def body_holds(self, needle: str) -> bool:
        return not needle or any(needle in piece for piece in self.body)
