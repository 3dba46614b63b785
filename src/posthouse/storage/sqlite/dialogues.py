"""Kept dialogues: a database of their own beside the mail, shared by the workers, never synced.

One thread of the worker reads and writes it, so that the event loop never waits for its lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw
import msgspec

from posthouse.core.errors import Unavailable
from posthouse.lens import Line
from posthouse.storage.dialogues import Dialogue, Said
from posthouse.storage.sqlite.connection import translate

T = TypeVar("T")
NAME: Final = "lens.db"
BUSY_MS: Final = 2000
_SCHEMA: Final = """
create table if not exists dialogue (
    id text primary key, account text not null, service text not null, began real not null, ended real not null,
    facts blob not null
) without rowid;
create index if not exists dialogue_began on dialogue (began);
create table if not exists said (
    dialogue text not null, number int not null, at real not null, line blob not null, text text not null,
    primary key (dialogue, number)
) without rowid;
"""
_DIALOGUE: Final = msgspec.msgpack.Decoder(Dialogue)
_LINE: Final = msgspec.msgpack.Decoder(Line)
_encode: Final = msgspec.msgpack.Encoder().encode


class SqliteDialogues:
    """Implements `storage.dialogues.Dialogues` on `DIRECTORY/lens.db`.

    `create`: it is made when first needed; who only looks makes nothing, and sees nothing while it is missing.
    """

    def __init__(self, directory: Path, *, create: bool) -> None:
        self._path = directory / NAME
        self._create = create
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lens")
        self._connection: apsw.Connection | None = None

    async def _run(self, work: Callable[[apsw.Connection], T]) -> T:
        def run() -> T:
            try:
                return work(self._opened())
            except (apsw.Error, OSError) as error:
                raise translate(error) or Unavailable(str(error)) from error

        return await asyncio.get_running_loop().run_in_executor(self._thread, run)

    def _opened(self) -> apsw.Connection:
        if self._connection is None:
            if not self._create and not self._path.exists():
                nothing = apsw.Connection(":memory:")
                nothing.execute(_SCHEMA)
                return nothing
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(0o600)
            connection = apsw.Connection(str(self._path))
            connection.set_busy_timeout(BUSY_MS)
            connection.pragma("journal_mode", "wal")
            connection.pragma("synchronous", "OFF")
            connection.execute(_SCHEMA)
            self._connection = connection
        return self._connection

    async def write(self, dialogues: Sequence[Dialogue], said: Sequence[tuple[str, Said]]) -> None:
        heads = [(d.id, d.account, d.service, d.began, d.ended, _encode(d)) for d in dialogues]
        rows = [(name, one.number, one.at, _encode(one.line), one.line.text) for name, one in said]

        def work(connection: apsw.Connection) -> None:
            with connection:
                connection.executemany("insert or replace into dialogue values (?, ?, ?, ?, ?, ?)", heads)
                connection.executemany("insert or ignore into said values (?, ?, ?, ?, ?)", rows)

        await self._run(work)

    async def listed(
        self, *, account: str | None, service: str | None, before: float, limit: int
    ) -> list[Dialogue]:
        def work(connection: apsw.Connection) -> list[Dialogue]:
            rows: Iterable[tuple[Any, ...]] = connection.execute(
                "select facts from dialogue where began < ? and (?2 is null or account = ?2) "
                "and (?3 is null or service = ?3) order by began desc limit ?4",
                (before, account, service, limit),
            )
            return [_DIALOGUE.decode(facts) for (facts,) in rows]

        return await self._run(work)

    async def find(self, name: str) -> Dialogue | None:
        def work(connection: apsw.Connection) -> Dialogue | None:
            rows: list[tuple[Any, ...]] = connection.execute(
                "select facts from dialogue where id = ?", (name,)
            ).fetchall()
            return _DIALOGUE.decode(rows[0][0]) if rows else None

        return await self._run(work)

    async def lines(self, name: str, *, after: int, limit: int) -> list[Said]:
        def work(connection: apsw.Connection) -> list[Said]:
            rows: Iterable[tuple[Any, ...]] = connection.execute(
                "select number, at, line from said where dialogue = ? and number > ? order by number limit ?",
                (name, after, limit),
            )
            return [Said(number, at, _LINE.decode(line)) for number, at, line in rows]

        return await self._run(work)

    async def search(self, text: str, *, since: float, limit: int) -> list[Dialogue]:
        def work(connection: apsw.Connection) -> list[Dialogue]:
            rows: Iterable[tuple[Any, ...]] = connection.execute(
                "select facts from dialogue where began >= ? and exists (select 1 from said "
                "where said.dialogue = dialogue.id and instr(said.text, ?) > 0) order by began limit ?",
                (since, text, limit),
            )
            return [_DIALOGUE.decode(facts) for (facts,) in rows]

        return await self._run(work)

    async def trim(self, *, keep: int, since: float) -> None:
        def work(connection: apsw.Connection) -> None:
            with connection:
                gone: list[tuple[Any, ...]] = connection.execute(
                    "select id from dialogue where ended between 0.001 and ? union "
                    "select id from (select id from dialogue order by began desc limit -1 offset ?)",
                    (since, keep),
                ).fetchall()
                connection.executemany("delete from said where dialogue = ?", gone)
                connection.executemany("delete from dialogue where id = ?", gone)

        await self._run(work)

    def close(self) -> None:
        def work() -> None:
            if self._connection is not None:
                self._connection.close()

        self._thread.submit(work)
        self._thread.shutdown(wait=True)
