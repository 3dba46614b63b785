"""Password, second step, passkey: the ways to a session."""

from __future__ import annotations

import hmac
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from posthouse.core.errors import SignInFailed, Unavailable
from posthouse.core.ids import AccountId
from posthouse.core.scope import Scope
from posthouse.http.auth.context import Auth, object_in, origin_of, text_in
from posthouse.services.grant import Grant, permitted
from posthouse.storage.rows import Account

TICKET_S: Final = 300.0
"""How long the second step may take."""
_BOUND: Final = "second step"


class _HalfWay(Struct, array_like=True):
    """Whose password was right, and when; `password` changes with the password."""

    account: int
    at: float
    password: bytes


class SignInEndpoints:
    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    async def sign_in(self, request: Request) -> Response:
        """{address, password} -> signed in, or what the second step may be."""
        auth = self._auth
        body = await auth.body(request)
        origin = origin_of(request)
        address, password = text_in(body, "address"), text_in(body, "password")
        grant = await auth.sign_in.verify_password(address, password, origin)
        methods = await auth.two_step.wanted(grant.account)
        if not methods:
            await auth.sign_in.devices.admit(grant, origin)
            return await auth.signed_in(request, grant.account, "password")
        data = msgspec.msgpack.encode(_HalfWay(grant.account.id, auth.clock.now(), _mark(grant.account)))
        ticket = await auth.seals.seal(data, _BOUND)
        return JSONResponse({"state": "second-step", "methods": methods, "ticket": ticket})

    async def send_code(self, request: Request) -> Response:
        """{ticket, method}: a code goes out."""
        body = await self._auth.body(request)
        account = await self._half_way(text_in(body, "ticket"))
        await self._auth.two_step.send(account, text_in(body, "method", 20))
        return JSONResponse({"state": "sent"})

    async def second_step(self, request: Request) -> Response:
        """{ticket, code} or {ticket, passkey} -> signed in."""
        auth = self._auth
        body = await auth.body(request)
        account = await self._half_way(text_in(body, "ticket"))
        if "passkey" in body:
            await auth.passkeys.check(object_in(body, "passkey"), account)
        else:
            await auth.two_step.check(account, text_in(body, "code", 40))
        return await self._admitted(request, account, "two-step")

    async def _half_way(self, ticket: str) -> Account:
        """Raises SignInFailed."""
        try:
            data = await self._auth.seals.unseal(ticket, _BOUND)
        except (Unavailable, ValueError) as error:
            raise SignInFailed("a ticket that is not ours") from error
        found = msgspec.msgpack.decode(data, type=_HalfWay)
        account = await self._auth.store.directory.account(AccountId(found.account))
        late = not 0 <= self._auth.clock.now() - found.at < TICKET_S
        if account is None or late or not hmac.compare_digest(_mark(account), found.password):
            raise SignInFailed("the first step is too old")
        return account

    async def passkey_options(self, request: Request) -> Response:
        """{} for signing in by a passkey alone, {ticket} for the second step."""
        body = await self._auth.body(request)
        account = await self._half_way(text_in(body, "ticket")) if "ticket" in body else None
        return JSONResponse(await self._auth.passkeys.options(account))

    async def passkey(self, request: Request) -> Response:
        """{passkey}: it is both steps at once, as it asks for a finger, a face or a PIN."""
        auth = self._auth
        body = await auth.body(request)
        account = await auth.passkeys.check(object_in(body, "passkey"))
        return await self._admitted(request, account, "passkey")

    async def _admitted(self, request: Request, account: Account, kind: str) -> Response:
        """Raises NotApproved, Forbidden (HTTP is switched off)."""
        grant = permitted(Grant(account, kind, Scope(account.protocols)), "http")
        await self._auth.sign_in.devices.admit(grant, origin_of(request))
        return await self._auth.signed_in(request, account, kind)


def _mark(account: Account) -> bytes:
    return blake2b((account.password or "").encode(), digest_size=16, person=b"half way").digest()
