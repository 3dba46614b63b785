"""IDLE.  RFC 9051 §6.3.13.  An idling session owns no task; the hub calls it when its mailbox moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.wire.imap import command as c

from .look import look

if TYPE_CHECKING:
    from .session import ImapSession


async def idle(session: ImapSession, command: c.Idle) -> None:
    session.engine.begin_idle(command.tag)
    session.peer.write(session.engine.take_output())
    # Listening comes before looking, so that no change falls between the two.
    session.start_idling()
    await look(session)


async def done(session: ImapSession) -> bytes:
    session.stop_idling()
    return b"OK IDLE completed"
