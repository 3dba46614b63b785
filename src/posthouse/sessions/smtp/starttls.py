"""STARTTLS: RFC 3207 §4."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from posthouse.sessions.smtp.state import State
from posthouse.wire.smtp import reply
from posthouse.wire.smtp.command import StartTls

if TYPE_CHECKING:
    from posthouse.sessions.smtp.session import SmtpSession


def starttls(session: SmtpSession, command: StartTls) -> Coroutine[Any, Any, None] | None:  # noqa: ARG001
    if session.peer.info.tls is not None:
        session.say(reply.TLS_ALREADY)
    elif not session.peer.can_start_tls:
        session.say(reply.NO_TLS)
    else:
        return _start(session)
    return None


async def _start(session: SmtpSession) -> None:
    # RFC 3207 §4.2: what came in clear is forgotten: commands waiting in the buffer, the name, the state.
    session.engine.discard_buffer()
    session.reset()
    session.state = State.START
    session.helo = ""
    session.grant = None
    session.say(reply.START_TLS)
    await session.peer.start_tls()
