"""An exchange as lines: strict base64, `*` to cancel, `=` for an empty initial response."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from posthouse.core.cram import NAME as CRAM
from posthouse.core.scram import ScramKeys

from .base64 import decode_base64, encode_base64
from .bearer import BearerClient, BearerServer, Token, XoauthClient, XoauthServer
from .cram import CramClient, CramServer
from .external import External, ExternalClient, ExternalServer
from .mechanism import (
    CLIENT,
    SERVER,
    Challenge,
    ClientMechanism,
    Credentials,
    Failure,
    Reason,
    ServerMechanism,
    Step,
)
from .scram import NAMES as SCRAM
from .scram import Lookup, Proof, ScramClient, ScramServer

# RFC 4954 §4: lines of 12288 octets have to be taken.
LINE_MAX: Final = 12288


ServerStep = Step | Lookup | Proof | Token | External

OPTIONAL: Final[dict[str, Callable[[], BearerServer | XoauthServer | ExternalServer]]] = {
    "EXTERNAL": ExternalServer,
    "OAUTHBEARER": BearerServer,
    "XOAUTH2": XoauthServer,
}
"""Name -> maker of what is offered only where somebody can judge it."""
TOKEN_CLIENT: Final[dict[str, Callable[[Credentials], ClientMechanism]]] = {
    "OAUTHBEARER": BearerClient,
    "XOAUTH2": XoauthClient,
}


def offered(bindings: Mapping[str, bytes], *, plus: bool, also: Collection[str] = ()) -> list[str]:
    """What a server announces, strongest first; `plus`: bindings clients will ask for are there.

    `also`: those of `OPTIONAL`, and CRAM-MD5, that the server can judge.
    """
    names = [f"{name}-PLUS" for name in SCRAM] if plus and bindings else []
    names += [*SCRAM, *(name for name in OPTIONAL if name in also), *SERVER]
    return [*names, CRAM] if CRAM in also else names


def is_known(mechanism: str, bindings: Mapping[str, bytes], also: Collection[str] = ()) -> bool:
    """-PLUS is taken whenever there is something to bind to, announced or not."""
    if mechanism.endswith("-PLUS"):
        return bool(bindings) and mechanism.removesuffix("-PLUS") in SCRAM
    return (
        mechanism in SCRAM
        or mechanism in SERVER
        or (mechanism in also and (mechanism in OPTIONAL or mechanism == CRAM))
    )


class ServerExchange:
    """`start(initial)`, then `receive(line)` until the answer is not a `Challenge`.

    Lines come without CRLF.  `line(challenge)` is the base64 text to send after `334 ` or `+ `.
    """

    __slots__ = ("_mechanism", "name")

    def __init__(
        self,
        mechanism: str,
        nonce: bytes = b"",
        bindings: Mapping[str, bytes] = MappingProxyType({}),
        *,
        strict: bool = False,
    ) -> None:
        """KeyError for a mechanism that is not known; SCRAM wants a fresh `nonce`, printable and without commas."""
        self.name = mechanism.upper()
        self._mechanism: (
            ServerMechanism | ScramServer | CramServer | BearerServer | XoauthServer | ExternalServer
        )
        if self.name.removesuffix("-PLUS") in SCRAM:
            if not nonce:
                raise ValueError("SCRAM needs a nonce")
            self._mechanism = ScramServer(self.name, nonce, bindings, strict=strict)
        elif self.name == CRAM:
            self._mechanism = CramServer(nonce)
        elif self.name in OPTIONAL:
            self._mechanism = OPTIONAL[self.name]()
        else:
            self._mechanism = SERVER[self.name]()

    def resume(self, keys: ScramKeys) -> Challenge | Proof:
        """After a `Lookup`."""
        assert isinstance(self._mechanism, ScramServer | CramServer)
        return self._mechanism.resume(keys)

    def start(self, initial: bytes | None = None) -> ServerStep:
        if initial is None:
            return self._mechanism.respond(None)
        if self.name == CRAM:  # RFC 2195 §2: the server speaks first, so there is nothing to answer yet
            return Failure(Reason.BAD_MESSAGE)
        # RFC 4954 §4: "=" is an initial response of no octets, as opposed to none.
        return self._mechanism.respond(b"") if initial == b"=" else self._feed(initial)

    def receive(self, line: bytes) -> ServerStep:
        # RFC 9051 §6.2.2, RFC 4954 §4: a single "*" cancels.
        return Failure(Reason.CANCELLED) if line == b"*" else self._feed(line)

    def _feed(self, line: bytes) -> ServerStep:
        if len(line) > LINE_MAX:
            return Failure(Reason.TOO_LONG)
        message = decode_base64(line)
        return Failure(Reason.BAD_BASE64) if message is None else self._mechanism.respond(message)

    @staticmethod
    def line(challenge: Challenge) -> bytes:
        return encode_base64(challenge.data)


class ClientExchange:
    """The other side: `initial()` for the command, then `receive(challenge)`; None means cancel with `*`.

    A success that comes while `unproven` is true is no success: the server has not shown that it knows the password.
    """

    __slots__ = ("_mechanism", "name")

    def __init__(
        self,
        mechanism: str,
        credentials: Credentials,
        nonce: bytes = b"",
        bindings: Mapping[str, bytes] = MappingProxyType({}),
    ) -> None:
        self.name = mechanism.upper()
        self._mechanism: ClientMechanism
        if self.name.removesuffix("-PLUS") in SCRAM:
            self._mechanism = ScramClient(self.name, credentials, nonce, bindings)
        else:
            self._mechanism = {**CLIENT, **TOKEN_CLIENT, "EXTERNAL": ExternalClient, CRAM: CramClient}[
                self.name
            ](credentials)

    @classmethod
    def choose(
        cls,
        names: Iterable[str],
        credentials: Credentials,
        nonce: bytes = b"",
        bindings: Mapping[str, bytes] = MappingProxyType({}),
        *,
        token: bool = False,
    ) -> ClientExchange | None:
        """The first mechanism of ours that the server offers; SCRAM only when a nonce is given.

        `token`: the password is an access token, and goes to nobody who would take it for a password.
        """
        theirs = {name.upper() for name in names}
        if token:
            name = next((name for name in TOKEN_CLIENT if name in theirs), None)
            return None if name is None else cls(name, credentials)
        plus = any(name in theirs for name in offered(bindings, plus=True) if name.endswith("-PLUS"))
        ours = [*(offered(bindings, plus=plus)[: -len(SERVER)] if nonce else ()), *CLIENT, CRAM]
        name = next((name for name in ours if name in theirs), None)
        return None if name is None else cls(name, credentials, nonce, bindings)

    @property
    def refusal(self) -> bytes:
        """What the server said of a token that it did not take: a JSON text, or nothing."""
        return getattr(self._mechanism, "error", b"")

    @property
    def unproven(self) -> bool:
        return isinstance(self._mechanism, ScramClient) and not self._mechanism.verified

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
