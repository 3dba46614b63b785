"""AUTH: RFC 4954 §4.  Mechanisms are `wire.sasl`'s, passwords are judged by `services.signin`."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final

from posthouse.core.address import try_address
from posthouse.core.errors import MailError, SignInFailed
from posthouse.sessions.smtp.errors import AUTH_REPLIES, reply_for
from posthouse.sessions.smtp.settings import Mode
from posthouse.wire.sasl import SERVER, Challenge, Credentials, Reason, ServerExchange
from posthouse.wire.sasl.mechanism import Step
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
}


def auth(session: SmtpSession, command: Auth) -> Coroutine[Any, Any, None] | None:
    if session.mode is not Mode.SUBMISSION:
        session.say(reply.NO_AUTH)
    elif session.account is not None:
        session.say(reply.SIGNED_IN_ALREADY)
    elif command.mechanism not in SERVER:
        session.say(reply.UNKNOWN_MECHANISM.fill(offered=", ".join(SERVER)))
    elif not session.may_sign_in:
        # RFC 4954 §6: 538, the mechanism needs an encrypted line.
        session.say(reply.SIGN_IN_NEEDS_TLS)
    else:
        session.exchange = ServerExchange(command.mechanism)
        return _act(session, session.exchange.start(command.initial))
    return None


def respond(session: SmtpSession, line: bytes) -> Coroutine[Any, Any, None] | None:
    assert session.exchange is not None
    return _act(session, session.exchange.receive(line))


def _act(session: SmtpSession, step: Step) -> Coroutine[Any, Any, None] | None:
    if isinstance(step, Challenge):
        session.engine.expect_response()
        session.peer.write(b"334 " + ServerExchange.line(step) + b"\r\n")
        return None
    session.exchange = None
    if isinstance(step, Credentials):
        return _check(session, step)
    session.say(REASONS[step.reason])
    return None


async def _check(session: SmtpSession, given: Credentials) -> None:
    info = session.peer.info
    try:
        if given.authzid and not _same(given.authzid, given.username):
            raise SignInFailed("acting for another account is not offered")
        session.account = await session.sign_in.check_password(
            given.username,
            given.password,
            protocol="submission",
            connection=info.id,
            peer_ip=info.peer_ip,
        )
    except MailError as error:
        answer = reply_for(error, AUTH_REPLIES)
        session.failed_sign_ins += answer.code == 535
        if session.failed_sign_ins >= session.settings.sign_ins_max:
            session.end(reply.TOO_MANY_SIGN_INS)
        else:
            session.say(answer)
    else:
        session.say(reply.SIGNED_IN)


def _same(one: str, other: str) -> bool:
    first, second = try_address(one), try_address(other)
    return first is not None and second is not None and first.key == second.key
