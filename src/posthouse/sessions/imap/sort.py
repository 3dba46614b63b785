"""SORT and UID SORT.  RFC 5256 §3, RFC 5957, RFC 5267 §3, RFC 7162 §3.1.9."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from posthouse.core.errors import MailError
from posthouse.wire.imap import command as c
from posthouse.wire.imap import response
from posthouse.wire.imap.format_sort import format_sort

from . import context
from .find import find, off_loop, rows_of
from .search import SILENT, save
from .sort_order import columns_for, sort_rows

if TYPE_CHECKING:
    from .session import ImapSession


async def sort(session: ImapSession, command: c.Sort) -> bytes:
    if context.in_use(session, command):
        return context.TAG_IN_USE
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
    context.keep(session, command, command.key, ordered)
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


def _answer(command: c.Sort, numbers: list[int], modseq: int | None) -> bytes:
    if command.returns is None:
        return format_sort(numbers, modseq=modseq)
    if command.returns <= SILENT:
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
