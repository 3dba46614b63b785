"""One SASL exchange, the same in every protocol: from its first line to the grant of who signed in.

`wire.sasl` speaks, `services.signin` judges; a protocol sends the challenges and words the answers.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from msgspec import Struct

from posthouse.core.address import try_address
from posthouse.core.cram import NAME as CRAM
from posthouse.core.errors import MailError, ScopeExceeded, SignInFailed
from posthouse.services.credentials import Claim
from posthouse.services.grant import Grant, Origin, TokenVerifier
from posthouse.services.outside import Outside
from posthouse.sessions.session import ConnectionInfo
from posthouse.wire.sasl import (
    Challenge,
    Credentials,
    External,
    Failure,
    Lookup,
    Proof,
    Reason,
    ServerExchange,
    ServerStep,
    Token,
    format_refusal,
    is_known,
    offered,
)

NONCE_BYTES: Final = 18
TOKEN_MECHANISMS: Final = ("OAUTHBEARER", "XOAUTH2")


class SignIn(Protocol):
    """What `services.signin.SignIn` offers."""

    tokens: TokenVerifier | None
    outside: Outside | None
    cram_md5: bool

    async def check_password(self, address: str, password: str, origin: Origin) -> Grant: ...

    async def check_token(self, username: str, token: str, origin: Origin) -> Grant: ...

    async def check_certificate(self, certificate: bytes, username: str, origin: Origin) -> Grant: ...

    async def scram_claim(self, address: str, mechanism: str, origin: Origin) -> Claim: ...

    async def scram_finish(self, claim: Claim, key: int | None, origin: Origin) -> Grant: ...


class ActsForOther(Struct):
    """The client asks to act for somebody else, which is not offered."""


Outcome = Challenge | Failure | ActsForOther | Grant


def bindings(info: ConnectionInfo) -> dict[str, bytes]:
    """What of this connection an exchange can be bound to: type -> data."""
    tls = info.tls
    if tls is None:
        return {}
    found = {"tls-exporter": tls.exporter, "tls-unique": tls.unique, "tls-server-end-point": tls.end_point}
    return {name: data for name, data in found.items() if data}


def _announces_plus(found: dict[str, bytes]) -> bool:
    """Whether the binding clients choose is there.

    RFC 9266 §3: with TLS 1.3 that is tls-exporter, and a client that saw -PLUS would insist on it; where libssl cannot
    be reached (`openssl.library`) it could not sign in.  With TLS 1.2 it is tls-unique (RFC 5802 §6.1).
    """
    return "tls-exporter" in found or "tls-unique" in found


def _also(info: ConnectionInfo, sign_in: SignIn) -> Sequence[str]:
    """What needs somebody to judge it, and has somebody."""
    names = [] if sign_in.tokens is None else [*TOKEN_MECHANISMS]
    if info.tls is not None and info.tls.certificate:
        names.append("EXTERNAL")  # RFC 4422 §A: where there is something external to go by
    if sign_in.cram_md5:
        names.append(CRAM)
    return names


def mechanisms(info: ConnectionInfo, sign_in: SignIn) -> list[str]:
    """What to announce on this connection."""
    found = bindings(info)
    names = offered(found, plus=_announces_plus(found), also=_also(info, sign_in))
    # A directory outside has no keys for us: a client that saw SCRAM would choose it and could not sign in.
    return (
        names if sign_in.outside is None else [one for one in names if not one.startswith(("SCRAM-", CRAM))]
    )


def knows(mechanism: str, info: ConnectionInfo, sign_in: SignIn) -> bool:
    return is_known(mechanism, bindings(info), _also(info, sign_in))


def origin_of(info: ConnectionInfo, protocol: str, client: str = "") -> Origin:
    return Origin(protocol, info.id, info.peer_ip, client)


def new_nonce() -> bytes:
    return secrets.token_urlsafe(NONCE_BYTES).encode()


class Authentication:
    """`start`, then `receive` for every line until the outcome is not a `Challenge`.  Both raise MailError."""

    __slots__ = ("_certificate", "_claim", "_exchange", "_grant", "_origin", "_refused", "_sign_in")

    def __init__(
        self,
        mechanism: str,
        sign_in: SignIn,
        info: ConnectionInfo,
        origin: Origin,
        *,
        nonce: Callable[[], bytes] = new_nonce,
    ) -> None:
        found = bindings(info)
        self._exchange = ServerExchange(mechanism, nonce(), found, strict=_announces_plus(found))
        self._sign_in = sign_in
        self._certificate = info.tls.certificate if info.tls is not None else b""
        self._origin = origin
        self._claim: Claim | None = None
        self._refused: MailError | None = None  # a token; the client has to answer our reason yet
        self._grant: Grant | None = None  # proven; the client has to take our proof yet

    line = staticmethod(ServerExchange.line)

    async def start(self, initial: bytes | None) -> Outcome:
        return await self._act(self._exchange.start(initial))

    async def receive(self, line: bytes) -> Outcome:
        if self._refused is not None:
            raise self._refused
        if self._grant is not None:
            # RFC 5802 §3, RFC 4422 §4: the client has seen our signature, and says so with an empty response.
            if line == b"*":
                return Failure(Reason.CANCELLED)
            return Failure(Reason.BAD_MESSAGE) if line else self._grant
        return await self._act(self._exchange.receive(line))

    async def _act(self, step: ServerStep) -> Outcome:
        if isinstance(step, Challenge | Failure):
            return step
        if step.authzid and not _same(step.authzid, step.username):
            return ActsForOther()
        if isinstance(step, Lookup):
            self._claim = await self._sign_in.scram_claim(step.username, step.mechanism, self._origin)
            step = self._exchange.resume(self._claim.keys)
            if isinstance(step, Challenge):
                return step
        if isinstance(step, Proof):
            assert self._claim is not None
            grant = await self._sign_in.scram_finish(self._claim, step.key, self._origin)
            if not step.final:
                return grant
            self._grant = grant
            return Challenge(step.final)
        if isinstance(step, Token):
            return await self._token(step)
        if isinstance(step, External):
            return await self._sign_in.check_certificate(self._certificate, step.username, self._origin)
        assert isinstance(step, Credentials)
        return await self._sign_in.check_password(step.username, step.password, self._origin)

    async def _token(self, step: Token) -> Outcome:
        try:
            return await self._sign_in.check_token(step.username, step.token, self._origin)
        except (SignInFailed, ScopeExceeded) as error:
            # RFC 7628 §3.2.3: the reason goes out as a challenge; whatever the client answers, the exchange has failed.
            self._refused = error
            tokens = self._sign_in.tokens
            discovery = tokens.discovery if tokens is not None else ""
            insufficient = isinstance(error, ScopeExceeded)
            return Challenge(format_refusal(step.mechanism, insufficient=insufficient, discovery=discovery))


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    first, second = try_address(one), try_address(other)
    return first is not None and second is not None and first.key == second.key
