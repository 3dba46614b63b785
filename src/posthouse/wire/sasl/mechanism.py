"""The mechanisms: PLAIN (RFC 4616) and LOGIN (obsolete, still what many clients send).

A server mechanism is fed decoded client messages by `respond` and answers with a `Challenge`,
`Credentials` or a `Failure`.  A client mechanism is fed decoded challenges and answers with bytes, or
with None when it has nothing left to say.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

SECRET_MAX: Final = 1024
"""Octets of a name or a password; a longer one is refused before it can cost a hash."""


class Reason(enum.Enum):
    CANCELLED = "the client cancelled the exchange"
    BAD_BASE64 = "the line is not base64"
    BAD_MESSAGE = "the message does not have the form the mechanism wants"
    TOO_LONG = "the line or a field is too long"
    BAD_BINDING = "the channel binding is not one this connection has, or the mechanism wants another"


@dataclass(slots=True)
class Challenge:
    """Raw bytes to send; `ServerExchange.line` has them as base64."""

    data: bytes


@dataclass(slots=True)
class Credentials:
    """What the client claims.  `authzid` is empty when it does not ask to act as somebody else."""

    mechanism: str
    username: str
    password: str = field(repr=False)  # an access token, for a mechanism that takes one
    authzid: str = ""


@dataclass(slots=True)
class Failure:
    reason: Reason


Step = Challenge | Credentials | Failure


class ServerMechanism(Protocol):
    def respond(self, message: bytes | None) -> Step:
        """`message` is None at the start of an exchange without initial response."""
        ...


class ClientMechanism(Protocol):
    def initial(self) -> bytes | None:
        """The initial response, or None when the server speaks first."""
        ...

    def respond(self, challenge: bytes) -> bytes | None: ...


class _PlainServer:
    """RFC 4616 §2: message = [authzid] UTF8NUL authcid UTF8NUL passwd"""

    __slots__ = ()

    def respond(self, message: bytes | None) -> Step:
        if message is None:
            return Challenge(b"")
        parts = message.split(b"\0")
        if len(parts) != 3:
            return Failure(Reason.BAD_MESSAGE)
        authzid, username, password = parts
        # RFC 4616 §2: authcid and passwd are at least one character.
        if not username or not password:
            return Failure(Reason.BAD_MESSAGE)
        return _credentials("PLAIN", authzid, username, password)


class _LoginServer:
    """draft-murchison-sasl-login: "Username:", name, "Password:", password; the prompts mean nothing."""

    __slots__ = ("_username",)

    def __init__(self) -> None:
        self._username: bytes | None = None

    def respond(self, message: bytes | None) -> Step:
        if message is None:
            return Challenge(b"Username:")
        if self._username is None:
            # quirk(many clients): the name may come as initial response, which the draft does not foresee.
            self._username = message
            return Challenge(b"Password:")
        if not self._username or not message or b"\0" in self._username or b"\0" in message:
            return Failure(Reason.BAD_MESSAGE)
        return _credentials("LOGIN", b"", self._username, message)


def _credentials(mechanism: str, authzid: bytes, username: bytes, password: bytes) -> Step:
    if max(len(authzid), len(username), len(password)) > SECRET_MAX:
        return Failure(Reason.TOO_LONG)
    try:
        return Credentials(mechanism, username.decode(), password.decode(), authzid.decode())
    except UnicodeDecodeError:
        return Failure(Reason.BAD_MESSAGE)


class _PlainClient:
    __slots__ = ("_message",)

    def __init__(self, credentials: Credentials) -> None:
        fields = (credentials.authzid, credentials.username, credentials.password)
        self._message: bytes | None = "\0".join(fields).encode()

    def initial(self) -> bytes | None:
        message, self._message = self._message, None
        return message

    def respond(self, challenge: bytes) -> bytes | None:  # noqa: ARG002 (PLAIN's challenge is empty)
        return self.initial()


class _LoginClient:
    __slots__ = ("_answers",)

    def __init__(self, credentials: Credentials) -> None:
        self._answers = [credentials.password.encode(), credentials.username.encode()]

    def initial(self) -> bytes | None:
        return None

    def respond(self, challenge: bytes) -> bytes | None:  # noqa: ARG002 (the prompt's text means nothing)
        return self._answers.pop() if self._answers else None


SERVER: Final[dict[str, Callable[[], ServerMechanism]]] = {"PLAIN": _PlainServer, "LOGIN": _LoginServer}
"""Name -> maker of what takes a password, in the order in which they are advertised."""

CLIENT: Final[dict[str, Callable[[Credentials], ClientMechanism]]] = {
    "PLAIN": _PlainClient,
    "LOGIN": _LoginClient,
}
"""Name -> maker, in the order in which a client prefers them."""
