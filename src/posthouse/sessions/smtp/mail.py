"""MAIL: RFC 5321 §4.1.1.2, and whether this client may send as this sender."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from posthouse.core.errors import Forbidden
from posthouse.services.delivery import Envelope
from posthouse.sessions.smtp.settings import Mode
from posthouse.sessions.smtp.state import State, Transaction
from posthouse.wire.smtp import reply
from posthouse.wire.smtp.command import Mail
from posthouse.wire.smtp.reply import Reply

if TYPE_CHECKING:
    from posthouse.sessions.smtp.session import SmtpSession


def mail(session: SmtpSession, command: Mail) -> Coroutine[Any, Any, None] | None:
    if session.messages >= session.settings.messages_max:
        session.end(reply.TOO_MANY_MESSAGES.fill(limit=session.settings.messages_max))
        return None
    if refusal := _refusal(session, command):
        session.say(refusal)
        return None
    if session.account is not None:
        return _submitted(session, command)
    _begin(session, command)
    return None


def _refusal(session: SmtpSession, command: Mail) -> Reply | None:
    """Why the command cannot be obeyed, whoever sends it."""
    if session.mode is Mode.SUBMISSION and session.account is None:
        # RFC 6409 §4.3: no submission without authentication.
        return reply.AUTH_REQUIRED if session.may_sign_in else reply.TLS_REQUIRED
    limit = session.delivery.settings.max_message_bytes
    if command.size is not None and command.size > limit:
        # RFC 1870 §6.1: refused before a byte is sent.
        return reply.TOO_LARGE.fill(limit=limit)
    if command.requiretls and session.peer.info.tls is None:
        # RFC 8689 §4.1: the promise begins with TLS on this hop.
        return reply.REQUIRETLS_NEEDS_TLS
    for name in ("HOLDFOR", "HOLDUNTIL"):
        if name in command.given and session.mode is not Mode.SUBMISSION:
            return reply.PARAMETER_NOT_HERE.fill(name=name, verb="MAIL")
    if _held_until(session, command) > session.delivery.clock.now() + session.settings.hold_max_s:
        return reply.HOLD_TOO_LONG.fill(limit=session.settings.hold_max_s)
    return None


def _held_until(session: SmtpSession, command: Mail) -> float:
    """RFC 4865 §3: seconds since the epoch; 0 without a wish."""
    if command.hold_for_s is not None:
        return session.delivery.clock.now() + command.hold_for_s
    return command.hold_until or 0.0


async def _submitted(session: SmtpSession, command: Mail) -> None:
    assert session.account is not None
    try:
        await session.delivery.check_sender(command.sender, session.account)
    except Forbidden:
        address = "" if command.sender is None else str(command.sender)
        session.say(reply.SENDER_NOT_YOURS.fill(address=address, account=session.account.address))
        return
    _begin(session, command)


def _begin(session: SmtpSession, command: Mail) -> None:
    envelope = Envelope(
        sender=command.sender,
        recipients=[],
        body=command.body,
        smtputf8=command.smtputf8,
        requiretls=command.requiretls,
        ret=command.ret,
        envid=command.envid,
        not_before=_held_until(session, command),
    )
    session.transaction = Transaction(envelope)
    session.state = State.MAIL
    session.say(reply.SENDER_OK)
