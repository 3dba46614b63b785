"""DELE and RSET: marks that only QUIT makes true.  RFC 1939 §5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.sessions.pop3.text import Text
from posthouse.wire.pop3 import reply
from posthouse.wire.pop3.command import Command

if TYPE_CHECKING:
    from posthouse.sessions.pop3.session import Pop3Session


def dele(session: Pop3Session, command: Command) -> None:
    if not session.may_change:
        session.err(Text.READ_ONLY, reply.SYS_PERM)
        return
    if (refusal := session.missing(command.number)) is not None:
        session.peer.write(refusal)
        return
    session.deleted.add(command.number)
    session.ahead.pop(command.number, None)
    session.ok(Text.DELETED, number=command.number)


def rset(session: Pop3Session, _command: Command) -> None:
    session.deleted.clear()
    count, size = session.totals()
    session.ok(Text.RESTORED, count=count, size=size)
