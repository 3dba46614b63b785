"""Sign-in by an outside provider: away from the sign-in page, and back to what it was asked for.

The state that travels along is signed and bound to the browser's cookie; nonce and PKCE verifier are derived from it
and never leave.  So an answer that another browser began, or another provider gives, is worth nothing.
"""

from __future__ import annotations

import base64
import hmac
import logging
import secrets
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from posthouse.client.provider import Identity, Provider
from posthouse.core.address import try_address
from posthouse.core.errors import Exists, Forbidden, Invalid, MailError, NotFound, TooLarge, Unavailable
from posthouse.core.sentence import Sentence
from posthouse.http.browser import Visitor
from posthouse.http.forms import Fields, query_of
from posthouse.http.oauth.context import Context, peer_of
from posthouse.http.pages import WEBMAIL
from posthouse.services.grant import Origin, of_password, permitted
from posthouse.storage.rows import Account

_log: Final = logging.getLogger("posthouse")
STATE_S: Final = 600.0
TARGETS: Final = ("/oauth/authorize?", "/oauth/device")
"""Where a sign-in goes on to; nothing else, so that nobody is sent elsewhere."""
_MAC_BYTES: Final = 16


class Travel(Struct, array_like=True):
    chance: bytes
    provider: str
    at: float
    target: str


_decode: Final = msgspec.msgpack.Decoder(Travel).decode


class OutsidePages:
    def __init__(self, context: Context) -> None:
        self._context = context

    def _redirect(self, provider: Provider) -> str:
        return f"{self._context.server.settings.issuer}/oauth/back/{provider.settings.name}"

    async def away(self, request: Request) -> Response:
        try:
            provider = self._context.providers[request.path_params["name"]]
            target = query_of(request)["to"]
        except (KeyError, Invalid, TooLarge):
            return self._message(request, "error.form", 404)
        if not target.startswith(TARGETS):
            return self._message(request, "error.form", 400)
        visitor = await self._context.browsers.visitor(request)
        travel = Travel(
            secrets.token_bytes(12), provider.settings.name, self._context.server.clock.now(), target
        )
        body = msgspec.msgpack.encode(travel)
        state = f"{_text(body)}.{_text(await self._derived(visitor, b'state', body, _MAC_BYTES))}"
        nonce, verifier = await self._secrets(visitor, body)
        try:
            where = await provider.address(self._redirect(provider), state, nonce, verifier)
        except Unavailable as error:
            return self._message(request, "outside.away", 503, error, target)
        response = RedirectResponse(where, status_code=303, headers={"cache-control": "no-store"})
        return await self._context.browsers.remember(response, visitor)

    async def back(self, request: Request) -> Response:
        try:
            provider = self._context.providers[request.path_params["name"]]
            fields = query_of(request)
            visitor = await self._context.browsers.visitor(request)
            body, travel = await self._travel(visitor, provider, fields)
        except (KeyError, MailError):
            return self._message(request, "error.form", 403)
        try:
            if not fields["code"]:
                said = fields["error"][:100] or "no code"
                raise Forbidden(Sentence("provider.denied", host=provider.settings.name, said=said))
            nonce, verifier = await self._secrets(visitor, body)
            redirect = self._redirect(provider)
            found = await provider.identity(fields["code"], redirect, nonce, verifier)
            account = await self._account(request, provider, found)
        except Unavailable as error:
            return self._message(request, "outside.away", 503, error, travel.target)
        except MailError as error:
            return self._message(request, "outside.refused", 403, error, travel.target)
        response = RedirectResponse(
            _without_prompt(travel.target), status_code=303, headers={"cache-control": "no-store"}
        )
        return await self._context.browsers.remember(response, self._context.browsers.signed_in(account))

    async def _travel(self, visitor: Visitor, provider: Provider, fields: Fields) -> tuple[bytes, Travel]:
        """Raises Forbidden."""
        text, _, mac = fields["state"].partition(".")
        try:
            body = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            given = base64.urlsafe_b64decode(mac + "=" * (-len(mac) % 4))
            travel = _decode(body)
        except (ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise Forbidden("the state cannot be read") from error
        right = hmac.compare_digest(given, await self._derived(visitor, b"state", body, _MAC_BYTES))
        fresh = 0 <= self._context.server.clock.now() - travel.at < STATE_S
        # RFC 9700 §4.4.2: the answer comes to the address of the provider that was asked; RFC 9207 §2.4: and says so.
        mine = travel.provider == provider.settings.name and fields["iss"] in ("", provider.issuer)
        if not (right and fresh and mine):
            raise Forbidden("the answer is not to what this browser asked")
        return body, travel

    async def _account(self, request: Request, provider: Provider, found: Identity) -> Account:
        """Raises Forbidden, NotApproved, OAuthError."""
        server, address = self._context.server, try_address(found.address)
        if address is None:
            raise Forbidden(Sentence("provider.address", given=repr(found.address)))
        account = await server.store.directory.account_by_address(address.key)
        if account is None and provider.settings.provision:
            try:
                account = await self._context.create(address.key, found.name)
            except (Exists, Invalid, NotFound) as error:
                raise Forbidden(error.sentence or error.detail) from error
        if account is None:
            raise Forbidden(Sentence("provider.no_account", address=address.key))
        account = await server.account(account.id)
        grant = permitted(of_password(account), "http")
        origin = Origin("http", "http", peer_of(request), f"browser ({provider.settings.name})")
        await self._context.sign_in.devices.admit(grant, origin)
        return account

    async def _secrets(self, visitor: Visitor, body: bytes) -> tuple[str, str]:
        """(nonce, PKCE verifier) of one journey."""
        nonce = _text(await self._derived(visitor, b"nonce", body, 24))
        return nonce, _text(await self._derived(visitor, b"verifier", body, 48))

    async def _derived(self, visitor: Visitor, purpose: bytes, body: bytes, size: int) -> bytes:
        key = await self._context.server.derived_key(b"outside")
        data = visitor.visit.nonce + body
        return blake2b(data, key=key, digest_size=size, person=purpose).digest()

    def _message(
        self, request: Request, text: str, status: int, error: MailError | None = None, target: str = ""
    ) -> Response:
        """`target` is where the sign-in was to go on to, one of `TARGETS`."""
        if error is not None:
            _log.warning("a sign-in by an outside provider failed", extra={"facts": {"error": error.detail}})
        # What a network said is for the log alone.
        detail = error.told(self._context.pages.language(request)) if isinstance(error, Forbidden) else ""
        link = (target, "link.again") if target else WEBMAIL
        return self._context.pages.message(request, text, status=status, detail=detail, link=link)


def _without_prompt(target: str) -> str:
    """Who was asked to sign in again has done so."""
    path, _, query = target.partition("?")
    pairs = [pair for pair in query.split("&") if pair not in ("prompt=login", "prompt=select_account")]
    return "?".join([path, "&".join(pairs)]) if query else path


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
