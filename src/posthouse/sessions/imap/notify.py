"""NOTIFY: the client says what it wants to be told, and is told it at any time.  RFC 5465."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from posthouse.core.ids import MailboxId
from posthouse.wire.imap import command as c
from posthouse.wire.imap.notify_events import OF_METADATA
from posthouse.wire.imap.response_code import NOTIFICATIONOVERFLOW

from .metadata import begin_announcing
from .notify_watch import TooManyError, Watch

if TYPE_CHECKING:
    from .session import ImapSession

OVERFLOW: Final = b"NO [%b] Too many mailboxes to watch; name fewer of them" % NOTIFICATIONOVERFLOW


async def notify(session: ImapSession, command: c.Notify) -> bytes:
    wanted = command.wanted
    watch = Watch(session, wanted)
    if wanted is not None:
        try:
            told = await watch.prepare()
            if any(events & OF_METADATA for *_, events in wanted.groups) and session.metadata_seen is None:
                # RFC 5465 §5.6: ENABLE METADATA is not needed for these.
                await begin_announcing(session)
            await _tell_all(session)
        except TooManyError:
            watch.close()
            return OVERFLOW
        except BaseException:
            watch.close()
            raise
        if wanted.status:
            session.write(told)
    end_notify(session)
    session.notify = watch
    if session.selected is not None:
        watch.entered(session.selected)
    return b"OK NOTIFY completed"


async def _tell_all(session: ImapSession) -> None:
    """RFC 5465 §3.1: SET implies a NOOP, whatever was wanted until now."""
    if session.selected is None:
        return
    before, session.notify = session.notify, None
    try:
        if before is not None:
            await before.tell_held_flags()
        await session.sync(expunge=True, by_uid=True)
    finally:
        session.notify = before


def end_notify(session: ImapSession) -> None:
    if session.notify is not None:
        session.notify.close()
        session.notify = None


def made_here(
    session: ImapSession, mailbox: MailboxId, uids: Sequence[int], *, removing: bool = False
) -> None:
    """RFC 5465 §5: a client is not told of what it did itself.

    `removing`: the command also took messages away, which is always told (the numbers depend on it).
    """
    if session.notify is not None:
        session.notify.made_here(mailbox, uids, removing=removing)
