"""BODY[...], BINARY[...] and BINARY.SIZE[...] as values: bytes, numbers, None, or a slice of a long message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, final

from posthouse.core.ids import AccountId, MailboxId
from posthouse.mime.facts import KEPT_FIELDS
from posthouse.mime.kept import KeptSelector
from posthouse.mime.layout import unpack_layout
from posthouse.mime.scan import LEAF, Part
from posthouse.mime.section import (
    Section,
    decode_transfer,
    find_part,
    is_decodable,
    section_range,
    select_fields,
)
from posthouse.services.mailboxes import SharedMailbox
from posthouse.sessions.session import Peer
from posthouse.storage.content_ports import Content, LargeContent
from posthouse.storage.ports import Messages
from posthouse.storage.rows import UidRanges
from posthouse.wire.imap.fetch_item import BinarySection, BinarySize, BodySection
from posthouse.wire.imap.format_fetch import RowTemplate, hide_nul

from .view import uid_ranges

Row = tuple[Any, ...]
_WHOLE: Final = Section(())
PIECE_ROWS: Final = 512
LAYOUT_PIECE_ROWS: Final = 128
"""Messages of one piece with up to eight sections; with more of them fewer."""
"""Rows whose sections are cut before other work of the event loop gets its turn: a few milliseconds."""


async def pieces(chunks: AsyncIterator[list[Row]], size: int) -> AsyncIterator[list[Row]]:
    """The store's chunks, no longer than `size` rows."""
    async for chunk in chunks:
        if len(chunk) <= size:
            yield chunk
            continue
        for start in range(0, len(chunk), size):
            yield chunk[start : start + size]
            await asyncio.sleep(0)


@final
class Slice:
    """Octets start..stop of a long message."""

    __slots__ = ("_content", "_start", "_stop")

    def __init__(self, content: LargeContent, start: int, stop: int) -> None:
        self._content = content
        self._start = start
        self._stop = stop

    @property
    def size(self) -> int:
        return self._stop - self._start

    def chunks(self) -> AsyncIterator[bytes]:
        return self._content.chunks(self._start, self._stop)

    async def read(self) -> bytes:
        return b"".join([piece async for piece in self.chunks()])


async def send_parts(peer: Peer, parts: list[Any]) -> None:
    """A message too long for memory: its bytes go out as they are read."""
    for part in parts:
        if isinstance(part, Slice):
            async for piece in part.chunks():
                peer.write(hide_nul(piece) if b"\x00" in piece else piece)
                if peer.must_drain:
                    await peer.drain()
        else:
            peer.write(part)


