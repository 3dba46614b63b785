"""What URLs of an APPEND with CATENATE stand for.  RFC 4469."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

from posthouse.core.errors import Forbidden, MailError, NotFound, TooLarge
from posthouse.core.rights import READ
from posthouse.services.mailboxes import DELIMITER
from posthouse.storage.rows import Mailbox
from posthouse.wire.imap.flag_list import FlagLists
from posthouse.wire.imap.format_fetch import compile_row
from posthouse.wire.imap.message_url import MessageUrl, try_message_url

from .fetch_section import SectionReader, Slice

if TYPE_CHECKING:
    from .append import Appending
    from .session import ImapSession


class BadUrlError(Exception):
    """RFC 4469 §4.1: the first URL that could not be followed."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url

    @property
    def answer(self) -> bytes:
        shown = "".join(c for c in self.url if c.isprintable() and c != "]").encode("utf-8", "replace")
        return b"NO [BADURL %b] The URL names no message here; nothing was stored" % shown


async def add_urls(session: ImapSession, appending: Appending, urls: Iterable[str]) -> None:
    """Append what the URLs name to the message on its way in.  Raises BadUrlError, TooLarge."""
    limit = session.services.limits.append_max_bytes
    for text in urls:
        url = try_message_url(text)
        if url is None:
            raise BadUrlError(text)
        try:
            row = await _mailbox(session, url)
        except (NotFound, Forbidden):
            raise BadUrlError(text) from None
        if row is None or (url.uidvalidity is not None and url.uidvalidity != row.uidvalidity):
            raise BadUrlError(text)
        found = False
        async for piece in _octets(session, row, url):
            found = True
            if appending.writer.size + len(piece) > limit:
                raise TooLarge(limit=limit)
            appending.writer.write(piece)
            if appending.writer.must_drain:
                await appending.writer.drain()
        if not found:
            raise BadUrlError(text)


async def _mailbox(session: ImapSession, url: MessageUrl) -> Mailbox | None:
    if url.mailbox is not None:
        above = (
            session.selected.name.rpartition(DELIMITER) if url.beside and session.selected else ("", "", "")
        )
        return (await session.reach(above[0] + above[1] + url.mailbox, READ)).row
    if session.selected is None:
        return None
    return await session.services.store.mailboxes.by_id(session.selected.shared.account, session.selected.id)


async def _octets(session: ImapSession, row: Mailbox, url: MessageUrl) -> AsyncIterator[bytes]:
    """Nothing when there is no such message or part; b"" for an empty one."""
    template = compile_row((url.section,), FlagLists())
    hub = session.services.hub
    shared = await hub.open(row)
    try:
        async for chunk in SectionReader(session.services.store.messages, shared, template).rows(
            [(url.uid, url.uid)]
        ):
            for message in chunk:
                value = message[-1]
                if isinstance(value, Slice):
                    async for piece in value.chunks():
                        yield piece
                elif value is not None:
                    yield value
    except MailError as error:
        raise NotFound(str(error)) from error
    finally:
        hub.release(shared)
