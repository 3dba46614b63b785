"""PostgreSQL: one query that yields the hash of a password, and perhaps a name, of an address (`asyncpg`, an extra).

Each question has a connection of its own, for reading only and with a time limit that the server keeps: answers are
remembered by who asks (`services.signin`), so questions are few.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import asyncpg
from msgspec import Struct

from posthouse.client.directory import Person
from posthouse.core.discreet import Discreet
from posthouse.core.errors import Unavailable

# `::text` is a cast, and what stands in quotes is a text.
_NAME: Final = re.compile(r"'(?:[^']|'')*'|(?<!:):(address|local|domain)\b")
LOCAL: Final = ("", "localhost", "127.0.0.1", "::1")


class PostgresSettings(Discreet, Struct, frozen=True):
    url: str  # postgresql://USER@HOST[:PORT]/DATABASE[?host=/DIRECTORY]
    query: str  # with :address, :local, :domain; columns: hash[, name]
    password: str = ""
    ca_file: str = ""
    timeout_s: float = 5.0


def where(url: str) -> tuple[str, bool]:
    """(host or directory of the socket, whether that is this machine)."""
    parts = urlsplit(url)
    host = parse_qs(parts.query).get("host", [parts.hostname or ""])[0]
    return host, host in LOCAL or host.startswith("/")


class PostgresSource:
    def __init__(self, settings: PostgresSettings) -> None:
        self._settings = settings
        host, local = where(settings.url)
        self._place = f"postgresql://{host}"
        # Hashes must not cross a network in clear text, nor come from somebody else.
        self._tls = None if local else ssl.create_default_context(cafile=settings.ca_file or None)
        self._names: list[str] = []
        self._query = _NAME.sub(self._number, settings.query)

    def _number(self, found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return found[0]
        if name not in self._names:
            self._names.append(name)
        return f"${self._names.index(name) + 1}"

    def check(self, address: str, password: str) -> Person | None:
        """The hash is for the caller to verify.  In a thread."""
        if not password or "\0" in address:
            return None
        local, _, domain = address.rpartition("@")
        values = {"address": address, "local": local, "domain": domain}
        try:
            rows = asyncio.run(self._ask([values[name] for name in self._names]))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
            raise Unavailable(f"{self._place}: {type(error).__name__}: {error}") from error
        if len(rows) != 1:  # two people of one address are nobody
            return None
        found, name = (*rows[0], "")[:2]
        if not isinstance(found, str) or not found:
            return None
        return Person(str(name or ""), found)

    async def _ask(self, values: list[str]) -> list[Any]:
        settings = self._settings
        async with asyncio.timeout(2 * settings.timeout_s):
            connection = await asyncpg.connect(
                settings.url,
                password=settings.password or None,
                ssl=self._tls or False,
                timeout=settings.timeout_s,
                command_timeout=settings.timeout_s,
                statement_cache_size=0,  # a pooler in between may give each statement to another server
                server_settings={
                    "application_name": "posthouse",
                    "default_transaction_read_only": "on",
                    "statement_timeout": str(int(settings.timeout_s * 1000)),
                },
            )
            try:
                async with connection.transaction(readonly=True):
                    cursor = await connection.cursor(self._query, *values)
                    return list(await cursor.fetch(2))
            finally:
                connection.terminate()
