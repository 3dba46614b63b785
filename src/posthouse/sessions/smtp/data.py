"""DATA: RFC 5321 §4.1.1.4; and the end of any message, with the one reply of SMTP or the many of LMTP."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from posthouse.core.errors import MailError
from posthouse.services.delivery import Incoming, Origin
from posthouse.sessions.smtp.errors import SUBMISSION_REPLIES, reply_for
from posthouse.sessions.smtp.settings import Mode
from posthouse.wire.smtp import reply
from posthouse.wire.smtp.command import Data
from posthouse.wire.smtp.engine import DataEnd
from posthouse.wire.smtp.reply import Reply

if TYPE_CHECKING:
    from posthouse.sessions.smtp.session import SmtpSession


def data(session: SmtpSession, command: Data) -> None:  # noqa: ARG001 (it has no arguments)
    if session.current.envelope.body == "BINARYMIME":
        # RFC 3030 §3: a binary message has no lines, so no dot can end it.
        session.say(reply.BINARY_NEEDS_BDAT)
        return
    session.current.incoming = open_message(session)
    session.engine.begin_data()
    session.say(reply.GO_AHEAD)
    session.peer.set_timeout(session.settings.data_timeout_s)


def open_message(session: SmtpSession) -> Incoming:
    info = session.peer.info
    origin = Origin(
        listener=info.listener,
        protocol=protocol_name(session),
        helo=session.helo,
        peer_ip=info.peer_ip,
        tls="" if info.tls is None else f"{info.tls.version} {info.tls.cipher}",
        account=session.account,
        connection=info.id,
    )
    return session.delivery.receive(session.current.envelope, origin)


def protocol_name(session: SmtpSession) -> str:
    """RFC 3848 §1 and RFC 6531 §4.3: the word behind `with` in Received."""
    if not session.extended:
        return "SMTP"
    utf8 = session.current.envelope.smtputf8
    stem = "LMTP" if session.mode is Mode.LMTP else "SMTP"
    name = f"UTF8{stem}" if utf8 else stem if stem == "LMTP" else "ESMTP"
    secure = "S" if session.peer.info.tls is not None else ""
    return f"{name}{secure}{'A' if session.account is not None else ''}"


def take(session: SmtpSession, piece: bytes) -> Coroutine[Any, Any, None] | None:
    """A piece of the message."""
    current = session.current
    current.received += len(piece)
    limit = session.delivery.settings.max_message_bytes
    if current.received > limit + session.settings.overrun_bytes:
        session.end(reply.TOO_LARGE.fill(limit=limit))
        return None
    if current.incoming is None:
        return None
    if current.envelope.body == "7BIT" and not piece.isascii():
        # quirk(many clients): 8-bit text without BODY=8BITMIME.  What is sent on must be declared as it is.
        current.envelope.body = "8BITMIME"
    current.incoming.write(piece)
    return current.incoming.drain() if current.incoming.must_drain else None


async def finish(session: SmtpSession, end: DataEnd) -> None:
    """The message is complete: RFC 5321 §4.2.5, 250 means that we answer for it from now on."""
    session.peer.set_timeout(session.settings.command_timeout_s)
    current, incoming = session.current, session.current.incoming
    assert incoming is not None
    bare_newline = end.bare_newline or current.bare_newline
    if bare_newline and current.envelope.body != "BINARYMIME":
        # RFC 5321 §2.3.8: other systems could see the end of the message, and a further one, at a bare LF.
        incoming.abort()
        answers = _for_each(session, reply.BARE_NEWLINE)
    else:
        answers = await _accept(session, incoming)
    session.messages += 1
    session.reset()
    for answer in answers:
        session.say(answer)


async def _accept(session: SmtpSession, incoming: Incoming) -> list[Reply]:
    tables = (SUBMISSION_REPLIES,) if session.account is not None else ()
    try:
        receipt = await incoming.finish()
    except MailError as error:
        recipients = session.current.envelope.recipients
        only = str(recipients[0].address) if len(recipients) == 1 else "all recipients"
        return _for_each(session, reply_for(error, *tables, address=only))
    if session.mode is not Mode.LMTP:
        return [reply.ACCEPTED.fill(trace=receipt.trace)]
    # RFC 2033 §4.2: one reply per accepted recipient, in the order of RCPT.
    done = reply.DELIVERED.fill(trace=receipt.trace)
    answers = []
    for outcome in receipt.outcomes:
        name = str(outcome.recipient)
        answer = done if outcome.error is None else reply_for(outcome.error, *tables, address=name)
        answers.append(answer.about(name))
    return answers


def _for_each(session: SmtpSession, answer: Reply) -> list[Reply]:
    if session.mode is not Mode.LMTP:
        return [answer]
    return [answer.about(str(recipient.address)) for recipient in session.current.envelope.recipients]
