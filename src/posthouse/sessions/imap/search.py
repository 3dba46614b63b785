"""SEARCH and UID SEARCH.  RFC 9051 §6.4.4, §6.4.9; RFC 4731, RFC 5182."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from posthouse.core.errors import MailError
from posthouse.wire.imap import command as c
from posthouse.wire.imap import response
from posthouse.wire.imap.response import partial_slice

from . import context, message_limit
from .filters import resolve
from .find import Found, find
from .state import REV2
from .view import dense_ranges

if TYPE_CHECKING:
    from .session import ImapSession


SILENT: Final = frozenset(("SAVE", "CONTEXT", "UPDATE"))
"""Return options that alone say nothing."""


async def search(session: ImapSession, command: c.Search) -> bytes:
    if context.in_use(session, command):
        return context.TAG_IN_USE
    saves = command.returns is not None and "SAVE" in command.returns
    try:
        command.key = await resolve(session, command.key)
        found = await find(session, command.key, uid=command.uid, scored=command.scored)
    except MailError:
        if saves:
            # RFC 5182 §2.1: a SEARCH with SAVE that fails leaves nothing saved.
            session.mailbox.view.saved = []
        raise
    found.uids, lowest = message_limit.newest(session, found.uids)
    if saves:
        save(session, command, found.uids)
    _answer(session, command, found)
    context.keep(session, command, command.key, found.uids)
    return message_limit.tell(session, b"OK SEARCH completed", lowest)


def save(session: ImapSession, command: c.Search, uids: Sequence[int]) -> None:
    """RFC 5182 §2.1, RFC 9051 §6.4.4.1, RFC 9394 §3.2: what `$` stands for from now on."""
    returns = command.returns or frozenset()
    if not returns & {"ALL", "COUNT"} and returns & {"MIN", "MAX", "PARTIAL"}:
        kept = set(uids[partial_slice(command.partial, len(uids))]) if command.partial is not None else set()
        kept.update(uids[:1] if "MIN" in returns else ())
        kept.update(uids[-1:] if "MAX" in returns else ())
        uids = list(kept)
    view = session.mailbox.view
    view.saved = dense_ranges(view.uids, sorted(uids))


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
