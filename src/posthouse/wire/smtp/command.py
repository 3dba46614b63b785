"""Command lines of SMTP, submission and LMTP: from bytes to small objects.

`parse_command` never raises on input: what does not parse becomes `Malformed` with the reply that says why.
A parser stands below its ABNF and is named after its rule.  Leniency is in functions named `_quirk_*`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar, Final

from msgspec import Struct

from posthouse.core.address import Address, parse_address, parse_domain, parse_literal
from posthouse.core.discreet import Discreet
from posthouse.core.errors import Invalid
from posthouse.wire.smtp import reply
from posthouse.wire.smtp.parameter import MAIL_PARAMETERS, RCPT_PARAMETERS, BadParameterError, Setter
from posthouse.wire.smtp.reply import Reply

BDAT_SIZE_DIGITS: Final = 19


class Hello(Struct):
    verb: str  # HELO, EHLO, LHLO
    name: str


class Mail(Struct):
    """`sender` is None for the null sender."""

    sender: Address | None
    size: int | None = None
    body: str = "7BIT"
    smtputf8: bool = False
    ret: str | None = None  # FULL or HDRS
    envid: str | None = None
    auth: str | None = None  # decoded; "" is <>
    requiretls: bool = False
    hold_for_s: int | None = None
    hold_until: float | None = None  # seconds since the epoch
    given: tuple[str, ...] = ()  # names of the parameters


class Rcpt(Struct):
    recipient: Address
    notify: tuple[str, ...] = ()
    orcpt: str | None = None  # "rfc822;address", decoded
    needs_utf8: bool = False  # it was written with UTF-8, so MAIL must have had SMTPUTF8
    given: tuple[str, ...] = ()


class Data(Struct):
    pass


class Bdat(Struct):
    size: int
    last: bool


class Rset(Struct):
    pass


class Noop(Struct):
    pass


class Quit(Struct):
    pass


class Vrfy(Struct):
    text: str


class Expn(Struct):
    text: str


class Help(Struct):
    topic: str


class StartTls(Struct):
    pass


class Auth(Discreet, Struct):
    HIDDEN: ClassVar[tuple[str, ...]] = ("initial",)  # PLAIN has the password in it
    mechanism: str
    initial: bytes | None


class Malformed(Struct):
    """`fatal`: what follows on the stream cannot be told from commands, so the connection must end."""

    verb: str
    reply: Reply
    fatal: bool = False


Command = (
    Hello | Mail | Rcpt | Data | Bdat | Rset | Noop | Quit | Vrfy | Expn | Help | StartTls | Auth | Malformed
)

# Path = "<" [ A-d-l ":" ] Mailbox ">"; A-d-l = At-domain *( "," At-domain )
_PATH: Final = re.compile(
    r'<(?:@[^\s<>:,@]+(?:,@[^\s<>:,@]+)*:)?((?:"(?:[^"\\]|\\.)*"|[^\s"<>@\\]+)@[^\s<>@]+)>(?= |\Z)'
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_BDAT: Final = re.compile(rf"([0-9]{{1,{BDAT_SIZE_DIGITS}}})( LAST)?", re.IGNORECASE)
_MECHANISM: Final = re.compile(r"[A-Za-z0-9\-_]{1,20}")


def parse_command(line: bytes) -> Command:
    """`line` comes without its CRLF."""
    try:
        # RFC 6531 §3.4: UTF-8 may stand in addresses; whether that was announced is checked later.
        text = line.decode()
    except UnicodeDecodeError:
        return Malformed("", reply.BAD_LINE)
    if _CONTROL.search(text):
        return Malformed("", reply.BAD_LINE)
    verb, _, rest = text.partition(" ")
    # RFC 5321 §2.4: verbs in any case; §4.1.1: trailing white space is tolerated.
    verb = verb.upper()
    row = _PARSERS.get(verb)
    if row is None:
        return Malformed(verb, reply.UNKNOWN_COMMAND)
    return row(verb, rest.rstrip(" "))


def _syntax(verb: str, syntax: str) -> Malformed:
    return Malformed(verb, reply.BAD_ARGUMENTS.fill(syntax=syntax))


def _quirk_colon(rest: str, word: str) -> str | None:
    """What follows `FROM:` or `TO:`; spaces after the colon are common, though RFC 5321 §3.3 has none."""
    if rest[: len(word)].upper() != word:
        return None
    return rest[len(word) :].lstrip(" ")


# ehlo = "EHLO" SP ( Domain / address-literal ) CRLF; helo = "HELO" SP Domain CRLF
def hello(verb: str, rest: str) -> Command:
    name = rest.strip(" ")
    if not name or " " in name or len(name) > 255 or not name.isascii():
        return Malformed(verb, reply.BAD_HELO.fill(verb=verb))
    try:
        name = parse_literal(name) if name.startswith("[") else parse_domain(name)
    except Invalid:
        # quirk(many clients): computer names with characters no domain may hold.  RFC 5321 §4.1.4 asks not to
        # refuse mail for a bad name; only what would be unsafe in a Received field is refused.
        if not re.fullmatch(r"[!-'*-;=?-~]+", name):
            return Malformed(verb, reply.BAD_HELO.fill(verb=verb))
    return Hello(verb, name)


# mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF; Reverse-path = Path / "<>"
def mail(verb: str, rest: str) -> Command:
    path = _quirk_colon(rest, "FROM:")
    if path is None:
        return _syntax(verb, "MAIL FROM:<address> [parameters]")
    if path[:2] == "<>" and path[2:3] in {"", " "}:
        command, tail = Mail(None), path[2:]
    elif match := _PATH.match(path):
        try:
            command, tail = Mail(parse_address(match[1])), path[match.end() :]
        except Invalid:
            return Malformed(verb, reply.BAD_SENDER)
    else:
        return Malformed(verb, reply.BAD_SENDER)
    if tail and (bad := _parameters(verb, tail, MAIL_PARAMETERS, command)):
        return bad
    if not command.smtputf8 and not path.isascii():
        # RFC 6531 §3.5: an internationalised address needs SMTPUTF8.
        return Malformed(verb, reply.UTF8_NEEDED)
    return command


# rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF
def rcpt(verb: str, rest: str) -> Command:
    path = _quirk_colon(rest, "TO:")
    if path is None:
        return _syntax(verb, "RCPT TO:<address> [parameters]")
    if path[:12].lower() == "<postmaster>" and path[12:13] in {"", " "}:
        command, tail = Rcpt(Address("postmaster", "")), path[12:]
    elif match := _PATH.match(path):
        try:
            command, tail = Rcpt(parse_address(match[1])), path[match.end() :]
        except Invalid:
            return Malformed(verb, reply.BAD_RECIPIENT)
    else:
        return Malformed(verb, reply.BAD_RECIPIENT)
    if tail and (bad := _parameters(verb, tail, RCPT_PARAMETERS, command)):
        return bad
    command.needs_utf8 = not path.isascii()
    return command


# esmtp-param = esmtp-keyword ["=" esmtp-value]; the parameters are separated by single spaces
def _parameters(verb: str, tail: str, table: dict[str, Setter], command: Mail | Rcpt) -> Malformed | None:
    given: list[str] = []
    for item in tail.split():
        name, equals, value = item.partition("=")
        name = name.upper()
        setter = table.get(name)
        if setter is None:
            return Malformed(verb, reply.UNKNOWN_PARAMETER.fill(name=name[:40], verb=verb))
        if name in given:
            return Malformed(verb, reply.PARAMETER_TWICE.fill(name=name))
        given.append(name)
        try:
            setter(command, value if equals else None)
        except BadParameterError as bad:
            return Malformed(verb, reply.BAD_PARAMETER.fill(name=name, wanted=bad.wanted))
    command.given = tuple(given)
    return None


# bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ] CRLF
def bdat(verb: str, rest: str) -> Command:
    match = _BDAT.fullmatch(rest)
    if match is None:
        return Malformed(verb, reply.BAD_ARGUMENTS.fill(syntax="BDAT size [LAST]"), fatal=True)
    return Bdat(int(match[1]), match[2] is not None)


# auth = "AUTH" SP sasl-mech [ SP initial-response ] CRLF
def auth(verb: str, rest: str) -> Command:
    mechanism, _, initial = rest.partition(" ")
    if not _MECHANISM.fullmatch(mechanism) or " " in initial or not initial.isascii():
        return _syntax(verb, "AUTH mechanism [initial-response]")
    return Auth(mechanism.upper(), initial.encode("ascii") if initial else None)


def _bare(make: Callable[[], Command]) -> Callable[[str, str], Command]:
    # RFC 5321 §4.3.2: DATA, RSET, QUIT (and STARTTLS) take no argument; one is answered by 501.
    def parse(verb: str, rest: str) -> Command:
        return _syntax(verb, f"{verb} without arguments") if rest else make()

    return parse


# noop = "NOOP" [ SP String ] CRLF
def noop(verb: str, rest: str) -> Command:  # noqa: ARG001 (RFC 5321 §4.1.1.9: the argument is ignored)
    return Noop()


# vrfy = "VRFY" SP String CRLF; RFC 6531 §3.7.4.2 adds SMTPUTF8 behind it
def vrfy(verb: str, rest: str) -> Command:
    return Vrfy(rest) if rest else _syntax(verb, "VRFY address")


# expn = "EXPN" SP String CRLF
def expn(verb: str, rest: str) -> Command:
    return Expn(rest) if rest else _syntax(verb, "EXPN list")


# help = "HELP" [ SP String ] CRLF
def help_(verb: str, rest: str) -> Command:  # noqa: ARG001
    return Help(rest.upper())


_PARSERS: Final[dict[str, Callable[[str, str], Command]]] = {
    "HELO": hello,
    "EHLO": hello,
    "LHLO": hello,
    "MAIL": mail,
    "RCPT": rcpt,
    "DATA": _bare(Data),
    "BDAT": bdat,
    "RSET": _bare(Rset),
    "NOOP": noop,
    "QUIT": _bare(Quit),
    "VRFY": vrfy,
    "EXPN": expn,
    "HELP": help_,
    "STARTTLS": _bare(StartTls),
    "AUTH": auth,
}

VERBS: Final = tuple(_PARSERS)
