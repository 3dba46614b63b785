"""What may be asked of the store about the bytes of messages and uploads; part of `ports`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

from posthouse.core.ids import BlobId
from posthouse.storage.rows import ContentDraft


class LargeContent(Protocol):
    """A stored message too long to be handed over whole."""

    @property
    def size(self) -> int: ...

    def chunks(self, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from start up to stop, in pieces of at most 256 KiB."""
        ...

    def read(self, start: int, stop: int) -> bytes:
        """The same at once; for threads, which wait for the disk."""
        ...


Content = bytes | LargeContent


class Arriving(Protocol):
    """Takes octets as they arrive; memory stays bounded."""

    @property
    def size(self) -> int: ...

    @property
    def must_drain(self) -> bool:
        """True when the caller should await `drain` before writing more."""
        ...

    def write(self, data: bytes) -> None: ...

    async def drain(self) -> None: ...

    def abort(self) -> None:
        """Forget everything; harmless after finish."""
        ...


class ContentWriter(Arriving, Protocol):
    """Of a message; long ones go to a staging file."""

    def view(self) -> Any:
        """A bytes-like object (bytes or mmap) of all that was written, for scanning; valid until finish/abort."""
        ...

    async def finish(self, prefix: bytes = b"") -> ContentDraft:
        """The draft of prefix + all that was written; a large one is on stable storage when this returns."""
        ...


class ContentStream(Arriving, Protocol):
    """Of what nobody looks at before it is stored: packed and written while it arrives."""

    async def finish(self) -> ContentDraft:
        """The draft of all that was written; a large one is on stable storage when this returns."""
        ...


class Contents(Protocol):
    def writer(self) -> ContentWriter: ...

    def stream(self) -> ContentStream: ...

    def draft(self, data: bytes) -> ContentDraft:
        """The draft of a message held in memory (small ones; else use `writer`)."""
        ...

    async def read(self, blob: BlobId) -> Content: ...
