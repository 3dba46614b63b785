"""The device grant (RFC 8628): a program shows a short code, its person types it into a page elsewhere."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from posthouse.core.errors import Conflict, Exists, NotFound
from posthouse.services.oauth.clients import DEVICE
from posthouse.services.oauth.errors import OAuthError
from posthouse.services.oauth.server import TOKEN_MAX, AuthorizationServer, Issued, hash_token, new_token
from posthouse.storage.rows import Account
from posthouse.storage.tokens import TokenClient, TokenRequest

# RFC 8628 §6.1: no vowels (no words), nothing that is taken for something else; 20^8 codes.
ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH: Final = 8
SLOWER_S: Final = 5.0


class DeviceCodes(Struct, frozen=True):
    device_code: str
    user_code: str
    expires_in: int
    interval: int


def parse_user_code(text: str) -> str | None:
    """As typed: in either case, with or without hyphen and blanks."""
    code = "".join(c for c in text.upper() if c.isalnum())
    return code if len(code) == LENGTH and all(c in ALPHABET for c in code) else None


def format_user_code(code: str) -> str:
    return f"{code[:4]}-{code[4:]}"


class DeviceGrants:
    def __init__(self, server: AuthorizationServer) -> None:
        self._server = server

    async def start(self, client: TokenClient, scope: str, resources: Sequence[str]) -> DeviceCodes:
        """RFC 8628 §3.1.  Raises OAuthError."""
        server, settings = self._server, self._server.settings
        if DEVICE not in client.grants:
            raise OAuthError("unauthorized_client", "this client may not use the device grant")
        scopes, audience = server.scopes(client, scope), server.audience(resources)
        now = server.clock.now()
        while True:
            code, user_code = new_token("d"), "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
            request = TokenRequest(
                hash_token(code),
                "device",
                client.id,
                str(scopes),
                audience,
                now + settings.device_s,
                user_code=user_code,
                interval_s=settings.device_interval_s,
            )
            try:
                await server.keep(request, now)
            except Exists:  # one in 25 thousand million, times those that wait
                continue
            shown = format_user_code(user_code)
            return DeviceCodes(code, shown, int(settings.device_s), int(settings.device_interval_s))

    async def find(self, text: str) -> TokenRequest | None:
        """The device that waits for this user code."""
        code = parse_user_code(text)
        request = await self._server.store.tokens.device(code) if code is not None else None
        if request is None or request.expires_at <= self._server.clock.now() or request.state != "waiting":
            return None
        return request

    async def answer(
        self, request: TokenRequest, account: Account, signed_in_at: float, *, allow: bool
    ) -> None:
        """What its person decided.  Raises OAuthError when it is too late."""
        state = "granted" if allow else "denied"
        answered = msgspec.structs.replace(
            request, account=account.id, state=state, signed_in_at=signed_in_at
        )
        try:
            await self._server.store.tokens.answer(answered)
        except (NotFound, Conflict) as error:
            raise OAuthError("expired_token", "the code has expired, or was answered already") from error

    async def exchange(self, client: TokenClient, code: str, *, resources: Sequence[str], ip: str) -> Issued:
        """RFC 8628 §3.4, §3.5: what the device gets when it asks.  Raises OAuthError."""
        server = self._server
        if DEVICE not in client.grants:
            raise OAuthError("unauthorized_client", "this client may not use the device grant")
        try:
            request = await server.store.tokens.poll(
                hash_token(code[:TOKEN_MAX]), server.clock.now(), SLOWER_S
            )
        except NotFound as error:
            raise OAuthError(
                "expired_token", "the device code is unknown or has expired; begin again"
            ) from error
        if request.kind != "device" or request.client != client.id:
            raise OAuthError("invalid_grant", "the device code is another client's")
        if request.expires_at <= server.clock.now():
            raise OAuthError("expired_token", "the device code has expired; begin again")
        if request.state == "denied":
            raise OAuthError("access_denied", "the request was refused")
        if request.too_fast:
            raise OAuthError("slow_down", f"ask every {request.interval_s:.0f} seconds")
        if request.state == "waiting":
            raise OAuthError("authorization_pending", "nobody has typed the code yet")
        return await server.exchange(client, request, resources, ip)
