"""What SORT and THREAD said of a whole mailbox, kept until messages come or go.

Flags do not change an order, so an answer is right as long as the mailbox has the same messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from posthouse import __version__

if TYPE_CHECKING:
    from .session import ImapSession

_VERSION: Final = f"{__version__} ".encode()  # another version may answer otherwise
KEPT_FROM: Final = 256
"""Messages of a mailbox from which on answers are kept; about fewer they are found as fast."""


async def known(session: ImapSession, question: bytes) -> bytes | None:
    """The answer about the messages of the view; not while the view has some that are gone."""
    selected = session.mailbox
    uids = selected.view.uids
    if len(uids) < KEPT_FROM or selected.view.owes_expunges:
        return None
    shared = selected.shared
    answers = session.services.store.answers
    return await answers.load(shared.account, shared.mailbox, _VERSION + question, uids.tobytes())


async def keep(session: ImapSession, question: bytes, uids: bytes, answer: bytes) -> None:
    """`uids`: the messages that the answer is about, as an array of 32 bits."""
    if len(uids) >= 4 * KEPT_FROM:
        shared = session.mailbox.shared
        answers = session.services.store.answers
        await answers.save(shared.account, shared.mailbox, _VERSION + question, uids, answer)
