"""EXTERNAL (RFC 4422 appendix A): the client is known by what is below SASL, here its TLS certificate; both sides."""

from __future__ import annotations

from dataclasses import dataclass

from .mechanism import SECRET_MAX, Challenge, Credentials, Failure, Reason


@dataclass(slots=True)
class External:
    """Whom the client asks to be; empty leaves it to the server to say whose the certificate is."""

    mechanism: str
    username: str
    authzid: str = ""  # always empty: the name that is asked for is looked up as the user


class ExternalServer:
    """RFC 4422 §A.1: message = [authzid as UTF-8 without NUL]"""

    __slots__ = ()

    def respond(self, message: bytes | None) -> Challenge | External | Failure:
        if message is None:
            return Challenge(b"")
        if len(message) > SECRET_MAX:
            return Failure(Reason.TOO_LONG)
        # RFC 4422 §A.1: a NUL in it is a fault of the exchange.
        if b"\0" in message:
            return Failure(Reason.BAD_MESSAGE)
        try:
            return External("EXTERNAL", message.decode())
        except UnicodeDecodeError:
            return Failure(Reason.BAD_MESSAGE)


class ExternalClient:
    __slots__ = ("_message",)

    def __init__(self, credentials: Credentials) -> None:
        self._message: bytes | None = credentials.authzid.encode()

    def initial(self) -> bytes | None:
        message, self._message = self._message, None
        return message

    def respond(self, challenge: bytes) -> bytes | None:  # noqa: ARG002 (the challenge is empty)
        return self.initial()
