"""The settings of outside providers of identity."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from posthouse.core.errors import Invalid
from posthouse.core.sentence import Sentence


class ProviderConfig(Struct, forbid_unknown_fields=True, kw_only=True):
    """Sign-in at our pages by somebody else's word. Register `ISSUER/oauth/back/NAME` there as redirect URI.

    Whom the provider vouches for is asked for no second step here: that is the provider's.
    """

    name: Annotated[str, Meta(description="Short name, part of the redirect URI.")]
    label: Annotated[str, Meta(description="What the button says.")] = ""
    preset: Annotated[
        Literal["oidc", "keycloak", "entra", "google", "feishu", "wecom"],
        Meta(description="What kind of provider it is; `oidc`: any with OpenID Connect."),
    ] = "oidc"
    issuer: Annotated[
        str,
        Meta(
            description="`https://HOST/realms/REALM` of Keycloak, `https://login.microsoftonline.com/TENANT/v2.0` of "
            "Entra (one tenant, not `common`); not needed for Google, Feishu and WeCom."
        ),
    ] = ""
    client_id: Annotated[str, Meta(description="Our id there; the corp id of WeCom.")]
    client_secret_file: Annotated[str, Meta(description="File with our secret there.")] = ""
    agent_id: Annotated[str, Meta(description="WeCom: the id of the application.")] = ""
    domains: Annotated[list[str], Meta(min_length=1, description="Whose accounts it may sign in.")]
    provision: Annotated[
        bool, Meta(description="Make the account at the first sign-in of somebody the provider knows.")
    ] = False


def verify_provider(one: ProviderConfig) -> None:
    """Raises Invalid."""
    if not re.fullmatch(r"[a-z0-9-]{1,32}", one.name):
        raise Invalid(Sentence("config.provider.name", given=repr(one.name)))
    if one.preset in ("oidc", "keycloak", "entra"):
        parts = urlsplit(one.issuer)
        local = parts.hostname in ("127.0.0.1", "::1", "localhost")
        if not parts.hostname or (parts.scheme != "https" and not local):
            given = repr(one.issuer)
            raise Invalid(
                Sentence("config.url", setting="providers.issuer", given=given, wanted="https://...")
            )
    if one.preset == "entra" and re.search(r"/(common|organizations|consumers)/", one.issuer):
        raise Invalid(Sentence("config.provider.tenant"))
    if one.preset == "wecom" and not one.agent_id:
        raise Invalid(Sentence("config.provider.agent"))
