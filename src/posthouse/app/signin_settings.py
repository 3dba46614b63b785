"""How passwords are hashed and judged, from the configuration; apart, because commands about accounts need no more."""

from __future__ import annotations

import os

from msgspec.structs import replace

from posthouse.app.config import Config, ConfigError
from posthouse.core.errors import Invalid
from posthouse.core.sentence import Sentence, reason
from posthouse.services.countries import Countries
from posthouse.services.passwords import HashSettings, read_pepper
from posthouse.services.signin import SignInSettings


def signin_settings(config: Config) -> SignInSettings:
    """Raises ConfigError when the pepper cannot be read."""
    processors = os.cpu_count() or 1
    # The workers together hash on as many threads as there are processors: more would only wait for each other.
    chosen = SignInSettings(
        threads=max(1, processors // (config.workers or processors)), cram_md5=config.signin.cram_md5
    )
    if not config.signin.pepper_file:
        return chosen
    path = config.path(config.signin.pepper_file)
    try:
        return replace(chosen, hashing=HashSettings(pepper=read_pepper(path)))
    except OSError as error:
        raise ConfigError(Sentence("config.pepper.missing", path=path, reason=reason(error))) from error
    except Invalid as error:
        raise ConfigError(Sentence("config.pepper", problem=error.sentence)) from error


def countries(config: Config) -> Countries | None:
    """None: there are to be none.  Takes a second for half a million lines.  Raises ConfigError."""
    if not config.signin.country_file:
        return None
    path = config.path(config.signin.country_file)
    try:
        return Countries.read(path)
    except OSError as error:
        raise ConfigError(Sentence("config.countries", path=path, problem=reason(error))) from error
    except Invalid as error:
        raise ConfigError(Sentence("config.countries", path=path, problem=error.sentence)) from error
