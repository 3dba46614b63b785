"""FETCH and UID FETCH.  RFC 9051 §6.4.5, §6.4.9; RFC 7162 §3.1.4, §3.2.6.

The item list is compiled once; then it is store chunk -> `format_rows` -> one write, with no await per message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from posthouse.core.errors import Invalid
from posthouse.core.flags import SEEN
from posthouse.core.rights import SEEN as SEEN_RIGHT
from posthouse.storage.rows import UidRanges
from posthouse.wire.imap import command as c
from posthouse.wire.imap import response
from posthouse.wire.imap.fetch_item import FetchItem
from posthouse.wire.imap.format_fetch import RowTemplate, compile_row
from posthouse.wire.imap.response_code import EXPUNGEISSUED, UNKNOWN_CTE

from . import message_limit
from .answer import Answers
from .fetch_run import fetch_run, take_run
from .fetch_section import SectionReader, pieces, send_parts
from .state import CONDSTORE, QRESYNC, UIDONLY
from .view import dense_ranges, inside, uid_ranges

if TYPE_CHECKING:
    from .session import ImapSession

Row = tuple[Any, ...]
PIECE_ROWS: Final = 4096
"""Rows formatted before other work of the event loop gets its turn: a few milliseconds."""
CHANGED_MAX: Final = 2000
"""Changed messages that are looked for by their modseq; for more the ranges are read."""
ERRORS: Final[Answers] = {
    Invalid: b"NO [CORRUPTION] A message could not be read; please tell the administrator",
}


async def fetch(session: ImapSession, command: c.Fetch) -> bytes | None:
    view = session.mailbox.view
    if command.vanished and not session.enabled & QRESYNC:
        return b"BAD ENABLE QRESYNC before VANISHED"
    ranges = view.resolve(command.sequence, uid=command.uid)
    if command.partial is not None:
        ranges = view.part(ranges, command.partial)
    if command.changed_since is not None or "MODSEQ" in command.items:
        session.enable(CONDSTORE)
    if command.vanished and command.changed_since is not None:
        await _vanished(session, command, command.changed_since)
    if command.changed_since is not None and not command.sets_seen:
        ranges = await _changed_ranges(session, ranges, command.changed_since)
    ranges, lowest = message_limit.cut(session, ranges)
    if not ranges:
        return b"OK FETCH completed"
    answer = await _answer(session, command, ranges, alone=bool(lowest))
    return answer and message_limit.tell(session, answer, lowest)


async def _answer(session: ImapSession, command: c.Fetch, ranges: UidRanges, *, alone: bool) -> bytes | None:
    view = session.mailbox.view
    items = command.items
    # RFC 4314 §4: without the right \Seen is not set.
    sets_seen = command.sets_seen and not session.mailbox.examined and session.mailbox.rights & SEEN_RIGHT
    if sets_seen and await _set_seen(session, ranges):
        # RFC 9051 §6.4.5: flags that changed are part of the answer.
        told: tuple[FetchItem, ...] = ("FLAGS",)
        if session.enabled & CONDSTORE:
            # RFC 7162 §3.2.4: and so are UID and mod-sequence, to whom that means something.
            told = ("UID", "FLAGS", "MODSEQ")
        items = (*items, *[item for item in told if item not in items])
    if "FLAGS" in items:
        await session.announce_keywords()
    recent_from = view.recent_from if session.shows_recent else None
    word = b"FETCH"
    if session.enabled & UIDONLY:
        # RFC 9586: UIDFETCH is numbered by the UID, which need not stand inside again.
        items, word = tuple(item for item in items if item != "UID") or items, b"UIDFETCH"
    template = compile_row(items, session.flag_lists, recent_from=recent_from, word=word)
    session.flush()
    if template.sections:
        if not (sets_seen or alone) and (run := take_run(session, command)):
            await fetch_run(session, template, run, ERRORS)
            return None
        reader = SectionReader(session.messages, session.mailbox.shared, template)
        seen = await _send_sections(session, template, reader, ranges, command.changed_since)
        if reader.unknown_encoding:
            return b"NO [%b] A part has an encoding this server cannot undo; fetch BODY" % UNKNOWN_CTE
    elif template.only_numbers and command.changed_since is None:
        seen = await _send_numbers(session, template, ranges)
    else:
        seen = await _send_rows(session, template, ranges, command.changed_since)
    if not command.uid and seen < view.count(ranges):
        return b"NO [%b] Some of the messages were expunged meanwhile; NOOP tells which" % EXPUNGEISSUED
    return b"OK FETCH completed"


async def _changed_ranges(session: ImapSession, ranges: UidRanges, since: int) -> UidRanges:
    """RFC 7162 §3.1.4.1: what changed since then, where that is little; else all of the ranges, and rows are tested."""
    view, shared = session.mailbox.view, session.mailbox.shared
    changed = await session.messages.changed_uids(shared.account, shared.mailbox, since, CHANGED_MAX)
    if changed is None:
        return ranges
    return dense_ranges(view.uids, [uid for uid in inside(changed, ranges) if view.seq_of(uid)])


async def _send_numbers(session: ImapSession, template: RowTemplate, ranges: UidRanges) -> int:
    """How many messages there were."""
    peer, shared = session.peer, session.mailbox.shared
    messages = session.messages
    seen = 0
    async for columns in messages.fetch_numbers(shared.account, shared.mailbox, ranges, template.columns):
        seen += len(columns[0])
        peer.write(template.format_numbers(session.numbers_of(columns[0]), columns))
        if peer.must_drain:
            await peer.drain()
    return seen


async def _send_rows(
    session: ImapSession, template: RowTemplate, ranges: UidRanges, changed_since: int | None
) -> int:
    """How many messages there were."""
    peer, shared = session.peer, session.mailbox.shared
    seen = 0
    fetched = session.messages.fetch(shared.account, shared.mailbox, ranges, template.columns)
    async for piece in pieces(fetched, PIECE_ROWS):
        seen += len(piece)
        rows = piece if changed_since is None else _changed(template, piece, changed_since)
        numbers = session.numbers_of([row[0] for row in rows])
        peer.write(template.format_rows(numbers, rows))
        if peer.must_drain:
            await peer.drain()
    return seen


def _changed(template: RowTemplate, rows: list[Row], since: int) -> list[Row]:
    at = template.columns.index("modseq")
    return [row for row in rows if row[at] > since]


async def _send_sections(
    session: ImapSession,
    template: RowTemplate,
    reader: SectionReader,
    ranges: UidRanges,
    changed_since: int | None,
) -> int:
    peer = session.peer
    seen = 0
    async for chunk in reader.rows(ranges):
        seen += len(chunk)
        rows = chunk if changed_since is None else _changed(template, chunk, changed_since)
        if not rows:
            continue
        numbers = session.numbers_of([row[0] for row in rows])
        if reader.texts:
            peer.write(template.format_text_rows(numbers, rows))
        elif not reader.has_slices(rows):
            for block in template.format_blocks(numbers, rows):
                peer.write(block)
        else:
            for number, row in zip(numbers, rows, strict=True):
                await send_parts(peer, template.format_parts(number, row))
        if peer.must_drain:
            await peer.drain()
    return seen


async def _set_seen(session: ImapSession, ranges: UidRanges) -> bool:
    """Whether the flags of some message changed."""
    messages, shared = session.messages, session.mailbox.shared
    row = await session.services.store.mailboxes.by_id(shared.account, shared.mailbox)
    if not row.unseen and not row.own_seen:
        return False
    unseen: list[int] = []
    async for chunk in messages.fetch(shared.account, shared.mailbox, ranges, ("uid", "flags")):
        unseen += [uid for uid, flags in chunk if not flags & SEEN]
    if not unseen:
        return False
    done = await messages.store_flags(shared.account, shared.mailbox, uid_ranges(unseen), add=SEEN)
    session.told = {uid: modseq for uid, _, modseq in done.changed}
    return True


async def _vanished(session: ImapSession, command: c.Fetch, since: int) -> None:
    """RFC 7162 §3.2.6: which of these UIDs were expunged since then."""
    view, shared = session.mailbox.view, session.mailbox.shared
    changes = await session.messages.changes(shared.account, shared.mailbox, since)
    wanted = command.sequence.resolve(view.uidnext - 1)
    gone = [uid for uid in inside(changes.expunged, wanted) if not view.seq_of(uid)]
    if gone:
        session.write(response.format_vanished(gone, earlier=True))
