"""A message on its way in: held in memory, or streaming to the store when it is long."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from posthouse.core.errors import MailError, TooLarge
from posthouse.mime.edit import header_end
from posthouse.mime.facts import facts_of
from posthouse.services.letter import Envelope, Origin, Receipt
from posthouse.services.steps import Letter
from posthouse.services.threads import in_thread
from posthouse.storage.content_ports import ContentWriter

if TYPE_CHECKING:
    from posthouse.services.delivery import DeliveryService

HELD_BYTES: Final = 128 * 1024
"""A message up to this size stays in memory and is scanned on the event loop; a longer one streams."""
COPY_BYTES: Final = 256 * 1024


class Incoming:
    """One message as it arrives: CRLF lines, dot-unstuffed.  Never raises before `finish`."""

    __slots__ = ("_body", "_error", "_held", "_parts", "_service", "_size", "_spill_at", "_writer", "letter")

    def __init__(self, service: DeliveryService, envelope: Envelope, origin: Origin) -> None:
        self._service = service
        self.letter = Letter(service.settings, envelope, origin, service.ids.trace(), service.clock.now())
        self._parts: list[bytes] = []
        self._held = 0
        self._size = 0
        self._spill_at = HELD_BYTES
        self._writer: ContentWriter | None = None
        self._body = 0  # where it begins in what was written
        self._error: MailError | None = None

    @property
    def trace(self) -> str:
        return self.letter.trace

    def write(self, chunk: bytes) -> None:
        if self._error is not None:
            return
        self._size += len(chunk)
        limit = self._service.settings.max_message_bytes
        if self._size > limit:
            self._refuse(TooLarge(f"more than {limit} bytes", limit=limit))
        elif self._writer is not None:
            try:
                self._writer.write(chunk)
            except MailError as error:
                self._refuse(error)
        else:
            self._parts.append(chunk)
            self._held += len(chunk)
            if self._held > self._spill_at:
                self._spill()

    @property
    def must_drain(self) -> bool:
        return self._writer is not None and self._writer.must_drain

    async def drain(self) -> None:
        if self._writer is not None:
            try:
                await self._writer.drain()
            except MailError as error:
                self._refuse(error)

    def abort(self) -> None:
        if self._writer is not None:
            self._writer.abort()
            self._writer = None
        self._parts.clear()

    async def finish(self) -> Receipt:
        """Returns only when what was accepted is durable; raises MailError when nothing was stored."""
        if self._error is None and self._writer is None:
            return await self._finish_held()
        try:
            await self.drain()
            if self._error is not None:
                raise self._error
            assert self._writer is not None
            view = self._writer.view()
            if self._service.examines(self.letter.origin):
                await self._service.examine(self.letter, view, self._body)
                view = await self._topped(self._writer, view)
            placing = await self._service.place(self.letter, await in_thread(partial(facts_of, view)), view)
            del view  # it ends with the writer
            placing.content = b""
            return await self._service.commit(placing, await self._writer.finish())
        finally:
            self.abort()

    async def _finish_held(self) -> Receipt:
        data = b"".join(self._parts)
        self._parts.clear()
        end = header_end(data)
        start = self.letter.open(data[:end])
        if self._service.examines(self.letter.origin):
            await self._service.examine(self.letter, data, end)
            start = self.letter.topped(start)
        content = start + data[end:]
        self.letter.content = content
        placing = await self._service.place(self.letter, facts_of(content), content)
        return await self._service.commit(placing, self._service.store.contents.draft(content))

    async def _topped(self, old: ContentWriter, view: Any) -> Any:
        """A long message written once more, with what was found about it on top."""
        self._writer = self._service.store.contents.writer()
        self._writer.write(self.letter.topped(view[: self._body]))
        for at in range(self._body, len(view), COPY_BYTES):
            self._writer.write(view[at : at + COPY_BYTES])
            await self._writer.drain()
        del view
        old.abort()
        return self._writer.view()

    def _spill(self) -> None:
        """Too long to hold: rewrite the header and let the rest flow to the store."""
        data = b"".join(self._parts)
        self._parts = [data]
        end = header_end(data)
        limit = self._service.settings.max_header_bytes
        if end == len(data) <= limit:
            self._spill_at = min(2 * len(data), limit)
            return
        try:
            top = self.letter.open(data[:end])
            self._writer = self._service.store.contents.writer()
            self._writer.write(top)
            self._body = len(top)
            self._writer.write(data[end:])
        except MailError as error:
            self._refuse(error)
        self._parts.clear()

    def _refuse(self, error: MailError) -> None:
        self._error = error
        self.abort()
