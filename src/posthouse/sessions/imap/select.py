"""SELECT, EXAMINE, CLOSE and UNSELECT.  RFC 9051 §6.3.2, §6.3.3, §6.4.1, §6.4.2; RFC 7162 §3.2.5."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from posthouse.core.flags import SEEN
from posthouse.core.rights import CHANGES, EXPUNGE, READ
from posthouse.services.mailboxes import mailbox_id
from posthouse.storage.rows import Mailbox, UidRanges
from posthouse.wire.imap import command as c
from posthouse.wire.imap import response
from posthouse.wire.imap import response_code as code
from posthouse.wire.imap.sequence_set import NUMBER_MAX, SequenceSet

from .flags import format_flags
from .mailbox import is_denormalised
from .metadata import highest_modseq
from .state import CONDSTORE, QRESYNC, REV2, UIDONLY, Selected
from .view import View, inside

if TYPE_CHECKING:
    from .session import ImapSession


async def select(session: ImapSession, command: c.Select) -> bytes:
    examined = isinstance(command, c.Examine)
    if command.qresync is not None and not session.enabled & QRESYNC:
        return b"BAD ENABLE QRESYNC first"
    _close_old(session)
    store = session.services.store
    place = await session.reach(command.mailbox, READ)
    row = place.row
    shared = await session.services.hub.open(row)
    try:
        recent_from = row.recent_from
        read_only = examined or not place.rights & CHANGES
        if session.shows_recent and not read_only and recent_from < row.uidnext:
            recent_from = await store.mailboxes.claim_recent(row.account, row.id)
        keywords = await store.messages.keywords(row.account)
    except BaseException:
        session.services.hub.release(shared)
        raise
    if command.condstore:
        session.enable(CONDSTORE)
    view = View(shared.uids, shared.uidnext, shared.modseq, recent_from=recent_from)
    foreign = row.account != session.account_id
    selected = Selected(row.name, shared, view, rights=place.rights, examined=examined, foreign=foreign)
    selected.claims_recent &= session.shows_recent  # RFC 9051 Appendix E: IMAP4rev2 has no \Recent
    session.select(selected)
    session.flag_lists.set_keywords(keywords)
    await _describe(session, row, command.mailbox)
    if command.qresync is not None and command.qresync.uidvalidity == shared.uidvalidity:
        await _resynchronise(session, command.qresync)
    word = b"EXAMINE" if examined else b"SELECT"
    return b"OK [%b] %b completed" % (b"READ-ONLY" if read_only else b"READ-WRITE", word)


def _close_old(session: ImapSession) -> None:
    # RFC 9051 §6.3.2: SELECT closes the mailbox that was selected, even if it fails.
    if session.selected is not None:
        session.deselect()
        if session.enabled & (QRESYNC | REV2):
            session.write(response.ok(b"*", "Previous mailbox closed", code.CLOSED))


async def _describe(session: ImapSession, row: Mailbox, given: str) -> None:
    view = session.mailbox.view
    highest = await highest_modseq(session, row, view.modseq)
    out = [format_flags(session), response.format_exists(view.exists)]
    if session.shows_recent:
        out.append(response.format_recent(view.recent))
        # RFC 9586: no message numbers at all.
        if not session.enabled & UIDONLY and (unseen := await _first_unseen(session, row)):
            out.append(response.ok(b"*", "First unseen message", code.code_unseen(unseen)))
    else:
        # RFC 9051 §6.3.2: the LIST response tells the name in its canonical form, and from which other it was made.
        old_name = given if is_denormalised(given) else None
        out.append(response.format_list((), row.name, utf8=session.utf8, old_name=old_name))
    out += [
        response.ok(b"*", "UIDs are valid", code.code_uidvalidity(session.mailbox.shared.uidvalidity)),
        response.ok(b"*", "Predicted next UID", code.code_uidnext(view.uidnext)),
        response.ok(b"*", "Highest modification sequence", code.code_highestmodseq(highest)),
        response.ok(b"*", "Mailbox id", code.code_mailboxid(mailbox_id(row))),
    ]
    session.write(b"".join(out))


async def _first_unseen(session: ImapSession, row: Mailbox) -> int:
    """Its sequence number; 0: none, or not known without a long look (RFC 3501 §6.3.1 lets it be left out)."""
    view = session.mailbox.view
    if not row.unseen or not view.exists:
        return 0
    if row.unseen == view.exists and row.modseq == view.modseq:
        return 1
    if view.exists > session.services.limits.unseen_scan_max:
        return 0
    rows = session.messages.fetch(row.account, row.id, view.all(), ("uid", "flags"))
    async for chunk in rows:
        for uid, flags in chunk:
            if not flags & SEEN:
                return view.seq_of(uid)
    return 0


async def _resynchronise(session: ImapSession, known: c.Qresync) -> None:
    """RFC 7162 §3.2.5.1: what vanished and what changed since the client was here."""
    view, shared = session.mailbox.view, session.mailbox.shared
    changes = await session.messages.changes(shared.account, shared.mailbox, known.modseq)
    wanted = [(1, NUMBER_MAX)] if known.known_uids is None else known.known_uids.resolve(0)
    gone = [uid for uid in inside(changes.expunged, wanted) if not view.seq_of(uid)]
    floor = _still_agreed(view, known.match_sequence, known.match_uids)
    gone = [uid for uid in gone if uid > floor]
    if gone:
        session.write(response.format_vanished(gone, earlier=True))
    asked = frozenset(inside([row[0] for row in changes.changed], wanted))
    changed = [row for row in changes.changed if row[0] in asked and view.seq_of(row[0])]
    if changed:
        session.write(
            session.format_flag_rows([view.seq_of(row[0]) for row in changed], changed, by_uid=True)
        )


def _still_agreed(view: View, numbers: SequenceSet | None, uids: SequenceSet | None) -> int:
    """RFC 7162 §3.2.5.2: the largest UID up to which the client's numbering is still ours; 0 when unknown."""
    if numbers is None or uids is None:
        return 0
    agreed = 0
    for seq, uid, length in _runs(numbers.resolve(0), uids.resolve(0)):
        for step in (0, length - 1):
            if view.seq_of(uid + step) != seq + step:
                return agreed
            agreed = uid + step
    return agreed


def _runs(numbers: UidRanges, uids: UidRanges) -> Iterator[tuple[int, int, int]]:
    """Pairs of two sets as (number, UID, how many in a row), up to the end of the shorter set."""
    at = inside_first = inside_second = 0
    for first, last in numbers:
        inside_first = first
        while inside_first <= last and at < len(uids):
            low, high = uids[at]
            low += inside_second
            length = min(last - inside_first, high - low) + 1
            yield inside_first, low, length
            inside_first += length
            inside_second += length
            if low + length > high:
                at, inside_second = at + 1, 0


async def close(session: ImapSession, _command: c.Close) -> bytes:
    selected = session.mailbox
    session.deselect()
    # RFC 4314 §4: without the right to expunge, CLOSE just closes.
    if not selected.read_only and selected.rights & EXPUNGE:
        # RFC 9051 §6.4.1: \Deleted messages go without a word.
        shared = selected.shared
        row = await session.services.store.mailboxes.by_id(shared.account, shared.mailbox)
        if row.deleted:
            await session.messages_of(selected).expunge(shared.account, shared.mailbox, selected.view.all())
    return b"OK CLOSE completed"


async def unselect(session: ImapSession, _command: c.Unselect) -> bytes:
    session.deselect()
    return b"OK UNSELECT completed"
