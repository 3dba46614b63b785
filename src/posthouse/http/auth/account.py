"""What somebody who is signed in sees and does: sessions, passkeys."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from posthouse.core.errors import Invalid, NotFound
from posthouse.http.auth.context import Auth, object_in, text_in


class AccountEndpoints:
    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    async def session(self, request: Request) -> Response:
        session, account = await self._auth.session(request)
        return JSONResponse(
            {
                "account": account.address,
                "name": account.name,
                "language": account.language,
                "kind": session.kind,
                "two_step": account.two_step,
            }
        )

    async def sessions(self, request: Request) -> Response:
        own, account = await self._auth.session(request)
        found = [
            {
                "id": one.id,
                "kind": one.kind,
                "created_at": one.created_at,
                "expires_at": one.expires_at,
                "ip": one.used_ip,
                "client": one.client,
                "own": one.id == own.id,
            }
            for one in await self._auth.sessions.of_account(account.id)
        ]
        return JSONResponse({"sessions": found})

    async def end_sessions(self, request: Request) -> Response:
        """{sessions: [id...]}, or {} for all but this one."""
        body = await self._auth.body(request)
        own, account = await self._auth.session(request)
        chosen = body.get("sessions")
        if chosen is None:
            chosen = [one.id for one in await self._auth.sessions.of_account(account.id) if one.id != own.id]
        if not isinstance(chosen, list) or not all(type(one) is int for one in chosen):
            raise Invalid("sessions is a list of numbers")
        return JSONResponse({"ended": await self._auth.sessions.end(account.id, chosen[:1000])})

    async def sign_out(self, request: Request) -> Response:
        await self._auth.body(request)
        session, account = await self._auth.session(request)
        await self._auth.sessions.end(account.id, [session.id])
        response = JSONResponse({"state": "signed-out"})
        response.delete_cookie(self._auth.cookie, secure=self._auth.origin.startswith("https://"))
        return response

    # --- passkeys ---

    async def passkeys(self, request: Request) -> Response:
        _, account = await self._auth.session(request)
        found = [
            {"name": one.name, "created_at": one.created_at, "backed_up": key.backed_up}
            for one, key in await self._auth.passkeys.of_account(account.id)
        ]
        return JSONResponse({"passkeys": found})

    async def registration(self, request: Request) -> Response:
        await self._auth.body(request)
        _, account = await self._auth.fresh_session(request)
        return JSONResponse(await self._auth.passkeys.registration(account))

    async def register(self, request: Request) -> Response:
        """{name, passkey}"""
        body = await self._auth.body(request)
        _, account = await self._auth.fresh_session(request)
        await self._auth.passkeys.register(account, text_in(body, "name", 60), object_in(body, "passkey"))
        return JSONResponse({"state": "registered"}, status_code=201)

    async def remove(self, request: Request) -> Response:
        """{name}; the last factor of an account of two steps stays."""
        body = await self._auth.body(request)
        _, account = await self._auth.fresh_session(request)
        name = text_in(body, "name", 60)
        methods = await self._auth.two_step.methods(account)
        keys = [one.name for one, _ in await self._auth.passkeys.of_account(account.id)]
        if name not in keys:
            raise NotFound("there is no passkey of that name")
        if account.two_step and "totp" not in methods and len(keys) == 1:
            raise Invalid("this is the last second step; switch two-step sign-in off first")
        await self._auth.store.credentials.revoke(account.id, "passkey", name)
        return JSONResponse({"state": "removed"})
