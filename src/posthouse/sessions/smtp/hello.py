"""HELO, EHLO, LHLO: RFC 5321 §4.1.1.1, RFC 2033 §4.1; and what EHLO announces."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from posthouse.sessions.authentication import mechanisms
from posthouse.sessions.smtp.settings import Mode
from posthouse.sessions.smtp.state import State
from posthouse.wire.smtp import reply
from posthouse.wire.smtp.capability import EXTENSIONS, Extension
from posthouse.wire.smtp.command import Hello

if TYPE_CHECKING:
    from posthouse.sessions.smtp.session import SmtpSession


def hello(session: SmtpSession, command: Hello) -> None:
    if (session.mode is Mode.LMTP) != (command.verb == "LHLO"):
        # RFC 2033 §4.1: an LMTP server refuses HELO and EHLO with 500, so that no mail loops through it.
        session.say(reply.USE_LHLO if session.mode is Mode.LMTP else reply.NO_LHLO)
        return
    # RFC 5321 §4.1.4: a greeting clears the state as RSET does.
    session.reset()
    session.helo = command.name
    session.extended = command.verb != "HELO"
    session.state = State.READY
    if session.extended:
        session.peer.write(reply.format_ehlo(session.hostname, capabilities(session)))
    else:
        session.peer.write(reply.format_lines(250, [session.hostname]))


def capabilities(session: SmtpSession) -> list[str]:
    settings = session.settings
    until = datetime.fromtimestamp(session.delivery.clock.now() + settings.hold_max_s, UTC)
    values = {
        "size": session.delivery.settings.max_message_bytes,
        "recipients": settings.recipients_max,
        "messages": settings.messages_max,
        "mechanisms": " ".join(mechanisms(session.peer.info, session.sign_in)),
        "hold_s": settings.hold_max_s,
        "hold_until": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return [
        f"{row.keyword} {row.value.format(**values)}" if row.value else row.keyword
        for row in EXTENSIONS
        if _offered(session, row)
    ]


def _offered(session: SmtpSession, row: Extension) -> bool:
    if session.mode.value not in row.modes:
        return False
    secure = session.peer.info.tls is not None
    match row.keyword:
        case "STARTTLS":
            return not secure and session.peer.can_start_tls
        case "AUTH":
            # RFC 4954 §4: no plain passwords over an open line.
            return session.may_sign_in and session.account is None
        case "REQUIRETLS":
            # RFC 8689 §2: announced over TLS only.
            return secure
        case _:
            return True
