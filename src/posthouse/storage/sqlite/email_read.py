"""Emails by account: rows, threads, queries, and what changed since."""

# ruff: noqa: S608 - values are bound; what is written into the text are names and expressions of this package

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from functools import partial
from typing import Any, Final

import apsw
from msgspec.json import encode as json_encode

from posthouse.core.errors import Invalid
from posthouse.core.flags import DELETED
from posthouse.core.ids import AccountId, MailboxId
from posthouse.storage import email_rows as e
from posthouse.storage.blobs.codec import SEEKABLE_FILE, codec_of_thread
from posthouse.storage.blobs.files import BlobFiles
from posthouse.storage.mailbox_ports import NOBODY
from posthouse.storage.rows import MESSAGE_COLUMNS, Mailbox
from posthouse.storage.sqlite import email_seen
from posthouse.storage.sqlite.connection import reading
from posthouse.storage.sqlite.email_marked import MarkedFirst, look_through, mark_of
from posthouse.storage.sqlite.email_merged import Merge, Spread, count_spread, is_by_date, merged, try_spread
from posthouse.storage.sqlite.email_query import Query
from posthouse.storage.sqlite.email_requests import ChangeEmails, ChangeMailbox, DeleteMailboxById
from posthouse.storage.sqlite.fetch import header_text_of
from posthouse.storage.sqlite.first_name import first_name
from posthouse.storage.sqlite.reads import Reader
from posthouse.storage.sqlite.requests import AnyRequest, unpack_flags
from posthouse.storage.sqlite.stretch import select_changed

WINDOW_MAX: Final = 2000
"""Emails of one mailbox in the order of its index that are read on the event loop."""
CONTENT_CHUNK_BYTES: Final = 4 << 20
_COLUMNS: Final = {
    **{name: f"m.{name}" for name in MESSAGE_COLUMNS},
    "blob": "m.blob",
    "created": "m.created",
    "size": "(SELECT b.size FROM blob b WHERE b.id = m.blob)",
    "date": "(SELECT min(d.date) FROM placement d WHERE d.thread = m.thread AND d.message = m.id)",
}
_WANTED: Final = "FROM json_each(?) w CROSS JOIN message m ON m.id = w.value"
# The planner would go through all of the account, as it cannot know that threads are short.
_PLACED: Final = (
    f"{_WANTED} CROSS JOIN placement p INDEXED BY placement_thread"
    " ON p.thread = m.thread AND p.message = m.id WHERE m.account = ?"
)
_CHANGED: Final = select_changed(
    "p.modseq, p.message, p.thread, (SELECT m.created FROM message m WHERE m.id = p.message)",
    "(?3 IS NULL OR b.id IN (SELECT value FROM json_each(?3)))",
)
Row = tuple[Any, ...]


