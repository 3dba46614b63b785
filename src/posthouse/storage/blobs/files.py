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
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import IO, Final, final

import zstandard

from posthouse.core.errors import NotFound, StorageFull, Unavailable
from posthouse.storage.blobs.codec import (
    FRAME_BYTES,
    SEEK_FOOTER_BYTES,
    SEEK_HEADER_BYTES,
    Buffer,
    SeekableFrames,
    frame_offsets,
    message_length,
    seek_table_bytes,
)

log = logging.getLogger("posthouse.storage")

_FULL_ERRNOS: Final = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_SUFFIX: Final = ".zst"
_NAME_BYTES: Final = 12
STRETCH_FRAMES: Final = 4
"""Frames that are read at once; perf: a hop to a thread costs as much as unpacking a quarter of a frame."""


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
        made = self.make()
        try:
            for piece in pieces:
                made.add(piece)
            return made.finish()
        except BaseException:
            made.discard()
            raise

    def make(self) -> NewFile:
        """One that is being written; until a row names it, it is an orphan that is too young to be swept."""
        token = secrets.token_hex(_NAME_BYTES)
        name = f"{token[:2]}/{token[2:4]}/{token[4:]}{_SUFFIX}"
        directory = self.path(name).parent
        return NewFile(name, self.path(name), (directory, *self._make_directory(directory)))

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


@final
class NewFile:
    """A seekable file on its way; every method blocks."""

    __slots__ = ("_directories", "_file", "_frames", "_path", "name")

    def __init__(self, name: str, path: Path, directories: tuple[Path, ...]) -> None:
        """`directories`: those whose entries changed."""
        self.name = name
        self._path = path
        self._directories = directories
        self._frames = SeekableFrames()
        self._file = path.open("xb", buffering=0)

    def add(self, piece: Buffer) -> None:
        """FRAME_BYTES, and the last one may be shorter."""
        _write_all(self._file.fileno(), self._frames.frame(piece))

    def sync(self) -> None:
        """Put on stable storage what was added, while more may be."""
        os.fdatasync(self._file.fileno())

    def finish(self) -> str:
        """The name; the file is on stable storage."""
        with self._file:
            _write_all(self._file.fileno(), self._frames.table())
            self.sync()
        for directory in self._directories:
            _sync_directory(directory)
        return self.name

    def discard(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


class FileContent:
    """`ports.LargeContent` of a seekable file: read and unpacked in a thread, which is one stretch ahead."""

    __slots__ = ("_files", "_name", "size")

    def __init__(self, files: BlobFiles, name: str, size: int) -> None:
        self._files = files
        self._name = name
        self.size = size

    async def chunks(self, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        stop = self.size if stop is None else min(stop, self.size)
        if start >= stop:
            return
        loop = asyncio.get_running_loop()
        file = await asyncio.to_thread(self._files._open, self._name)
        ahead: asyncio.Future[list[bytes]] | None = None
        try:
            offsets = await asyncio.to_thread(_offsets, file.fileno())
            last = (stop - 1) // FRAME_BYTES
            for first in range(start // FRAME_BYTES, last + 1, STRETCH_FRAMES):
                if ahead is None:
                    ahead = loop.run_in_executor(None, _frames, file, offsets, first, last)
                frames = await asyncio.shield(ahead)
                ahead = None
                if first + STRETCH_FRAMES <= last:
                    ahead = loop.run_in_executor(None, _frames, file, offsets, first + STRETCH_FRAMES, last)
                for index, frame in enumerate(frames, first):
                    begin = index * FRAME_BYTES
                    if begin < start or begin + len(frame) > stop:
                        yield frame[max(0, start - begin) : stop - begin]
                    else:
                        yield frame
        finally:
            if ahead is None:
                file.close()
            else:  # the thread still reads from it
                ahead.add_done_callback(partial(_close, file))

    def read(self, start: int, stop: int) -> bytes:
        stop = min(stop, self.size)
        if start >= stop:
            return b""
        first = start // FRAME_BYTES
        last = (stop - 1) // FRAME_BYTES
        frames: list[bytes] = []
        with self._files._open(self._name) as file:
            offsets = _offsets(file.fileno())
            while (at := first + len(frames)) <= last:
                frames += _frames(file, offsets, at, last)
        return b"".join(frames)[start - first * FRAME_BYTES : stop - first * FRAME_BYTES]


def _frames(file: IO[bytes], offsets: list[int], first: int, last: int) -> list[bytes]:
    """The message in the frames of a stretch, not beyond the frame `last`."""
    end = min(first + STRETCH_FRAMES, last + 1)
    packed = memoryview(os.pread(file.fileno(), offsets[end] - offsets[first], offsets[first]))
    unpack = zstandard.ZstdDecompressor().decompress
    start = offsets[first]
    return [unpack(packed[offsets[at] - start : offsets[at + 1] - start]) for at in range(first, end)]


def _close(file: IO[bytes], done: asyncio.Future[list[bytes]]) -> None:
    file.close()
    if not done.cancelled():
        done.exception()  # nobody waits for it any more


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
