"""SQL: one query that yields the hash of a password, and perhaps a name, of an address.

SQLite files are opened for reading; a query that takes too long is stopped.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from msgspec import Struct

from posthouse.client.directory import Person
from posthouse.core.errors import Unavailable
from posthouse.core.lazy import lazy

if TYPE_CHECKING:
    import sqlite3
else:
    sqlite3 = lazy("sqlite3")

STEPS: Final = 10_000
"""Instructions of SQLite between two looks at the clock."""


class SqlSettings(Struct, frozen=True):
    database: Path
    query: str  # with :address, :local, :domain; columns: hash[, name]
    timeout_s: float = 5.0


class SqlSource:
    def __init__(self, settings: SqlSettings) -> None:
        self._settings = settings

    def check(self, address: str, password: str) -> Person | None:
        """The hash is for the caller to verify."""
        if not password:
            return None
        settings = self._settings
        local, _, domain = address.rpartition("@")
        values = {"address": address, "local": local, "domain": domain}
        deadline = time.monotonic() + settings.timeout_s
        try:
            uri = f"file:{quote(str(settings.database))}?mode=ro"
            connection = sqlite3.connect(uri, uri=True, timeout=settings.timeout_s)
            try:
                connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
                rows = connection.execute(settings.query, values).fetchmany(2)
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise Unavailable(f"{settings.database}: {error}") from error
        if len(rows) != 1:  # two people of one address are nobody
            return None
        found, name = (*rows[0], "")[:2]
        if not isinstance(found, str) or not found:
            return None
        return Person(str(name or ""), found)
