"""SORT and UID SORT.  RFC 5256 §3, RFC 5957, RFC 5267 §3, RFC 7162 §3.1.9."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from posthouse.core.errors import MailError
from posthouse.wire.imap import command as c
from posthouse.wire.imap import response
from posthouse.wire.imap.format_sort import format_sort

from .search import find, save
from .sort_order import columns_for, sort_rows
from .view import dense_ranges

if TYPE_CHECKING:
    from .session import ImapSession

INLINE_ROWS = 1000
"""Rows that are worked on without a thread: a few milliseconds."""


async def sort(session: ImapSession, command: c.Sort) -> bytes:
    saves = command.returns is not None and "SAVE" in command.returns
    try:
        found = await find(session, command.key, uid=command.uid)
        rows = await rows_of(session, found.uids, columns_for(command.criteria))
    except MailError:
        if saves:
            session.mailbox.view.saved = []
        raise
    if len(rows) <= INLINE_ROWS:
        order = sort_rows(rows, command.criteria)
    else:
        order = await asyncio.to_thread(sort_rows, rows, command.criteria)
    uids = [row[0] for row in rows]
    numbers = uids if command.uid else session.mailbox.view.seqs_of(uids)
    if saves:
        save(session, command, [uids[at] for at in order])
    _answer(session, command, [numbers[at] for at in order], found.modseq)
    return b"OK SORT completed"


async def rows_of(session: ImapSession, uids: list[int], columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """Those of the messages that are still there."""
    view, shared = session.mailbox.view, session.mailbox.shared
    ranges = view.all() if len(uids) == view.exists else dense_ranges(view.uids, uids)
    rows: list[tuple[Any, ...]] = []
    async for chunk in session.services.store.messages.fetch(shared.account, shared.mailbox, ranges, columns):
        rows += chunk
    if rows and rows[-1][0] >= view.uidnext:
        rows = [row for row in rows if row[0] < view.uidnext]
    return rows


def _answer(session: ImapSession, command: c.Sort, numbers: list[int], modseq: int | None) -> None:
    if command.returns is None:
        session.write(format_sort(numbers, modseq=modseq))
    elif command.returns != {"SAVE"}:
        session.write(
            response.format_esearch(
                command.tag,
                uid=command.uid,
                returns=command.returns,
                numbers=numbers,
                modseq=modseq,
                partial=command.partial,
                ascending=False,
            )
        )
