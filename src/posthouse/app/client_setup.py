"""What clients should connect to, as this node is configured."""

from __future__ import annotations

import logging
from typing import Final

from posthouse.app import settings
from posthouse.app.config import Config
from posthouse.http.client_setup.formats import (
    IMAP,
    POP3,
    SIEVE,
    SMTP,
    STARTTLS,
    TLS,
    Service,
    Services,
)
from posthouse.http.client_setup.routes import Signer
from posthouse.servers.listen_address import parse_listen_address

log = logging.getLogger(__name__)
_LISTENERS: Final = (
    # RFC 8314 §3: TLS from the first octet before STARTTLS.
    ("imaps", IMAP, TLS),
    ("imap", IMAP, STARTTLS),
    ("submissions", SMTP, TLS),
    ("submission", SMTP, STARTTLS),
    ("pop3s", POP3, TLS),
    ("pop3", POP3, STARTTLS),
    ("managesieve", SIEVE, STARTTLS),
)


def services_of(config: Config) -> Services:
    found = []
    for name, kind, security in _LISTENERS:
        listener = getattr(config.listeners, name)
        ports = [one.port for text in listener.addresses for one in parse_listen_address(text) if one.port]
        if listener.enabled and ports:
            found.append(Service(kind, ports[0], security))
    oauth = settings.oauth_settings(config)
    return Services(config.hostname, oauth.issuer if oauth is not None else "", tuple(found))


def signer_of(config: Config) -> Signer | None:
    """The certificate of our own name from the files, if it can be read."""
    for one in config.tls.certificates:
        if config.hostname in one.names:
            try:
                return Signer(config.path(one.certificate).read_bytes(), config.path(one.key).read_bytes())
            except OSError as error:
                log.info("profiles for phones are not signed: %s", error)
    return None
