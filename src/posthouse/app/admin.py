"""What a command needs of a node: its configuration, and its store through whoever writes it at the moment.

With a running node, writes go through its writer process, so they take effect at once; without one, the command is
the writer itself, as the node's user, so that the files stay the node's.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from posthouse.app.config import Config, ConfigError, load_config
from posthouse.core.sentence import Sentence
from posthouse.servers.process import close_to_others, drop_privileges, find_identity, give_directory
from posthouse.storage.ports import Store
from posthouse.storage.sqlite import open_store

T = TypeVar("T")
ENVIRONMENT: Final = "POSTHOUSE_CONFIG"
PLACES: Final = ("posthouse.toml", "/etc/posthouse/posthouse.toml")


def find_config(given: str | None) -> Path:
    """The file named, else of the environment, else the first of the usual places.  Raises ConfigError."""
    if given or (given := os.environ.get(ENVIRONMENT)):
        return Path(given).absolute()
    for place in PLACES:
        if Path(place).exists():
            return Path(place).absolute()
    raise ConfigError(Sentence("config.none", places=", ".join(PLACES), variable=ENVIRONMENT))


def with_store(given: str | None, action: Callable[[Store, Config], Awaitable[T]]) -> T:
    """Open the store of a configuration, run the action, close it."""
    config = load_config(find_config(given))
    return run_with_store(config, action)


def run_with_store(config: Config, action: Callable[[Store, Config], Awaitable[T]]) -> T:
    identity = find_identity(config.user)
    close_to_others()
    give_directory(config.data_path, identity)
    if identity is not None:
        drop_privileges(identity)

    async def run() -> Any:
        store = await open_store(config.data_path, role="auto")
        try:
            return await action(store, config)
        finally:
            await store.close()

    gc.enable()  # all is imported
    result: T = asyncio.run(run())
    return result
