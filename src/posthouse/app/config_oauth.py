"""The settings of the authorization server."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from posthouse.core.errors import Invalid
from posthouse.core.sentence import Sentence

Life = Annotated[float, Meta(ge=60)]


class OAuthConfig(Struct, forbid_unknown_fields=True):
    """The authorization server (OAuth 2.0, OpenID Connect): programs sign in by token instead of by password.

    It is on when the listener `https` is, or when `issuer` names a loopback address.
    """

    enabled: Annotated[bool, Meta(description="Whether programs may sign in by token at all.")] = True
    issuer: Annotated[
        str,
        Meta(
            description="Address under which browsers reach the pages, without a slash at its end; empty: "
            "`https://` and `hostname`. `http://` only for loopback, where the listener `http` shows the pages."
        ),
    ] = ""
    access_token_s: Annotated[
        Life, Meta(description="Life of an access token; programs renew it themselves.")
    ] = 3600.0
    unused_s: Annotated[
        Life, Meta(description="A program that did not renew its token for so long has to ask again.")
    ] = 90 * 86400.0
    registration: Annotated[
        bool, Meta(description="Programs may register themselves (RFC 7591), with the usual scopes.")
    ] = False
    registered_max: Annotated[int, Meta(ge=1, description="How many may.")] = 100
    resources: Annotated[
        list[str],
        Meta(
            description="Addresses of other services that tokens may be asked for (RFC 8707); they verify them by "
            "introspection, and such tokens open no mail."
        ),
    ] = []


def verify_oauth(config: OAuthConfig) -> None:
    """Raises Invalid."""
    for where, text in [("issuer", config.issuer), *(("resources", one) for one in config.resources)]:
        if not text:
            continue
        parts = urlsplit(text)
        local = parts.hostname in ("127.0.0.1", "::1", "localhost")
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
            wanted = "https://HOST, https://HOST:PORT"
            raise Invalid(Sentence("config.url", setting=f"oauth.{where}", given=text, wanted=wanted))
        if where == "issuer" and (text.endswith("/") or parts.path):
            raise Invalid(Sentence("config.issuer.path", given=text))
        if where == "issuer" and parts.scheme == "http" and not local:
            raise Invalid(Sentence("config.issuer.clear", given=text))
