"""Outside providers of identity, from the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.app.config import Config, read_secret
from posthouse.app.config_provider import ProviderConfig
from posthouse.app.trust import trusting
from posthouse.client.provider import Provider, ProviderSettings
from posthouse.core.lazy import lazy

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy("httpx")

TIMEOUT_S = 10.0


def providers(config: Config) -> list[Provider]:
    """Raises ConfigError."""
    if not config.providers:
        return []
    verify = trusting(config, "tls.ca_file", config.tls.ca_file)

    def connect() -> httpx.AsyncClient:
        return httpx.AsyncClient(verify=verify, timeout=TIMEOUT_S)

    return [Provider(_settings(config, one), connect) for one in config.providers]


def _settings(config: Config, one: ProviderConfig) -> ProviderSettings:
    secret = read_secret(config, "providers.client_secret_file", one.client_secret_file)
    return ProviderSettings(
        one.name,
        one.label or one.name,
        one.preset,
        one.issuer,
        one.client_id,
        secret,
        tuple(domain.lower() for domain in one.domains),
        one.provision,
        one.agent_id,
    )
