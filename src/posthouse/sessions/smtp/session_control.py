"""RSET, NOOP, HELP, QUIT: RFC 5321 §4.1.1.5, §4.1.1.8 to §4.1.1.10."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.sessions.smtp.state import State
from posthouse.wire.smtp import reply
from posthouse.wire.smtp.command import Help, Noop, Quit, Rset

if TYPE_CHECKING:
    from posthouse.sessions.smtp.session import SmtpSession


def rset(session: SmtpSession, command: Rset) -> None:  # noqa: ARG001
    session.reset()
    session.say(reply.OK)


def noop(session: SmtpSession, command: Noop) -> None:  # noqa: ARG001
    session.say(reply.OK)


def help_(session: SmtpSession, command: Help) -> None:
    forms = session.forms()
    if command.topic in forms:
        session.say(reply.HELP_ABOUT.fill(form=forms[command.topic]))
    else:
        session.say(reply.HELP.fill(verbs=" ".join(forms)))


def quit_(session: SmtpSession, command: Quit) -> None:  # noqa: ARG001
    if session.state is not State.START:
        session.reset()
    session.end(reply.BYE.fill(name=session.hostname))
