"""Reads of one process: its own connections, never the writer's.

`Reader` holds one connection for the event loop and lends others to threads.  The queries are short; the long ones are
cut into chunks by UID, each a read transaction of its own, so that no reader keeps the WAL from starting over.
"""

from __future__ import annotations

import asyncio
from array import array
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from posthouse.core.errors import NotFound
from posthouse.core.ids import AccountId, MailboxId
from posthouse.storage.blobs.cache import QUIET_S, ContentCache
from posthouse.storage.rows import Changes, Mailbox, Snapshot
from posthouse.storage.sqlite.connection import DATABASE_NAME, open_reader, reading
from posthouse.storage.sqlite.ledger import Execute
from posthouse.storage.sqlite.mailbox import SELECT_MAILBOX, mailbox_from
from posthouse.storage.sqlite.requests import unpack_flags
from posthouse.storage.sqlite.stretch import select_changed

SNAPSHOTS_MAX: Final = 256
"""Snapshots kept, the least recently used go first."""
_LONG_FLAGS: Final = 55
"""Keywords from which on flags may be stored as BLOB."""

SELECT_CHANGED: Final = select_changed("p.uid, p.flags, p.modseq")
_decode_uids: Final = msgspec.json.Decoder(list[int]).decode


class Reader:
    def __init__(self, root: Path) -> None:
        self._path = root / DATABASE_NAME
        self.cache = ContentCache(0)
        self._forgetting: asyncio.TimerHandle | None = None
        self.connection = open_reader(self._path)
        self._closed = False
        self._lent: list[apsw.Connection] = []
        self._idle: list[apsw.Connection] = []
        self._snapshots: OrderedDict[tuple[int, int], Snapshot] = OrderedDict()
        self.execute: Execute = self.connection.execute

    def rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
        with reading():
            rows: list[Any] = self.execute(sql, values).fetchall()
        return rows

    def row(self, sql: str, values: tuple[Any, ...] = ()) -> Any:
        with reading():
            return self.execute(sql, values).fetchone()

    async def rows_in_thread(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        """`rows` for what takes longer than the event loop may be held."""
        connection = self.borrow()

        def read() -> list[Any]:
            with reading():
                rows: list[Any] = connection.execute(sql, values).fetchall()
            return rows

        try:
            return await asyncio.to_thread(read)
        finally:
            self.give_back(connection)

    def borrow(self) -> apsw.Connection:
        """A connection for a thread; on the event loop only."""
        connection = self._idle.pop() if self._idle else open_reader(self._path)
        self._lent.append(connection)
        return connection

    def give_back(self, connection: apsw.Connection) -> None:
        self._lent.remove(connection)
        if self._closed:
            connection.close()
        else:
            self._idle.append(connection)

    def forget_later(self) -> None:
        """See to it that the cache is emptied when nobody uses it any more."""
        if self._forgetting is None and self.cache.size_bytes and not self._closed:
            self._forgetting = asyncio.get_running_loop().call_later(QUIET_S, self._forget)

    def _forget(self) -> None:
        self._forgetting = None
        self.cache.drop_unused()
        self.forget_later()

    def close(self) -> None:
        """Connections that threads still read with are told to stop, and closed when they are given back."""
        self._closed = True
        if self._forgetting is not None:
            self._forgetting.cancel()
        for connection in (self.connection, *self._idle):
            connection.close()
        for connection in self._lent:
            connection.interrupt()

    @contextmanager
    def snapshot_of(self, account: AccountId) -> Iterator[tuple[int, int]]:
        """The account's modseq and history; what is read inside is of that moment.  Raises NotFound."""
        with reading():
            self.execute("BEGIN")
            try:
                row = self.execute("SELECT modseq, history FROM account WHERE id = ?", (account,)).fetchone()
                if row is None:
                    raise NotFound(f"account {account}")
                yield row
            finally:
                self.execute("COMMIT")

    # ------------------------------------------------------------------ mailboxes

    def mailbox(self, account: AccountId, mailbox: MailboxId) -> Mailbox:
        row = self.row(SELECT_MAILBOX + " AND m.id = ?", (account, mailbox))
        if row is None:
            raise NotFound(f"mailbox {mailbox} of account {account}")
        return mailbox_from(row)

    def has_long_flags(self, account: AccountId) -> bool:
        row = self.row("SELECT max(position) FROM keyword WHERE account = ?", (account,))
        return row[0] is not None and row[0] >= _LONG_FLAGS

    def snapshot(self, account: AccountId, mailbox: MailboxId) -> Snapshot:
        key = (account, mailbox)
        with reading():
            self.execute("BEGIN")
            try:
                row = self.execute(
                    "SELECT uidvalidity, uidnext, modseq, messages FROM mailbox WHERE id = ? AND account = ?",
                    (mailbox, account),
                ).fetchone()
                if row is None:
                    self._snapshots.pop(key, None)
                    raise NotFound(f"mailbox {mailbox} of account {account}")
                uidvalidity, uidnext, modseq, messages = row
                known = self._snapshots.get(key)
                if known is not None and known.modseq == modseq and known.uidnext == uidnext:
                    self._snapshots.move_to_end(key)
                    return known
                uids = self._uids(key, known, uidnext, messages)
            finally:
                self.execute("COMMIT")
        snapshot = Snapshot(account, mailbox, uidvalidity, uidnext, modseq, uids)
        self._snapshots[key] = snapshot
        self._snapshots.move_to_end(key)
        if len(self._snapshots) > SNAPSHOTS_MAX:
            self._snapshots.popitem(last=False)
        return snapshot

    def _uids(self, key: tuple[int, int], known: Snapshot | None, uidnext: int, messages: int) -> array[int]:
        """The UIDs: from the known snapshot and what happened since, or 1..uidnext without the expunged ones."""
        if known is not None:
            uids, since = array("I", known.uids), known.modseq
            uids.extend(range(known.uidnext, uidnext))
        else:
            uids, since = array("I", range(1, uidnext)), 0
        gone = len(uids) - messages
        if gone > messages // 4 + 64:
            return self._all_uids(key)
        if gone:
            expunged = set(self._expunged(key, since))
            uids = array("I", [uid for uid in uids if uid not in expunged])
        # The history of expunged messages may have been cut; the rows themselves always tell.
        return uids if len(uids) == messages else self._all_uids(key)

    def _expunged(self, key: tuple[int, int], since: int) -> list[int]:
        """UIDs that left after a modseq, ascending."""
        runs = self.execute(
            "SELECT uid, last FROM expunged WHERE account = ? AND mailbox = ? AND modseq > ? ORDER BY uid",
            (*key, since),
        ).fetchall()
        return [uid for first, last in runs for uid in range(first, last + 1)]

    def _all_uids(self, key: tuple[int, int]) -> array[int]:
        # perf: one JSON text is 10 times faster than one row per UID.
        [(text,)] = self.execute(
            "SELECT json_group_array(uid) FROM placement WHERE account = ? AND mailbox = ?", key
        ).fetchall()
        uids = _decode_uids(text)
        return array("I", sorted(uids))

    def changes(self, account: AccountId, mailbox: MailboxId, since: int) -> Changes:
        with reading():
            self.execute("BEGIN")
            try:
                row = self.execute(
                    "SELECT m.modseq, m.uidnext, a.history FROM mailbox m JOIN account a ON a.id = m.account"
                    " WHERE m.id = ? AND m.account = ?",
                    (mailbox, account),
                ).fetchone()
                if row is None:
                    raise NotFound(f"mailbox {mailbox} of account {account}")
                changed = sorted(self.execute(SELECT_CHANGED, (account, since, mailbox)).fetchall())
                if since >= row[2]:
                    expunged = self._expunged((account, mailbox), since)
                else:
                    # RFC 7162 §3.2.5.2: what is not remembered any more is all that is not there.
                    expunged = sorted(set(range(1, row[1])).difference(self._all_uids((account, mailbox))))
            finally:
                self.execute("COMMIT")
        if self.has_long_flags(account):
            changed = [(uid, unpack_flags(flags), modseq) for uid, flags, modseq in changed]
        return Changes(row[0], row[1], changed, expunged)
