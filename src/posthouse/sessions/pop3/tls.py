"""STLS: TLS on the clear-text port.  RFC 2595 §4."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from posthouse.sessions.pop3.text import Text
from posthouse.wire.pop3.command import Command

if TYPE_CHECKING:
    from posthouse.sessions.pop3.session import Pop3Session


def may_start_tls(session: Pop3Session) -> bool:
    return (
        session.drop is None
        and session.peer.info.tls is None
        and session.peer.can_start_tls
        and not session.utf8
    )


def stls(session: Pop3Session, _command: Command) -> Coroutine[Any, Any, None] | None:
    if session.peer.info.tls is not None:
        session.err(Text.TLS_ACTIVE)
    elif session.utf8:
        # RFC 6856 §2.1: STLS after UTF8 is a protocol error that may be refused.
        session.err(Text.TLS_AFTER_UTF8)
    elif not session.peer.can_start_tls:
        session.err(Text.TLS_NOT_OFFERED)
    else:
        return _upgrade(session)
    return None


async def _upgrade(session: Pop3Session) -> None:
    # RFC 2595 §4: nothing learned in clear text survives, neither buffered commands nor a name.
    session.engine.discard_buffer()
    session.user_name = None
    session.ok(Text.BEGIN_TLS)
    await session.peer.start_tls()
