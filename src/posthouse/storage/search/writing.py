"""Brings the index of one account up to date.  One process at a time; meant for one of low priority."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from posthouse.core.errors import NotFound
from posthouse.core.ids import AccountId, MailboxId
from posthouse.mime.layout import unpack_layout
from posthouse.mime.search_text import Extract, search_text
from posthouse.storage.content_ports import Content
from posthouse.storage.ports import Mailboxes, Messages
from posthouse.storage.rows import Mailbox, UidRanges
from posthouse.storage.search.manifest import Box, CorruptManifest, Manifest, read_manifest, write_manifest
from posthouse.storage.search.merge import choose, merge_segments
from posthouse.storage.search.segment import CorruptSegment, Segment, SegmentBuilder

BATCH_ROWS: Final = 512
BUILD_DOCS: Final = 2048
BUILD_BYTES: Final = 32 << 20
"""A segment is written once it has so many messages or so much text: the memory that indexing takes."""
HELD_BYTES: Final = 1 << 20
"""A letter longer than this is taken in before the next one is read."""
GONE_PARTS: Final = 4
"""Expunged messages are dropped from the index when they are this part of it."""
GONE_MIN: Final = 64


@contextmanager
def writing(directory: Path) -> Iterator[bool]:
    """The right to write this index; False: another process has it.  Ends with the process."""
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


class IndexWriter:
    """Used inside `writing`, by one task."""

    def __init__(
        self,
        directory: Path,
        account: AccountId,
        stores: tuple[Mailboxes, Messages],
        extract: Extract | None = None,
    ) -> None:
        self._directory = directory
        self._account = account
        self._mailboxes, self._store = stores
        self._extract = extract
        self._segments: dict[str, Segment] = {}
        self._known: set[int] = set()
        self._builder = SegmentBuilder()
        self.indexed = 0
        self._manifest = self._load()

    def _load(self) -> Manifest:
        """What is there; a damaged index is begun anew."""
        manifest = Manifest()
        # Readers know segments by their names: those of an index begun anew are none of the old one.
        manifest.number = time.time_ns() // 1_000_000
        with suppress(FileNotFoundError, CorruptManifest, CorruptSegment):
            found = read_manifest(self._directory, extracts=self._extract is not None)
            segments = {name: Segment(self._directory / name) for name, _, _ in found.segments}
            manifest, self._segments = found, segments
        manifest.extracts = self._extract is not None
        for segment in self._segments.values():
            self._known.update(segment.messages)
        self._sweep(manifest)
        return manifest

    def _sweep(self, manifest: Manifest) -> None:
        """Remove the files of segments that are no part of the index."""
        names = {name for name, _, _ in manifest.segments}
        for path in self._directory.glob("*.seg"):
            if path.name not in names:
                path.unlink(missing_ok=True)

    async def update(self) -> None:
        """Raises NotFound when the account is gone."""
        rows = await self._mailboxes.list(self._account)
        if not rows:
            raise NotFound(f"account {self._account}")
        boxes = self._manifest.boxes
        for gone in set(boxes) - {row.id for row in rows}:
            del boxes[gone]
        for row in rows:
            with suppress(NotFound):  # deleted meanwhile
                await self._cover(row)
                await self._forget_expunged(row)
        await self._flush()
        await asyncio.to_thread(self._merge)
        await asyncio.to_thread(self._drop_dead)

    async def _cover(self, row: Mailbox) -> None:
        box = self._manifest.boxes.setdefault(row.id, Box())
        if row.uidnext <= box.through + 1:
            return
        batch: list[tuple[Any, ...]] = []
        new: UidRanges = [(box.through + 1, row.uidnext - 1)]
        async for rows in self._store.fetch(self._account, row.id, new, ("uid", "message")):
            batch += rows
            while len(batch) >= BATCH_ROWS:
                await self._take_in(row.id, box, batch[:BATCH_ROWS], batch[BATCH_ROWS - 1][0])
                del batch[:BATCH_ROWS]
                if len(self._builder) >= BUILD_DOCS or self._builder.text_bytes >= BUILD_BYTES:
                    await self._flush()
        await self._take_in(row.id, box, batch, row.uidnext - 1)

    async def _take_in(self, mailbox: MailboxId, box: Box, rows: list[tuple[Any, ...]], through: int) -> None:
        await self._read(mailbox, rows)
        # What is still not known was expunged a moment ago.
        box.extend([row for row in rows if row[1] in self._known], through)

    async def _read(self, mailbox: MailboxId, rows: list[tuple[Any, ...]]) -> None:
        """Index those of the messages that are not yet."""
        new = [(uid, uid) for uid, message in rows if message not in self._known]
        if not new:
            return
        if len(new) == len(rows):
            new = [(rows[0][0], rows[-1][0])]
        columns = ("message", "layout", "content")
        async for chunk in self._store.fetch(self._account, mailbox, new, columns):
            whole: list[tuple[int, bytes, bytes]] = []
            for message, layout, content in chunk:
                data = await _bytes(content)
                whole.append((message, layout, data))
                # Long letters come as files, any number of them in a chunk: one is held at a time.
                if len(data) > HELD_BYTES:
                    await asyncio.to_thread(self._add, whole)
                    whole = []
            await asyncio.to_thread(self._add, whole)
            if self._builder.text_bytes >= BUILD_BYTES:
                await self._flush(manifest=False)

    def _add(self, rows: list[tuple[int, bytes, bytes]]) -> None:
        for message, layout, content in rows:
            if message not in self._known:
                self._known.add(message)
                self._builder.add(message, search_text(content, unpack_layout(layout), self._extract))
                self.indexed += 1

    async def _forget_expunged(self, row: Mailbox) -> None:
        box = self._manifest.boxes[row.id]
        if len(box.uids) - row.messages > max(GONE_MIN, len(box.uids) // GONE_PARTS):
            snapshot = await self._store.snapshot(self._account, row.id)
            box.keep(frozenset(snapshot.uids))

    async def _flush(self, *, manifest: bool = True) -> None:
        """Write what was collected; the manifest only when its mailboxes promise no more than there is."""
        if len(self._builder):
            builder, self._builder = self._builder, SegmentBuilder()
            await asyncio.to_thread(self._write, builder)
        if manifest:
            await asyncio.to_thread(write_manifest, self._directory, self._manifest)

    def _write(self, builder: SegmentBuilder) -> None:
        path = self._next()
        builder.write(path)
        self._take(path)

    def _next(self) -> Path:
        path = self._directory / f"{self._manifest.number:x}.seg"
        self._manifest.number += 1
        return path

    def _take(self, path: Path) -> None:
        segment = self._segments[path.name] = Segment(path)
        self._manifest.segments.append((path.name, len(segment.messages), segment.size_bytes))

    def _merge(self) -> None:
        live = self._live()
        while chosen := choose([(docs, size) for _, docs, size in self._manifest.segments]):
            self._replace([self._manifest.segments[at][0] for at in chosen], live)

    def _drop_dead(self) -> None:
        live = self._live()
        for name, docs, _ in list(self._manifest.segments):
            dead = docs - len(live.intersection(self._segments[name].messages))
            if dead > max(GONE_MIN, docs // GONE_PARTS):
                self._replace([name], live)

    def _live(self) -> set[int]:
        return set().union(*[box.messages for box in self._manifest.boxes.values()])

    def _replace(self, names: list[str], live: set[int]) -> None:
        """Those segments by one of what lives."""
        path = self._next()
        kept = merge_segments(path, [self._segments[name] for name in names], live.__contains__)
        self._manifest.segments = [found for found in self._manifest.segments if found[0] not in names]
        if kept:
            self._take(path)
        else:
            path.unlink()
        write_manifest(self._directory, self._manifest)
        for name in names:
            del self._segments[name]
            (self._directory / name).unlink(missing_ok=True)


async def _bytes(content: Content) -> bytes:
    return content if isinstance(content, bytes) else b"".join([piece async for piece in content.chunks()])


def verify(directory: Path) -> None:
    """Read all of an index.  Raises FileNotFoundError, CorruptManifest, CorruptSegment."""
    manifest = read_manifest(directory)
    known: set[int] = set()
    for name, _, _ in manifest.segments:
        segment = Segment(directory / name)
        segment.verify()
        known.update(segment.messages)
    for mailbox, box in manifest.boxes.items():
        if len(box.uids) != len(box.messages) or list(box.uids) != sorted(set(box.uids)):
            raise CorruptManifest(f"mailbox {mailbox} is out of order")
        if not known.issuperset(box.messages):
            raise CorruptManifest(f"mailbox {mailbox} has messages that are not in the index")
