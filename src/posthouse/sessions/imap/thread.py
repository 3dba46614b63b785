"""THREAD and UID THREAD.  RFC 5256 §3."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from posthouse.wire.imap import command as c
from posthouse.wire.imap.format_sort import format_thread

from .search import find
from .sort import INLINE_ROWS, rows_of
from .thread_tree import COLUMNS, build

if TYPE_CHECKING:
    from .session import ImapSession


async def thread(session: ImapSession, command: c.Thread) -> bytes:
    found = await find(session, command.key, uid=command.uid)
    rows = await rows_of(session, found.uids, COLUMNS)
    uids = [row[0] for row in rows]
    numbers = uids if command.uid else session.mailbox.view.seqs_of(uids)
    if len(rows) <= INLINE_ROWS:
        answer = _answer(command.algorithm, rows, numbers)
    else:
        answer = await asyncio.to_thread(_answer, command.algorithm, rows, numbers)
    session.write(answer)
    return b"OK THREAD completed"


def _answer(algorithm: str, rows: list[tuple[Any, ...]], numbers: Sequence[int]) -> bytes:
    forest = build(algorithm, rows)
    return format_thread(forest.roots, forest.children, numbers)
