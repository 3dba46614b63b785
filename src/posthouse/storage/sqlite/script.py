"""Sieve scripts, and the keys they remember."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from posthouse.core.errors import Conflict, Exists, NotFound, OverQuota
from posthouse.core.ids import AccountId
from posthouse.core.sentence import Sentence
from posthouse.storage.rows import SieveScript
from posthouse.storage.sqlite.ledger import Ledger
from posthouse.storage.sqlite.reads import Reader
from posthouse.storage.sqlite.requests import (
    ActivateScript,
    AnyRequest,
    DeleteScript,
    PutScript,
    Remember,
    RenameScript,
)

_SELECT: Final = "SELECT account, name, content, active, changed_at, id FROM sieve_script WHERE account = ?"


def put_script(ledger: Ledger, request: PutScript) -> None:
    one = request.script
    ledger.account(one.account)
    ledger.execute(
        "INSERT INTO sieve_script (account, name, content, active, changed_at) VALUES (?, ?, ?, 0, ?)"
        " ON CONFLICT (account, name) DO UPDATE SET content = excluded.content, changed_at = excluded.changed_at",
        (one.account, one.name, one.content, one.changed_at),
    )
    [(count,)] = ledger.execute(
        "SELECT count(*) FROM sieve_script WHERE account = ?", (one.account,)
    ).fetchall()
    if count > request.count_max:
        raise OverQuota(f"more than {request.count_max} scripts")
    ledger.hint("directory", one.account)


def rename_script(ledger: Ledger, request: RenameScript) -> None:
    taken = "SELECT 1 FROM sieve_script WHERE account = ? AND name = ?"
    if (
        request.name != request.new_name
        and ledger.execute(taken, (request.account, request.new_name)).fetchall()
    ):
        raise Exists(Sentence("script.exists", name=repr(request.new_name)))
    sql = "UPDATE sieve_script SET name = ? WHERE account = ? AND name = ? RETURNING 1"
    if not ledger.execute(sql, (request.new_name, request.account, request.name)).fetchall():
        raise NotFound(Sentence("script.none", name=repr(request.name)))
    ledger.hint("directory", request.account)


def delete_script(ledger: Ledger, request: DeleteScript) -> None:
    found = ledger.execute(
        "SELECT active FROM sieve_script WHERE account = ? AND name = ?", (request.account, request.name)
    ).fetchall()
    if not found:
        raise NotFound(Sentence("script.none", name=repr(request.name)))
    if found[0][0]:
        raise Conflict(Sentence("script.active", name=repr(request.name)))
    ledger.execute("DELETE FROM sieve_script WHERE account = ? AND name = ?", (request.account, request.name))
    ledger.hint("directory", request.account)


def activate_script(ledger: Ledger, request: ActivateScript) -> None:
    if request.name is not None:
        sql = "SELECT 1 FROM sieve_script WHERE account = ? AND name = ?"
        if not ledger.execute(sql, (request.account, request.name)).fetchall():
            raise NotFound(Sentence("script.none", name=repr(request.name)))
    ledger.execute("UPDATE sieve_script SET active = 0 WHERE account = ? AND active", (request.account,))
    ledger.execute(
        "UPDATE sieve_script SET active = 1 WHERE account = ? AND name IS ?", (request.account, request.name)
    )
    ledger.hint("directory", request.account)


def remember(ledger: Ledger, request: Remember) -> None:
    ledger.account(request.account)
    ledger.execute(
        "DELETE FROM remembered WHERE account = ? AND expires_at <= ?", (request.account, request.now)
    )
    for key, expires_at in request.keys:
        ledger.execute(
            "INSERT OR REPLACE INTO remembered (account, key, expires_at) VALUES (?, ?, ?)",
            (request.account, key, expires_at),
        )
    ledger.execute(
        "DELETE FROM remembered WHERE account = ?1 AND key IN (SELECT key FROM remembered WHERE account = ?1"
        " ORDER BY expires_at DESC LIMIT -1 OFFSET ?2)",
        (request.account, request.count_max),
    )


def _script(row: tuple[Any, ...]) -> SieveScript:
    account, name, content, active, changed_at, number = row
    return SieveScript(account, name, content, bool(active), changed_at, number)


class SqliteScripts:
    """`ports.Scripts`."""

    def __init__(self, reader: Reader, submit: Callable[[AnyRequest], asyncio.Future[Any]]) -> None:
        self._reader = reader
        self._submit = submit

    async def of_account(self, account: AccountId) -> list[SieveScript]:
        return [_script(row) for row in self._reader.rows(_SELECT + " ORDER BY name", (account,))]

    async def active(self, account: AccountId) -> SieveScript | None:
        row = self._reader.row(_SELECT + " AND active", (account,))
        return None if row is None else _script(row)

    async def put(self, script: SieveScript, *, count_max: int) -> None:
        await self._submit(PutScript(script, count_max))

    async def rename(self, account: AccountId, name: str, new_name: str) -> None:
        await self._submit(RenameScript(account, name, new_name))

    async def delete(self, account: AccountId, name: str) -> None:
        await self._submit(DeleteScript(account, name))

    async def activate(self, account: AccountId, name: str | None) -> None:
        await self._submit(ActivateScript(account, name))

    async def remembered(self, account: AccountId, now: float) -> frozenset[str]:
        sql = "SELECT key FROM remembered WHERE account = ? AND expires_at > ?"
        return frozenset(key for (key,) in self._reader.rows(sql, (account, now)))

    async def remember(
        self, account: AccountId, keys: Sequence[tuple[str, float]], now: float, *, count_max: int
    ) -> None:
        await self._submit(Remember(account, list(keys), now, count_max))
