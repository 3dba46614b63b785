"""ESEARCH: a search of several mailboxes by one command.  RFC 7377."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from posthouse.core.errors import MailError, NotFound
from posthouse.core.ids import AccountId
from posthouse.core.rights import LOOKUP, READ
from posthouse.storage.rows import Mailbox
from posthouse.wire.imap import command as c
from posthouse.wire.imap import response
from posthouse.wire.imap import search_key as k
from posthouse.wire.imap.sequence_set import SequenceSet

from . import context
from .filters import resolve
from .find import Found, find, find_in
from .mailbox_filter import is_in
from .message_limit import Budget
from .search import CHARSET_AFTER_UTF8, SILENT, forget, narrow_modseq, save
from .state import UTF8, Selected
from .view import View

if TYPE_CHECKING:
    from .session import ImapSession


SEARCHED: Final = LOOKUP | READ


async def esearch(session: ImapSession, command: c.Esearch) -> bytes:
    wants_selected = any(source == "SELECTED" for source, _ in command.sources)
    updates = "UPDATE" in (command.returns or ())
    # RFC 7377 §2.2: UPDATE is about the selected mailbox, whatever else is searched.
    if (wants_selected or updates) and session.selected is None:
        return b"BAD Select a mailbox first, or name what to search: ESEARCH IN (PERSONAL)"
    if context.in_use(session, command):
        return context.TAG_IN_USE
    if session.enabled & UTF8 and command.charset:
        return CHARSET_AFTER_UTF8
    try:
        command.key = await resolve(session, command.key)
        return await _search_all(session, command)
    except MailError:
        forget(session, command)
        raise


async def _search_all(session: ImapSession, command: c.Esearch) -> bytes:
    store = session.services.store
    # RFC 7377 §2: of mailboxes that may not be looked up and read nothing is said.
    places = await session.services.rights.all(session.eyes)
    rows = [place.row for place in places if place.rights & SEARCHED == SEARCHED]
    subscribed = frozenset(await session.services.rights.subscriptions(session.eyes))
    names = _names(command, rows, subscribed, session.selected.id if session.selected else None)
    keywords: dict[AccountId, tuple[str, ...]] = {}
    budget = Budget(session, alone=len(names) == 1)
    for row in rows:
        if row.name in names and not budget.ended:
            if row.account not in keywords:
                keywords[row.account] = await store.messages.keywords(row.account)
            try:
                await _search(session, command, row, keywords[row.account], budget)
            except NotFound:
                continue  # it was deleted just now
    if budget.ended:
        forget(session, command)
    return budget.answer(b"OK ESEARCH completed")


def _names(
    command: c.Esearch, rows: list[Mailbox], subscribed: frozenset[str], selected: int | None
) -> frozenset[str]:
    """RFC 7377 §2.2, RFC 5465 §6: each mailbox once, however often it was named."""
    return frozenset(
        row.name
        for row in rows
        for source, wanted in command.sources
        if is_in(row.name, row.role, source, wanted, subscribed)
        or (source == "SELECTED" and row.id == selected)
    )


async def _search(
    session: ImapSession, command: c.Esearch, row: Mailbox, keywords: tuple[str, ...], budget: Budget
) -> None:
    if session.selected is not None and row.id == session.selected.id:
        key = clamp(command.key, session.selected.view.exists)
        found = await find(session, key, uid=True, scored=command.scored)
        if not budget.take(command, found):
            return
        if "SAVE" in (command.returns or ()):
            save(session, command, found.uids)
        await narrow_modseq(session, session.selected, command, found, found.uids)
        _answer(session, command, session.selected, found)
        context.keep(session, command, key, found.uids, is_whole=not budget.is_cut)
        return
    if not row.messages:
        return
    hub = session.services.hub
    shared = await hub.open(row)
    try:
        view = View(shared.uids, shared.uidnext, shared.modseq, recent_from=row.recent_from)
        foreign = row.account != session.account_id
        other = Selected(row.name, shared, view, examined=True, foreign=foreign)
        key = clamp(command.key, view.exists)
        found = await find_in(session, other, key, keywords, scored=command.scored)
        if budget.take(command, found):
            await narrow_modseq(session, other, command, found, found.uids)
            _answer(session, command, other, found)
    finally:
        hub.release(shared)


def _answer(session: ImapSession, command: c.Esearch, selected: Selected, found: Found) -> None:
    # RFC 7377 §2.1: no response for a mailbox without a match, COUNT or not.
    returns = command.returns or frozenset()
    if not found.uids or returns <= SILENT:
        return
    correlators = response.format_correlators(selected.name, selected.shared.uidvalidity, utf8=session.utf8)
    answer = response.format_esearch(
        command.tag,
        uid=True,
        returns=returns,
        numbers=found.uids,
        modseq=found.modseq,
        partial=command.partial,
        mailbox=correlators,
    )
    session.write(found.with_relevancy(answer, command, found.uids))
    if selected is not session.selected:
        session.flush()


def clamp(key: k.SearchKey, exists: int) -> k.SearchKey:
    """RFC 7377 §2: message numbers beyond the end of a mailbox are no error, they name nothing."""

    def clamped(leaf: k.SearchKey) -> k.SearchKey:
        if not isinstance(leaf, k.Sequence) or leaf.numbers.largest() <= exists:
            return leaf
        ranges = tuple(_clamped(leaf.numbers, exists))
        if not ranges and not leaf.numbers.saved:
            return k.Not(k.All())
        return k.Sequence(SequenceSet(ranges, saved=leaf.numbers.saved))

    return k.replace_leaves(key, clamped)


def _clamped(numbers: SequenceSet, exists: int) -> Iterator[tuple[int, int]]:
    for first, last in numbers.resolve(exists):
        if first <= exists:
            yield first, min(last, exists)
