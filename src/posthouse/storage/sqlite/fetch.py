"""FETCH: rows of a mailbox in chunks.

Flags and facts are read on the event loop, a few milliseconds at a time; the chunk length follows the measured
time.  Message bytes are read and unpacked by a thread, one chunk ahead of the consumer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any, Final

import apsw
import msgspec
from msgspec.json import encode as json_encode

from posthouse.core.errors import Invalid
from posthouse.core.ids import AccountId, MailboxId
from posthouse.mime.kept import INDEXED, pack_kept, unpack_kept
from posthouse.storage.blobs.cache import ContentCache
from posthouse.storage.blobs.codec import SEEKABLE_FILE, codec_of_thread
from posthouse.storage.blobs.contents import INLINE_CONTENT_MAX_BYTES
from posthouse.storage.blobs.files import BlobFiles, FileContent
from posthouse.storage.rows import (
    CONTENT_COLUMN,
    MESSAGE_COLUMNS,
    NUMBER_COLUMNS,
    PLACEMENT_COLUMNS,
    UidRanges,
)
from posthouse.storage.sqlite.connection import reading
from posthouse.storage.sqlite.reads import Reader
from posthouse.storage.sqlite.requests import unpack_flags

CHUNK_S: Final = 0.005
"""What one chunk may hold the event loop."""
FIRST_CHUNK_ROWS: Final = 256
CHUNK_MAX_ROWS: Final = 16_384
CONTENT_CHUNK_BYTES: Final = 2 << 20
"""Message bytes in one chunk; two chunks are in memory at a time."""
CONTENT_CHUNK_ROWS: Final = 512
NUMBERS_CHUNK_ROWS: Final = 8192
"""Rows of whole numbers in one chunk: some milliseconds to read and to format them."""
MANY_NUMBERS: Final = 64
"""UIDs of a range from which on numbers are read by column."""
FEW_MESSAGES: Final = 8
FEW_BYTES: Final = 128 << 10
"""So many and so short messages are unpacked on the event loop: half a millisecond at most."""

_IN_RANGE: Final = " WHERE p.account = ? AND p.mailbox = ? AND p.uid BETWEEN ? AND ? ORDER BY p.uid LIMIT ?"
_SELECT_BYTES: Final = "SELECT b.id, b.bytes FROM json_each(?) w CROSS JOIN blob b ON b.id = w.value"
Row = tuple[Any, ...]


def _sql(columns: Sequence[str]) -> str:
    """The query for these columns, behind uid first."""
    joins = ""
    if any(column in MESSAGE_COLUMNS for column in columns) or CONTENT_COLUMN in columns:
        joins = " CROSS JOIN message m ON m.id = p.message"  # CROSS fixes the order: placements lead
    if CONTENT_COLUMN in columns:
        joins += " CROSS JOIN blob b ON b.id = m.blob"
    names = [_NAMES[column] for column in columns if column != CONTENT_COLUMN]
    if CONTENT_COLUMN in columns:
        names += ["b.id", "b.size", "b.codec", "b.file"]
    return f"SELECT {', '.join(['p.uid', *names])} FROM placement p{joins}{_IN_RANGE}"  # noqa: S608


_decode_numbers: Final = msgspec.json.Decoder(list[int]).decode
_INDEXED: Final = bytes((INDEXED,))
_NAMES: Final = {
    **{column: f"p.{column}" for column in PLACEMENT_COLUMNS},
    **{column: f"m.{column}" for column in MESSAGE_COLUMNS},
    "kept_fields": "m.header_fields",
}


async def fetch(
    reader: Reader,
    files: BlobFiles,
    key: tuple[AccountId, MailboxId],
    uids: UidRanges,
    columns: Sequence[str],
) -> AsyncIterator[list[Row]]:
    """`ports.Messages.fetch`; key is the account and its mailbox."""
    if unknown := [c for c in columns if c not in _NAMES and c != CONTENT_COLUMN]:
        raise Invalid(f"no such columns: {unknown}")
    account, mailbox = key
    reader.mailbox(account, mailbox)
    decoders: list[tuple[int, Callable[[Any], Any]]] = []
    if "flags" in columns and reader.has_long_flags(account):
        decoders.append((columns.index("flags"), unpack_flags))
    if "header_fields" in columns:
        decoders.append((columns.index("header_fields"), header_text_of))
    kept_at = columns.index("kept_fields") if "kept_fields" in columns else -1
    chunks = (
        _content_chunks(reader, files, key, uids, columns)
        if CONTENT_COLUMN in columns
        else _row_chunks(reader, key, uids, columns)
    )
    async with aclosing(chunks):
        async for rows in chunks:
            for at, decode in decoders:
                rows = [(*row[:at], decode(row[at]), *row[at + 1 :]) for row in rows]
            # perf: what is indexed already is handed on as it is.
            if kept_at >= 0 and not all(row[kept_at][:1] in _INDEXED for row in rows):
                rows = [(*row[:kept_at], _indexed(row[kept_at]), *row[kept_at + 1 :]) for row in rows]
            yield rows


def header_text_of(stored: bytes) -> bytes:
    return unpack_kept(stored) if stored[:1] == _INDEXED else codec_of_thread().unpack_text(stored)


def _indexed(stored: bytes) -> bytes:
    """Messages stored by earlier versions have the text alone, packed."""
    return stored if stored[:1] == _INDEXED else pack_kept(codec_of_thread().unpack_text(stored))


async def _row_chunks(
    reader: Reader, key: tuple[int, int], uids: UidRanges, columns: Sequence[str]
) -> AsyncGenerator[list[Row], None]:
    # perf: without uid in front a row is what the caller asked for, and is handed on as it is.
    leads = columns[0] == "uid" if columns else True
    sql = _sql(columns[1:] if leads else columns)
    limit = FIRST_CHUNK_ROWS
    rows: list[Row] = []
    started = time.perf_counter()
    for first, last in uids:
        while first <= last:
            want = limit - len(rows)
            found = reader.rows(sql, (*key, first, last, want))
            rows = rows + found if rows else found
            if len(found) < want:
                break
            first = found[-1][0] + 1
            spent = time.perf_counter() - started
            limit = _next_limit(limit, spent)
            yield rows if leads else [row[1:] for row in rows]
            rows = []
            # Others run now, whether or not the consumer waited for anything.
            await asyncio.sleep(0)
            started = time.perf_counter()
    if rows:
        yield rows if leads else [row[1:] for row in rows]


async def fetch_numbers(
    reader: Reader, key: tuple[AccountId, MailboxId], uids: UidRanges, columns: Sequence[str]
) -> AsyncGenerator[list[list[int]], None]:
    """`ports.Messages.fetch_numbers`."""
    if columns[0] != "uid" or not NUMBER_COLUMNS.issuperset(columns):
        raise Invalid(f"not UIDs and other whole numbers: {columns}")
    reader.mailbox(*key)
    by_column = "flags" not in columns or not reader.has_long_flags(key[0])
    waiting: list[list[int]] = [[] for _ in columns]
    for first, last in uids:
        while first <= last:
            want = NUMBERS_CHUNK_ROWS - len(waiting[0])
            values = (*key, first, last, want)
            found = _numbers(reader, values, columns, by_column=by_column and last - first >= MANY_NUMBERS)
            for before, more in zip(waiting, found, strict=True):
                before += more
            if len(found[0]) < want:
                break
            first = found[0][-1] + 1
            yield waiting
            waiting = [[] for _ in columns]
            await asyncio.sleep(0)
    if waiting[0]:
        yield waiting


def _numbers(
    reader: Reader, values: tuple[int, ...], columns: Sequence[str], *, by_column: bool
) -> list[list[int]]:
    if by_column:
        # perf: one JSON text for each column takes a third of what a row of SQLite takes, half a microsecond.
        texts = ", ".join([f"json_group_array({column})" for column in columns])
        try:
            [found] = reader.rows(
                f"SELECT {texts} FROM (SELECT {', '.join(columns)} FROM placement p{_IN_RANGE})",  # noqa: S608
                values,
            )
            return list(map(_decode_numbers, found))
        except apsw.SQLError:
            # Flags of more than 63 bits are no number; such a keyword may be new this moment.
            pass
    rows = reader.rows(_sql(columns[1:]), values)
    lists = [[row[at] for row in rows] for at in range(len(columns))]
    if "flags" in columns:
        at = columns.index("flags")
        lists[at] = list(map(unpack_flags, lists[at]))
    return lists


def _next_limit(limit: int, spent_s: float) -> int:
    if spent_s < CHUNK_S / 2:
        return min(limit * 2, CHUNK_MAX_ROWS)
    if spent_s > CHUNK_S:
        return max(limit // 2, 16)
    return limit


class _ContentScan:
    """Reads chunk after chunk, in a thread; a few short messages at once, on the event loop."""

    def __init__(
        self,
        connection: apsw.Connection,
        files: BlobFiles,
        key: tuple[int, int],
        uids: UidRanges,
        columns: Sequence[str],
        *,
        cache: ContentCache,
    ) -> None:
        self._connection = connection
        self._files = files
        self._key = key
        self._ranges = list(reversed(uids))
        self._sql = _sql(columns)
        self._at = columns.index(CONTENT_COLUMN)
        self._cache = cache

    @property
    def ended(self) -> bool:
        return not self._ranges

    def next_chunk(self) -> list[Row]:
        """Empty at the end."""
        with reading():
            while self._ranges:
                self._connection.execute("BEGIN")
                try:
                    found = self._rows()
                    kept, packed = self._stored(found)
                finally:
                    self._connection.execute("COMMIT")
                if found:
                    return self._unpacked(found, kept, packed)
        return []

    def few(self) -> list[Row] | None:
        """All rows, or None (and nothing is done) when they are more than the event loop should unpack."""
        with reading():
            self._connection.execute("BEGIN")
            try:
                ranges, found = self._ranges.copy(), self._rows()
                if any(row[-1] for row in found) or sum(row[-3] for row in found) > FEW_BYTES:
                    self._ranges = ranges
                    return None
                kept, packed = self._stored(found)
            finally:
                self._connection.execute("COMMIT")
            return self._unpacked(found, kept, packed)

    def _rows(self) -> list[Row]:
        """Rows that end with blob, size, codec and file."""
        found: list[Row] = []
        size = 0
        while self._ranges and size < CONTENT_CHUNK_BYTES and len(found) < CONTENT_CHUNK_ROWS:
            first, last = self._ranges.pop()
            values = (*self._key, first, last, CONTENT_CHUNK_ROWS - len(found) + 1)
            for row in self._connection.execute(self._sql, values):
                if size >= CONTENT_CHUNK_BYTES or len(found) == CONTENT_CHUNK_ROWS:
                    self._ranges.append((row[0], last))
                    break
                found.append(row)
                length = row[-3]
                size += length if length <= INLINE_CONTENT_MAX_BYTES else 0
        return found

    def _stored(self, found: list[Row]) -> tuple[dict[int, bytes], list[tuple[int, bytes]]]:
        """By blob: what the cache has, and the stored bytes of the others."""
        kept: dict[int, bytes] = {}
        wanted: list[int] = []
        get = self._cache.get
        for *_, blob, _, _, file in found:
            content = get(blob)
            if content is not None:
                kept[blob] = content
            elif file is None:
                wanted.append(blob)
        if not wanted:
            return kept, []
        packed: list[Any] = self._connection.execute(_SELECT_BYTES, (json_encode(wanted),)).fetchall()
        return kept, packed

    def _unpacked(
        self, found: list[Row], kept: dict[int, bytes], packed: list[tuple[int, bytes]]
    ) -> list[Row]:
        """Rows as they were asked for."""
        codecs = {row[-4]: row[-2] for row in found}
        unpacked = codec_of_thread().unpack_all([(codecs[blob], data) for blob, data in packed])
        fresh = {blob: data for (blob, _), data in zip(packed, unpacked, strict=True)}
        contents: dict[int, bytes | FileContent] = {
            **kept,
            **{blob: bytes(data) for blob, data in fresh.items()},
        }
        for *_, blob, length, codec, file in found:
            if blob not in contents:
                assert codec == SEEKABLE_FILE
                content = contents[blob] = read_file(self._files, file, length)
                if isinstance(content, bytes):
                    fresh[blob] = content
        self._cache.put(fresh)
        at, after = self._at + 1, -4
        return [(*row[1:at], contents[row[after]], *row[at:after]) for row in found]


def read_file(files: BlobFiles, name: str, length: int) -> bytes | FileContent:
    """What readers get of a message in a file."""
    return FileContent(files, name, length) if length > INLINE_CONTENT_MAX_BYTES else files.read_all(name)


async def _content_chunks(
    reader: Reader, files: BlobFiles, key: tuple[int, int], uids: UidRanges, columns: Sequence[str]
) -> AsyncGenerator[list[Row], None]:
    if sum(last - first + 1 for first, last in uids) <= FEW_MESSAGES:
        # perf: a hand-over to a thread and back costs several times what unpacking one message does.
        few = _ContentScan(reader.connection, files, key, uids, columns, cache=reader.cache).few()
        if few is not None:
            reader.forget_later()
            if few:
                yield few
            return
    connection = reader.borrow()
    loop = asyncio.get_running_loop()
    scan = _ContentScan(connection, files, key, uids, columns, cache=reader.cache)
    ahead = loop.run_in_executor(None, scan.next_chunk)
    try:
        while rows := await ahead:
            if scan.ended:
                yield rows
                break
            ahead = loop.run_in_executor(None, scan.next_chunk)
            yield rows
    finally:
        await asyncio.wait([ahead])
        ahead.exception()  # known to nobody else, when the consumer left early
        reader.give_back(connection)
        reader.forget_later()
