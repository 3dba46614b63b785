"""Discovery: RFC 8414, OpenID Connect Discovery, and the keys of identity tokens (RFC 7517)."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from posthouse.http.texts import LANGUAGES
from posthouse.services.oauth.clients import GRANT_TYPES
from posthouse.services.oauth.keys import ALGORITHM
from posthouse.services.oauth.scope import SUPPORTED
from posthouse.services.oauth.server import AuthorizationServer
from posthouse.services.oauth.settings import OAuthSettings

KEYS_AGE_S: Final = 3600
CLAIMS: Final = (
    "sub",
    "iss",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "email",
    "email_verified",
    "name",
    "preferred_username",
    "locale",
)


def document(settings: OAuthSettings) -> dict[str, Any]:
    base = settings.issuer
    found: dict[str, Any] = {
        "issuer": base,
        "authorization_endpoint": f"{base}/oauth/authorize",
        "token_endpoint": f"{base}/oauth/token",
        "device_authorization_endpoint": f"{base}/oauth/device_authorization",
        "introspection_endpoint": f"{base}/oauth/introspect",
        "revocation_endpoint": f"{base}/oauth/revoke",
        "userinfo_endpoint": f"{base}/oauth/userinfo",
        "jwks_uri": f"{base}/oauth/jwks",
        "scopes_supported": list(SUPPORTED),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "revocation_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": list(CLAIMS),
        "ui_locales_supported": list(LANGUAGES),
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
    if settings.registration:
        found["registration_endpoint"] = f"{base}/oauth/register"
    return found


class MetadataEndpoints:
    def __init__(self, server: AuthorizationServer) -> None:
        self._server = server
        self._document = document(server.settings)

    async def discovery(self, _request: Request) -> Response:
        return JSONResponse(self._document, headers=_public())

    async def keys(self, _request: Request) -> Response:
        return JSONResponse(await self._server.keys.public(), headers=_public())


def _public() -> dict[str, str]:
    """Anybody may read it, also scripts of other sites."""
    return {"cache-control": f"public, max-age={KEYS_AGE_S}", "access-control-allow-origin": "*"}
