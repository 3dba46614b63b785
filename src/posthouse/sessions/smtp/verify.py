"""VRFY and EXPN: RFC 5321 §3.5.3, §7.3: neither tells strangers who lives here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.wire.smtp import reply
from posthouse.wire.smtp.command import Expn, Vrfy

if TYPE_CHECKING:
    from posthouse.sessions.smtp.session import SmtpSession


def vrfy(session: SmtpSession, command: Vrfy) -> None:  # noqa: ARG001 (the answer is the same for everybody)
    session.say(reply.CANNOT_VERIFY)


def expn(session: SmtpSession, command: Expn) -> None:  # noqa: ARG001
    session.say(reply.NO_EXPN)
