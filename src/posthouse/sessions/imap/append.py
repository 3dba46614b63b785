"""APPEND: a message streams into the store.  RFC 9051 §6.3.12, RFC 7889, RFC 4315 §3."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from posthouse.core.errors import MailError, NotFound, OverQuota, TooLarge
from posthouse.core.flags import SYSTEM_FLAGS
from posthouse.mime.facts import facts_of
from posthouse.services.mailboxes import canonical_name
from posthouse.storage.ports import ContentWriter
from posthouse.storage.rows import Delivery, LocalCopy, Mailbox
from posthouse.wire.imap.event import AppendBegin, LiteralChunk
from posthouse.wire.imap.flag_list import split_flags
from posthouse.wire.imap.response_code import code_appenduid

from .answer import ANSWERS, Answers
from .copy import ERRORS as COPY_ERRORS
from .store import KEYWORD_MAX

if TYPE_CHECKING:
    from .session import ImapSession

ERRORS: Final[Answers] = {
    **COPY_ERRORS,
    OverQuota: ANSWERS[OverQuota],
    TooLarge: ANSWERS[TooLarge],
}
_ERROR_NAMES: Final[dict[str, type[MailError]]] = {"OverQuota": OverQuota, "NotFound": NotFound}


class Appending:
    """A message on its way in."""

    __slots__ = ("date", "flags", "keywords", "mailbox", "writer")

    def __init__(
        self,
        mailbox: Mailbox,
        writer: ContentWriter,
        *,
        flags: int,
        keywords: tuple[str, ...],
        date: float,
    ) -> None:
        self.mailbox = mailbox
        self.writer = writer
        self.flags = flags
        self.keywords = keywords
        self.date = date


async def begin(session: ImapSession, event: AppendBegin) -> bytes | None:
    """Decide before the client sends the message (RFC 9051 §6.3.12: no TRYCREATE after megabytes)."""
    accepted = False
    try:
        refusal = await _prepare(session, event)
        accepted = refusal is None
        return refusal
    finally:
        if accepted:
            session.engine.accept_literal()
        else:
            session.engine.refuse_literal()


async def _prepare(session: ImapSession, event: AppendBegin) -> bytes | None:
    services = session.services
    if event.size > services.limits.append_max_bytes:
        raise TooLarge(limit=services.limits.append_max_bytes)
    system, keywords, unknown = split_flags(event.flags)
    if unknown:
        return b"BAD There is no such flag; only keywords without a backslash can be made up"
    if any(len(name) > KEYWORD_MAX for name in keywords):
        return b"NO [LIMIT] A keyword has at most %d characters" % KEYWORD_MAX
    if event.utf8 and not session.utf8:
        return b"BAD ENABLE UTF8=ACCEPT or IMAP4rev2 before UTF8 (...)"
    mailbox = await services.store.mailboxes.get(session.account_id, canonical_name(event.mailbox))
    account = await services.store.directory.account(session.account_id)
    if account is None or (account.quota_bytes and account.used_bytes + event.size > account.quota_bytes):
        raise OverQuota
    session.appending = Appending(
        mailbox,
        services.store.contents.writer(),
        flags=system & sum(SYSTEM_FLAGS.values()),
        keywords=keywords,
        date=services.clock.now() if event.date is None else event.date,
    )
    return None


def chunk(session: ImapSession, event: LiteralChunk) -> Any:
    """Returns a coroutine when the writer needs time."""
    appending = session.appending
    assert appending is not None  # the engine gives chunks after `accept_literal` only
    appending.writer.write(event.data)
    return appending.writer.drain() if appending.writer.must_drain else None


async def end(session: ImapSession) -> bytes:
    appending, session.appending = session.appending, None
    assert appending is not None
    writer, mailbox = appending.writer, appending.mailbox
    try:
        if writer.size == 0:
            # RFC 9051 §6.3.12: the message has to be one; an empty literal is a client that gave up.
            return b"NO [CANNOT] An empty message cannot be stored"
        if writer.size <= session.services.limits.inline_facts_max_bytes:
            facts = facts_of(writer.view())
        else:
            facts = await asyncio.to_thread(facts_of, writer.view())
        draft = await writer.finish()
        copy = LocalCopy(
            mailbox.account,
            mailbox.id,
            flags=appending.flags,
            keywords=appending.keywords,
            date=appending.date,
        )
        delivery = Delivery(session.services.ids.trace(), draft, facts, [copy])
        (stored,) = await session.services.store.messages.deliver([delivery])
    finally:
        writer.abort()
    (placed,) = stored.placed
    if placed.error is not None:
        raise _ERROR_NAMES.get(placed.error, MailError)
    return b"OK [%b] APPEND completed" % code_appenduid(placed.uidvalidity, [placed.uid])


def drop(session: ImapSession) -> None:
    """Forget a message that will not be completed."""
    if session.appending is not None:
        session.appending.writer.abort()
        session.appending = None
