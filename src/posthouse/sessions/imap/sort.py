"""SORT and UID SORT.  RFC 5256 §3, RFC 5957, RFC 5267 §3, RFC 7162 §3.1.9."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from posthouse.core.errors import MailError
from posthouse.wire.imap import command as c
from posthouse.wire.imap import response
from posthouse.wire.imap.format_sort import format_sort

from .search import find, save
from .sort_order import columns_for, sort_rows
from .view import dense_ranges

if TYPE_CHECKING:
    from .session import ImapSession

_T = TypeVar("_T")
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
    ordered, answer = await off_loop(len(rows), _work, session, command, rows, found.modseq)
    if saves:
        save(session, command, ordered)
    session.write(answer)
    return b"OK SORT completed"


def _work(
    session: ImapSession, command: c.Sort, rows: list[tuple[Any, ...]], modseq: int | None
) -> tuple[list[int], bytes]:
    """The UIDs in order, and the answer.  Touches nothing that the event loop changes while a command runs."""
    order = sort_rows(rows, command.criteria)
    uids = [row[0] for row in rows]
    ordered = [uids[at] for at in order]
    if command.uid:
        return ordered, _answer(command, ordered, modseq)
    seqs = session.mailbox.view.seqs_of(uids)
    return ordered, _answer(command, [seqs[at] for at in order], modseq)


async def off_loop(size: int, work: Callable[..., _T], *arguments: Any) -> _T:
    """In a thread, unless there is little to do."""
    return work(*arguments) if size <= INLINE_ROWS else await asyncio.to_thread(work, *arguments)


async def rows_of(session: ImapSession, uids: list[int], columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """Those of the messages that are still there."""
    view, shared = session.mailbox.view, session.mailbox.shared
    if len(uids) == view.exists:
        ranges = view.all()
    else:
        ranges = await off_loop(len(uids), dense_ranges, view.uids, uids)
    rows: list[tuple[Any, ...]] = []
    async for chunk in session.services.store.messages.fetch(shared.account, shared.mailbox, ranges, columns):
        rows += chunk
    if rows and rows[-1][0] >= view.uidnext:
        rows = [row for row in rows if row[0] < view.uidnext]
    return rows


def _answer(command: c.Sort, numbers: list[int], modseq: int | None) -> bytes:
    if command.returns is None:
        return format_sort(numbers, modseq=modseq)
    if command.returns == {"SAVE"}:
        return b""
    return response.format_esearch(
        command.tag,
        uid=command.uid,
        returns=command.returns,
        numbers=numbers,
        modseq=modseq,
        partial=command.partial,
        ascending=False,
    )
