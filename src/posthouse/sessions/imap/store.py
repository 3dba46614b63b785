"""STORE and UID STORE.  RFC 9051 §6.4.6, §6.4.9; RFC 7162 §3.1.3."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import TYPE_CHECKING, Any

from posthouse.core.errors import Forbidden
from posthouse.core.flags import FIRST_KEYWORD_BIT
from posthouse.core.rights import WRITE, changeable_flags
from posthouse.storage.rows import FlagsStored, UidRanges
from posthouse.wire.imap import command as c
from posthouse.wire.imap.flag_list import split_flags
from posthouse.wire.imap.response_code import EXPUNGEISSUED, code_modified

from . import message_limit
from .expunge import READ_ONLY
from .state import CONDSTORE

if TYPE_CHECKING:
    from .session import ImapSession

KEYWORD_MAX = 128
"""Characters of a keyword."""
PIECE_MESSAGES = 4096
"""Messages announced while the writer changes the next, before other work of the event loop gets its turn."""
TURNS_TO_LEAVE = 3
"""Of the event loop: the task begins, its request is put on the socket, the socket is written to."""


async def store(session: ImapSession, command: c.Store) -> bytes:
    ranges = session.mailbox.view.resolve(command.sequence, uid=command.uid)
    ranges, lowest = message_limit.cut(session, ranges)
    return message_limit.tell(session, await _store(session, command, ranges), lowest)


async def _store(session: ImapSession, command: c.Store, ranges: UidRanges) -> bytes:
    view = session.mailbox.view
    if session.mailbox.examined:
        return READ_ONLY
    system, keywords, unknown = split_flags(command.flags)
    if unknown:
        return b"BAD There is no such flag; only keywords without a backslash can be made up"
    if any(len(name) > KEYWORD_MAX for name in keywords):
        return b"NO [LIMIT] A keyword has at most %d characters" % KEYWORD_MAX
    if command.unchanged_since is not None:
        session.enable(CONDSTORE)
    if not ranges:
        return b"OK STORE completed"
    rights = session.mailbox.rights
    mask = changeable_flags(rights)
    # RFC 4314 §4: STORE does what it may of what it was asked, and fails when that is nothing.
    asked = -1 if command.action == "=" else system | (1 << FIRST_KEYWORD_BIT if keywords else 0)
    if asked and not asked & mask:
        raise Forbidden(session.mailbox.name)
    if not rights & WRITE:
        keywords = ()  # none of them is set, so none is made up either
    bits = system | await keyword_bits(session, keywords)
    refused: list[int] = []
    changed = 0
    parts = view.parts(ranges, PIECE_MESSAGES)
    ahead: Awaitable[FlagsStored] | None = None
    for at, part in enumerate(parts, 1):
        done = await (ahead or _change(session, command, part, bits))
        along = _goes_along(session, done)
        ahead = (
            await _begin(_change(session, command, parts[at], bits)) if along and at < len(parts) else None
        )
        limit = FIRST_KEYWORD_BIT + len(session.flag_lists.keywords)
        if bits >> limit or any(flags >> limit for flags in {row[1] for row in done.changed}):
            await session.announce_keywords()
        _show(session, command, done)
        changed += len(done.changed)
        refused += done.refused
        if not along:
            surprising = set(done.surprising)
            session.told = {uid: modseq for uid, _, modseq in done.changed if uid not in surprising}
        if at < len(parts):
            await session.sync(expunge=False, by_uid=command.uid)
    if refused:
        numbers = refused if command.uid else list(view.seqs_of(refused))
        return b"OK [%b] STORE completed, some messages had changed" % code_modified(numbers)
    if not command.uid and changed < view.count(ranges):
        # RFC 5530 §3: messages that another session expunged could not be changed.
        return b"NO [%b] Some of the messages were expunged meanwhile; NOOP tells which" % EXPUNGEISSUED
    return b"OK STORE completed"


async def keyword_bits(session: ImapSession, keywords: tuple[str, ...]) -> int:
    if not keywords:
        return 0
    return await session.services.store.messages.keyword_bits(session.mailbox.shared.account, keywords)


async def _change(session: ImapSession, command: c.Store, ranges: UidRanges, bits: int) -> FlagsStored:
    shared, view = session.mailbox.shared, session.mailbox.view
    # RFC 9051 §6.4.6: .SILENT leaves no doubt about the flags, so what others had changed before is told.
    adds_unseen = command.silent and command.action != "="
    return await session.messages.store_flags(
        shared.account,
        shared.mailbox,
        ranges,
        add=bits if command.action == "+" else 0,
        remove=bits if command.action == "-" else 0,
        replace=bits if command.action == "=" else None,
        unchanged_since=command.unchanged_since,
        known_modseq=view.modseq if adds_unseen else None,
    )


async def _begin(change: Coroutine[Any, Any, FlagsStored]) -> Awaitable[FlagsStored]:
    """perf: the writer changes these while those before them are announced."""
    task = asyncio.get_running_loop().create_task(change)
    for _ in range(TURNS_TO_LEAVE):
        await asyncio.sleep(0)
    return task


def _goes_along(session: ImapSession, done: FlagsStored) -> bool:
    """Move mailbox and view to where the change brought them, if nothing else had happened before it.

    perf: neither is read back then, and the look at the end of the command has nothing to look at.
    """
    selected = session.mailbox
    if selected.foreign:
        return False
    shared, view = selected.shared, selected.view
    session.services.hub.apply_flags(shared, done)
    if selected.contexts is not None or session.notify is not None or done.surprising:
        return False
    if done.before == view.modseq < done.modseq == shared.modseq:
        view.has_been_told(done.modseq)
    selected.up_to_date = view.modseq == shared.modseq == done.modseq
    return selected.up_to_date


def _show(session: ImapSession, command: c.Store, done: FlagsStored) -> None:
    condstore = bool(session.enabled & CONDSTORE)
    # RFC 7162 §3.1.3: with CONDSTORE even .SILENT is answered with the new MODSEQ.
    if not done.changed or (command.silent and not condstore):
        return
    view = session.mailbox.view
    seqs = view.seqs_of([row[0] for row in done.changed])
    session.write(session.format_flag_rows(seqs, done.changed, by_uid=command.uid))
