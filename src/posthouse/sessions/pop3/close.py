"""QUIT and NOOP.  RFC 1939 §5 and §6."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from posthouse.core.errors import MailError, Uncertain
from posthouse.sessions.pop3.errors import answer_for
from posthouse.sessions.pop3.text import Text
from posthouse.wire.pop3.command import Command

if TYPE_CHECKING:
    from posthouse.sessions.pop3.session import Pop3Session


def noop(session: Pop3Session, _command: Command) -> None:
    session.ok(Text.NOTHING_DONE)


def quit_(session: Pop3Session, _command: Command) -> Coroutine[Any, Any, None] | None:
    if session.drop is not None:
        return _update(session)
    session.ok(Text.BYE)
    session.closing = True
    return None


async def _update(session: Pop3Session) -> None:
    """The UPDATE state.

    RFC 1939 §6: remove what is marked, answer, release the lock and close, whatever the outcome.  +OK is said
    only when the deletions are on stable storage; on -ERR nothing was deleted, or the text says that it may be.
    """
    session.enter_update()
    drop = session.maildrop
    read = session.read if session.settings.mark_seen else set()
    try:
        if session.may_change:
            await drop.commit(session.deleted, read)
    except MailError as error:
        code, text = answer_for(error)
        if session.deleted and not isinstance(error, Uncertain):
            text = Text.NOTHING_DELETED
        answer = session.format_err(text, code)
    else:
        text = Text.BYE_DELETED if session.deleted else Text.BYE
        answer = session.format_ok(text, count=len(session.deleted))
    session.closing = True
    # The lock goes back first, so that a client that reconnects at once does not meet itself.
    session.drop = None
    try:
        await drop.release()
    finally:
        session.peer.write(answer)
