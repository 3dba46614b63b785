"""Outside providers of identity, from the configuration."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from posthouse.app.config import Config, ConfigError
from posthouse.app.config_provider import ProviderConfig
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
    verify = ssl.create_default_context(
        cafile=str(config.path(config.tls.ca_file)) if config.tls.ca_file else None
    )

    def connect() -> httpx.AsyncClient:
        return httpx.AsyncClient(verify=verify, timeout=TIMEOUT_S)

    return [Provider(_settings(config, one), connect) for one in config.providers]


def _settings(config: Config, one: ProviderConfig) -> ProviderSettings:
    secret = ""
    if one.client_secret_file:
        path = config.path(one.client_secret_file)
        try:
            secret = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(f"providers.client_secret_file: {path}: {error.strerror}") from error
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
