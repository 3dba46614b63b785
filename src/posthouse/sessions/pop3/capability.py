"""CAPA: what is offered here and now.  RFC 2449 §5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.sessions.authentication import mechanisms
from posthouse.sessions.pop3.text import Text
from posthouse.sessions.pop3.tls import may_start_tls
from posthouse.wire.pop3 import reply
from posthouse.wire.pop3.command import Command

if TYPE_CHECKING:
    from posthouse.sessions.pop3.session import Pop3Session


def capa(session: Pop3Session, _command: Command) -> None:
    session.peer.write(reply.format_lines(session.format_ok(Text.CAPABILITIES), capabilities(session)))


def capabilities(session: Pop3Session) -> list[str]:
    names = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING"]
    # RFC 2449 §5: what is announced before sign-in is announced after it as well.
    if session.may_sign_in:
        names += ["USER", "SASL " + " ".join(mechanisms(session.peer.info, session.sign_in))]
    if may_start_tls(session):
        names.append("STLS")
    # RFC 2449 §6.7: the server deletes nothing by itself.
    names.append("EXPIRE NEVER")
    names.append(f"LOGIN-DELAY {session.delay.seconds}")
    # RFC 6856 §2.2: with USER, names and passwords may be UTF-8.
    names += ["UTF8 USER", "LANG", f"IMPLEMENTATION {session.settings.implementation}"]
    return names
