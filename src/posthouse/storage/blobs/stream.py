"""What arrives and is not looked at, uploads: packed, written and synced while the rest is still on its way."""

from __future__ import annotations

import asyncio
from typing import Final, final

from posthouse.storage.blobs.codec import FRAME_BYTES, SEEKABLE_FILE
from posthouse.storage.blobs.contents import ContentPacker
from posthouse.storage.blobs.files import NewFile, storing
from posthouse.storage.rows import ContentDraft

BATCH_BYTES: Final = 4 * FRAME_BYTES
"""So much is handed to the thread at once; as much again is packed meanwhile, and no more is held."""
SYNC_BYTES: Final = 8 << 20
"""Synced at once, so that little is left to sync at the end."""


@final
class ContentStream:
    """`ports.ContentStream`; one thread at a time packs and writes, another one syncs."""

    __slots__ = ("_file", "_packer", "_parts", "_pending", "_syncing", "_unsynced", "_working", "size")

    def __init__(self, packer: ContentPacker) -> None:
        self._packer = packer
        self._parts: list[bytes] = []
        self._pending = 0
        self._file: NewFile | None = None
        self._working: asyncio.Future[None] | None = None
        self._syncing: asyncio.Future[None] | None = None
        self._unsynced = 0
        self.size = 0

    @property
    def must_drain(self) -> bool:
        return self._pending >= BATCH_BYTES

    def write(self, data: bytes) -> None:
        self._parts.append(data)
        self.size += len(data)
        self._pending += len(data)

    async def drain(self) -> None:
        with storing():
            await self._wait(self._working)
            self._begin_sync()
            data = b"".join(self._parts)
            whole = len(data) - len(data) % FRAME_BYTES
            self._parts = [data[whole:]]
            self._pending = len(data) - whole
            self._unsynced += whole
            loop = asyncio.get_running_loop()
            self._working = loop.run_in_executor(None, self._add, memoryview(data)[:whole])

    def _add(self, data: memoryview) -> None:
        if self._file is None:
            self._file = self._packer.files.make()
        for at in range(0, len(data), FRAME_BYTES):
            self._file.add(data[at : at + FRAME_BYTES])

    def _begin_sync(self) -> None:
        if self._file is None or self._unsynced < SYNC_BYTES:
            return
        if self._syncing is not None:
            if not self._syncing.done():
                return
            self._syncing.result()
        self._syncing = asyncio.get_running_loop().run_in_executor(None, self._file.sync)
        self._unsynced = 0

    @staticmethod
    async def _wait(work: asyncio.Future[None] | None) -> None:
        if work is not None:
            await asyncio.shield(work)  # a thread cannot be cancelled, and uses the file

    async def finish(self) -> ContentDraft:
        """On stable storage when this returns, if it is a large one."""
        if self._working is None:
            return await asyncio.to_thread(self._packer.draft_in_thread, b"".join(self._parts))
        with storing():
            await self._wait(self._working)
            self._working = asyncio.get_running_loop().run_in_executor(None, self._end)
            await self._wait(self._working)
            await self._wait(self._syncing)
        file, self._file = self._file, None
        assert file is not None
        return ContentDraft(self.size, SEEKABLE_FILE, file=file.name)

    def _end(self) -> None:
        self._add(memoryview(b"".join(self._parts)))
        assert self._file is not None
        self._file.finish()

    def abort(self) -> None:
        """Forget everything, once no thread uses it; harmless after finish."""
        self._parts = []
        for work in (self._working, self._syncing):
            if work is not None and not work.done():
                work.add_done_callback(lambda _: self.abort())
                return
            if work is not None and not work.cancelled():
                work.exception()  # nobody waits for it any more
        if self._file is not None:
            file, self._file = self._file, None
            file.discard()
