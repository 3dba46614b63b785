"""The parameters of MAIL and RCPT: one setter per keyword, in two tables.

A setter gets the command being built and the text behind "=" (None without one); it raises
`BadParameterError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from posthouse.wire.smtp.xtext import quirk_try_utf8_octets, try_utf8_xtext, try_xtext

ENVID_MAX: Final = 100
"""Octets as sent, RFC 3461 §4.4."""
ORCPT_MAX: Final = 500
"""Octets as sent, RFC 3461 §4.2."""

_SIZE: Final = re.compile(r"[0-9]{1,20}")
_HOLD_FOR: Final = re.compile(r"[1-9][0-9]{0,8}")
# RFC 3339 §5.6: date-time; RFC 4865 §4: in UTC or with an offset, fractions allowed.
_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+\-]\d\d:\d\d)")
_BODIES: Final = frozenset({"7BIT", "8BITMIME", "BINARYMIME"})
_NOTIFY: Final = frozenset({"SUCCESS", "FAILURE", "DELAY"})
_ADDR_TYPE: Final = re.compile(r"[A-Za-z0-9\-]{1,40}")


class BadParameterError(Exception):
    """`wanted` says what would be accepted."""

    def __init__(self, wanted: str) -> None:
        super().__init__(wanted)
        self.wanted = wanted


Setter = Callable[[Any, str | None], None]


# size-value ::= 1*20DIGIT
def _size(command: Any, value: str | None) -> None:
    if value is None or not _SIZE.fullmatch(value):
        raise BadParameterError("a number of octets is wanted")
    command.size = int(value)


# RFC 3030 §3: body-value ::= "7BIT" / "8BITMIME" / "BINARYMIME"
def _body(command: Any, value: str | None) -> None:
    body = (value or "").upper()
    if body not in _BODIES:
        raise BadParameterError("7BIT, 8BITMIME or BINARYMIME is wanted")
    command.body = body


# RFC 6531 §3.4: SMTPUTF8 takes no value
def _smtputf8(command: Any, value: str | None) -> None:
    if value is not None:
        raise BadParameterError("it takes none")
    command.smtputf8 = True


# RFC 3461 §4.3: ret-value = "FULL" / "HDRS"
def _ret(command: Any, value: str | None) -> None:
    ret = (value or "").upper()
    if ret not in {"FULL", "HDRS"}:
        raise BadParameterError("FULL or HDRS is wanted")
    command.ret = ret


# RFC 3461 §4.4: envid-parameter = "ENVID=" xtext
def _envid(command: Any, value: str | None) -> None:
    envid = try_xtext(value) if value and len(value) <= ENVID_MAX else None
    if envid is None:
        raise BadParameterError(f"xtext of at most {ENVID_MAX} octets is wanted")
    command.envid = envid


# RFC 4954 §5: AUTH=mailbox as xtext, or <>
def _auth(command: Any, value: str | None) -> None:
    text = try_xtext(value) if value and len(value) <= ORCPT_MAX else None
    if text is None:
        raise BadParameterError("an address as xtext, or <>, is wanted")
    command.auth = "" if text == "<>" else text


# RFC 8689 §2: REQUIRETLS takes no value
def _requiretls(command: Any, value: str | None) -> None:
    if value is not None:
        raise BadParameterError("it takes none")
    command.requiretls = True


# RFC 4865 §3: HOLDFOR=1*9DIGIT seconds; together with HOLDUNTIL it is an error
def _holdfor(command: Any, value: str | None) -> None:
    if value is None or not _HOLD_FOR.fullmatch(value) or command.hold_until is not None:
        raise BadParameterError("a number of seconds is wanted, without HOLDUNTIL")
    command.hold_for_s = int(value)


def _holduntil(command: Any, value: str | None) -> None:
    if value is None or not _DATE_TIME.fullmatch(value) or command.hold_for_s is not None:
        raise BadParameterError("an RFC 3339 date and time is wanted, without HOLDFOR")
    try:
        command.hold_until = datetime.fromisoformat(value).astimezone(UTC).timestamp()
    except (ValueError, OverflowError) as error:
        raise BadParameterError("that day or time does not exist") from error


# RFC 3461 §4.1: notify-esmtp-value = "NEVER" / 1#( "SUCCESS" / "FAILURE" / "DELAY" )
def _notify(command: Any, value: str | None) -> None:
    names = tuple((value or "").upper().split(","))
    if names != ("NEVER",) and not (set(names) <= _NOTIFY and len(set(names)) == len(names)):
        raise BadParameterError("NEVER, or some of SUCCESS,FAILURE,DELAY, is wanted")
    command.notify = names


# RFC 3461 §4.2: original-recipient-address = addr-type ";" xtext; RFC 6533 §3 adds the type utf-8
def _orcpt(command: Any, value: str | None) -> None:
    kind, semicolon, coded = (value or "").partition(";")
    decode = try_utf8_xtext if kind.lower() == "utf-8" else try_xtext
    text = decode(coded) if semicolon and len(coded) <= ORCPT_MAX else None
    if text is None and semicolon and kind.lower() == "rfc822" and len(coded) <= ORCPT_MAX:
        kind, text = "utf-8", quirk_try_utf8_octets(coded)
    if not text or not _ADDR_TYPE.fullmatch(kind):
        raise BadParameterError("rfc822;address as xtext is wanted")
    command.orcpt = f"{kind.lower()};{text}"


MAIL_PARAMETERS: Final[dict[str, Setter]] = {
    "SIZE": _size,
    "BODY": _body,
    "SMTPUTF8": _smtputf8,
    "RET": _ret,
    "ENVID": _envid,
    "AUTH": _auth,
    "REQUIRETLS": _requiretls,
    "HOLDFOR": _holdfor,
    "HOLDUNTIL": _holduntil,
}
RCPT_PARAMETERS: Final[dict[str, Setter]] = {"NOTIFY": _notify, "ORCPT": _orcpt}
