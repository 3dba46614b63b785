"""The commands of SMTP: who answers each, and what the states say that do not allow it.  RFC 5321 §4.1.4."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from posthouse.sessions.smtp.auth import auth
from posthouse.sessions.smtp.bdat import bdat
from posthouse.sessions.smtp.data import data
from posthouse.sessions.smtp.hello import hello
from posthouse.sessions.smtp.mail import mail
from posthouse.sessions.smtp.rcpt import rcpt
from posthouse.sessions.smtp.session_control import help_, noop, quit_, rset
from posthouse.sessions.smtp.starttls import starttls
from posthouse.sessions.smtp.state import State
from posthouse.sessions.smtp.verify import expn, vrfy
from posthouse.wire.smtp import command, reply
from posthouse.wire.smtp.reply import Reply

if TYPE_CHECKING:
    from posthouse.sessions.smtp.session import SmtpSession

Handler = Callable[["SmtpSession", Any], Coroutine[Any, Any, None] | None]


class Row(NamedTuple):
    verb: str
    handler: Handler
    refused: dict[State, Reply]  # {verb} is the greeting, or the command itself
    form: str


_ALWAYS: Final[dict[State, Reply]] = {}
_DURING_MAIL: Final = dict.fromkeys(
    (State.MAIL, State.RCPT, State.CHUNKS, State.BROKEN), reply.NOT_DURING_MAIL
)

COMMANDS: Final[dict[type, Row]] = {
    command.Hello: Row("EHLO", hello, _ALWAYS, "EHLO domain"),
    command.Mail: Row(
        "MAIL",
        mail,
        {
            State.START: reply.NEED_HELO,
            **dict.fromkeys((State.MAIL, State.RCPT, State.CHUNKS, State.BROKEN), reply.NESTED_MAIL),
        },
        "MAIL FROM:<address> [SIZE=n] [BODY=8BITMIME] [SMTPUTF8] [RET=FULL|HDRS] [ENVID=id]",
    ),
    command.Rcpt: Row(
        "RCPT",
        rcpt,
        {
            State.START: reply.NEED_HELO,
            State.READY: reply.NEED_MAIL,
            State.CHUNKS: reply.DATA_AFTER_BDAT,
            State.BROKEN: reply.CHUNKS_BROKEN,
        },
        "RCPT TO:<address> [NOTIFY=when] [ORCPT=rfc822;address]",
    ),
    command.Data: Row(
        "DATA",
        data,
        {
            State.START: reply.NEED_HELO,
            State.READY: reply.NEED_MAIL,
            State.MAIL: reply.NEED_RCPT,
            State.CHUNKS: reply.DATA_AFTER_BDAT,
            State.BROKEN: reply.CHUNKS_BROKEN,
        },
        "DATA, then the message and a line with only a dot",
    ),
    command.Bdat: Row(
        "BDAT",
        bdat,
        {
            State.START: reply.NEED_HELO,
            State.READY: reply.NEED_MAIL,
            State.MAIL: reply.NEED_RCPT,
            State.BROKEN: reply.CHUNKS_BROKEN,
        },
        "BDAT size [LAST], then that many octets",
    ),
    command.Rset: Row("RSET", rset, _ALWAYS, "RSET"),
    command.Noop: Row("NOOP", noop, _ALWAYS, "NOOP"),
    command.Quit: Row("QUIT", quit_, _ALWAYS, "QUIT"),
    command.Vrfy: Row("VRFY", vrfy, _ALWAYS, "VRFY address"),
    command.Expn: Row("EXPN", expn, _ALWAYS, "EXPN list"),
    command.Help: Row("HELP", help_, _ALWAYS, "HELP [command]"),
    # RFC 3207 §4: the reply to STARTTLS sets the session back, so it cannot stand inside a message.
    command.StartTls: Row("STARTTLS", starttls, _DURING_MAIL, "STARTTLS"),
    # RFC 4954 §4: AUTH is not permitted during a mail transaction.
    command.Auth: Row(
        "AUTH", auth, {State.START: reply.NEED_HELO, **_DURING_MAIL}, "AUTH mechanism [initial-response]"
    ),
}
