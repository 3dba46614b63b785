"""SORT and UID SORT.  RFC 5256 §3, RFC 5957, RFC 5267 §3, RFC 7162 §3.1.9.

The order of a whole mailbox is kept for the next SORT (`orders`), also for one of a part of it.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from posthouse.core.errors import MailError
from posthouse.wire.imap import command as c
from posthouse.wire.imap import response
from posthouse.wire.imap.format_sort import format_sort

from . import context, message_limit, orders
from .filters import resolve
from .find import Found, find, off_loop, rows_of
from .search import SILENT, forget, narrow_modseq, save
from .sort_order import Criteria, columns_for, sort_rows

if TYPE_CHECKING:
    from .session import ImapSession

PART_MIN: Final = 16
"""A known order of the whole mailbox serves for at least this part of it; fewer messages are read and sorted."""


async def sort(session: ImapSession, command: c.Sort) -> bytes:
    if context.in_use(session, command):
        return context.TAG_IN_USE
    try:
        command.key = await resolve(session, command.key)
        found = await find(session, command.key, uid=command.uid, scored=command.scored)
        refusal = message_limit.too_many(session, len(found.uids))
        order = () if refusal else await _order(session, command, found)
    except MailError:
        forget(session, command)
        raise
    if refusal:
        forget(session, command)
        return refusal
    await narrow_modseq(session, session.mailbox, command, found, order)
    answer = await off_loop(len(order), _work, session, command, order, found)
    if "SAVE" in (command.returns or ()):
        save(session, command, order)
    session.write(answer)
    context.keep(session, command, command.key, order)
    return b"OK SORT completed"


async def _order(session: ImapSession, command: c.Sort, found: Found) -> Sequence[int]:
    """Those of the messages that are still there, in the order asked for."""
    uids, view = found.uids, session.mailbox.view.uids
    if command.by_relevancy:
        rows = await rows_of(session, uids, columns_for(command.criteria))
        scores = found.relevancies([row[0] for row in rows])
        return await off_loop(len(rows), _sorted, rows, command.criteria, scores)
    question = b"SORT %b" % repr(command.criteria).encode()
    if len(uids) * PART_MIN >= len(view) and (known := await orders.known(session, question)) is not None:
        whole = array("I", known)
        # RFC 5256 §3: ties fall to the sequence number, so a part of the mailbox stands in the order of the whole.
        return whole if len(uids) == len(view) else await off_loop(len(whole), _part, whole, uids)
    rows = await rows_of(session, uids, columns_for(command.criteria))
    order = await off_loop(len(rows), _sorted, rows, command.criteria)
    if len(order) == len(view):
        await orders.keep(session, question, view.tobytes(), order.tobytes())
    return order


def _part(order: Sequence[int], uids: list[int]) -> list[int]:
    wanted = set(uids)
    return [uid for uid in order if uid in wanted]


def _sorted(
    rows: list[tuple[Any, ...]], criteria: Criteria, scores: Sequence[int] | None = None
) -> array[int]:
    return array("I", [rows[at][0] for at in sort_rows(rows, criteria, scores)])


def _work(session: ImapSession, command: c.Sort, order: Sequence[int], found: Found) -> bytes:
    """The answer.  Touches nothing that the event loop changes while a command runs."""
    numbers = order if command.uid else session.mailbox.view.numbers_of(order)
    if command.returns is None:
        return format_sort(numbers, modseq=found.modseq)
    if command.returns <= SILENT:
        return b""
    answer = response.format_esearch(
        command.tag,
        uid=command.uid,
        returns=command.returns,
        numbers=numbers,
        modseq=found.modseq,
        partial=command.partial,
        ascending=False,
    )
    return found.with_relevancy(answer, command, order)
