"""RCPT: RFC 5321 §4.1.1.3; whether mail for the recipient is ours to take."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from posthouse.core.errors import MailError
from posthouse.services.delivery import Recipient
from posthouse.services.resolve import Resolution
from posthouse.sessions.smtp.errors import RECIPIENT_REPLIES, SUBMISSION_REPLIES, reply_for
from posthouse.sessions.smtp.settings import Mode
from posthouse.sessions.smtp.state import State
from posthouse.wire.smtp import reply
from posthouse.wire.smtp.command import Rcpt
from posthouse.wire.smtp.reply import Reply

if TYPE_CHECKING:
    from posthouse.sessions.smtp.session import SmtpSession


def rcpt(session: SmtpSession, command: Rcpt) -> Coroutine[Any, Any, None] | None:
    envelope = session.current.envelope
    if len(envelope.recipients) >= session.settings.recipients_max:
        # RFC 5321 §4.5.3.1.10: 452, so that the client sends the others in a further message.
        session.say(reply.TOO_MANY_RECIPIENTS.fill(limit=session.settings.recipients_max))
        return None
    if command.needs_utf8 and not envelope.smtputf8:
        session.say(reply.UTF8_NEEDED)
        return None
    if (resolution := session.delivery.try_recipient(command.recipient)) is not None:
        _take(session, command, resolution)  # perf: without a task; pipelined replies then leave together
        return None
    return _resolve(session, command)


async def _resolve(session: SmtpSession, command: Rcpt) -> None:
    address = command.recipient
    # RFC 6761 §6.4: nothing below "invalid" exists, so the sender learns it now and not from a bounce.
    if address.domain.endswith(".invalid"):
        _refuse(session, reply.NO_MAIL_DOMAIN.fill(address=address))
        return
    try:
        resolution = await session.delivery.check_recipient(
            address, account=session.account, peer_ip=session.peer.info.peer_ip
        )
    except MailError as error:
        more = (SUBMISSION_REPLIES,) if session.account is not None else ()
        _refuse(session, reply_for(error, RECIPIENT_REPLIES, *more, address=str(address)))
        return
    if session.mode is Mode.LMTP and resolution.domain is None and resolution.remote:
        # RFC 2033 §5: LMTP is for final delivery; what must travel on is no business of it.
        _refuse(session, reply.NOT_LOCAL.fill(address=address))
        return
    _take(session, command, resolution)


def _take(session: SmtpSession, command: Rcpt, resolution: Resolution) -> None:
    session.current.envelope.recipients.append(Recipient(command.recipient, command.orcpt, command.notify))
    session.state = State.RCPT
    session.say(_welcome(session, resolution))


def _welcome(session: SmtpSession, resolution: Resolution) -> Reply:
    # RFC 5321 §3.4: 251 tells where mail is forwarded to; strangers are not told (§7.4).
    if session.account is not None and resolution.domain is not None and not resolution.accounts:
        (target, *more) = resolution.remote
        if not more:
            return reply.WILL_FORWARD.fill(address=target)
    return reply.RECIPIENT_OK


def _refuse(session: SmtpSession, answer: Reply) -> None:
    session.current.refused += 1
    session.say(answer)
