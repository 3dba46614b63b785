"""Access tokens of OAuth 2.0: OAUTHBEARER (RFC 7628) and its forerunner XOAUTH2, both sides.

The server side ends in a `Token`; whether it is good is decided elsewhere.  If it is not, the client is told why by
`format_refusal` as one more challenge, answers with something that means nothing, and the exchange has failed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Final

from .mechanism import SECRET_MAX, Challenge, Credentials, Failure, Reason
from .scram import format_saslname, parse_saslname

# RFC 7628 §3.1: kvsep, kvpair; the values are printable, blanks and line ends.
_PAIR: Final = re.compile(rb"([A-Za-z]+)=([\t\n\r -~]*)\x01")
# RFC 7628 §3.1: no channel binding; the name of the account is the authorization identity.
_HEADER: Final = re.compile(rb"[ny],(?:a=([^,\0\x01]*))?,\x01")
# RFC 6750 §2.1: b64token; the scheme in any case.
_BEARER: Final = re.compile(rb"bearer +([A-Za-z0-9._~+/-]+=*) *", re.IGNORECASE)


@dataclass(slots=True)
class Token:
    """What the client claims; an empty name leaves it to the token to say whose it is."""

    mechanism: str
    username: str
    token: str = field(repr=False)
    authzid: str = ""


class BearerServer:
    """RFC 7628 §3.1: gs2-header kvsep *kvpair kvsep"""

    __slots__ = ()

    def respond(self, message: bytes | None) -> Challenge | Token | Failure:
        if message is None:
            return Challenge(b"")
        header = _HEADER.match(message)
        if header is None:
            return Failure(Reason.BAD_BINDING if message.startswith(b"p=") else Reason.BAD_MESSAGE)
        name = parse_saslname(header[1] or b"")
        if name is None:
            return Failure(Reason.BAD_MESSAGE)
        return _token("OAUTHBEARER", name, message[header.end() :])


class XoauthServer:
    """Google's XOAUTH2: "user=" name kvsep "auth=Bearer " token kvsep kvsep"""

    __slots__ = ()

    def respond(self, message: bytes | None) -> Challenge | Token | Failure:
        if message is None:
            return Challenge(b"")
        head, _, rest = message.partition(b"\x01")
        if not head.startswith(b"user="):
            return Failure(Reason.BAD_MESSAGE)
        try:
            return _token("XOAUTH2", head[5:].decode(), rest)
        except UnicodeDecodeError:
            return Failure(Reason.BAD_MESSAGE)


def _token(mechanism: str, name: str, pairs: bytes) -> Token | Failure:
    if len(name) > SECRET_MAX:
        return Failure(Reason.TOO_LONG)
    values: dict[bytes, bytes] = {}
    at = 0
    while (pair := _PAIR.match(pairs, at)) is not None:
        # A key that comes twice could mean one thing to us and another to who looks at it on the way.
        if pair[1] in values:
            return Failure(Reason.BAD_MESSAGE)
        values[pair[1]] = pair[2]
        at = pair.end()
    bearer = _BEARER.fullmatch(values.get(b"auth", b""))
    if pairs[at:] != b"\x01" or bearer is None:
        return Failure(Reason.BAD_MESSAGE)
    return Token(mechanism, name, bearer[1].decode())


def format_refusal(mechanism: str, *, insufficient: bool, discovery: str = "", scope: str = "") -> bytes:
    """Why a token is not taken, as the JSON text of the last challenge.

    `insufficient`: it is good, but for something else.  RFC 7628 §3.2.2: status, and where to get a better one.
    """
    if mechanism == "XOAUTH2":
        found = {"status": "403" if insufficient else "401", "schemes": "bearer"}
    else:
        found = {"status": "insufficient_scope" if insufficient else "invalid_token", "schemes": "bearer"}
    if scope:
        found["scope"] = scope
    if discovery:
        found["openid-configuration"] = discovery
    return json.dumps(found, separators=(",", ":")).encode()


class BearerClient:
    """`error` is what the server said of a token it did not take."""

    __slots__ = ("_message", "error")

    def __init__(self, credentials: Credentials) -> None:
        name = format_saslname(credentials.username)
        self._message: bytes | None = b"n,a=%b,\x01auth=Bearer %b\x01\x01" % (
            name,
            credentials.password.encode(),
        )
        self.error = b""

    def initial(self) -> bytes | None:
        message, self._message = self._message, None
        return message

    def respond(self, challenge: bytes) -> bytes | None:
        if self._message is not None:
            return self.initial()
        # RFC 7628 §3.2.3: the client answers the error with a kvsep, and the server then fails the exchange.
        self.error = challenge
        return b"\x01"


class XoauthClient:
    __slots__ = ("_message", "error")

    def __init__(self, credentials: Credentials) -> None:
        text = f"user={credentials.username}\x01auth=Bearer {credentials.password}\x01\x01"
        self._message: bytes | None = text.encode()
        self.error = b""

    def initial(self) -> bytes | None:
        message, self._message = self._message, None
        return message

    def respond(self, challenge: bytes) -> bytes | None:
        if self._message is not None:
            return self.initial()
        self.error = challenge
        return b""
