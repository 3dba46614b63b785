"""APPEND: messages stream into the store.  RFC 9051 §6.3.12, RFC 3502, RFC 7889, RFC 4315 §3."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final

from posthouse.core.errors import MailError, OverQuota, TooLarge
from posthouse.core.flags import SYSTEM_FLAGS
from posthouse.core.ids import AccountId
from posthouse.core.rights import ALL, INSERT, READ, WRITE, changeable_flags
from posthouse.mime.edit import without_nul
from posthouse.mime.facts import MessageFacts, facts_of
from posthouse.storage.content_ports import ContentWriter
from posthouse.storage.mailbox_ports import NOBODY
from posthouse.storage.rows import Delivery, LocalCopy, Mailbox
from posthouse.wire.imap.command import Catenate
from posthouse.wire.imap.event import AppendBegin, AppendPiece, LiteralChunk
from posthouse.wire.imap.flag_list import split_flags
from posthouse.wire.imap.response_code import code_appenduid

from . import message_limit
from .answer import ANSWERS, Answers, RefusedError
from .catenate import BadUrlError, add_urls
from .copy import ERRORS as COPY_ERRORS
from .mailbox import tell_normalised
from .notify import made_here
from .replace import message_to_replace, replace
from .store import KEYWORD_MAX

if TYPE_CHECKING:
    from .session import ImapSession

ERRORS: Final[Answers] = {
    **COPY_ERRORS,
    OverQuota: ANSWERS[OverQuota],
    TooLarge: ANSWERS[TooLarge],
}
UNKNOWN_NUL: Final = (
    b"NO [UNKNOWN-CTE] There are NUL octets where they cannot be kept; encode the message and append it again"
)
# RFC 9051 §6.3.12: the message has to be one; an empty literal is a client that gave up (RFC 3502 §6.3.11).
EMPTY: Final = b"NO [CANNOT] An empty message cannot be stored"


class Appending:
    """A message on its way in, and the ones of the same command that are complete (RFC 3502)."""

    __slots__ = (
        "before",
        "before_bytes",
        "binary",
        "date",
        "error",
        "flags",
        "keywords",
        "mailbox",
        "replaces",
        "rights",
        "room",
        "writer",
    )

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
        self.before: list[Delivery] = []
        self.before_bytes = 0
        self.rights = ALL  # of the user on the mailbox
        self.binary = False  # it came as a literal8
        self.replaces = 0  # RFC 8508: the UID of the message of the selected mailbox that goes
        self.room = (
            math.inf
        )  # octets that the quota left when the command began, less the messages before this one
        self.error: MailError | None = None  # why what arrived cannot be kept; told at the end of the literal


async def begin(session: ImapSession, event: AppendBegin) -> bytes | None:
    """Decide before the client sends the message (RFC 9051 §6.3.12: no TRYCREATE after megabytes)."""
    return await _decide(session, _begin(session, event))


async def piece(session: ImapSession, event: AppendPiece) -> bytes | None:
    """RFC 4469: more of a message that is put together."""
    return await _decide(session, _more(session, event.urls, event.size))


async def _decide(session: ImapSession, preparation: Awaitable[bytes | None]) -> bytes | None:
    accepted = False
    try:
        refusal = await preparation
        accepted = refusal is None
        return refusal
    except BadUrlError as error:
        return error.answer
    finally:
        if accepted:
            session.engine.accept_literal()
        else:
            # RFC 3502 §6.3.11: a message that cannot be appended takes the ones before it along.
            drop(session)
            session.engine.refuse_literal()


async def _begin(session: ImapSession, event: AppendBegin) -> bytes | None:
    if event.last_urls and session.appending is not None:
        await add_urls(session, session.appending, event.last_urls)
    refusal = await _prepare(session, event)
    if refusal is None:
        await _more(session, event.urls, event.size)
    return refusal


async def _more(session: ImapSession, urls: tuple[str, ...], size: int) -> None:
    appending, limit = session.appending, session.services.limits.append_max_bytes
    assert appending is not None  # made by `_prepare`
    if urls:
        await add_urls(session, appending, urls)
    if appending.writer.size + size > limit:
        raise TooLarge(limit=limit)


async def catenate(session: ImapSession, command: Catenate) -> bytes:
    """A message of URLs alone."""
    event = AppendBegin(
        command.tag, command.mailbox, command.flags, command.date, 0,
        binary=False, utf8=False, replaces=command.replaces, uid=command.uid,
    )  # fmt: skip
    try:
        return await _prepare(session, event) or await end(session, command.urls)
    finally:
        drop(session)


async def _prepare(session: ImapSession, event: AppendBegin) -> bytes | None:
    services, limits = session.services, session.services.limits
    before = session.appending
    if event.size > limits.append_max_bytes:
        raise TooLarge(limit=limits.append_max_bytes)
    if before is not None and (refusal := message_limit.too_many(session, len(before.before) + 2)):
        return refusal
    if before is not None and (
        len(before.before) + 1 >= limits.multiappend_max_messages
        or before.before_bytes + before.writer.size + event.size > limits.multiappend_max_bytes
    ):
        return b"NO [LIMIT] Too much for one APPEND, nothing was stored; send it as several commands"
    if refusal := _unfit(session, event):
        return refusal
    replaces, freed = 0, 0
    if event.replaces is not None:
        found = await message_to_replace(session, event.replaces, uid=event.uid)
        if isinstance(found, bytes):
            return found
        replaces, freed = found
    if before is not None:
        if before.writer.size == 0:
            return EMPTY
        mailbox, rights, room = before.mailbox, before.rights, before.room - before.writer.size
    else:
        place = await services.rights.need(session.eyes, event.mailbox, INSERT, counted=False)
        mailbox, rights = place.row, place.rights
        tell_normalised(session, event.mailbox)
        room = await _room(session, mailbox.account)
    if replaces and session.mailbox.shared.account != mailbox.account:
        freed = 0  # in another account
    if event.size > room + freed:
        raise OverQuota
    done = None if before is None else await _complete(session, before)
    system, keywords, _ = split_flags(event.flags)
    appending = session.appending = Appending(
        mailbox,
        services.store.contents.writer(),
        # RFC 4314 §4: flags that this user may not set are left out.
        flags=system & sum(SYSTEM_FLAGS.values()) & changeable_flags(rights),
        keywords=keywords if rights & WRITE else (),
        date=services.clock.now() if event.date is None else event.date,
    )
    appending.binary = event.binary
    appending.replaces = replaces
    appending.room = room
    appending.rights = rights
    if before is not None and done is not None:
        appending.before = [*before.before, done]
        appending.before_bytes = before.before_bytes + done.content.size
    return None


async def _room(session: ImapSession, owner: AccountId) -> float:
    """Octets that fit into the account; the store looks again when it commits."""
    account = await session.services.store.directory.quota_of(owner)
    if account is None:
        raise OverQuota
    return account.quota_bytes - account.used_bytes if account.quota_bytes else math.inf


def _unfit(session: ImapSession, event: AppendBegin) -> bytes | None:
    _, keywords, unknown = split_flags(event.flags)
    if unknown:
        return b"BAD There is no such flag; only keywords without a backslash can be made up"
    if any(len(name) > KEYWORD_MAX for name in keywords):
        return b"NO [LIMIT] A keyword has at most %d characters" % KEYWORD_MAX
    if event.utf8 and not session.utf8:
        return b"BAD ENABLE UTF8=ACCEPT or IMAP4rev2 before UTF8 (...)"
    return None


def chunk(session: ImapSession, event: LiteralChunk) -> Any:
    """Returns a coroutine when the writer needs time."""
    appending = session.appending
    assert appending is not None  # the engine gives chunks after `accept_literal` only
    if appending.error is not None:
        return None
    appending.writer.write(event.data)
    return _drain(appending) if appending.writer.must_drain else None


async def _drain(appending: Appending) -> None:
    try:
        await appending.writer.drain()
    except MailError as error:
        appending.error = error
        appending.writer.abort()


async def end(session: ImapSession, urls: tuple[str, ...] = ()) -> bytes:
    appending, session.appending = session.appending, None
    assert appending is not None
    if urls:
        try:
            await add_urls(session, appending, urls)
        except BadUrlError as error:
            appending.writer.abort()
            return error.answer
    if appending.writer.size == 0:
        return EMPTY
    if appending.replaces:
        visible = bool(appending.rights & READ)
        return await replace(
            session, appending.replaces, await _complete(session, appending), visible=visible
        )
    deliveries = [*appending.before, await _complete(session, appending)]
    # RFC 3502 §6.3.11: all messages of the command are appended, or none.
    stored = await session.services.store.messages.deliver(deliveries, together=True)
    uids = [one.placed[0].uid for one in stored]
    made_here(session, appending.mailbox.id, uids)
    if not appending.rights & READ:
        return b"OK APPEND completed"  # RFC 9051 §6.3.12: who may not select the mailbox learns nothing of it
    return b"OK [%b] APPEND completed" % code_appenduid(stored[0].placed[0].uidvalidity, uids)


async def _complete(session: ImapSession, appending: Appending) -> Delivery:
    """What is to be committed of a message that has arrived whole."""
    if appending.error is not None:
        raise appending.error
    try:
        facts = await _read(session, appending)
        draft = await appending.writer.finish()
    finally:
        appending.writer.abort()
    copy = LocalCopy(
        appending.mailbox.account,
        appending.mailbox.id,
        flags=appending.flags,
        keywords=appending.keywords,
        date=appending.date,
        user=NOBODY if appending.mailbox.account == session.account_id else session.account_id,
    )
    return Delivery(session.services.ids.trace(), draft, facts, [copy])


async def _read(session: ImapSession, appending: Appending) -> MessageFacts:
    writer = appending.writer
    short = writer.size <= session.services.limits.inline_facts_max_bytes
    view = writer.view()
    if appending.binary and view.find(b"\x00") >= 0:
        # RFC 3516 §4.4, §6: other clients are to get the message without NULs, so such parts are kept in base64.
        data = await asyncio.to_thread(without_nul, view)
        if data is None:
            raise RefusedError(UNKNOWN_NUL)
        writer.abort()
        appending.writer = writer = session.services.store.contents.writer()
        writer.write(data)
        if writer.must_drain:
            await writer.drain()
        view = writer.view()
    return facts_of(view) if short else await asyncio.to_thread(facts_of, view)


def drop(session: ImapSession) -> None:
    """Forget what will not be completed."""
    if session.appending is not None:
        session.appending.writer.abort()
        session.appending = None
