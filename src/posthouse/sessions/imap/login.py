"""LOGIN, AUTHENTICATE and STARTTLS.  RFC 9051 §6.2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from posthouse.core.errors import Forbidden, SignInFailed
from posthouse.wire.imap import command as c
from posthouse.wire.imap.engine import Limits
from posthouse.wire.imap.response_code import code_capability
from posthouse.wire.sasl import SERVER, Challenge, Credentials, Failure, Reason, ServerExchange

from .answer import Answers
from .capability import capabilities, may_log_in
from .state import AUTHENTICATED

if TYPE_CHECKING:
    from .session import ImapSession

_NO_TLS: Final = b"NO [PRIVACYREQUIRED] A password needs encryption; use STARTTLS, or the port for TLS"
ERRORS: Final[Answers] = {
    Forbidden: b"NO [AUTHORIZATIONFAILED] IMAP is switched off for this account; ask the administrator",
}
_FAILURES: Final = {
    Reason.CANCELLED: b"BAD The exchange was cancelled",
    Reason.BAD_BASE64: b"BAD The line is not base64; send base64, or * to cancel",
    Reason.BAD_MESSAGE: b"BAD The message does not have the form this mechanism wants",
    Reason.TOO_LONG: b"BAD The line is too long",
}


async def login(session: ImapSession, command: c.Login) -> bytes:
    if not may_log_in(session):
        return _NO_TLS
    return await _sign_in(session, command.user, command.password)


async def authenticate(session: ImapSession, command: c.Authenticate) -> bytes | None:
    if command.mechanism not in SERVER:
        return b"NO [CANNOT] This server does not offer the mechanism; CAPABILITY lists the ones it does"
    if not may_log_in(session):
        return _NO_TLS
    session.exchange = ServerExchange(command.mechanism)
    session.exchange_tag = command.tag
    return await _step(session, session.exchange.start(command.initial))


async def continuation(session: ImapSession, line: bytes) -> bytes | None:
    exchange = session.exchange
    assert exchange is not None  # the engine gives this event after `challenge` only
    return await _step(session, exchange.receive(line))


async def _step(session: ImapSession, step: Challenge | Credentials | Failure) -> bytes | None:
    if isinstance(step, Challenge):
        session.engine.challenge(ServerExchange.line(step))
        return None
    session.exchange = None
    if isinstance(step, Failure):
        return _FAILURES[step.reason]
    if step.authzid and step.authzid.lower() != step.username.lower():
        return b"NO [AUTHORIZATIONFAILED] You cannot act for somebody else; leave the authorization identity empty"
    return await _sign_in(session, step.username, step.password)


async def _sign_in(session: ImapSession, user: str, password: str) -> bytes:
    info = session.peer.info
    try:
        account = await session.services.signin.check_password(
            user, password, protocol="imap", connection=info.id, peer_ip=info.peer_ip
        )
    except SignInFailed:
        session.failures += 1
        if session.failures >= session.services.limits.login_failures_max:
            session.bye(b"Too many failed logins; check the address and the password, then connect again")
        raise
    limits = session.services.limits
    session.account = account
    session.state = AUTHENTICATED
    session.engine.limits = Limits(append=limits.append_max_bytes)
    session.peer.set_timeout(limits.idle_timeout_s)
    return b"OK [%b] Logged in" % code_capability(capabilities(session))


async def unauthenticate(session: ImapSession, _command: c.Unauthenticate) -> bytes:
    """RFC 8437 §2."""
    session.forget_login()
    return b"OK [%b] You are logged out; log in again" % code_capability(capabilities(session))


async def start_tls(session: ImapSession, command: c.StartTls) -> bytes | None:
    if session.peer.info.tls is not None:
        return b"BAD The connection is encrypted already"
    if not session.peer.can_start_tls:
        return b"NO [CANNOT] This server has no certificate here; ask the administrator"
    session.write(b"%b OK Begin TLS now\r\n" % command.tag)
    # RFC 9051 §6.2.1: what was sent before TLS began is forgotten, so nobody can put commands into the session.
    session.engine.discard_buffer()
    session.flush()
    await session.peer.start_tls()
    return None
