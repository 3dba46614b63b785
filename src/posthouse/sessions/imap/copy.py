"""COPY, MOVE and their UID forms.  RFC 9051 §6.4.7, §6.4.8, §6.4.9."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from posthouse.core.errors import Forbidden, NotFound
from posthouse.core.rights import INSERT, READ, changeable_flags
from posthouse.storage.rows import Actor, Copied, UidRanges
from posthouse.wire.imap import command as c
from posthouse.wire.imap import response
from posthouse.wire.imap.response_code import EXPUNGEISSUED, code_copyuid, code_highestmodseq

from . import message_limit
from .answer import Answers
from .expunge import READ_ONLY
from .notify import made_here
from .replace import REMOVES
from .state import QRESYNC

if TYPE_CHECKING:
    from .session import ImapSession

# RFC 9051 §6.4.7: TRYCREATE tells the client that CREATE would help.
ERRORS: Final[Answers] = {
    NotFound: b"NO [TRYCREATE] There is no mailbox of that name; CREATE it first",
}


async def copy(session: ImapSession, command: c.Copy) -> bytes:
    ranges = session.mailbox.view.resolve(command.sequence, uid=command.uid)
    if refusal := message_limit.too_many(session, session.mailbox.view.count(ranges)):
        return refusal
    copied, visible = await _copy(session, ranges, command.mailbox, move=False)
    if not copied.source:
        return _nothing(command, ranges, b"COPY")
    if not visible:
        return b"OK COPY completed"
    code = code_copyuid(copied.uidvalidity, copied.source, copied.target)
    return b"OK [%b] COPY completed" % code


async def move(session: ImapSession, command: c.Move) -> bytes:
    selected = session.mailbox
    ranges = selected.view.resolve(command.sequence, uid=command.uid)
    if selected.examined:
        return READ_ONLY
    # RFC 6851 §4.2: what STORE of \Deleted, COPY and EXPUNGE take together.
    if selected.rights & REMOVES != REMOVES:
        raise Forbidden(selected.name)
    ranges, lowest = message_limit.cut(session, ranges)
    copied, visible = await _copy(session, ranges, command.mailbox, move=True)
    if not copied.source:
        return _nothing(command, ranges, b"MOVE")
    # RFC 6851 §4.3: COPYUID comes in an untagged OK, before the EXPUNGE responses of the look at the end.
    if visible:
        code = code_copyuid(copied.uidvalidity, copied.source, copied.target)
        session.write(response.ok(b"*", "Moved", code))
    if session.enabled & QRESYNC:
        # RFC 7162 §3.2.9
        done = b"OK [%b] MOVE completed" % code_highestmodseq(copied.modseq)
    else:
        done = b"OK MOVE completed"
    return message_limit.tell(session, done, lowest)


async def _copy(session: ImapSession, ranges: UidRanges, name: str, *, move: bool) -> tuple[Copied, bool]:
    """And whether the user may know where in the mailbox they are (RFC 9051 §6.4.7)."""
    place = await session.reach(name, INSERT)
    target = place.row
    shared = session.mailbox.shared
    if not ranges:
        return Copied(target.uidvalidity, [], [], 0), False
    messages = session.messages
    if place.foreign and not session.mailbox.foreign:
        messages = messages.acting(Actor(session.account_id, place.rights))
    copied = await messages.copy(
        shared.account,
        shared.mailbox,
        ranges,
        target.account,
        target.id,
        move=move,
        keep=changeable_flags(place.rights),
    )
    made_here(session, target.id, copied.target)
    return copied, bool(place.rights & READ)


def _nothing(command: c.Copy | c.Move, ranges: UidRanges, word: bytes) -> bytes:
    """RFC 9051 §6.4.9: UIDs that do not exist are ignored; numbers of expunged messages are not."""
    if ranges and not command.uid:
        return b"NO [%b] The messages were expunged meanwhile; NOOP tells which" % EXPUNGEISSUED
    return b"OK %b completed, there was no such message" % word
