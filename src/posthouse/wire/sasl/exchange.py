"""An exchange as lines: strict base64, `*` to cancel, `=` for an empty initial response."""

from __future__ import annotations

import binascii
from collections.abc import Iterable
from typing import Final

from .mechanism import CLIENT, SERVER, Challenge, Credentials, Failure, Reason, Step

# RFC 4954 §4: lines of 12288 octets have to be taken.
LINE_MAX: Final = 12288


def decode_base64(text: bytes) -> bytes | None:
    """RFC 4648 §4 with nothing forgiven: None for strange characters, wrong padding or set pad bits."""
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return None
    return data if binascii.b2a_base64(data, newline=False) == text else None


def encode_base64(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False)


class ServerExchange:
    """`start(initial)`, then `receive(line)` until the answer is not a `Challenge`.

    Lines come without CRLF.  `line(challenge)` is the base64 text to send after `334 ` or `+ `.
    """

    __slots__ = ("_mechanism", "name")

    def __init__(self, mechanism: str) -> None:
        """KeyError for a mechanism that is not in `SERVER`."""
        self.name = mechanism.upper()
        self._mechanism = SERVER[self.name]()

    def start(self, initial: bytes | None = None) -> Step:
        if initial is None:
            return self._mechanism.respond(None)
        # RFC 4954 §4: "=" is an initial response of no octets, as opposed to none.
        return self._mechanism.respond(b"") if initial == b"=" else self._feed(initial)

    def receive(self, line: bytes) -> Step:
        # RFC 9051 §6.2.2, RFC 4954 §4: a single "*" cancels.
        return Failure(Reason.CANCELLED) if line == b"*" else self._feed(line)

    def _feed(self, line: bytes) -> Step:
        if len(line) > LINE_MAX:
            return Failure(Reason.TOO_LONG)
        message = decode_base64(line)
        return Failure(Reason.BAD_BASE64) if message is None else self._mechanism.respond(message)

    @staticmethod
    def line(challenge: Challenge) -> bytes:
        return encode_base64(challenge.data)


class ClientExchange:
    """The other side: `initial()` for the command, then `receive(challenge)`; None means cancel with `*`."""

    __slots__ = ("_mechanism", "name")

    def __init__(self, mechanism: str, credentials: Credentials) -> None:
        self.name = mechanism.upper()
        self._mechanism = CLIENT[self.name](credentials)

    @classmethod
    def choose(cls, offered: Iterable[str], credentials: Credentials) -> ClientExchange | None:
        """The first mechanism of ours that the server offers."""
        names = {name.upper() for name in offered}
        return next((cls(name, credentials) for name in CLIENT if name in names), None)

    def initial(self) -> bytes | None:
        """Base64 of the initial response (`=` when empty), or None when the mechanism has none."""
        data = self._mechanism.initial()
        return None if data is None else encode_base64(data) or b"="

    def receive(self, line: bytes) -> bytes | None:
        challenge = decode_base64(line)
        if challenge is None:
            # quirk(some servers): the prompt of LOGIN is sent as plain text; its content means nothing to us.
            challenge = line
        data = self._mechanism.respond(challenge)
        return None if data is None else encode_base64(data)
