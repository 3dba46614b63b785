"""THREAD and UID THREAD.  RFC 5256 §3.

The threads of a whole mailbox are kept for the next THREAD (`orders`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from posthouse.wire.imap import command as c
from posthouse.wire.imap import search_key as k
from posthouse.wire.imap.format_sort import format_thread

from . import message_limit, orders
from .filters import resolve
from .find import find, off_loop, rows_of
from .thread_tree import COLUMNS, ReferenceReader, build

if TYPE_CHECKING:
    from .session import ImapSession


async def thread(session: ImapSession, command: c.Thread) -> bytes:
    key = await resolve(session, command.key)
    answer = await _answer(session, command, key)
    if answer is None:
        return message_limit.refusal(session)
    session.write(answer)
    return b"OK THREAD completed"


async def _answer(session: ImapSession, command: c.Thread, key: k.SearchKey) -> bytes | None:
    """None: too many messages."""
    question = b"THREAD %b %d" % (command.algorithm.encode(), command.uid)
    if isinstance(key, k.All):
        # As `find` does: messages that are new are part of the answer.
        await session.sync(expunge=False, by_uid=command.uid)
        if message_limit.too_many(session, session.mailbox.view.exists):
            return None
        if (known := await orders.known(session, question)) is not None:
            return known
    found = await find(session, key, uid=command.uid)
    if message_limit.too_many(session, len(found.uids)):
        return None
    view = session.mailbox.view.uids
    rows = await rows_of(session, found.uids, COLUMNS, ReferenceReader().rows)
    answer = await off_loop(len(rows), _work, session, command, rows)
    if len(rows) == len(view):
        await orders.keep(session, question, view.tobytes(), answer)
    return answer


def _work(session: ImapSession, command: c.Thread, rows: list[tuple[Any, ...]]) -> bytes:
    uids = [row[0] for row in rows]
    numbers = uids if command.uid else session.mailbox.view.seqs_of(uids)
    forest = build(command.algorithm, rows)
    return format_thread(forest.roots, forest.children, numbers)
