"""REPLACE and UID REPLACE: an APPEND that takes a message of the selected mailbox away.  RFC 8508."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from posthouse.core.errors import Forbidden, NotFound
from posthouse.core.rights import EXPUNGE, TRASH
from posthouse.storage.rows import Delivery
from posthouse.wire.imap import response
from posthouse.wire.imap.response_code import code_appenduid, code_highestmodseq
from posthouse.wire.imap.sequence_set import SequenceSet

from .expunge import READ_ONLY
from .notify import made_here
from .state import QRESYNC, UIDONLY
from .uid_only import UID_REQUIRED

if TYPE_CHECKING:
    from .session import ImapSession

REMOVES: Final = TRASH | EXPUNGE
"""Rights to take a message away (RFC 6851 §4.2, RFC 8508 §4.1)."""
_GONE: Final = b"NO [NONEXISTENT] There is no message with that UID; NOOP tells what was expunged"


async def message_to_replace(
    session: ImapSession, number: SequenceSet, *, uid: bool
) -> tuple[int, int] | bytes:
    """UID and size, or why it cannot be."""
    if session.enabled & UIDONLY and not uid:
        return UID_REQUIRED
    if session.selected is None:
        return b"BAD Select a mailbox first: SELECT or EXAMINE"
    if session.selected.examined:
        return READ_ONLY
    # RFC 8508 §4.1: what STORE of \Deleted and EXPUNGE take.
    if session.selected.rights & REMOVES != REMOVES:
        raise Forbidden(session.selected.name)
    shared = session.selected.shared
    ranges = session.selected.view.resolve(number, uid=uid)
    rows = session.services.store.messages.fetch(shared.account, shared.mailbox, ranges, ("uid", "size"))
    async for chunk in rows:
        for row in chunk:
            return row
    return _GONE


async def replace(session: ImapSession, uid: int, delivery: Delivery, *, visible: bool) -> bytes:
    """`visible`: the user may read the mailbox that the new message goes to."""
    shared = session.mailbox.shared
    store = session.services.store
    try:
        stored = await session.messages.replace(shared.account, shared.mailbox, uid, delivery)
    except NotFound:
        # The message was expunged while the new one came, or the mailbox was deleted: then this raises again.
        target = delivery.copies[0].mailbox
        assert target is not None  # APPEND names it
        await store.mailboxes.by_id(shared.account, target)
        return _GONE
    placed = stored.placed[0]
    made_here(session, placed.mailbox, [placed.uid], removing=True)
    if visible:
        # RFC 8508 §4.3: the new UID comes before the EXPUNGE of the look at the end.
        code = code_appenduid(placed.uidvalidity, [placed.uid])
        session.write(response.ok(b"*", "Replacement message ready", code))
    if session.enabled & QRESYNC:
        # RFC 7162 §3.2.7, as after UID EXPUNGE
        return b"OK [%b] REPLACE completed" % code_highestmodseq(placed.modseq)
    return b"OK REPLACE completed"
