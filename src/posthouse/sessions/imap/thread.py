"""THREAD and UID THREAD.  RFC 5256 §3.

The threads of a whole mailbox are kept for the next THREAD (`orders`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from posthouse.mime.kept import KeptSelector
from posthouse.wire.imap import command as c
from posthouse.wire.imap.format_sort import format_thread

from .filters import resolve
from .find import find, off_loop, rows_of
from .orders import Answer
from .thread_tree import COLUMNS, build

if TYPE_CHECKING:
    from .session import ImapSession


async def thread(session: ImapSession, command: c.Thread) -> bytes:
    key = await resolve(session, command.key)
    found = await find(session, key, uid=command.uid)
    orders, shared, view = session.services.orders, session.mailbox.shared, session.mailbox.view.uids
    question = "THREAD", command.algorithm, command.uid
    whole = len(found.uids) == len(view)
    answer: Answer = orders.get(shared, question) if whole and view is shared.uids else None
    if answer is None:
        rows = await rows_of(session, found.uids, COLUMNS)
        answer = await off_loop(len(rows), _work, session, command, rows)
        if whole and len(rows) == len(view):
            orders.put(shared, view, question, answer)
    session.write(answer)
    return b"OK THREAD completed"


def _work(session: ImapSession, command: c.Thread, rows: list[tuple[Any, ...]]) -> bytes:
    uids = [row[0] for row in rows]
    numbers = uids if command.uid else session.mailbox.view.seqs_of(uids)
    select = KeptSelector((b"REFERENCES", b"IN-REPLY-TO")).select
    forest = build(command.algorithm, rows, lambda kept: select(kept) if kept else b"")
    return format_thread(forest.roots, forest.children, numbers)