@final
class SectionReader:
    """Rows of a template that has sections.  One per command.  `texts`: the sections are kept header fields."""

    __slots__ = (
        "_decodes",
        "_key",
        "_messages",
        "_needs_layout",
        "_sections",
        "_width",
        "texts",
        "unknown_encoding",
    )

    def __init__(self, messages: Messages, shared: SharedMailbox, template: RowTemplate) -> None:
        self._messages = messages
        self._key: tuple[AccountId, MailboxId] = shared.account, shared.mailbox
        self._width = template.columns
        self._sections = [_compile(section) for section in template.sections]
        self.texts = all(section.kept for section in self._sections)
        self._decodes = any(section.binary for section in self._sections)
        self._needs_layout = any(section.spec != _WHOLE for section in self._sections)
        self.unknown_encoding = False

    async def rows(self, ranges: UidRanges) -> AsyncIterator[list[Row]]:
        """The template's columns and one value per section, in chunks."""
        if not self.texts:
            async for chunk in self._full_rows(ranges):
                yield chunk
            return
        fetched = self._messages.fetch(*self._key, ranges, (*self._width, "kept_fields"))
        async for chunk in pieces(fetched, PIECE_ROWS):
            # A message whose kept fields were too many has none; it is read whole.
            missing = [row[0] for row in chunk if not row[-1]]
            whole: dict[int, Row] = {}
            if not missing:
                # perf: rows are put together by column, without Python code for each
                *columns, kept = zip(*chunk, strict=True)
                texts = [map(section.select_kept, kept) for section in self._sections]
                yield list(zip(*columns, *texts, strict=True))
                continue
            async for rows in self._full_rows(uid_ranges(missing)):
                whole.update((row[0], row) for row in rows)
            chunk = [row for row in chunk if row[-1] or row[0] in whole]
            yield [
                (*row[:-1], *[section.select_kept(row[-1]) for section in self._sections])
                if row[-1]
                else whole[row[0]]
                for row in chunk
            ]

    async def _full_rows(self, ranges: UidRanges) -> AsyncIterator[list[Row]]:
        extra = ("layout", "content") if self._needs_layout else ("content",)
        fetched = self._messages.fetch(*self._key, ranges, (*self._width, *extra))
        rows = LAYOUT_PIECE_ROWS if self._needs_layout else PIECE_ROWS
        async for chunk in pieces(fetched, 1 + rows * 8 // max(8, len(self._sections))):
            if self._decodes:
                yield await self._decoded(chunk)
            else:
                yield [await self._long(row) if _is_long(row[-1]) else self._short(row) for row in chunk]

    async def _decoded(self, chunk: list[Row]) -> list[Row]:
        """BINARY: a part is decoded whole, so the message is read whole, and the work goes to a thread."""
        rows: list[Row] = []
        for row in chunk:
            content = row[-1]
            data = content if isinstance(content, bytes) else await Slice(content, 0, content.size).read()
            rows.append(await asyncio.to_thread(self._short, (*row[:-1], data)))
        return rows

    def _short(self, row: Row) -> Row:
        data: bytes = row[-1]
        if not self._needs_layout:
            return (*row[:-1], *[section.cut(data) for section in self._sections])
        root = unpack_layout(row[-2])
        return (*row[:-2], *[self._value(section, data, root) for section in self._sections])

    def _value(self, section: _Compiled, data: bytes, root: Part) -> bytes | int | None:
        if section.binary:
            value = _decode(section, data, root)
            if value is _UNDECODABLE:
                self.unknown_encoding = True
                return None
            if value is not None and section.size_only:
                return len(value)
            return None if value is None else section.cut(value)
        found = section_range(root, section.spec)
        if found is None:
            return None
        raw = data[found[0] : found[1]]
        return section.cut(section.select(raw) if section.spec.names else raw)

    async def _long(self, row: Row) -> Row:
        content: LargeContent = row[-1]
        head = row[: len(self._width)]
        root = unpack_layout(row[-2]) if self._needs_layout else None
        values: list[bytes | Slice | None] = []
        for section in self._sections:
            found = (0, content.size) if root is None else section_range(root, section.spec)
            if found is None:
                values.append(None)
            elif section.spec.names:
                values.append(section.cut(section.select(await Slice(content, *found).read())))
            else:
                values.append(Slice(content, *section.clip(*found)))
        return (*head, *values)

    @staticmethod
    def has_slices(rows: list[Row]) -> bool:
        return any(isinstance(value, Slice) for row in rows for value in row)


def _is_long(content: Content) -> bool:
    return not isinstance(content, bytes)


@final
class _Compiled:
    """One section of the command.  `kept`: stored header fields are enough."""

    __slots__ = ("_exclude", "binary", "cut", "kept", "partial", "select_kept", "size_only", "spec")

    def __init__(
        self, spec: Section, partial: tuple[int, int] | None, *, binary: bool = False, size_only: bool = False
    ) -> None:
        self.spec = spec
        self.partial = partial
        self.binary = binary
        self.size_only = size_only
        self._exclude = spec.text == "HEADER.FIELDS.NOT"
        self.kept = spec.text == "HEADER.FIELDS" and not spec.path and KEPT_FIELDS.issuperset(spec.names)
        self.cut: Callable[[bytes], bytes] = _uncut if partial is None else self._cut
        if self.kept:
            selector = KeptSelector(spec.names)
            self.select_kept = (
                selector.select if partial is None else lambda stored: self._cut(selector.select(stored))
            )

    def _cut(self, value: bytes) -> bytes:
        assert self.partial is not None
        first, length = self.partial
        return value[first : first + length]

    def clip(self, start: int, stop: int) -> tuple[int, int]:
        if self.partial is None:
            return start, stop
        first, length = self.partial
        first = min(start + first, stop)
        return first, min(first + length, stop)

    def select(self, block: bytes) -> bytes:
        return self.cut(select_fields(block, self.spec.names, exclude=self._exclude))


def _uncut(value: bytes) -> bytes:
    return value


def _compile(section: BodySection | BinarySection | BinarySize) -> _Compiled:
    if isinstance(section, BodySection):
        names = tuple(name.upper().encode("utf-8", "surrogateescape") for name in section.fields)
        return _Compiled(Section(section.part, section.text or "", names), section.partial)
    if isinstance(section, BinarySection):
        return _Compiled(Section(section.part, "BINARY"), section.partial, binary=True)
    return _Compiled(Section(section.part, "BINARY"), None, binary=True, size_only=True)


_UNDECODABLE: Final = b"<no such encoding>"


def _decode(section: _Compiled, data: bytes, root: Part) -> bytes | None:
    """RFC 3516 §4.3: the part with its transfer encoding undone; BINARY[] is the message as it is."""
    if not section.spec.path:
        return data
    part = find_part(root, section.spec.path)
    if part is None:
        return None
    raw = data[part.body_start : part.body_end]
    if part.kind != LEAF:
        return raw
    return decode_transfer(raw, part.encoding) if is_decodable(part.encoding) else _UNDECODABLE
