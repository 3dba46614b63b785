"""Claims and notes read, and asked of the writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec.json import encode

from posthouse.core.ids import AccountId
from posthouse.storage.sqlite.claim import SELECT_CLAIM
from posthouse.storage.sqlite.note import SELECT_NOTE, note_from
from posthouse.storage.sqlite.requests import AnyRequest
from posthouse.storage.sqlite.team_requests import PutClaim, PutNote
from posthouse.storage.team_ports import ALL
from posthouse.storage.team_rows import CLAIM, NOTE, Claim, Claimed, Note, NoteDraft, NoteLimits

if TYPE_CHECKING:
    from posthouse.storage.sqlite.reads import Reader

# Without the texts, which may be many mebibytes.
_CHANGED_NOTES: Final = (
    SELECT_NOTE.replace(" text,", " substr(text, 1, 0),", 1) + " AND modseq > ? ORDER BY modseq LIMIT ?"
)


def _listed(numbers: Sequence[int]) -> str:
    return encode(list(numbers)).decode()


class SqliteTeamWork:
    """`team_ports.TeamWork`."""

    def __init__(self, reader: Reader, submit: Callable[[AnyRequest], asyncio.Future[Any]]) -> None:
        self._reader = reader
        self._submit = submit

    async def claims(
        self, account: AccountId, threads: Sequence[int] | None = None, *, limit: int = ALL
    ) -> tuple[int, list[Claim]]:
        sql = SELECT_CLAIM + " AND c.holder <> 0"
        if threads is not None:
            sql += " AND c.thread IN (SELECT value FROM json_each(?))"
        wanted = () if threads is None else (_listed(threads),)
        with self._reader.snapshot_of(account) as (modseq, _):
            rows = self._reader.rows(sql + " ORDER BY c.thread LIMIT ?", (account, *wanted, limit))
        return modseq, [Claim(*row) for row in rows]

    async def claim_changes(
        self, account: AccountId, since: int, limit: int = ALL
    ) -> tuple[int, int, list[Claim]]:
        with self._reader.snapshot_of(account) as (modseq, history):
            sql = SELECT_CLAIM + " AND c.modseq > ? ORDER BY c.modseq LIMIT ?"
            rows = self._reader.rows(sql, (account, since, limit))
        return modseq, history, [Claim(*row) for row in rows]

    async def claim(
        self,
        account: AccountId,
        thread: int,
        *,
        user: AccountId,
        holder: AccountId,
        expected: AccountId,
        keyword: str,
    ) -> Claimed:
        done: Claimed = await self._submit(PutClaim(account, thread, user, holder, expected, keyword))
        return done

    async def notes(
        self, account: AccountId, *, threads: Sequence[int] | None = None, ids: Sequence[int] | None = None
    ) -> tuple[int, list[Note]]:
        sql = SELECT_NOTE + " AND text IS NOT NULL"
        wanted = [_listed(one) for one in (threads, ids) if one is not None]
        if threads is not None:
            sql += " AND thread IN (SELECT value FROM json_each(?))"
        if ids is not None:
            sql += " AND id IN (SELECT value FROM json_each(?))"
        with self._reader.snapshot_of(account) as (modseq, _):
            rows = self._reader.rows(sql + " ORDER BY id", (account, *wanted))
        return modseq, [note_from(row) for row in rows]

    async def note_changes(
        self, account: AccountId, since: int, limit: int = ALL
    ) -> tuple[int, int, list[Note]]:
        with self._reader.snapshot_of(account) as (modseq, history):
            rows = self._reader.rows(_CHANGED_NOTES, (account, since, limit))
        return modseq, history, [note_from(row) for row in rows]

    async def note(self, account: AccountId, user: AccountId, draft: NoteDraft, limits: NoteLimits) -> Note:
        written: Note = await self._submit(PutNote(account, user, draft, limits))
        return written

    async def changed(self, account: AccountId, since: int) -> set[str]:
        found = self._reader.rows(
            "SELECT ?3 WHERE EXISTS (SELECT 1 FROM claim WHERE account = ?1 AND modseq > ?2)"
            " UNION ALL SELECT ?4 WHERE EXISTS (SELECT 1 FROM note WHERE account = ?1 AND modseq > ?2)",
            (account, since, CLAIM, NOTE),
        )
        return {kind for (kind,) in found}
