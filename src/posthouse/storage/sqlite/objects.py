"""Objects of accounts: put, read, and what changed since."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec.json import encode as json_encode

from posthouse.core.errors import Conflict, NotFound, OverQuota
from posthouse.core.ids import AccountId
from posthouse.storage.email_rows import ObjectsPut, StoredObject
from posthouse.storage.rows import Hint
from posthouse.storage.sqlite.email_requests import PutObjects
from posthouse.storage.sqlite.ledger import Ledger
from posthouse.storage.sqlite.requests import AnyRequest

if TYPE_CHECKING:
    from posthouse.storage.sqlite.reads import Reader

REMOVED_KEPT: Final = 500
"""Removed objects of a kind that an account remembers."""
_SELECT: Final = "SELECT kind, id, value, account, modseq, created, ref FROM object"
_object: Final[Callable[..., StoredObject]] = StoredObject


def add_object(ledger: Ledger, one: StoredObject, ref: int) -> int:
    """A new object, with the other changes of a delivery; its id."""
    account = ledger.account(one.account)
    account.modseq += 1
    ledger.touch(account)
    number = ledger.take_id("object")
    ledger.rows["object"].append(
        (one.account, one.kind, number, account.modseq, account.modseq, ref, one.value)
    )
    hint_objects(ledger, one.account, one.kind, account.modseq)
    return number


def touch_of_queue(ledger: Ledger, entry: int) -> None:
    """What belongs to an entry of the queue is told as changed: what became of that letter did."""
    rows = ledger.execute(
        "SELECT account, kind, id FROM object WHERE ref = ? AND ref != 0 AND value IS NOT NULL", (entry,)
    )
    for account, kind, number in rows.fetchall():
        _touch(ledger, account, kind, [number])


def touch_of_thread(ledger: Ledger, account: AccountId, kind: str, thread: int) -> None:
    """What belongs to a conversation is told as changed; its value says to which, in JSON."""
    ledger.flush()
    rows = ledger.execute(
        "SELECT id FROM object WHERE account = ?1 AND kind = ?2 AND value IS NOT NULL"
        " AND json_extract(CAST(value AS TEXT), '$.thread') = ?3",
        (account, kind, thread),
    ).fetchall()
    if rows:
        _touch(ledger, account, kind, [number for (number,) in rows])


def _touch(ledger: Ledger, number: AccountId, kind: str, ids: list[int]) -> None:
    account = ledger.account(number)
    account.modseq += 1
    ledger.touch(account)
    ledger.executemany(
        "UPDATE object SET modseq = ? WHERE account = ? AND kind = ? AND id = ?",
        [(account.modseq, number, kind, one) for one in ids],
    )
    hint_objects(ledger, number, kind, account.modseq)


def keep_newest(ledger: Ledger, account: AccountId, kind: str, count: int) -> None:
    """Of the objects of a kind, with those that were added just now; the others are removed."""
    ledger.flush()
    ledger.execute(
        "UPDATE object SET value = NULL, modseq = ?3 WHERE account = ?1 AND kind = ?2 AND value IS NOT NULL AND id <="
        " (SELECT id FROM object WHERE account = ?1 AND kind = ?2 AND value IS NOT NULL ORDER BY id DESC LIMIT 1"
        " OFFSET ?4)",
        (account, kind, ledger.account(account).modseq, count),
    )


def hint_objects(ledger: Ledger, account: AccountId, kind: str, modseq: int) -> None:
    ledger.hints[f"objects {kind}", account, 0] = Hint("objects", account, modseq=modseq, what=kind)


def put_objects(ledger: Ledger, request: PutObjects) -> ObjectsPut:
    account = ledger.account(request.account)
    before = account.modseq
    if request.if_modseq is not None and request.if_modseq != before:
        raise Conflict(f"account {account.id} is at {before}")
    ids = []
    account.modseq += 1
    ledger.touch(account)
    for one in request.objects:
        if one.id:
            done = ledger.execute(
                "UPDATE object SET value = ?, modseq = ? WHERE account = ? AND kind = ? AND id = ?"
                " AND value IS NOT NULL RETURNING 1",
                (one.value, account.modseq, account.id, one.kind, one.id),
            ).fetchall()
            if not done:
                raise NotFound(f"{one.kind} {one.id}")
            number = one.id
        else:
            number = ledger.take_id("object")
            ledger.execute(
                "INSERT INTO object (account, kind, id, modseq, created, ref, value) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (account.id, one.kind, number, account.modseq, account.modseq, one.ref, one.value),
            )
        ids.append(number)
    for kind in {one.kind for one in request.objects}:
        _bound(ledger, request, kind)
        hint_objects(ledger, request.account, kind, account.modseq)
    return ObjectsPut(ids, account.modseq, before)


def _bound(ledger: Ledger, request: PutObjects, kind: str) -> None:
    account = request.account
    [(count, removed)] = ledger.execute(
        "SELECT count(value), count(*) - count(value) FROM object WHERE account = ? AND kind = ?",
        (account, kind),
    ).fetchall()
    if count > request.count_max and any(not one.id and one.kind == kind for one in request.objects):
        raise OverQuota(f"more than {request.count_max} of {kind}")
    if removed > REMOVED_KEPT:
        rows = ledger.execute(
            "DELETE FROM object WHERE account = ?1 AND kind = ?2 AND value IS NULL AND id IN (SELECT id FROM object"
            " WHERE account = ?1 AND kind = ?2 AND value IS NULL ORDER BY modseq LIMIT ?3) RETURNING modseq",
            (account, kind, removed - REMOVED_KEPT // 2),
        ).fetchall()
        forgotten = max(modseq for (modseq,) in rows)
        ledger.execute("UPDATE account SET history = max(history, ?) WHERE id = ?", (forgotten, account))


class SqliteObjects:
    """`email_ports.Objects`."""

    def __init__(self, reader: Reader, submit: Callable[[AnyRequest], asyncio.Future[Any]]) -> None:
        self._reader = reader
        self._submit = submit

    async def get(
        self, account: AccountId, kind: str, ids: Sequence[int] | None = None
    ) -> tuple[int, list[StoredObject]]:
        with self._reader.snapshot_of(account) as (modseq, _):
            if ids is None:
                rows = self._reader.rows(
                    f"{_SELECT} WHERE account = ? AND kind = ? AND value IS NOT NULL ORDER BY id",
                    (account, kind),
                )
            else:
                rows = self._reader.rows(
                    f"{_SELECT} WHERE account = ? AND kind = ? AND value IS NOT NULL"  # noqa: S608
                    " AND id IN (SELECT value FROM json_each(?)) ORDER BY id",
                    (account, kind, json_encode(list(ids)).decode()),
                )
        return modseq, [_object(*row) for row in rows]

    async def changes(self, account: AccountId, kind: str, since: int) -> tuple[int, int, list[StoredObject]]:
        with self._reader.snapshot_of(account) as (modseq, history):
            rows = self._reader.rows(
                f"{_SELECT} WHERE account = ? AND kind = ? AND modseq > ? ORDER BY modseq, id",
                (account, kind, since),
            )
        return modseq, history, [_object(*row) for row in rows]

    async def changed_kinds(self, account: AccountId, kinds: Sequence[str], since: int) -> list[str]:
        rows = self._reader.rows(
            "SELECT w.value FROM json_each(?) w WHERE EXISTS"
            " (SELECT 1 FROM object o WHERE o.account = ? AND o.kind = w.value AND o.modseq > ?)",
            (json_encode(list(kinds)).decode(), account, since),
        )
        return [kind for (kind,) in rows]

    async def put(
        self,
        account: AccountId,
        objects: Sequence[StoredObject],
        *,
        if_modseq: int | None = None,
        count_max: int = 1000,
    ) -> ObjectsPut:
        done: ObjectsPut = await self._submit(PutObjects(account, list(objects), if_modseq, count_max))
        return done

    async def everywhere(self, kind: str) -> list[StoredObject]:
        rows = self._reader.rows(
            f"{_SELECT} WHERE kind = ? AND value IS NOT NULL ORDER BY account, id", (kind,)
        )
        return [_object(*row) for row in rows]
