"""The commands of POP3: in which states each is valid, and who answers it.  RFC 1939 §4 to §7."""

from __future__ import annotations

import enum
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from posthouse.sessions.pop3.capability import capa
from posthouse.sessions.pop3.close import noop, quit_
from posthouse.sessions.pop3.delete import dele, rset
from posthouse.sessions.pop3.language import lang, utf8
from posthouse.sessions.pop3.listing import list_, stat, uidl
from posthouse.sessions.pop3.retrieve import retr, top
from posthouse.sessions.pop3.signin import apop, auth, pass_, user
from posthouse.sessions.pop3.tls import stls
from posthouse.wire.pop3.command import Command

if TYPE_CHECKING:
    from posthouse.sessions.pop3.session import Pop3Session

Handler = Callable[["Pop3Session", Command], Coroutine[Any, Any, None] | None]


class State(enum.Flag):
    """UPDATE has no commands: it is what QUIT does in TRANSACTION, until the connection is closed."""

    AUTHORIZATION = enum.auto()
    TRANSACTION = enum.auto()
    UPDATE = enum.auto()


class Row(NamedTuple):
    states: State
    handler: Handler


_A: Final = State.AUTHORIZATION
_T: Final = State.TRANSACTION
COMMANDS: Final[dict[str, Row]] = {
    "USER": Row(_A, user),
    "PASS": Row(_A, pass_),
    "APOP": Row(_A, apop),
    "AUTH": Row(_A, auth),
    "STLS": Row(_A, stls),
    "UTF8": Row(_A, utf8),
    "CAPA": Row(_A | _T, capa),
    "LANG": Row(_A | _T, lang),
    "QUIT": Row(_A | _T, quit_),
    "STAT": Row(_T, stat),
    "LIST": Row(_T, list_),
    "UIDL": Row(_T, uidl),
    "RETR": Row(_T, retr),
    "TOP": Row(_T, top),
    "DELE": Row(_T, dele),
    "RSET": Row(_T, rset),
    "NOOP": Row(_T, noop),
}
