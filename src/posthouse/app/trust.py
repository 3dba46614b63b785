"""Whom we trust when we ask others by TLS, from the configuration."""

from __future__ import annotations

import ssl

from posthouse.app.config import Config, ConfigError
from posthouse.core.sentence import Sentence, reason


def trusting(config: Config, setting: str, file: str) -> ssl.SSLContext:
    """A client's context that trusts the authorities in a file, or those of the system.  Raises ConfigError."""
    path = str(config.path(file)) if file else None
    try:
        return ssl.create_default_context(cafile=path)
    except ssl.SSLError as error:
        why: object = error.reason or error
    except OSError as error:
        why = reason(error)
    raise ConfigError(Sentence("config.file.authorities", setting=setting, path=path, reason=why))
