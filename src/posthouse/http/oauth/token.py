"""Endpoints for programs: token, device authorization, introspection, revocation, userinfo, registration."""

from __future__ import annotations

import base64
import math
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import unquote_plus

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from posthouse.core.errors import Invalid, OverQuota, TooLarge, Unavailable
from posthouse.http.forms import Fields, body_of, form_of
from posthouse.http.oauth.context import Context, peer_of, source_of
from posthouse.services.oauth.clients import CODE, DEVICE, FIRST_PARTY, GRANT_TYPES, REFRESH
from posthouse.services.oauth.errors import OAuthError
from posthouse.services.oauth.scope import parse_scope
from posthouse.services.oauth.server import Issued, claims_of
from posthouse.storage.tokens import TokenClient

Endpoint = Callable[[Request], Awaitable[Response]]
NO_STORE: Final = {"cache-control": "no-store", "pragma": "no-cache"}
STATUS: Final = {
    "invalid_client": 401,
    "temporarily_unavailable": 503,
    "invalid_token": 401,
    "insufficient_scope": 403,
}
REGISTRATION_MAX: Final = 8 * 1024


class TooOften(OAuthError):
    """`wait_s`: when to come back."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = math.ceil(wait_s)
        super().__init__("slow_down", f"too many requests; try again in {self.wait_s} seconds")


def refusal(error: OAuthError, request: Request) -> Response:
    """RFC 6749 §5.2."""
    headers = dict(NO_STORE)
    status = STATUS.get(error.code, 400)
    if isinstance(error, TooOften):
        status, headers["retry-after"] = 429, str(error.wait_s)
    if error.code == "invalid_client" and "authorization" in request.headers:
        headers["www-authenticate"] = 'Basic realm="OAuth"'
    body = {"error": error.code, "error_description": error.detail}
    return JSONResponse(body, status_code=status, headers=headers)


def answered(endpoint: Endpoint) -> Endpoint:
    """Errors as the JSON of RFC 6749 §5.2."""

    async def run(request: Request) -> Response:
        try:
            return await endpoint(request)
        except OAuthError as error:
            return refusal(error, request)
        except (Invalid, TooLarge) as error:
            return refusal(OAuthError("invalid_request", error.detail), request)
        except Unavailable:
            return refusal(OAuthError("temporarily_unavailable", "try again soon"), request)

    return run


class TokenEndpoints:
    def __init__(self, context: Context) -> None:
        self._context = context

    # --- who asks ---

    async def _client(self, request: Request, form: Fields) -> TokenClient:
        """RFC 6749 §2.3: HTTP Basic, or in the body, never both.  Raises OAuthError."""
        limit, source = self._context.limits.wrong_client, source_of(request)
        if wait := limit.wait_s(source):
            raise TooOften(wait)
        name, secret = form["client_id"], form["client_secret"] or None
        header = request.headers.get("authorization", "")
        if header:
            given = _basic(header)
            if given is None or secret is not None or (name and name != given[0]):
                raise OAuthError("invalid_client", "authenticate once: by HTTP Basic, or in the body")
            name, secret = given[0], given[1] or None
        try:
            return await self._context.server.clients.authenticate(name, secret)
        except OAuthError:
            limit.note(source)
            raise

    def _bounded(self, request: Request) -> None:
        if wait := self._context.limits.token.take(source_of(request)):
            raise TooOften(wait)

    # --- tokens ---

    async def token(self, request: Request) -> Response:
        self._bounded(request)
        form = await form_of(request)
        client = await self._client(request, form)
        server, ip, resources = self._context.server, peer_of(request), form.all("resource")
        kind = form["grant_type"]
        if kind == CODE:
            issued = await server.exchange_code(
                client,
                form["code"],
                redirect=form["redirect_uri"],
                verifier=form["code_verifier"],
                resources=resources,
                ip=ip,
            )
        elif kind == REFRESH:
            issued = await server.refresh(
                client, form["refresh_token"], scope=form["scope"], resources=resources, ip=ip
            )
        elif kind == DEVICE:
            issued = await self._context.devices.exchange(
                client, form["device_code"], resources=resources, ip=ip
            )
        else:
            raise OAuthError("unsupported_grant_type", f"grant_type: use one of {' '.join(GRANT_TYPES)}")
        return JSONResponse(_token_answer(issued), headers=NO_STORE)

    async def device_authorization(self, request: Request) -> Response:
        """RFC 8628 §3.1."""
        if wait := self._context.limits.device.take(source_of(request)):
            raise TooOften(wait)
        form = await form_of(request)
        client = await self._client(request, form)
        codes = await self._context.devices.start(client, form["scope"], form.all("resource"))
        page = f"{self._context.server.settings.issuer}/oauth/device"
        body = msgspec.to_builtins(codes) | {
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={codes.user_code}",
        }
        return JSONResponse(body, headers=NO_STORE)

    async def introspect(self, request: Request) -> Response:
        """RFC 7662 §2: for confidential clients; a token that is none and one that died are the same to them."""
        self._bounded(request)
        form = await form_of(request)
        client = await self._client(request, form)
        if not client.secret:
            raise OAuthError("invalid_client", "introspection is for clients with a secret")
        return JSONResponse(await self._state(client, form["token"]), headers=NO_STORE)

    async def _state(self, client: TokenClient, token: str) -> dict[str, Any]:
        server = self._context.server
        found = await server.find(token)
        # Who registered itself is nobody's resource server, and learns of its own tokens only.
        if found is None or (client.registered and found[1].client != client.id):
            return {"active": False}
        access, grant = found
        try:
            account = await server.account(grant.account)
        except OAuthError:
            return {"active": False}
        return {
            "active": True,
            "scope": access.scope,
            "client_id": grant.client,
            "username": account.address,
            "token_type": "Bearer",
            "exp": int(access.expires_at),
            "iat": int(access.expires_at - server.settings.access_s),
            "sub": str(account.id),
            "aud": list(access.audience),
            "iss": server.settings.issuer,
        }

    async def revoke(self, request: Request) -> Response:
        """RFC 7009 §2: unknown tokens are no error."""
        self._bounded(request)
        form = await form_of(request)
        client = await self._client(request, form)
        if not form["token"]:
            raise OAuthError("invalid_request", "token is missing")
        await self._context.server.revoke(client, form["token"])
        answer = Response(status_code=200, headers=NO_STORE)
        # Who signs out of our own page leaves the browser: the next one there is asked for a password.
        return self._context.browsers.forget(request, answer) if client.id in FIRST_PARTY else answer

    # --- who it is ---

    async def userinfo(self, request: Request) -> Response:
        """OpenID Connect Core §5.3, errors by RFC 6750 §3."""
        server = self._context.server
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        found = await server.find(token.strip()) if scheme.lower() == "bearer" else None
        try:
            if found is None:
                raise OAuthError("invalid_token", "the token is unknown, expired or revoked")
            scopes = parse_scope(found[0].scope)
            if "openid" not in scopes.identity:
                raise OAuthError("insufficient_scope", "the token has not the scope openid")
            account = await server.account(found[1].account)
        except OAuthError as error:
            code = error.code if error.code in STATUS else "invalid_token"
            challenge = f'Bearer error="{code}", error_description="{error.detail}"'
            return Response(status_code=STATUS[code], headers={"www-authenticate": challenge, **NO_STORE})
        return JSONResponse(claims_of(account, scopes), headers=NO_STORE)

    # --- registration ---

    async def register(self, request: Request) -> Response:
        """RFC 7591 §3, where the administrator allows it: public or confidential, with the usual grants only."""
        settings = self._context.server.settings
        if wait := self._context.limits.registration.take(source_of(request)):
            raise TooOften(wait)
        asked = _metadata(await body_of(request, REGISTRATION_MAX))
        if not asked.redirect_uris:
            raise OAuthError("invalid_redirect_uri", "redirect_uris is missing")
        confidential = asked.token_endpoint_auth_method != "none"  # noqa: S105 - the name of a method
        client_id = "dyn-" + base64.urlsafe_b64encode(secrets.token_bytes(15)).decode()
        try:
            client, secret = await self._context.server.clients.add(
                client_id,
                asked.client_name or client_id,
                redirects=asked.redirect_uris,
                scope=asked.scope or " ".join(("imap", "pop", "smtp", "openid", "email", "offline_access")),
                grants=[one for one in asked.grant_types if one in (CODE, REFRESH)] or [CODE, REFRESH],
                confidential=confidential,
                registered_max=settings.registered_max,
            )
        except Invalid as error:
            code = "invalid_redirect_uri" if "redirect" in error.detail else "invalid_client_metadata"
            raise OAuthError(code, error.detail) from error
        except OverQuota as error:
            raise OAuthError("temporarily_unavailable", "no more clients may register themselves") from error
        body: dict[str, Any] = {
            "client_id": client.id,
            "client_id_issued_at": int(client.created_at),
            "client_name": client.name,
            "redirect_uris": client.redirects,
            "grant_types": client.grants,
            "response_types": ["code"],
            "token_endpoint_auth_method": asked.token_endpoint_auth_method,
            "scope": client.scope,
        }
        if secret:
            body |= {"client_secret": secret, "client_secret_expires_at": 0}
        return JSONResponse(body, status_code=201, headers=NO_STORE)


class Metadata(msgspec.Struct):
    """RFC 7591 §2, as far as it is used here."""

    redirect_uris: tuple[str, ...] = ()
    client_name: str = ""
    grant_types: tuple[str, ...] = (CODE, REFRESH)
    token_endpoint_auth_method: str = "client_secret_basic"  # noqa: S105 - the name of a method
    scope: str = ""


def _metadata(data: bytes) -> Metadata:
    try:
        asked = msgspec.json.decode(data, type=Metadata)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise OAuthError("invalid_client_metadata", str(error)[:200]) from error
    if asked.token_endpoint_auth_method not in ("none", "client_secret_basic", "client_secret_post"):
        raise OAuthError("invalid_client_metadata", "token_endpoint_auth_method is not one of ours")
    return asked


def _basic(header: str) -> tuple[str, str] | None:
    """RFC 6749 §2.3.1: both halves are form-encoded inside of HTTP Basic."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except ValueError:
        return None
    return (unquote_plus(name), unquote_plus(secret)) if colon else None


def _token_answer(issued: Issued) -> dict[str, Any]:
    body: dict[str, Any] = {
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
        "scope": issued.scope,
    }
    for name in ("refresh_token", "id_token"):
        if text := getattr(issued, name):
            body[name] = text
    return body
