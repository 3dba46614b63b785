"""Annotations: set, read, and what changed since."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from posthouse.core.errors import NotFound, OverQuota
from posthouse.core.ids import AccountId, MailboxId
from posthouse.storage.sqlite.ledger import AccountState, Ledger
from posthouse.storage.sqlite.reads import Reader
from posthouse.storage.sqlite.requests import AnyRequest, SetMetadata

REMOVED_KEPT: Final = 100
"""Removed entries of an account that are remembered."""


def set_metadata(ledger: Ledger, request: SetMetadata) -> int:
    account = ledger.account(request.account)
    if request.mailbox and not ledger.has_mailbox(request.mailbox):
        raise NotFound(f"mailbox {request.mailbox} of account {request.account}")
    moved = _move(ledger, account, request.mailbox)
    for entry, value in request.values.items():
        ledger.execute(
            "INSERT INTO metadata (account, mailbox, entry, modseq, value, moved) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (account, mailbox, entry)"
            " DO UPDATE SET modseq = excluded.modseq, value = excluded.value, moved = excluded.moved",
            (request.account, request.mailbox, entry, account.modseq, value, moved),
        )
    [(count, removed)] = ledger.execute(
        "SELECT count(value), count(*) - count(value) FROM metadata WHERE account = ?", (request.account,)
    ).fetchall()
    if count > request.entries_max and any(value is not None for value in request.values.values()):
        raise OverQuota(f"more than {request.entries_max} annotations")
    if removed > REMOVED_KEPT:
        ledger.execute(
            "DELETE FROM metadata WHERE account = ?1 AND value IS NULL AND (mailbox, entry) IN (SELECT mailbox, entry"
            " FROM metadata WHERE account = ?1 AND value IS NULL ORDER BY modseq LIMIT ?2)"
            # What told of the last change of a mailbox stays: its modseq must not go back.
            " AND (moved = 0 OR moved != (SELECT max(o.moved) FROM metadata o"
            " WHERE o.account = ?1 AND o.mailbox = metadata.mailbox))",
            (request.account, removed - REMOVED_KEPT),
        )
    ledger.hint("mailboxes", request.account)
    return int(account.modseq)


def _move(ledger: Ledger, account: AccountState, mailbox: MailboxId) -> int:
    """RFC 7162 §3.2: annotations of a mailbox move its mod-sequence; the value, where that is for this account alone.

    A private one at a mailbox of somebody else takes a number of that account, so that whatever happens there later
    has a higher one.  Others see a number left out, as for changes of mailboxes that are hidden from them.
    """
    if mailbox and (state := ledger.try_mailbox(account.id, mailbox)) is not None:
        ledger.bump(account, state)
        return 0
    account.modseq += 1
    ledger.touch(account)
    if not mailbox:
        return 0
    [(number,)] = ledger.execute("SELECT account FROM mailbox WHERE id = ?", (mailbox,)).fetchall()
    owner = ledger.account(number)
    owner.modseq += 1
    ledger.touch(owner)
    return int(owner.modseq)


class SqliteMetadata:
    """`ports.Metadata`."""

    def __init__(self, reader: Reader, submit: Callable[[AnyRequest], asyncio.Future[Any]]) -> None:
        self._reader = reader
        self._submit = submit

    async def entries(
        self, account: AccountId, mailbox: MailboxId | None = None
    ) -> list[tuple[MailboxId, str, bytes]]:
        sql = (
            "SELECT mailbox, entry, value FROM metadata WHERE account = ?1 AND (?2 IS NULL OR mailbox = ?2)"
            " AND value IS NOT NULL ORDER BY mailbox, entry"
        )
        return self._reader.rows(sql, (account, mailbox))

    async def set(
        self, account: AccountId, mailbox: MailboxId, values: dict[str, bytes | None], *, entries_max: int
    ) -> int:
        modseq: int = await self._submit(SetMetadata(account, mailbox, values, entries_max))
        return modseq

    async def changed(self, account: AccountId, since: int) -> list[tuple[MailboxId, str]]:
        sql = "SELECT mailbox, entry FROM metadata WHERE account = ? AND modseq > ? ORDER BY mailbox, entry"
        return self._reader.rows(sql, (account, since))

    async def moved(self, account: AccountId, mailbox: MailboxId) -> int:
        row = self._reader.row(
            "SELECT max(moved) FROM metadata WHERE account = ? AND mailbox = ?", (account, mailbox)
        )
        return 0 if row is None else row[0] or 0
