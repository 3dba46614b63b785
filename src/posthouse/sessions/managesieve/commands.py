"""The commands of RFC 5804 §2, and domain errors as answers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import posthouse
from posthouse.core import errors
from posthouse.core.errors import MailError, ScopeExceeded, SignInFailed
from posthouse.services.grant import Grant
from posthouse.sessions.authentication import (
    ActsForOther,
    Authentication,
    Outcome,
    knows,
    mechanisms,
    origin_of,
)
from posthouse.sieve import CAPABILITIES, compile_script
from posthouse.sieve.limits import SCRIPT_MAX_BYTES
from posthouse.wire.managesieve.answer import (
    format_answer,
    format_capabilities,
    format_script,
    format_scripts,
    format_string,
)
from posthouse.wire.managesieve.command import Command, Problem
from posthouse.wire.sasl import Challenge, Failure, Reason

if TYPE_CHECKING:
    from posthouse.sessions.managesieve.session import ManageSieveSession

Work = Coroutine[Any, Any, None] | None

ANSWERS: Final[dict[type[MailError], tuple[str, str]]] = {
    errors.NotFound: ("missing", "NONEXISTENT"),
    errors.Exists: ("exists", "ALREADYEXISTS"),
    errors.Conflict: ("active", "ACTIVE"),
    errors.OverQuota: ("quota_scripts", "QUOTA/MAXSCRIPTS"),
    errors.TooLarge: ("quota_size", "QUOTA/MAXSIZE"),
    errors.Invalid: ("name", ""),
    errors.Forbidden: ("forbidden", ""),
    errors.ScopeExceeded: ("scope", ""),
    errors.SignInFailed: ("failed", ""),
    errors.BadToken: ("bad_token", ""),
    errors.InUse: ("unavailable", "TRYLATER"),
    errors.Unavailable: ("unavailable", "TRYLATER"),
}
_SIGN_IN_FAULTS: Final = {Reason.CANCELLED: "cancelled"}


def answer_for(error: MailError) -> tuple[str, str]:
    """(key of the text, response code) of the nearest class."""
    for cls in type(error).__mro__:
        if cls in ANSWERS:
            return ANSWERS[cls]
    return "internal", ""


def _account(session: ManageSieveSession) -> Any:
    assert session.grant is not None
    return session.grant.account.id


def _text(value: bytes | int) -> str:
    assert isinstance(value, bytes)
    return value.decode("utf-8")


# --- before signing in ---


def capability(session: ManageSieveSession, _command: Command | None = None) -> Work:
    """RFC 5804 §1.7, §2.4."""
    info = session.peer.info
    offered = " ".join(mechanisms(info, session.sign_in)) if session.may_sign_in else ""
    rows: list[tuple[str, str | None]] = [
        ("IMPLEMENTATION", f"Posthouse {posthouse.__version__}"),
        ("SASL", offered),
        ("SIEVE", " ".join(CAPABILITIES)),
        ("NOTIFY", "mailto"),
        ("MAXREDIRECTS", str(session.settings.redirects_max)),
        ("UNAUTHENTICATE", None),
        ("VERSION", "1.0"),
    ]
    if info.tls is None and session.peer.can_start_tls:
        rows.append(("STARTTLS", None))
    if session.grant is not None:
        rows.append(("OWNER", session.grant.account.address))
    session.peer.write(format_capabilities(rows))
    session.ok("ready" if session.grant is None else "done")
    return None


def starttls(session: ManageSieveSession, _command: Command) -> Work:
    """RFC 5804 §2.2: the capabilities are said again behind the handshake."""
    if session.grant is not None or not session.peer.can_start_tls:
        session.no("no_tls")
        return None
    return _start_tls(session)


async def _start_tls(session: ManageSieveSession) -> None:
    session.ok("starttls")
    session.engine.discard_buffer()
    await session.peer.start_tls()
    session.engine.discard_buffer()
    capability(session)


def authenticate(session: ManageSieveSession, command: Command) -> Work:
    """RFC 5804 §2.1."""
    mechanism = command.arguments[0]
    assert isinstance(mechanism, bytes)
    name = mechanism.decode("ascii", "replace").upper()
    if session.grant is not None:
        session.no("signed_in_already")
    elif not session.may_sign_in:
        session.no("needs_tls", "ENCRYPT-NEEDED")
    elif not knows(name, session.peer.info, session.sign_in):
        session.no("mechanism")
    else:
        # Rules are part of what IMAP shows: whoever may not use the one may not edit the other.
        origin = origin_of(session.peer.info, "imap")
        session.exchange = Authentication(name, session.sign_in, session.peer.info, origin)
        initial = command.arguments[1] if len(command.arguments) > 1 else None
        assert initial is None or isinstance(initial, bytes)
        return _step(session, session.exchange.start(b"=" if initial == b"" else initial))
    return None


def respond(session: ManageSieveSession, line: bytes) -> Work:
    if session.exchange is None:
        session.no(Problem.SYNTAX.name)
        return None
    return _step(session, session.exchange.receive(line))


async def _step(session: ManageSieveSession, step: Coroutine[Any, Any, Outcome]) -> None:
    try:
        outcome = await step
        if isinstance(outcome, ActsForOther):
            raise SignInFailed("acting for another account is not offered")
        if isinstance(outcome, Grant) and not outcome.scope.whole:
            raise ScopeExceeded(f"{outcome.account.address}: rules need all rights")
    except SignInFailed:
        session.exchange = None
        session.failures += 1
        if session.failures >= session.settings.login_failures_max:
            session.bye("too_many")
        else:
            session.no("failed")
        return
    except MailError:
        session.exchange = None
        raise
    if isinstance(outcome, Challenge):
        session.engine.expect_response()
        session.peer.write(format_string(Authentication.line(outcome).decode("ascii")) + b"\r\n")
        return
    session.exchange = None
    if isinstance(outcome, Failure):
        session.no(_SIGN_IN_FAULTS.get(outcome.reason, "bad_sasl"))
        return
    assert isinstance(outcome, Grant)
    session.grant = outcome
    session.language = outcome.account.language
    session.peer.set_timeout(session.settings.idle_timeout_s)
    session.ok("signed_in")


def unauthenticate(session: ManageSieveSession, _command: Command) -> Work:
    """RFC 5804 §2.14.1."""
    session.grant = None
    session.peer.set_timeout(session.settings.login_timeout_s)
    session.ok()
    return None


def logout(session: ManageSieveSession, _command: Command) -> Work:
    session.ok("bye")
    session.closing = True
    return None


def noop(session: ManageSieveSession, command: Command) -> Work:
    """RFC 5804 §2.13: the string comes back in the code TAG."""
    code = ""
    if command.arguments:
        tag = command.arguments[0]
        assert isinstance(tag, bytes)
        code = "TAG " + format_string(tag[:400].decode("utf-8", "replace")).decode()
    session.ok(code=code)
    return None


# --- scripts ---


def _decoded(
    run: Callable[[ManageSieveSession, list[Any]], Coroutine[Any, Any, None]],
) -> Callable[..., Work]:
    """RFC 5804 §1.6: names and scripts are UTF-8."""

    def command(session: ManageSieveSession, command: Command) -> Work:
        try:
            values = [value if isinstance(value, int) else _text(value) for value in command.arguments]
        except UnicodeDecodeError:
            session.no(Problem.NOT_UTF8.name)
            return None
        return run(session, values)

    return command


async def _have_space(session: ManageSieveSession, values: list[Any]) -> None:
    name, size = values
    if size > SCRIPT_MAX_BYTES:
        session.no("quota_size", "QUOTA/MAXSIZE")
        return
    await session.scripts.check_space(_account(session), name, size)
    session.ok()


async def _put_script(session: ManageSieveSession, values: list[Any]) -> None:
    name, content = values
    await session.scripts.put(_account(session), name, content)
    session.ok()


async def _check_script(session: ManageSieveSession, values: list[Any]) -> None:
    compile_script(values[0])
    session.ok()


async def _list_scripts(session: ManageSieveSession, _values: list[Any]) -> None:
    found = await session.scripts.list(_account(session))
    session.peer.write(format_scripts((one.name, one.active) for one in found))
    session.ok()


async def _get_script(session: ManageSieveSession, values: list[Any]) -> None:
    one = await session.scripts.get(_account(session), values[0])
    session.peer.write(format_script(one.content) + format_answer("OK"))


async def _set_active(session: ManageSieveSession, values: list[Any]) -> None:
    """RFC 5804 §2.8: the empty name switches rules off."""
    await session.scripts.activate(_account(session), values[0] or None)
    session.ok()


async def _delete_script(session: ManageSieveSession, values: list[Any]) -> None:
    await session.scripts.delete(_account(session), values[0])
    session.ok()


async def _rename_script(session: ManageSieveSession, values: list[Any]) -> None:
    await session.scripts.rename(_account(session), values[0], values[1])
    session.ok()


class Row(NamedTuple):
    run: Callable[[ManageSieveSession, Command], Work]
    signed_in: bool = True


COMMANDS: Final[dict[str, Row]] = {
    "AUTHENTICATE": Row(authenticate, signed_in=False),
    "STARTTLS": Row(starttls, signed_in=False),
    "LOGOUT": Row(logout, signed_in=False),
    "CAPABILITY": Row(capability, signed_in=False),
    "NOOP": Row(noop, signed_in=False),
    "UNAUTHENTICATE": Row(unauthenticate),
    "HAVESPACE": Row(_decoded(_have_space)),
    "PUTSCRIPT": Row(_decoded(_put_script)),
    "LISTSCRIPTS": Row(_decoded(_list_scripts)),
    "SETACTIVE": Row(_decoded(_set_active)),
    "GETSCRIPT": Row(_decoded(_get_script)),
    "DELETESCRIPT": Row(_decoded(_delete_script)),
    "RENAMESCRIPT": Row(_decoded(_rename_script)),
    "CHECKSCRIPT": Row(_decoded(_check_script)),
}
