"""USER, PASS, APOP and AUTH: who reads the maildrop.  RFC 1939 §7, RFC 5034 §4."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from posthouse.core.errors import SignInFailed
from posthouse.sessions.pop3.text import Text
from posthouse.wire.pop3 import reply
from posthouse.wire.pop3.command import Command
from posthouse.wire.sasl import SERVER, Challenge, Credentials, Failure, Reason, ServerExchange

if TYPE_CHECKING:
    from posthouse.sessions.pop3.session import Pop3Session


def user(session: Pop3Session, command: Command) -> None:
    if not session.may_sign_in:
        session.err(Text.NEEDS_TLS)
        return
    # RFC 1939 §7 allows "no such mailbox" here; we never tell whether an address exists.
    name = _try_utf8(command.text.strip())
    if name is None:
        session.err(Text.BAD_UTF8)
        return
    session.user_name = name
    session.ok(Text.NEED_PASSWORD)


def pass_(session: Pop3Session, command: Command) -> Coroutine[Any, Any, None] | None:
    name, session.user_name = session.user_name, None
    password = _try_utf8(command.text)
    if not session.may_sign_in:
        session.err(Text.NEEDS_TLS)
    elif name is None:
        session.err(Text.USER_FIRST)
    elif password is None:
        session.err(Text.BAD_UTF8)
    else:
        return _sign_in(session, name, password)
    return None


def apop(session: Pop3Session, _command: Command) -> None:
    session.err(Text.APOP_OFF)


def auth(session: Pop3Session, command: Command) -> Coroutine[Any, Any, None] | None:
    mechanism, _, initial = command.text.partition(b" ")
    if not session.may_sign_in:
        session.err(Text.NEEDS_TLS)
        return None
    if not mechanism:
        # quirk(clients older than CAPA): AUTH alone asks for the mechanisms.
        session.peer.write(reply.format_lines(session.format_ok(Text.MECHANISMS), SERVER))
        return None
    name = mechanism.decode("ascii", "replace").upper()
    if name not in SERVER:
        session.err(Text.UNKNOWN_MECHANISM)
        return None
    session.exchange = ServerExchange(name)
    return _step(session, session.exchange.start(initial.strip() or None))


def continue_auth(session: Pop3Session, line: bytes) -> Coroutine[Any, Any, None] | None:
    """The client's answer to a challenge."""
    assert session.exchange is not None
    return _step(session, session.exchange.receive(line))


def _step(session: Pop3Session, step: Challenge | Credentials | Failure) -> Coroutine[Any, Any, None] | None:
    if isinstance(step, Challenge):
        session.engine.expect_auth_line()
        session.peer.write(reply.format_challenge(ServerExchange.line(step)))
        return None
    session.exchange = None
    if isinstance(step, Failure):
        cancelled = step.reason is Reason.CANCELLED
        session.err(Text.AUTH_CANCELLED if cancelled else Text.AUTH_MALFORMED)
        return None
    if step.authzid and step.authzid != step.username:
        session.err(Text.AUTH_AS_OTHER, reply.AUTH)
        return None
    return _sign_in(session, step.username, step.password)


async def _sign_in(session: Pop3Session, name: str, password: str) -> None:
    info = session.peer.info
    try:
        account = await session.sign_in.check_password(
            name, password, protocol="pop3", connection=info.id, peer_ip=info.peer_ip
        )
    except SignInFailed as error:
        session.failures += 1
        if session.failures >= session.settings.sign_in_failures_max:
            session.err(Text.TOO_MANY_FAILURES, reply.AUTH)
            session.closing = True
        else:
            session.refuse(error)
        return
    if (wait_s := session.delay.remaining_s(account.id)) > 0:
        # RFC 2449 §8.1.1: the code tells a client to come later rather than to ask for the password again.
        session.err(Text.LOGIN_DELAY, reply.LOGIN_DELAY, seconds=int(wait_s) + 1)
        return
    session.drop = await session.maildrops.open(account)
    session.delay.note(account.id)
    session.enter_transaction()
    count, size = session.totals()
    session.ok(Text.LISTING, count=count, size=size)


def _try_utf8(text: bytes) -> str | None:
    # RFC 6856 §2.2: names and passwords that are not valid UTF-8 are refused.
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return None
