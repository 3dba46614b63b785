"""`ports.Messages` for somebody who is not the owner of the mailbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

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
_CHANGED: str = (
    "SELECT p.uid, p.flags, p.modseq, s.seen, s.modseq FROM seen s JOIN placement p ON p.account = s.account"
    " AND p.mailbox = s.mailbox AND p.uid = s.uid"
    " WHERE s.mailbox = ? AND s.user = ? AND s.modseq > ? AND s.modseq <= ? AND s.account = ?"
)


def flags_stored(answer: rq.FlagsAnswer) -> FlagsStored:
    changed = [(uid, rq.unpack_flags(flags), modseq) for uid, flags, modseq in answer.changed]
    return FlagsStored(changed, answer.refused, answer.modseq, answer.surprising)


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
        flags_at, modseq_at = (names.index(name) if name in wanted else 0 for name in ("flags", "modseq"))
        async for rows in self._messages.fetch(account, mailbox, uids, names):
            own = self._own(account, mailbox, rows[0][0], rows[-1][0])
            out = []
            for row in rows:
                if (word := own.get(row[0])) is not None:
                    changed = list(row)
                    if flags_at:
                        changed[flags_at] = overlaid(row[flags_at], word)
                    if modseq_at:
                        changed[modseq_at] = max(row[modseq_at], word[1])
                    row = tuple(changed)
                out.append(row[1:])
            yield out

    async def fetch_numbers(
        self, account: AccountId, mailbox: MailboxId, uids: UidRanges, columns: Sequence[str]
    ) -> AsyncIterator[list[list[int]]]:
        own_seen = self._has_own_seen(account, mailbox)
        async for found in self._messages.fetch_numbers(account, mailbox, uids, columns):
            if own_seen:
                own = self._own(account, mailbox, found[0][0], found[0][-1])
                at = {uid: place for place, uid in enumerate(found[0])} if own else {}
                for name, values in zip(columns, found, strict=True):
                    if name == "flags":
                        for uid, word in own.items():
                            if uid in at:
                                values[at[uid]] = overlaid(values[at[uid]], word)
                    elif name == "modseq":
                        for uid, word in own.items():
                            if uid in at:
                                values[at[uid]] = max(values[at[uid]], word[1])
            yield found

    async def changes(self, account: AccountId, mailbox: MailboxId, since: int) -> Changes:
        base = await self._messages.changes(account, mailbox, since)
        if not self._has_own_seen(account, mailbox):
            return base
        changed = {uid: (uid, flags, modseq) for uid, flags, modseq in base.changed}
        if changed:
            for uid, word in self._own(account, mailbox, min(changed), max(changed)).items():
                if uid in changed:
                    _, flags, modseq = changed[uid]
                    changed[uid] = uid, overlaid(flags, word), modseq
        rows = self._reader.rows(_CHANGED, (mailbox, self._user, since, base.modseq, account))
        for uid, flags, modseq, seen, own_modseq in rows:
            bits = rq.unpack_flags(flags) & ~SEEN | seen
            changed[uid] = uid, bits, max(modseq, own_modseq)
        return Changes(base.modseq, base.uidnext, [changed[uid] for uid in sorted(changed)], base.expunged)

    async def changed_uids(
        self, account: AccountId, mailbox: MailboxId, since: int, limit: int
    ) -> list[int] | None:
        if self._has_own_seen(account, mailbox):
            return None  # what the user changed stands elsewhere
        return await self._messages.changed_uids(account, mailbox, since, limit)

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
