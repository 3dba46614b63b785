"""Access tokens at sign-in: `services.grant.TokenVerifier` over the grants of this installation."""

from __future__ import annotations

import asyncio
from typing import Final

from posthouse.core.address import try_address
from posthouse.core.errors import MailError, SignInFailed
from posthouse.core.scope import Scope
from posthouse.services.grant import Grant, Origin
from posthouse.services.oauth.errors import OAuthError
from posthouse.services.oauth.scope import Scopes, parse_scope
from posthouse.services.oauth.server import AuthorizationServer
from posthouse.storage.rows import Account
from posthouse.storage.tokens import AccessToken, TokenGrant

USE_NOTED_S: Final = 60.0
"""The last use of a grant is written once in so many seconds."""
NOTED_MAX: Final = 10_000
CLIENT_MAX: Final = 200


class OwnTokens:
    """One per process; `close` when it ends."""

    def __init__(self, server: AuthorizationServer) -> None:
        self._server = server
        self.discovery = f"{server.settings.issuer}/.well-known/openid-configuration"
        self._noted: dict[int, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def verify(self, username: str, token: str, origin: Origin) -> Grant:
        access, granted, account = await self.opened(token, origin)
        claimed = try_address(username) if username else None
        if username and (claimed is None or claimed.key != account.address):
            raise SignInFailed(f"{origin.connection}: the token is not of {username!r}")
        self._note(granted, origin)
        return Grant(
            account,
            "token",
            parse_scope(access.scope).for_protocol(origin.protocol),
            await self._name(granted),
            str(granted.id),
            access.expires_at,
        )

    async def opened(self, token: str, origin: Origin) -> tuple[AccessToken, TokenGrant, Account]:
        """What stands behind a token that is good at this service.  Raises SignInFailed."""
        found = await self._server.find(token)
        if found is None:
            raise SignInFailed(f"{origin.connection}: the token is unknown, expired or revoked")
        access, granted = found
        try:
            account = await self._server.account(granted.account)
        except OAuthError as error:
            raise SignInFailed(f"{origin.connection}: {error.detail}") from error
        # RFC 8707 §2, RFC 9700 §2.3: a token for another resource opens nothing here.
        own = self._server.settings.own
        if not any(origin.protocol in own.get(one, ()) for one in access.audience):
            raise SignInFailed(f"{origin.connection}: the token is for {' '.join(access.audience)}")
        return access, granted, account

    async def api_grant(self, token: str, origin: Origin) -> tuple[Grant, Scopes, float]:
        """For our own API: (the grant, what it is for, when its person signed in).  Raises SignInFailed."""
        access, granted, account = await self.opened(token, origin)
        self._note(granted, origin)
        scopes = parse_scope(access.scope)
        name = await self._name(granted)
        grant = Grant(account, "token", Scope((origin.protocol,)), name, str(granted.id), access.expires_at)
        return grant, scopes, granted.signed_in_at

    async def _name(self, granted: TokenGrant) -> str:
        client = await self._server.clients.find(granted.client)
        return client.name if client is not None else granted.client

    def _note(self, granted: TokenGrant, origin: Origin) -> None:
        """In the background; a use that cannot be noted is no reason to refuse it."""
        now = self._server.clock.now()
        if granted.used_ip == origin.peer_ip and now - self._noted.get(granted.id, 0.0) < USE_NOTED_S:
            return
        if len(self._noted) > NOTED_MAX:
            self._noted.clear()
        self._noted[granted.id] = now
        client = "".join(char for char in origin.client[:CLIENT_MAX] if char.isprintable())
        work = self._server.store.tokens.used(granted.id, now, origin.peer_ip, origin.protocol, client)
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, MailError):
            context = {"message": "noting the use of a grant failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
