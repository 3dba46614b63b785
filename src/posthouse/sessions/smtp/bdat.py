"""BDAT: RFC 3030 §2.  The octets follow whatever the answer, so a refusal is said behind them."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from posthouse.sessions.smtp.data import finish, open_message, take
from posthouse.sessions.smtp.state import State
from posthouse.wire.smtp import reply
from posthouse.wire.smtp.command import Bdat
from posthouse.wire.smtp.engine import DataEnd
from posthouse.wire.smtp.reply import Reply

if TYPE_CHECKING:
    from posthouse.sessions.smtp.session import SmtpSession


def bdat(session: SmtpSession, command: Bdat) -> None:
    current = session.current
    limit = session.delivery.settings.max_message_bytes
    if current.received + command.size > limit:
        refuse(session, command, reply.TOO_LARGE.fill(limit=limit))
        return
    if current.incoming is None:
        current.incoming = open_message(session)
    session.state = State.CHUNKS
    session.chunk = command
    session.peer.set_timeout(session.settings.data_timeout_s)


def refuse(session: SmtpSession, command: Bdat, answer: Reply) -> None:
    """Drop the chunk that follows, then answer; an enormous one is not waited for."""
    if session.transaction is not None:
        session.state = State.BROKEN
        if session.transaction.incoming is not None:
            session.transaction.incoming.abort()
            session.transaction.incoming = None
    if command.size > session.delivery.settings.max_message_bytes + session.settings.overrun_bytes:
        session.end(answer)
        return
    session.chunk = command
    session.chunk_refusal = answer


def take_chunk(session: SmtpSession, piece: bytes) -> Coroutine[Any, Any, None] | None:
    return None if session.chunk_refusal is not None else take(session, piece)


def end_chunk(session: SmtpSession, end: DataEnd) -> Coroutine[Any, Any, None] | None:
    command, refusal = session.chunk, session.chunk_refusal
    session.chunk = session.chunk_refusal = None
    session.peer.set_timeout(session.settings.command_timeout_s)
    if refusal is not None:
        session.say(refusal)
        return None
    if end.last:
        return finish(session, end)
    assert command is not None
    session.current.bare_newline |= end.bare_newline
    session.say(reply.CHUNK_OK.fill(size=command.size))
    return None
