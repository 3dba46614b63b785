"""USER, PASS, APOP and AUTH: who reads the maildrop.  RFC 1939 §7, RFC 5034 §4."""

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
from posthouse.sessions.pop3.text import Text
from posthouse.wire.pop3 import reply
from posthouse.wire.pop3.command import Command
from posthouse.wire.sasl import Challenge, Failure, Reason

if TYPE_CHECKING:
    from posthouse.sessions.pop3.session import Pop3Session

_FAILURES: Final = {Reason.CANCELLED: Text.AUTH_CANCELLED, Reason.BAD_BINDING: Text.AUTH_BAD_BINDING}


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
        return _counted(session, _sign_in(session, name, password))
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
        session.peer.write(
            reply.format_lines(
                session.format_ok(Text.MECHANISMS), mechanisms(session.peer.info, session.sign_in)
            )
        )
        return None
    name = mechanism.decode("ascii", "replace").upper()
    if not knows(name, session.peer.info, session.sign_in):
        session.err(Text.UNKNOWN_MECHANISM)
        return None
    session.exchange = Authentication(
        name, session.sign_in, session.peer.info, origin_of(session.peer.info, "pop3")
    )
    return _counted(session, _step(session, session.exchange.start(initial.strip() or None)))


def continue_auth(session: Pop3Session, line: bytes) -> Coroutine[Any, Any, None]:
    """The client's answer to a challenge."""
    assert session.exchange is not None
    return _counted(session, _step(session, session.exchange.receive(line)))


async def _step(session: Pop3Session, step: Coroutine[Any, Any, Outcome]) -> None:
    try:
        outcome = await step
    except MailError:
        session.exchange = None
        raise
    if isinstance(outcome, Challenge):
        session.engine.expect_auth_line()
        session.peer.write(reply.format_challenge(Authentication.line(outcome)))
        return
    session.exchange = None
    if isinstance(outcome, Failure):
        session.err(_FAILURES.get(outcome.reason, Text.AUTH_MALFORMED))
    elif isinstance(outcome, ActsForOther):
        session.err(Text.AUTH_AS_OTHER, reply.AUTH)
    else:
        await _open(session, outcome)


async def _counted(session: Pop3Session, work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except SignInFailed as error:
        session.failures += 1
        if session.failures >= session.settings.sign_in_failures_max:
            session.err(Text.TOO_MANY_FAILURES, reply.AUTH)
            session.closing = True
        else:
            session.refuse(error)


async def _sign_in(session: Pop3Session, name: str, password: str) -> None:
    origin = origin_of(session.peer.info, "pop3")
    await _open(session, await session.sign_in.check_password(name, password, origin))


async def _open(session: Pop3Session, grant: Grant) -> None:
    account = grant.account
    if (wait_s := session.delay.remaining_s(account.id)) > 0:
        # RFC 2449 §8.1.1: the code tells a client to come later rather than to ask for the password again.
        session.err(Text.LOGIN_DELAY, reply.LOGIN_DELAY, seconds=int(wait_s) + 1)
        return
    session.drop = await session.maildrops.open(account)
    session.grant = grant
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
