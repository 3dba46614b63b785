"""Looking at the selected mailbox: what others did there is announced at the end of commands and while idle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.core.errors import NotFound, Unavailable
from posthouse.core.flags import FIRST_KEYWORD_BIT
from posthouse.core.rights import READ
from posthouse.storage.rows import Changes
from posthouse.wire.imap import response
from posthouse.wire.imap.response_code import code_highestmodseq

from . import metadata
from .flags import format_flags
from .state import QRESYNC, UIDONLY
from .view import Updates

if TYPE_CHECKING:
    from .session import ImapSession


async def sync(session: ImapSession, *, expunge: bool, by_uid: bool) -> None:
    """Announce what happened in the selected mailbox since the last look."""
    selected, notify = session.mailbox, session.notify
    looked, selected.up_to_date = selected.up_to_date, False
    if looked and not (expunge and selected.view.owes_expunges):
        return
    shared, view, contexts = selected.shared, selected.view, selected.contexts
    if notify is not None:
        if not notify.looks_at_selected:
            return
        # RFC 5465 §6.1.1: whoever asks for SELECTED does not count messages; §5.1: the UID is always said.
        expunge, by_uid = expunge or notify.expunges_at_once, True
    try:
        await session.services.hub.refresh(shared)
        if selected.foreign and not await look_at_rights(session):
            return
        behind = contexts is not None and contexts.is_behind
        if shared.modseq == view.modseq and not (expunge and view.owes_expunges) and not behind:
            return
        changes = await _changes(session)
        target = shared.uids, shared.uidnext, shared.modseq
        await _learn_keywords(session, changes)
    except NotFound:
        session.bye(b"The mailbox was deleted; connect again and select another")
        return
    except Unavailable:
        return  # the command itself succeeded; the next one looks again
    since = view.uidnext, view.modseq
    if contexts:
        session.write(contexts.before(view, changes))
        contexts.touched(view, changes)
    updates = view.advance(*target, changes, expunge=expunge, told=session.told or {})
    if notify is not None:
        notify.hold_flags(updates, since[1])
    announce(session, updates, by_uid=by_uid)
    if contexts:
        await contexts.after(session, since[0])
    if notify is not None and updates.exists is not None:
        await notify.fetch_new(since[0])


async def look_at_rights(session: ImapSession) -> bool:
    """Whether the mailbox, of somebody else, may still be read; if not the connection ends.

    RFC 4314 §5.1.1: an untagged BYE is what clients handle best; FLAGS and PERMANENTFLAGS tell of other changes.
    """
    selected = session.mailbox
    shared = selected.shared
    rights = await session.services.rights.on(session.eyes, shared.account, shared.mailbox, selected.name)
    if not rights & READ:
        session.bye(b"You may no longer read this mailbox; connect again and select another")
        return False
    if rights != selected.rights:
        selected.rights = rights
        session.write(format_flags(session))
    return True


async def look_behind(session: ImapSession, *, expunge: bool, by_uid: bool) -> None:
    """What happened meanwhile, behind a command."""
    if session.selected is not None:
        await session.sync(expunge=expunge, by_uid=by_uid)
        tell_safe_modseq(session)
    if session.metadata_seen is not None and not session.closing:
        await metadata.announce(session)
    if session.notify is not None and not session.closing:
        await session.notify.look()


def tell_safe_modseq(session: ImapSession) -> None:
    """RFC 7162 §3.2: while expunges are held back the client must not keep a modseq that lies above theirs."""
    selected = session.selected
    if selected is not None and session.enabled & QRESYNC and selected.view.owes_expunges:
        code = code_highestmodseq(selected.view.safe_modseq)
        session.write(response.ok(b"*", "Some messages are gone; NOOP tells which", code))


async def _changes(session: ImapSession) -> list[Changes]:
    """From the view's modseq to exactly the shared one's."""
    shared, view, foreign = session.mailbox.shared, session.mailbox.view, session.mailbox.foreign
    while True:
        # What is remembered for all is not what a user with its own \Seen is to be told.
        if not foreign and (known := shared.changes_since(view.modseq)) is not None:
            return known
        read = await session.messages.changes(shared.account, shared.mailbox, view.modseq)
        if read.modseq == shared.modseq:
            return [read]
        await session.services.hub.refresh(shared)


async def _learn_keywords(session: ImapSession, changes: list[Changes]) -> None:
    if _has_new_keywords(session, changes):
        await session.announce_keywords()


def _has_new_keywords(session: ImapSession, changes: list[Changes]) -> bool:
    limit = FIRST_KEYWORD_BIT + len(session.flag_lists.keywords)
    return any(flags >> limit for change in changes for _, flags, _ in change.changed)


def announce(session: ImapSession, updates: Updates, *, by_uid: bool) -> None:
    if not updates:
        return
    view = session.mailbox.view
    if session.enabled & (QRESYNC | UIDONLY) and updates.vanished:
        session.write(response.format_vanished(updates.vanished))
    else:
        session.write(response.format_expunges(updates.expunged))
    if updates.exists is not None:
        session.write(response.format_exists(updates.exists))
        if session.shows_recent:
            session.write(response.format_recent(view.recent))
    if updates.changed:
        session.write(session.format_flag_rows(updates.seqs, updates.changed, by_uid=by_uid))


def look_while_idle(session: ImapSession) -> None:
    """The mailbox moved on while the client idles: from memory if possible, else by a task."""
    # RFC 5465 §4: after NOTIFY nothing is said of IDLE's own.
    if not session.at_rest or session.selected is None or session.notify:
        return
    if not session.idling:
        return  # the hub calls many listeners in turns, and IDLE ended before this one's
    if session.selected.foreign:
        session.say_unasked(look(session))  # the rights have to be looked at
        return
    if session.peer.must_drain:
        session.say_unasked(_look_when_drained(session))
        return
    shared, view = session.selected.shared, session.selected.view
    changes = None if shared.deleted else shared.changes_since(view.modseq)
    if changes is None or session.selected.contexts or _has_new_keywords(session, changes):
        session.say_unasked(look(session))
        return
    updates = view.advance(shared.uids, shared.uidnext, shared.modseq, changes, expunge=True)
    announce(session, updates, by_uid=False)
    session.flush()


async def _look_when_drained(session: ImapSession) -> None:
    """Whoever reads slowly is told once for all that happened meanwhile."""
    await session.peer.drain()
    await look(session)


async def look(session: ImapSession) -> None:
    """Until nothing is left to announce."""
    if session.notify is not None:
        await session.notify.push()
        return
    while session.selected is not None and not session.closing:
        await session.sync(expunge=True)
        session.flush()
        if session.selected.view.modseq >= session.selected.shared.modseq:
            return
