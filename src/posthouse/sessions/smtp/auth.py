"""AUTH: RFC 4954 §4.  Mechanisms are `wire.sasl`'s, passwords are judged by `services.signin`."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final

from posthouse.core.errors import MailError, SignInFailed
from posthouse.services.grant import Grant
from posthouse.sessions.authentication import (
    ActsForOther,
    Authentication,
    Outcome,
    knows,
    mechanisms,
    origin_of,
)
from posthouse.sessions.smtp.errors import AUTH_REPLIES, reply_for
from posthouse.sessions.smtp.settings import Mode
from posthouse.wire.sasl import Challenge, Failure, Reason
from posthouse.wire.smtp import reply
from posthouse.wire.smtp.command import Auth
from posthouse.wire.smtp.reply import Reply

if TYPE_CHECKING:
    from posthouse.sessions.smtp.session import SmtpSession

REASONS: Final[dict[Reason, Reply]] = {
    Reason.CANCELLED: reply.AUTH_CANCELLED,
    Reason.BAD_BASE64: reply.BAD_BASE64,
    Reason.BAD_MESSAGE: reply.BAD_SASL,
    Reason.TOO_LONG: reply.AUTH_TOO_LONG,
    Reason.BAD_BINDING: reply.BAD_BINDING,
}


def auth(session: SmtpSession, command: Auth) -> Coroutine[Any, Any, None] | None:
    if session.mode is not Mode.SUBMISSION:
        session.say(reply.NO_AUTH)
    elif session.account is not None:
        session.say(reply.SIGNED_IN_ALREADY)
    elif not knows(command.mechanism, session.peer.info, session.sign_in):
        session.say(
            reply.UNKNOWN_MECHANISM.fill(offered=", ".join(mechanisms(session.peer.info, session.sign_in)))
        )
    elif not session.may_sign_in:
        # RFC 4954 §6: 538, the mechanism needs an encrypted line.
        session.say(reply.SIGN_IN_NEEDS_TLS)
    else:
        origin = origin_of(session.peer.info, "submission", session.helo)
        session.exchange = Authentication(command.mechanism, session.sign_in, session.peer.info, origin)
        return _act(session, session.exchange.start(command.initial))
    return None


def respond(session: SmtpSession, line: bytes) -> Coroutine[Any, Any, None]:
    assert session.exchange is not None
    return _act(session, session.exchange.receive(line))


async def _act(session: SmtpSession, step: Coroutine[Any, Any, Outcome]) -> None:
    try:
        outcome = await step
        if isinstance(outcome, ActsForOther):
            raise SignInFailed("acting for another account is not offered")
    except MailError as error:
        session.exchange = None
        _refuse(session, reply_for(error, AUTH_REPLIES))
        return
    if isinstance(outcome, Challenge):
        session.engine.expect_response()
        session.peer.write(b"334 " + Authentication.line(outcome) + b"\r\n")
        return
    session.exchange = None
    if isinstance(outcome, Failure):
        session.say(REASONS[outcome.reason])
        return
    assert isinstance(outcome, Grant)
    session.grant = outcome
    session.say(reply.SIGNED_IN)


def _refuse(session: SmtpSession, answer: Reply) -> None:
    session.failed_sign_ins += answer.code == 535
    if session.failed_sign_ins >= session.settings.sign_ins_max:
        session.end(reply.TOO_MANY_SIGN_INS)
    else:
        session.say(answer)
