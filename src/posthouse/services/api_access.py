"""Who asks our own API: a token of the authorization server or a long-lived one, and what it is for."""

from __future__ import annotations

import hmac
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import Struct

from posthouse.core.errors import SignInFailed, Unavailable
from posthouse.core.ports import Clock
from posthouse.services.api_tokens import KIND, PREFIX, ApiTokens
from posthouse.services.grant import Grant, Origin
from posthouse.services.oauth.scope import Scopes
from posthouse.services.oauth.verifier import OwnTokens
from posthouse.services.seal import Seals
from posthouse.services.signin import SignIn
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account

FRESH_S: Final = 600.0
"""How long after signing in somebody may change what opens an account."""
PROOF_MAX: Final = 500
_BOUND: Final = "proof of a sign-in"


class Caller(Struct):
    """`signed_in_at` is when its person was asked for the password or a passkey; 0 for a program's own token."""

    grant: Grant
    scopes: Scopes
    signed_in_at: float = 0.0

    @property
    def account(self) -> Account:
        return self.grant.account

    @property
    def is_program(self) -> bool:
        """A long-lived token: nobody sits there."""
        return self.grant.kind == KIND


class _Proof(Struct, array_like=True):
    account: int
    grant: str
    at: float
    password: bytes


class ApiAccess:
    """One per process."""

    def __init__(self, store: Store, clock: Clock, sign_in: SignIn, tokens: OwnTokens | None) -> None:
        """`tokens`: of our authorization server, where there is one."""
        self._clock = clock
        self._sign_in = sign_in
        self._tokens = tokens
        self._seals = Seals(store)
        self.long_lived = ApiTokens(store, clock)

    async def caller(self, token: str, origin: Origin) -> Caller:
        """Raises SignInFailed, Forbidden (pages are switched off), NotApproved (new device), Unavailable."""
        found: list[Caller] = []

        async def judge(_username: str, token: str, origin: Origin) -> Grant:
            if token.startswith(PREFIX):
                found.append(Caller(*await self.long_lived.api_grant(token, origin)))
            elif self._tokens is not None:
                found.append(Caller(*await self._tokens.api_grant(token, origin)))
            else:
                raise SignInFailed(f"{origin.connection}: no such tokens here")
            return found[0].grant

        await self._sign_in.check_token("", token, origin, judge)
        return found[0]

    # --- a sign-in a moment ago ---

    async def prove(self, caller: Caller) -> str:
        """A text that says for `FRESH_S` that the person behind this very token was asked again."""
        proof = _Proof(caller.account.id, _name(caller.grant), self._clock.now(), _mark(caller.account))
        return await self._seals.seal(msgspec.msgpack.encode(proof), _BOUND)

    async def is_fresh(self, caller: Caller, proof: str) -> bool:
        now = self._clock.now()
        if 0 <= now - caller.signed_in_at < FRESH_S:
            return True
        if not proof or len(proof) > PROOF_MAX:
            return False
        try:
            told = msgspec.msgpack.decode(await self._seals.unseal(proof, _BOUND), type=_Proof)
        except (Unavailable, ValueError):
            return False
        same = (told.account, told.grant) == (caller.account.id, _name(caller.grant))
        return (
            same
            and 0 <= now - told.at < FRESH_S
            and hmac.compare_digest(told.password, _mark(caller.account))
        )


def _name(grant: Grant) -> str:
    return f"{grant.kind} {grant.id}"


def _mark(account: Account) -> bytes:
    """Changes with the password."""
    return blake2b((account.password or "").encode(), digest_size=16, person=b"api proof").digest()