class SqliteEmails:
    """`email_ports.Emails`."""

    def __init__(
        self,
        reader: Reader,
        submit: Callable[[AnyRequest], asyncio.Future[Any]],
        files: BlobFiles,
        *,
        user: int = NOBODY,
        marked: MarkedFirst | None = None,
    ) -> None:
        self._reader = reader
        self._submit = submit
        self._files = files
        self._user = user
        self._marked = marked or MarkedFirst(reader)

    def acting(self, user: AccountId) -> SqliteEmails:
        return SqliteEmails(self._reader, self._submit, self._files, user=user, marked=self._marked)

    def _user_in(self, account: AccountId) -> int:
        return email_seen.user_in(self._reader, account, self._user)

    async def modseq(self, account: AccountId) -> int:
        with self._reader.snapshot_of(account) as (modseq, _):
            return modseq

    # --- rows ---

    async def get(
        self,
        account: AccountId,
        messages: Sequence[int],
        columns: Sequence[str],
        *,
        known: Collection[int] = (),
    ) -> e.EmailsRead:
        if wrong := [name for name in columns if name not in _COLUMNS]:
            raise Invalid(f"no such columns: {wrong}")
        wanted = (_listed(messages), account)
        unknown = [one for one in messages if one not in known]
        names = ", ".join(["m.id", *(_COLUMNS[name] for name in columns)])
        with self._reader.snapshot_of(account) as (modseq, _):
            own = email_seen.word("p", self._user_in(account))
            placed = self._reader.rows(f"SELECT p.message, p.mailbox, p.flags, {own} {_PLACED}", wanted)
            rows = []
            if unknown:
                sought = (_listed(unknown), account)
                rows = self._reader.rows(f"SELECT {names} {_WANTED} WHERE m.account = ?", sought)
        places: dict[int, list[tuple[int, int]]] = {}
        for message, mailbox, flags, seen in placed:
            if not (bits := email_seen.seen_as(flags, seen)) & DELETED:
                places.setdefault(message, []).append((mailbox, bits))
        rows = [row for row in rows if row[0] in places]
        if "header_fields" in columns:
            at = columns.index("header_fields") + 1
            rows = [(*row[:at], header_text_of(row[at]), *row[at + 1 :]) for row in rows]
        return e.EmailsRead(modseq, rows, places)

    async def contents(
        self, account: AccountId, messages: Sequence[int]
    ) -> AsyncIterator[list[tuple[int, bytes, bytes]]]:
        rows = self._reader.rows(
            f"SELECT m.id, m.layout, b.id, b.size, b.codec, b.file {_WANTED} CROSS JOIN blob b ON b.id = m.blob"
            " WHERE m.account = ?",
            (_listed(messages), account),
        )
        at = 0
        while at < len(rows):
            size, end = 0, at
            while end < len(rows) and (end == at or size + rows[end][3] <= CONTENT_CHUNK_BYTES):
                size += rows[end][3]
                end += 1
            yield await self._in_thread(self._read, rows[at:end])
            at = end

    def _read(self, connection: apsw.Connection, rows: list[Row]) -> list[tuple[int, bytes, bytes]]:
        cache = self._reader.cache
        found, fresh = [], {}
        for message, layout, blob, _, codec, file in rows:
            content = cache.get(blob)
            if content is None:
                if codec == SEEKABLE_FILE:
                    content = self._files.read_all(file)
                else:
                    packed = connection.execute("SELECT bytes FROM blob WHERE id = ?", (blob,)).fetchone()
                    if packed is None:
                        continue  # expunged since
                    content = codec_of_thread().unpack(codec, packed[0])
                    fresh[blob] = content
            found.append((message, layout, content))
        cache.put(fresh)
        return found

    async def _in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        connection = self._reader.borrow()

        def run() -> Any:
            with reading():
                return function(connection, *args)

        running = asyncio.get_running_loop().run_in_executor(None, run)
        try:
            return await asyncio.shield(running)
        finally:
            if not running.done():
                connection.interrupt()
                await asyncio.wait([running])
                running.exception()
            self._reader.give_back(connection)
            self._reader.forget_later()

    async def threads(self, account: AccountId, threads: Sequence[int]) -> list[tuple[int, int]]:
        rows = self._reader.rows(
            "SELECT p.thread, p.message, p.date, p.flags FROM json_each(?) w"
            " CROSS JOIN placement p INDEXED BY placement_thread ON p.thread = w.value WHERE p.account = ?",
            (_listed(threads), account),
        )
        seen = {
            (thread, date, message)
            for thread, message, date, flags in rows
            if not unpack_flags(flags) & DELETED
        }
        return [(thread, message) for thread, _, message in sorted(seen)]

    async def places(
        self, account: AccountId, threads: Sequence[int] | None = None
    ) -> tuple[int, list[tuple[int, int, int, int]]]:
        with self._reader.snapshot_of(account) as (modseq, _):
            own = email_seen.word("p", self._user_in(account))
            if threads is not None:
                rows = self._reader.rows(
                    f"SELECT p.thread, p.message, p.mailbox, p.flags, {own} FROM json_each(?) w"
                    " CROSS JOIN placement p INDEXED BY placement_thread ON p.thread = w.value WHERE p.account = ?",
                    (_listed(threads), account),
                )
                return modseq, email_seen.in_view(rows)
        rows = await self._in_thread(partial(email_seen.all_places, account=account, own=own))
        return modseq, rows

    async def by_uid(self, account: AccountId, mailbox: MailboxId, uids: Sequence[int]) -> list[int]:
        rows = self._reader.rows(
            "SELECT p.message FROM json_each(?) w CROSS JOIN placement p ON p.account = ? AND p.mailbox = ?"
            " AND p.uid = w.value",
            (_listed(uids), account, mailbox),
        )
        return [message for (message,) in rows]

    # --- queries ---

    def _flags_of(self, account: AccountId) -> tuple[bool, bool]:
        """Whether flags may be long, and whether no placement has \\Deleted."""
        row = self._reader.row("SELECT sum(deleted) FROM mailbox WHERE account = ?", (account,))
        return self._reader.has_long_flags(account), not row[0]

    async def query(
        self,
        account: AccountId,
        condition: e.Condition,
        order: Sequence[e.Order],
        *,
        collapse: bool = False,
        first: int | None = None,
    ) -> list[tuple[int, int]]:
        order = [one for one in order if one.key != "keyword" or one.bit]  # what nobody has orders nothing
        long_flags, clean = self._flags_of(account)
        user = self._user_in(account)
        query = Query(account, condition, order, long_flags=long_flags, clean=clean, user=user)
        if query.is_window and first is not None and first <= WINDOW_MAX and not collapse:
            window: list[tuple[int, int]] = self._reader.rows(f"{query.sql} LIMIT {int(first)}", query.values)
            return window
        if query.is_window and first is not None and first <= WINDOW_MAX // 10:
            # perf: a window of threads is mostly no longer than twice as many emails.
            rows = self._reader.rows(f"{query.sql} LIMIT {WINDOW_MAX}", query.values)
            found = _collapsed(rows, first)
            if len(found) == first or len(rows) < WINDOW_MAX:
                return found
        if query.marked_in is not None and first is not None and first <= WINDOW_MAX // 10:
            found = await self._marked_first(account, query.marked_in, order, first, collapse=collapse)
            if len(found) == first:
                return found
        work: Callable[..., Any] = partial(_run, query=query, collapse=collapse, first=first)
        if first is not None and not query.in_one and is_by_date(order) and (spread := try_spread(condition)):
            asked = Merge(account, spread, order[0].ascending, first, collapse, long_flags, clean, user)
            work = partial(_merged, asked=asked)
        matching: list[tuple[int, int]] = await self._in_thread(work)
        return matching

    async def _marked_first(
        self, account: AccountId, mailbox: int, order: Sequence[e.Order], first: int, *, collapse: bool
    ) -> list[tuple[int, int]]:
        """Fewer than `first` where this cannot tell."""
        limit = WINDOW_MAX if collapse else first
        rows = self._marked.rows(account, mailbox, order, limit)
        if rows is None:
            mark = mark_of(order)
            seen = await self._in_thread(partial(look_through, account=account, mailbox=mailbox, mark=mark))
            self._marked.learn(account, mailbox, mark, seen)
            rows = self._marked.rows(account, mailbox, order, limit)
        if rows is None:
            return []
        return _collapsed(rows, first) if collapse else rows[:first]

    async def count(self, account: AccountId, condition: e.Condition, *, collapse: bool = False) -> int:
        long_flags, clean = self._flags_of(account)
        spread = try_spread(condition)
        work: Callable[..., Any]
        if clean and not collapse and spread is not None and not spread.rest:
            work = partial(_count_spread, account=account, spread=spread)
        else:
            user = self._user_in(account)
            query = Query(account, condition, (), long_flags=long_flags, clean=clean, user=user)
            work = partial(_count, query=query, collapse=collapse)
        total: int = await self._in_thread(work)
        return total

    # --- changes ---

    async def changes(
        self,
        account: AccountId,
        since: e.Since,
        mailboxes: Collection[int] | None = None,
        *,
        limit: int | None = None,
    ) -> e.EmailChanges:
        with self._reader.snapshot_of(account) as (modseq, history):
            # RFC 8620 §5.2: up to and with the modseq itself, as part of it may be known.
            first = since.modseq + (since.message == e.ALL_SINCE)
            values = (account, first, None if mailboxes is None else _listed(list(mailboxes)))
            user = self._user_in(account)
            placed = self._reader.rows(_CHANGED, (account, first - 1, values[2]))
            if user:
                placed += self._reader.rows(email_seen.CHANGED_WORDS, (*values, user))
            gone = self._reader.rows(
                "SELECT d.modseq, e.value ->> 0, e.value ->> 1, 0 FROM departed d, json_each(d.emails) e"
                " WHERE d.account = ?1 AND d.modseq >= ?2"
                " AND (?3 IS NULL OR d.mailbox IN (SELECT value FROM json_each(?3)))",
                values,
            )
            latest: dict[int, Row] = {}
            left = set()
            for row in gone:
                left.add(row[1])
            for row in (*placed, *gone):
                if row[1] not in latest or row[0] > latest[row[1]][0]:
                    latest[row[1]] = row
            hidden = self._hidden(account, latest, mailboxes)
            created = {row[1]: row[3] for row in placed}
            created.update(self._created(left - created.keys()))
        changed = []
        for at, message, thread, _ in latest.values():
            made = created.get(message)
            in_view = made is not None and message not in hidden
            known = made is None or made < first
            moved = message in left or not in_view or not known
            changed.append(e.Changed(at, message, thread, known, in_view, moved))
        changed.sort(key=lambda one: (one.modseq, one.message))
        changed = [one for one in changed if (one.modseq, one.message) > (since.modseq, since.message)]
        return e.EmailChanges(modseq, history, changed if limit is None else changed[:limit])

    def _created(self, messages: set[int]) -> dict[int, int]:
        """Those of the messages that are still there, with the modseq at which they came."""
        if not messages:
            return {}
        return dict(self._reader.rows(f"SELECT m.id, m.created {_WANTED}", (_listed(list(messages)),)))

    def _hidden(
        self, account: AccountId, messages: dict[int, Row], mailboxes: Collection[int] | None
    ) -> set[int]:
        """Those whose every placement has \\Deleted, or is elsewhere."""
        if mailboxes is not None:
            there = frozenset(mailboxes)
            wanted = (_listed(list(messages)), account)
            rows = self._reader.rows(f"SELECT p.message, p.mailbox, p.flags {_PLACED}", wanted)
            return messages.keys() - {
                message for message, box, flags in rows if box in there and not unpack_flags(flags) & DELETED
            }
        [(deleted,)] = self._reader.rows("SELECT sum(deleted) FROM mailbox WHERE account = ?", (account,))
        if not deleted:
            return set()
        rows = self._reader.rows(f"SELECT p.message, p.flags {_PLACED}", (_listed(list(messages)), account))
        seen = {message for message, flags in rows if not unpack_flags(flags) & DELETED}
        return messages.keys() - seen

    async def mailbox_changes(self, account: AccountId, since: int) -> e.MailboxChanges:
        with self._reader.snapshot_of(account) as (modseq, history):
            rows = self._reader.rows(
                "SELECT id, created, changed FROM mailbox WHERE account = ?1"
                " AND (modseq > ?2 OR changed > ?2 OR created > ?2) ORDER BY id",
                (account, since),
            )
            gone = self._reader.rows(
                "SELECT mailbox FROM gone WHERE account = ? AND modseq > ? ORDER BY mailbox",
                (account, since),
            )
            user = self._user_in(account)
            quiet = email_seen.untouched(self._reader, account, since, user) if user else set()
        created = [box for box, made, _ in rows if made > since]
        changed = [box for box, made, at in rows if made <= since < at]
        counted = [box for box, made, at in rows if made <= since and at <= since and box not in quiet]
        return e.MailboxChanges(modseq, history, created, changed, counted, [box for (box,) in gone])

    # --- writes ---

    async def change(
        self, account: AccountId, changes: Sequence[e.EmailChange], *, if_modseq: int | None = None
    ) -> e.EmailsChanged:
        request = ChangeEmails(account, list(changes), if_modseq, self._user)
        done: e.EmailsChanged = await self._submit(request)
        return done

    async def words_since(self, account: AccountId, since: int) -> bool:
        return email_seen.words_since(self._reader, account, since)

    async def change_mailbox(
        self,
        account: AccountId,
        mailbox: MailboxId,
        *,
        name: str | None = None,
        role: str | None = None,
        sort_order: int | None = None,
        subscribed: bool | None = None,
    ) -> Mailbox:
        changed: Mailbox = await self._submit(
            ChangeMailbox(account, mailbox, name, role, sort_order, subscribed)
        )
        return changed

    async def delete_mailbox(self, account: AccountId, mailbox: MailboxId, *, with_emails: bool) -> None:
        await self._submit(DeleteMailboxById(account, mailbox, with_emails))


