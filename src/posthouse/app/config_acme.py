"""The settings of certificates by ACME."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from posthouse.core.errors import Invalid
from posthouse.core.sentence import Sentence

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"


class AcmeConfig(Struct, forbid_unknown_fields=True):
    """A certificate that renews itself (RFC 8555). Until the first one is there, a self-signed one stands in."""

    enabled: Annotated[
        bool, Meta(description="Switching it on means that you accept the terms of the authority.")
    ] = False
    directory: Annotated[str, Meta(description="Where the authority's directory is.")] = LETS_ENCRYPT
    email: Annotated[str, Meta(description="Whom the authority may write to.")] = ""
    names: Annotated[list[str], Meta(description="Names of the certificate; empty: `hostname`.")] = []
    challenge: Annotated[
        Literal["http-01", "tls-alpn-01", "dns-01"],
        Meta(
            description="How the names are proven: over port 80 (`listeners.challenge`), over port 443 "
            "(`listeners.https`), or in DNS (`dns_hook`; the only one for `*.example.org`)."
        ),
    ] = "http-01"
    dns_hook: Annotated[
        str,
        Meta(
            description="Program that is called with `add` or `remove`, the name of the TXT record and its value, and "
            "returns when the record can be seen."
        ),
    ] = ""
    ca_file: Annotated[
        str, Meta(description="PEM file with the CA of the authority's own server; empty: the system's.")
    ] = ""
    eab_key_id: Annotated[str, Meta(description="Of an account at the authority, where it wants one.")] = ""
    eab_key_file: Annotated[str, Meta(description="File with its key (base64url).")] = ""


def verify_acme(config: AcmeConfig, *, challenge: bool, https: bool) -> None:
    """`challenge`, `https`: the listener is on.  Raises Invalid."""
    if not config.enabled:
        return
    parts = urlsplit(config.directory)
    if parts.scheme != "https" or not parts.hostname:
        raise Invalid(
            Sentence("config.url", setting="acme.directory", given=config.directory, wanted="https://...")
        )
    if config.challenge == "http-01" and not challenge:
        raise Invalid(Sentence("config.acme.http"))
    if config.challenge == "tls-alpn-01" and not https:
        raise Invalid(Sentence("config.acme.alpn"))
    if config.challenge == "dns-01" and not config.dns_hook:
        raise Invalid(Sentence("config.acme.dns"))
    if config.challenge != "dns-01" and any(name.startswith("*") for name in config.names):
        raise Invalid(Sentence("config.acme.wildcard"))
    if bool(config.eab_key_id) != bool(config.eab_key_file):
        raise Invalid(Sentence("config.acme.eab"))
