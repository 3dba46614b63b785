"""The files of long messages, under blobs/ab/cd/, and the reader that seeks in them."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO, Final

import zstandard

from posthouse.core.errors import NotFound, StorageFull, Unavailable
from posthouse.storage.blobs.codec import (
    FRAME_BYTES,
    SEEK_FOOTER_BYTES,
    SEEK_HEADER_BYTES,
    frame_offsets,
    message_length,
    seek_table_bytes,
    seekable_frames,
)

log = logging.getLogger("posthouse.storage")

_FULL_ERRNOS: Final = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_SUFFIX: Final = ".zst"
_NAME_BYTES: Final = 12


def file_error(error: OSError) -> Unavailable:
    """The domain error for a failure of the file system."""
    kind = StorageFull if error.errno in _FULL_ERRNOS else Unavailable
    return kind(str(error))


@contextmanager
def storing() -> Iterator[None]:
    """Raise what goes wrong with files inside as a domain error, with a log line."""
    try:
        yield
    except OSError as error:
        log.error("storing a message failed: %s", error)
        raise file_error(error) from error


class BlobFiles:
    """Files named by `name` (ab/cd/...); every method blocks, so long ones belong in a thread."""

    def __init__(self, root: Path) -> None:
        self.root = root / "blobs"
        self._staging = root / "staging"

    def prepare(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self._staging.mkdir(exist_ok=True)

    def staging_file(self) -> IO[bytes]:
        """A file without a name: it is gone with the process, whatever happens."""
        return tempfile.TemporaryFile(dir=self._staging, buffering=0)

    def path(self, name: str) -> Path:
        return self.root / name

    def write(self, pieces: Iterable[bytes]) -> str:
        """Store the pieces (FRAME_BYTES each) as a seekable file; on stable storage when this returns."""
        token = secrets.token_hex(_NAME_BYTES)
        name = f"{token[:2]}/{token[2:4]}/{token[4:]}{_SUFFIX}"
        path = self.path(name)
        made = self._make_directory(path.parent)
        try:
            with path.open("xb", buffering=0) as file:
                for part in seekable_frames(pieces):
                    _write_all(file.fileno(), part)
                os.fdatasync(file.fileno())
            for directory in (path.parent, *made):
                _sync_directory(directory)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return name

    def _make_directory(self, directory: Path) -> list[Path]:
        """Make what is missing; returns the directories whose entries changed."""
        changed = []
        for level in (directory.parent, directory):
            try:
                level.mkdir()
                changed.append(level.parent)
            except FileExistsError:
                pass
        return changed

    def delete(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)

    def names(self) -> Iterator[tuple[str, os.stat_result]]:
        for path in self.root.glob("*/*/*" + _SUFFIX):
            try:
                yield str(path.relative_to(self.root)), path.stat()
            except FileNotFoundError:
                continue

    def read_all(self, name: str) -> bytes:
        with self._open(name) as file:
            offsets = _offsets(file.fileno())
            unpack = zstandard.ZstdDecompressor().decompress
            frames = (file.read(end - start) for start, end in pairwise(offsets))
            return b"".join(map(unpack, frames))

    def message_bytes(self, name: str) -> int:
        """The length of the message in a file, from its seek table; raises if the file cannot be whole."""
        with self._open(name) as file:
            end = os.fstat(file.fileno()).st_size - SEEK_FOOTER_BYTES
            entries = _entries(file.fileno())
            if frame_offsets(entries)[-1] + SEEK_HEADER_BYTES + len(entries) != end:
                raise Unavailable("the frames of a message file do not fill it")
            return message_length(entries)

    def _open(self, name: str) -> IO[bytes]:
        try:
            return self.path(name).open("rb")
        except FileNotFoundError as error:
            raise NotFound("the message was removed") from error


class FileContent:
    """`ports.LargeContent` of a seekable file: one frame in memory at a time, read in a thread."""

    __slots__ = ("_files", "_name", "size")

    def __init__(self, files: BlobFiles, name: str, size: int) -> None:
        self._files = files
        self._name = name
        self.size = size

    async def chunks(self, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        stop = self.size if stop is None else min(stop, self.size)
        if start >= stop:
            return
        file = await asyncio.to_thread(self._files._open, self._name)
        try:
            offsets = await asyncio.to_thread(_offsets, file.fileno())
            for index in range(start // FRAME_BYTES, (stop - 1) // FRAME_BYTES + 1):
                frame = await asyncio.to_thread(_frame, file.fileno(), offsets[index], offsets[index + 1])
                begin = index * FRAME_BYTES
                if begin < start or begin + len(frame) > stop:
                    frame = frame[max(0, start - begin) : stop - begin]
                yield frame
        finally:
            file.close()


def _frame(descriptor: int, start: int, end: int) -> bytes:
    data = os.pread(descriptor, end - start, start)
    return zstandard.ZstdDecompressor().decompress(data)


def _offsets(descriptor: int) -> list[int]:
    return frame_offsets(_entries(descriptor))


def _entries(descriptor: int) -> bytes:
    end = os.fstat(descriptor).st_size - SEEK_FOOTER_BYTES
    if end < 0:
        raise Unavailable("a message file is shorter than its seek table")
    length = seek_table_bytes(os.pread(descriptor, SEEK_FOOTER_BYTES, end))
    return os.pread(descriptor, length, end - length)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