def _listed(values: Sequence[int]) -> str:
    return json_encode(list(values)).decode()


def _prepare(connection: apsw.Connection) -> None:
    functions: dict[str, Callable[..., Any]] = {"has_flag": _has_flag, "first_name": first_name}
    for name, function in functions.items():
        connection.create_scalar_function(name, function, 2, deterministic=True)


def _run(connection: apsw.Connection, query: Query, *, collapse: bool, first: int | None) -> Any:
    _prepare(connection)
    if not collapse:
        limit = "" if first is None else f" LIMIT {int(first)}"
        return connection.execute(query.sql + limit, query.values).fetchall()
    return _collapsed(connection.execute(query.sql, query.values), first)


def _merged(connection: apsw.Connection, *, asked: Merge) -> Any:
    _prepare(connection)
    return merged(connection.execute, asked)


def _count_spread(connection: apsw.Connection, *, account: int, spread: Spread) -> int:
    return count_spread(connection.execute, account, spread)


def _collapsed(rows: Any, first: int | None) -> list[tuple[int, int]]:
    """RFC 8621 §4.4.3: of each thread the email that comes first."""
    found: dict[int, int] = {}
    for message, thread in rows:
        if thread not in found:
            found[thread] = message
            if len(found) == first:
                break
    return [(message, thread) for thread, message in found.items()]


def _count(connection: apsw.Connection, query: Query, *, collapse: bool) -> Any:
    _prepare(connection)
    [(total,)] = connection.execute(query.count_sql(collapse=collapse), query.values).fetchall()
    return total


def _has_flag(flags: Any, position: int) -> int:
    return unpack_flags(flags) >> position & 1
