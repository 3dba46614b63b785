"""Programs that may ask for grants, and where answers may be sent to."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from posthouse.core.errors import Invalid
from posthouse.core.ports import Clock
from posthouse.core.sentence import Sentence
from posthouse.services.oauth.errors import OAuthError
from posthouse.services.oauth.scope import OWN_API, parse_scope
from posthouse.storage.ports import Store
from posthouse.storage.tokens import TokenClient

CODE: Final = "authorization_code"
REFRESH: Final = "refresh_token"
DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"
GRANT_TYPES: Final = (CODE, REFRESH, DEVICE)
SHORT_GRANTS: Final = {"code": CODE, "refresh": REFRESH, "device": DEVICE}
"""What people call them."""
REDIRECTS_MAX: Final = 10
REDIRECT_MAX: Final = 500
NAME_MAX: Final = 80
MAIL_SCOPE: Final = "imap pop smtp jmap openid email profile offline_access"

BUILT_IN: Final = {
    "posthouse-cli": TokenClient(
        "posthouse-cli", "posthouse device-login", scope=MAIL_SCOPE, grants=(DEVICE, REFRESH)
    ),
}
"""Public clients that every installation knows."""
WEBMAIL: Final = "posthouse-webmail"
LENS: Final = "posthouse-lens"
ADMIN: Final = "posthouse-admin"
"""The pages of the installation itself: nobody is asked whether they may be trusted."""
_PAGES: Final = {
    WEBMAIL: ("/mail/", "jmap account offline_access"),
    LENS: ("/lens/", "account offline_access"),
    ADMIN: ("/admin/", "admin account offline_access"),
}
"""Client -> (its address, the most it may ask for)."""
FIRST_PARTY: Final = {WEBMAIL: "Posthouse", LENS: "Posthouse Lens", ADMIN: "Posthouse Admin"}
PRESETS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    # Thunderbird listens on a free port of the loopback address, or watches its own browser for this address.
    "thunderbird": ("Mozilla Thunderbird", ("http://localhost", "http://127.0.0.1", "https://localhost")),
    # RFC 8252 §7.3: any program that opens a port of the loopback address for the answer.
    "loopback": ("", ("http://127.0.0.1/", "http://[::1]/", "http://localhost/")),
}
"""Preset -> (name, redirect URIs)."""

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!#-;=?-Z\[\]_a-z~]+")
# RFC 8252 §7.3: the port of a loopback redirect is whatever the program got.
_LOOPBACK: Final = re.compile(
    r"http://(?P<host>127\.0\.0\.1|\[::1\]|localhost)(?::(?P<port>\d{1,5}))?(?P<rest>/[^#]*)?"
)
_PRIVATE: Final = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+")


def check_redirect(uri: str) -> str:
    """The URI, if answers may be sent there.  Raises Invalid, with what would do."""
    if len(uri) > REDIRECT_MAX or not _URI.fullmatch(uri):
        raise Invalid(Sentence("client.uri.long", uri=repr(uri[:80]), limit=REDIRECT_MAX))
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError as error:
        raise Invalid(Sentence("client.uri", uri=uri, said=error)) from error
    # RFC 6749 §3.1.2: no fragment.  What a browser would read otherwise than we do is refused as well.
    if (
        "#" in uri
        or "@" in parts.netloc
        or "*" in uri
        or "%2e" in uri.lower()
        or ".." in parts.path.split("/")
    ):
        raise Invalid(Sentence("client.uri.parts", uri=uri))
    if parts.scheme == "https" and parts.hostname:
        return uri
    if parts.scheme == "http" and _LOOPBACK.fullmatch(uri):
        return uri
    # RFC 8252 §7.1: a scheme of one's own is a domain name read backwards, so that it has a dot.
    if _PRIVATE.fullmatch(parts.scheme) and not parts.netloc:
        return uri
    raise Invalid(Sentence("client.uri.scheme", uri=uri))


def matches(registered: str, given: str) -> bool:
    """RFC 9700 §2.1, RFC 8252 §7.3: the same string, but for the port of a loopback address."""
    if hmac.compare_digest(registered.encode(), given.encode()):
        return True
    one, other = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(given)
    if one is None or other is None or not _URI.fullmatch(given):
        return False
    return one["host"] == other["host"] and (one["rest"] or "/") == (other["rest"] or "/")


def is_loopback(uri: str) -> bool:
    return _LOOPBACK.fullmatch(uri) is not None


class Clients:
    def __init__(self, store: Store, clock: Clock, issuer: str = "") -> None:
        self._store = store
        self._issuer = issuer
        self._clock = clock

    async def find(self, client: str) -> TokenClient | None:
        if client in _PAGES:
            path, scope = _PAGES[client]
            pages = (f"{self._issuer}{path}",)
            return TokenClient(
                client, FIRST_PARTY[client], redirects=pages, scope=scope, grants=(CODE, REFRESH)
            )
        return BUILT_IN.get(client) or await self._store.tokens.client(client)

    async def authenticate(self, client: str, secret: str | None) -> TokenClient:
        """Raises OAuthError("invalid_client")."""
        found = await self.find(client) if _ID.fullmatch(client) else None
        known = found.secret if found is not None else b""
        right = hmac.compare_digest(known, sha256(secret.encode()).digest() if secret is not None else b"")
        # A public client has no secret; one that sends some is mistaken about what it is.
        if found is None or not right:
            raise OAuthError("invalid_client", "unknown client, or not its secret")
        return found

    async def add(
        self,
        client: str,
        name: str,
        *,
        redirects: Sequence[str] = (),
        scope: str = MAIL_SCOPE,
        grants: Sequence[str] = GRANT_TYPES,
        confidential: bool = False,
        registered_max: int = 0,
    ) -> tuple[TokenClient, str]:
        """The new client and its secret ("": public), told once.  Raises Invalid, Exists, OAuthError, OverQuota."""
        if not _ID.fullmatch(client) or client in (*BUILT_IN, *FIRST_PARTY):
            raise Invalid(Sentence("client.id"))
        if not 0 < len(name) <= NAME_MAX or not name.isprintable():
            raise Invalid(Sentence("client.name", limit=NAME_MAX))
        if len(redirects) > REDIRECTS_MAX:
            raise Invalid(Sentence("client.uri.many", limit=REDIRECTS_MAX))
        if unknown := set(grants) - set(GRANT_TYPES):
            raise Invalid(
                Sentence("client.grant", given=", ".join(sorted(unknown)), known=", ".join(GRANT_TYPES))
            )
        if registered_max and (own := parse_scope(scope).parts.keys() & set(OWN_API)):
            raise Invalid(f"scope {', '.join(sorted(own))}: only programs that the administrator adds get it")
        checked = tuple(check_redirect(uri) for uri in redirects)
        if CODE in grants and not checked:
            raise Invalid(Sentence("client.uri.none"))
        secret = "phs_" + secrets.token_urlsafe(32) if confidential else ""
        made = TokenClient(
            client,
            name,
            sha256(secret.encode()).digest() if secret else b"",
            checked,
            str(parse_scope(scope)),
            tuple(one for one in GRANT_TYPES if one in grants),
            registered_max > 0,
            self._clock.now(),
        )
        await self._store.tokens.put_client(made, registered_max=registered_max)
        return made, secret
