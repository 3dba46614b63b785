"""What clients should connect to, as this node is configured."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Final

from posthouse.app import settings
from posthouse.app.config import Config
from posthouse.core.errors import MailError
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
from posthouse.services.acme import read_state
from posthouse.storage.ports import Store

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


async def signer_of(config: Config, store: Store, now: float) -> Signer | None:
    """The certificate of our own name, from the files or by ACME, if it can be read and is good now."""
    for one in config.tls.certificates:
        if config.hostname in one.names:
            try:
                return await asyncio.to_thread(_read, config.path(one.certificate), config.path(one.key))
            except OSError as error:
                log.info("profiles for phones are not signed: %s", error)
    if not config.acme.enabled:
        return None
    try:
        found = (await read_state(store)).certificate
    except MailError as error:
        log.info("profiles for phones are not signed: %s", error.detail)
        return None
    if found is None or config.hostname not in found.names or not found.not_before <= now < found.not_after:
        return None
    return Signer(found.chain.encode(), found.key.encode())


def _read(chain: Path, key: Path) -> Signer:
    return Signer(chain.read_bytes(), key.read_bytes())
