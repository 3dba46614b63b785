"""SEARCH and UID SEARCH.  RFC 9051 §6.4.4, §6.4.9; RFC 4731, RFC 5182."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from posthouse.core.errors import MailError
from posthouse.wire.imap import command as c
from posthouse.wire.imap import response

from . import context, message_limit
from .filters import resolve
from .find import Found, find
from .message_limit import returned
from .state import REV2, UTF8, Selected
from .view import dense_ranges

if TYPE_CHECKING:
    from .session import ImapSession


CHARSET_AFTER_UTF8: Final = b"BAD After ENABLE UTF8=ACCEPT a search is in UTF-8; leave CHARSET out"
"""RFC 6855 §3"""
SILENT: Final = frozenset(("SAVE", "CONTEXT", "UPDATE"))
"""Return options that alone say nothing."""


async def search(session: ImapSession, command: c.Search) -> bytes:
    if context.in_use(session, command):
        return context.TAG_IN_USE
    if session.enabled & UTF8 and command.charset:
        return CHARSET_AFTER_UTF8
    try:
        command.key = await resolve(session, command.key)
        found = await find(session, command.key, uid=command.uid, scored=command.scored)
    except MailError:
        forget(session, command)
        raise
    if (kept := message_limit.newest(session, command, found.uids)) is None:
        forget(session, command)
        return message_limit.refusal(session)
    found.uids, lowest = kept
    if "SAVE" in (command.returns or ()):
        save(session, command, found.uids)
    await narrow_modseq(session, session.mailbox, command, found, found.uids)
    _answer(session, command, found)
    context.keep(session, command, command.key, found.uids, is_whole=not lowest)
    return message_limit.tell(session, b"OK SEARCH completed", lowest)


def save(session: ImapSession, command: c.Search, uids: Sequence[int]) -> None:
    """RFC 5182 §2.1, RFC 9051 §6.4.4.1, RFC 9394 §3.2: what `$` stands for from now on."""
    view = session.mailbox.view
    view.saved = dense_ranges(
        view.uids, sorted(returned(command.returns or frozenset(), command.partial, uids))
    )


def forget(session: ImapSession, command: c.Search) -> None:
    """RFC 5182 §2.1: a search with SAVE that is answered with NO leaves nothing saved."""
    if session.selected is not None and "SAVE" in (command.returns or ()):
        session.selected.view.saved = []


async def narrow_modseq(
    session: ImapSession, selected: Selected, command: c.Search, found: Found, uids: Sequence[int]
) -> None:
    """RFC 4731 §3.2: MODSEQ is the highest of the messages that are returned, not of all that match."""
    if found.modseq is None:
        return
    told = returned(command.returns or frozenset(), command.partial, uids)
    if len(told) == len(uids):
        return
    shared = selected.shared
    ranges = dense_ranges(selected.view.uids, sorted(told))
    found.modseq = None
    rows = session.messages_of(selected).fetch(shared.account, shared.mailbox, ranges, ("uid", "modseq"))
    async for chunk in rows:
        found.modseq = max(found.modseq or 0, *[modseq for _, modseq in chunk])


def _answer(session: ImapSession, command: c.Search, found: Found) -> None:
    numbers = found.uids if command.uid else session.mailbox.view.seqs_of(found.uids)
    returns = command.returns
    if returns is None and session.enabled & REV2:
        # RFC 9051 §6.4.4: IMAP4rev2 answers with ESEARCH even without RETURN.
        returns = frozenset(("ALL",))
    if returns is None:
        session.write(response.format_search(numbers, modseq=found.modseq))
    elif not returns <= SILENT:
        answer = response.format_esearch(
            command.tag,
            uid=command.uid,
            returns=returns,
            numbers=numbers,
            modseq=found.modseq,
            partial=command.partial,
        )
        session.write(found.with_relevancy(answer, command, found.uids))
