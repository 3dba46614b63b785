"""A run of UID FETCH commands, each for one message, answered out of one read of the store.

perf: mbsync asks for a whole mailbox in this way; a command of its own takes three times as long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from posthouse.core.errors import MailError
from posthouse.wire.imap import command as c
from posthouse.wire.imap.fetch_item import BinarySection, BinarySize
from posthouse.wire.imap.format_fetch import RowTemplate

from .answer import Answers, answer_error
from .fetch_section import SectionReader, send_parts
from .view import uid_ranges

if TYPE_CHECKING:
    from .session import ImapSession

RUN_MAX: Final = 128
Asked = tuple[bytes, int]
"""Tag and UID."""
_DONE: Final = b"OK FETCH completed"


def take_run(session: ImapSession, command: c.Fetch) -> list[Asked]:
    """This command and those that wait behind it and ask the same of other messages; empty if there are none."""
    plain = command.uid and command.changed_since is None and command.partial is None
    # A part in an unknown encoding is a refusal of one command (RFC 3516 §4.3).
    if not plain or any(isinstance(item, BinarySection | BinarySize) for item in command.items):
        return []
    following = session.engine.take_same_fetches(RUN_MAX - 1)
    return [(command.tag, command.sequence.largest()), *following] if following else []


async def fetch_run(session: ImapSession, template: RowTemplate, run: list[Asked], errors: Answers) -> None:
    """Answer all of them, in their order."""
    waiting = deque(run)
    reader = SectionReader(session.messages, session.mailbox.shared, template)
    try:
        for uids in _ascending(run):
            await _send(session, template, reader, uids, waiting)
        done = _DONE
    except MailError as error:
        done = answer_error(error, errors)
    while len(waiting) > 1:
        session.answer(waiting.popleft()[0], done)
    await session.complete(waiting[0][0], done, expunge=True, by_uid=True)


def _ascending(run: list[Asked]) -> Iterator[list[int]]:
    """The UIDs in stretches that the store can be asked for at once."""
    uids: list[int] = []
    for _, uid in run:
        if uids and uid <= uids[-1]:
            yield uids
            uids = []
        uids.append(uid)
    yield uids


async def _send(
    session: ImapSession, template: RowTemplate, reader: SectionReader, uids: list[int], waiting: deque[Asked]
) -> None:
    """One row for each message that there is, behind it the end of its command; the last command is left open."""
    peer, view, left = session.peer, session.mailbox.view, len(waiting) - len(uids)
    there = [uid for uid in uids if view.seq_of(uid)]
    async for rows in reader.rows(uid_ranges(there)):
        slices = reader.has_slices(rows)
        for number, row in zip(session.numbers_of([row[0] for row in rows]), rows, strict=True):
            while waiting[0][1] != row[0]:
                session.answer(waiting.popleft()[0], _DONE)
            session.flush()
            if slices:
                await send_parts(peer, template.format_parts(number, row))
            else:
                for block in template.format_blocks((number,), (row,)):
                    peer.write(block)
            if len(waiting) > 1:
                session.answer(waiting.popleft()[0], _DONE)
        if peer.must_drain:
            await peer.drain()
    while len(waiting) > max(left, 1):
        session.answer(waiting.popleft()[0], _DONE)
