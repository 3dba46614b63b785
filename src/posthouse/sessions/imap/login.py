"""LOGIN, AUTHENTICATE and STARTTLS.  RFC 9051 §6.2."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final, TypeVar

from posthouse.core.errors import Forbidden, MailError, NotApproved, ScopeExceeded, SignInFailed
from posthouse.services.grant import Grant
from posthouse.services.rights import viewer_of
from posthouse.sessions.authentication import ActsForOther, Authentication, Outcome, knows, origin_of
from posthouse.wire.imap import command as c
from posthouse.wire.imap.engine import Limits
from posthouse.wire.imap.response_code import code_capability
from posthouse.wire.sasl import Challenge, Failure, Reason

from .answer import Answers
from .capability import capabilities, may_log_in
from .moved import referral
from .state import AUTHENTICATED

if TYPE_CHECKING:
    from .session import ImapSession

_T = TypeVar("_T")
_NO_TLS: Final = b"NO [PRIVACYREQUIRED] A password needs encryption; use STARTTLS, or the port for TLS"
ERRORS: Final[Answers] = {
    Forbidden: b"NO [AUTHORIZATIONFAILED] IMAP is switched off for this account; ask the administrator",
    # RFC 9051 §7.1: ALERT, as the program has to show it to its user.
    NotApproved: b"NO [ALERT] This device is new; approve it by the letter you were sent, then sign in again",
    ScopeExceeded: b"NO [AUTHORIZATIONFAILED] What you signed in with is not for IMAP; use one that is",
}
_FAILURES: Final = {
    Reason.CANCELLED: b"BAD The exchange was cancelled",
    Reason.BAD_BASE64: b"BAD The line is not base64; send base64, or * to cancel",
    Reason.BAD_MESSAGE: b"BAD The message does not have the form this mechanism wants",
    Reason.TOO_LONG: b"BAD The line is too long",
    Reason.BAD_BINDING: b"BAD The channel binding does not fit this connection; use a mechanism that CAPABILITY lists",
}


async def login(session: ImapSession, command: c.Login) -> bytes:
    if not may_log_in(session):
        return _NO_TLS
    origin = origin_of(session.peer.info, "imap", session.client)
    work = session.services.signin.check_password(command.user, command.password, origin)
    return _signed_in(session, await _counted(session, work))


async def authenticate(session: ImapSession, command: c.Authenticate) -> bytes | None:
    if not knows(command.mechanism, session.peer.info, session.services.signin):
        return b"NO [CANNOT] This server does not offer the mechanism; CAPABILITY lists the ones it does"
    if not may_log_in(session):
        return _NO_TLS
    origin = origin_of(session.peer.info, "imap", session.client)
    session.exchange = Authentication(command.mechanism, session.services.signin, session.peer.info, origin)
    session.exchange_tag = command.tag
    return await _step(session, session.exchange.start(command.initial))


async def continuation(session: ImapSession, line: bytes) -> bytes | None:
    exchange = session.exchange
    assert exchange is not None  # the engine gives this event after `challenge` only
    return await _step(session, exchange.receive(line))


async def _step(session: ImapSession, step: Coroutine[Any, Any, Outcome]) -> bytes | None:
    try:
        outcome = await _counted(session, step)
    except MailError:
        session.exchange = None
        raise
    if isinstance(outcome, Challenge):
        session.engine.challenge(Authentication.line(outcome))
        return None
    session.exchange = None
    if isinstance(outcome, Failure):
        return _FAILURES[outcome.reason]
    if isinstance(outcome, ActsForOther):
        return b"NO [AUTHORIZATIONFAILED] You cannot act for somebody else; leave the authorization identity empty"
    return _signed_in(session, outcome)


async def _counted(session: ImapSession, work: Coroutine[Any, Any, _T]) -> _T:
    try:
        return await work
    except SignInFailed:
        session.failures += 1
        if session.failures >= session.services.limits.login_failures_max:
            session.bye(b"Too many failed logins; check the address and the password, then connect again")
        raise


def _signed_in(session: ImapSession, grant: Grant) -> bytes:
    limits = session.services.limits
    if elsewhere := referral(session, grant.account):
        return elsewhere
    session.grant = grant
    session.viewer = viewer_of(grant)
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
