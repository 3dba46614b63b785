"""THREAD and UID THREAD.  RFC 5256 §3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from posthouse.wire.imap import command as c
from posthouse.wire.imap.format_sort import format_thread

from .find import find, off_loop, rows_of
from .thread_tree import COLUMNS, build

if TYPE_CHECKING:
    from .session import ImapSession


async def thread(session: ImapSession, command: c.Thread) -> bytes:
    found = await find(session, command.key, uid=command.uid)
    rows = await rows_of(session, found.uids, COLUMNS)
    session.write(await off_loop(len(rows), _work, session, command, rows))
    return b"OK THREAD completed"


def _work(session: ImapSession, command: c.Thread, rows: list[tuple[Any, ...]]) -> bytes:
    uids = [row[0] for row in rows]
    numbers = uids if command.uid else session.mailbox.view.seqs_of(uids)
    forest = build(command.algorithm, rows)
    return format_thread(forest.roots, forest.children, numbers)
