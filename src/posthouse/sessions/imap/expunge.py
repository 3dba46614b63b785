"""EXPUNGE and UID EXPUNGE.  RFC 9051 §6.4.3, §6.4.9."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.core.errors import Forbidden
from posthouse.core.rights import EXPUNGE
from posthouse.wire.imap import command as c
from posthouse.wire.imap.response_code import code_highestmodseq

from . import message_limit
from .state import QRESYNC

if TYPE_CHECKING:
    from .session import ImapSession


async def expunge(session: ImapSession, command: c.Expunge) -> bytes:
    selected = session.mailbox
    if selected.examined:
        return READ_ONLY
    if not selected.rights & EXPUNGE:
        raise Forbidden(selected.name)
    view, shared = selected.view, selected.shared
    # Only messages this client has been told of: one flagged by another session just now may be unknown here.
    uids, lowest = view.all(), 0
    if command.uids is not None:
        uids, lowest = message_limit.cut(session, view.resolve(command.uids, uid=True))
    modseq = 0
    if uids:
        modseq = (await session.messages.expunge(shared.account, shared.mailbox, uids)).modseq
    # RFC 7162 §3.2.7: with QRESYNC the answer tells the modseq; the EXPUNGE responses come by the look at the end.
    done = b"OK EXPUNGE completed"
    if session.enabled & QRESYNC and modseq:
        done = b"OK [%b] EXPUNGE completed" % code_highestmodseq(modseq)
    return message_limit.tell(session, done, lowest)


READ_ONLY = b"NO [CANNOT] The mailbox was opened read-only; SELECT it to change it"
