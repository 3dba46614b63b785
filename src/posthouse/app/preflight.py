"""Everything that a configuration names outside of itself, tried before a node starts or takes it on.

So what is missing is told by the command that was given, in its user's language, and not by a child in the log.
"""

from __future__ import annotations

from posthouse.app import directories, settings
from posthouse.app.acme import eab_of
from posthouse.app.config import Config
from posthouse.app.providers import providers
from posthouse.app.signin_settings import countries, signin_settings
from posthouse.app.trust import trusting
from posthouse.core.ports import SystemClock
from posthouse.openssl.tickets import KeyRing
from posthouse.servers.process import Identity, acting_as
from posthouse.servers.tls import Contexts, make_contexts


def preflight(config: Config, ring: KeyRing | None, identity: Identity | None) -> Contexts | None:
    """The server contexts.  Raises ConfigError, TlsError."""
    made = make_contexts(settings.tls_settings(config), ring)
    settings.ticket_file(config)
    settings.routes(config)
    with acting_as(identity):  # workers read these, as their own user
        signin_settings(config)
        settings.dns_resolver(config, SystemClock())
        directories.verify_sources(config)
        providers(config)
        _verify_authorities(config)
    return made


def verify_optional(config: Config, identity: Identity | None) -> None:
    """What a node starts and goes on without, saying so in its log.  Raises ConfigError."""
    with acting_as(identity):
        countries(config)


def _verify_authorities(config: Config) -> None:
    if config.tls.ca_file:
        trusting(config, "tls.ca_file", config.tls.ca_file)
    if config.acme.enabled:
        eab_of(config)
        if config.acme.ca_file:
            trusting(config, "acme.ca_file", config.acme.ca_file)
