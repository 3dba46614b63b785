"""`ports.Messages` for somebody who is not the owner of the mailbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import repeat
from typing import Any, Final

from posthouse.core.flags import SEEN
from posthouse.core.ids import AccountId, MailboxId
from posthouse.core.rights import changeable_flags
from posthouse.storage.ports import Messages
from posthouse.storage.rows import (
    Actor,
    Changes,
    Copied,
    Delivery,
    Expunged,
    FlagsStored,
    Snapshot,
    Stored,
    UidRanges,
)
from posthouse.storage.sqlite import requests as rq
from posthouse.storage.sqlite.own_seen import SELECT_SEEN, overlaid
from posthouse.storage.sqlite.packed import pack_delivery
from posthouse.storage.sqlite.reads import Reader

Own = dict[int, tuple[int, int]]
"""UID -> (seen, modseq): what the user said of its own."""
PIECE_ROWS: Final = 2048
"""Rows gone through before other work of the event loop gets its turn: a few milliseconds."""
NEVER: Final = (0, 0)
Row = tuple[Any, ...]
_CHANGED: Final = (
    "SELECT p.uid, p.flags, p.modseq, s.seen, s.modseq FROM seen s JOIN placement p ON p.account = s.account"
    " AND p.mailbox = s.mailbox AND p.uid = s.uid"
    " WHERE s.mailbox = ? AND s.user = ? AND s.modseq > ? AND s.modseq <= ? AND s.account = ?"
)


def flags_stored(answer: rq.FlagsAnswer) -> FlagsStored:
    changed = [(uid, rq.unpack_flags(flags), modseq) for uid, flags, modseq in answer.changed]
    for flags, uids in answer.alike:
        changed += zip(uids, repeat(rq.unpack_flags(flags)), repeat(answer.modseq), strict=False)
    changed.sort()
    return FlagsStored(changed, answer.refused, answer.modseq, answer.surprising, answer.before)


def _rows_with(rows: list[Row], own: Own, names: Sequence[str]) -> list[Row]:
    """Rows of these columns, uid first, as the user sees them and without that uid."""
    flags_at, modseq_at = (names.index(name) if name in names else 0 for name in ("flags", "modseq"))
    out: list[Row] = []
    for row in rows:
        word = own.get(row[0])
        if word is None:
            out.append(row[1:])
            continue
        values = list(row)
        if flags_at:
            values[flags_at] = overlaid(row[flags_at], word)
        if modseq_at:
            values[modseq_at] = max(row[modseq_at], word[1])
        out.append(tuple(values[1:]))
    return out


def _numbers_with(columns: list[list[int]], own: Own, names: Sequence[str]) -> list[list[int]]:
    get, uids = own.get, columns[0]
    for at, name in enumerate(names):
        pairs = zip(uids, columns[at], strict=True)
        if name == "flags":
            columns[at] = [overlaid(flags, get(uid)) for uid, flags in pairs]
        elif name == "modseq":
            columns[at] = [max(modseq, get(uid, NEVER)[1]) for uid, modseq in pairs]
    return columns


def _changes_with(rows: list[tuple[int, int, int]], own: Own) -> list[tuple[int, int, int]]:
    if not own:
        return rows
    get = own.get
    return [(uid, overlaid(flags, get(uid)), modseq) for uid, flags, modseq in rows]


class ActingMessages:
    def __init__(
        self,
        messages: Messages,
        reader: Reader,
        submit: Callable[[rq.AnyRequest], asyncio.Future[Any]],
        actor: Actor,
    ) -> None:
        self._messages = messages
        self._reader = reader
        self._submit = submit
        self._user = actor.user
        self._changeable = changeable_flags(actor.rights)

    def acting(self, actor: Actor) -> Messages:
        return self._messages.acting(actor)

    # --- reading: the user's own \\Seen, where there is one ---

    def _has_own_seen(self, account: AccountId, mailbox: MailboxId) -> bool:
        row = self._reader.row(
            "SELECT own_seen FROM mailbox WHERE id = ? AND account = ?", (mailbox, account)
        )
        return row is not None and bool(row[0])

    def _own(self, account: AccountId, mailbox: MailboxId, first: int, last: int) -> Own:
        rows = self._reader.rows(SELECT_SEEN, (account, mailbox, first, last, self._user))
        return {uid: (seen, modseq) for uid, seen, modseq in rows}

    async def fetch(
        self, account: AccountId, mailbox: MailboxId, uids: UidRanges, columns: Sequence[str]
    ) -> AsyncIterator[list[tuple[Any, ...]]]:
        wanted = [name for name in ("flags", "modseq") if name in columns]
        if not wanted or not self._has_own_seen(account, mailbox):
            async for rows in self._messages.fetch(account, mailbox, uids, columns):
                yield rows
            return
        names = ("uid", *columns)
        async for rows in self._messages.fetch(account, mailbox, uids, names):
            for start in range(0, len(rows), PIECE_ROWS):
                piece = rows[start : start + PIECE_ROWS]
                own = self._own(account, mailbox, piece[0][0], piece[-1][0])
                yield _rows_with(piece, own, names) if own else [row[1:] for row in piece]
                if len(rows) > PIECE_ROWS:
                    await asyncio.sleep(0)

    async def fetch_numbers(
        self, account: AccountId, mailbox: MailboxId, uids: UidRanges, columns: Sequence[str]
    ) -> AsyncIterator[list[list[int]]]:
        own_seen = self._has_own_seen(account, mailbox)
        async for found in self._messages.fetch_numbers(account, mailbox, uids, columns):
            if not own_seen:
                yield found
                continue
            for start in range(0, len(found[0]), PIECE_ROWS):
                piece = [values[start : start + PIECE_ROWS] for values in found]
                if own := self._own(account, mailbox, piece[0][0], piece[0][-1]):
                    piece = _numbers_with(piece, own, columns)
                yield piece
                await asyncio.sleep(0)

    async def changes(self, account: AccountId, mailbox: MailboxId, since: int) -> Changes:
        base = await self._messages.changes(account, mailbox, since)
        if not self._has_own_seen(account, mailbox):
            return base
        first, last = (base.changed[0][0], base.changed[-1][0]) if base.changed else (1, 0)
        own = self._own(account, mailbox, first, last)
        changed = {row[0]: row for row in _changes_with(base.changed, own)}
        for uid, flags, modseq, seen, own_modseq in self._reader.rows(
            _CHANGED, (mailbox, self._user, since, base.modseq, account)
        ):
            changed[uid] = uid, rq.unpack_flags(flags) & ~SEEN | seen, max(modseq, own_modseq)
        return Changes(base.modseq, base.uidnext, [changed[uid] for uid in sorted(changed)], base.expunged)

    async def changed_uids(
        self, account: AccountId, mailbox: MailboxId, since: int, limit: int
    ) -> list[int] | None:
        found = await self._messages.changed_uids(account, mailbox, since, limit)
        if found is None or not self._has_own_seen(account, mailbox):
            return found
        sql = "SELECT uid FROM seen WHERE mailbox = ? AND user = ? AND modseq > ? LIMIT ?"
        own = [uid for (uid,) in self._reader.rows(sql, (mailbox, self._user, since, limit + 1))]
        uids = sorted({*found, *own})
        return uids if len(uids) <= limit else None

    async def snapshot(self, account: AccountId, mailbox: MailboxId) -> Snapshot:
        return await self._messages.snapshot(account, mailbox)

    async def keywords(self, account: AccountId) -> tuple[str, ...]:
        return await self._messages.keywords(account)

    # --- writing ---

    async def keyword_bits(self, account: AccountId, names: Sequence[str]) -> int:
        return await self._messages.keyword_bits(account, names)

    async def deliver(self, deliveries: Sequence[Delivery], *, together: bool = False) -> list[Stored]:
        return await self._messages.deliver(deliveries, together=together)

    async def replace(self, account: AccountId, mailbox: MailboxId, uid: int, delivery: Delivery) -> Stored:
        stored: Stored = await self._submit(
            rq.Replace(account, mailbox, uid, pack_delivery(delivery), self._user)
        )
        return stored

    async def store_flags(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: UidRanges,
        *,
        add: int = 0,
        remove: int = 0,
        replace: int | None = None,
        unchanged_since: int | None = None,
        known_modseq: int | None = None,
    ) -> FlagsStored:
        request = rq.StoreFlags(
            account,
            mailbox,
            uids,
            rq.pack_flags(add),
            rq.pack_flags(remove),
            None if replace is None else rq.pack_flags(replace),
            unchanged_since,
            known_modseq,
            self._changeable,
            self._user,
        )
        return flags_stored(await self._submit(request))

    async def copy(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: UidRanges,
        to_account: AccountId,
        to_mailbox: MailboxId,
        *,
        move: bool = False,
        keep: int = -1,
    ) -> Copied:
        copied: Copied = await self._submit(
            rq.Copy(account, mailbox, uids, to_account, to_mailbox, move, keep, self._user)
        )
        return copied

    async def expunge(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: UidRanges | None = None,
        *,
        only_deleted: bool = True,
    ) -> Expunged:
        expunged: Expunged = await self._submit(rq.Expunge(account, mailbox, uids, only_deleted, self._user))
        return expunged
