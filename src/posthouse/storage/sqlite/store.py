"""The ports, over a reader and whatever takes write requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from posthouse.core.errors import NotFound
from posthouse.core.ids import AccountId, BlobId, MailboxId, QueueId, RecipientId
from posthouse.core.sentence import Sentence
from posthouse.storage import content_ports, ports
from posthouse.storage.access import Access, Credentials
from posthouse.storage.blobs.answers import AnswerFiles
from posthouse.storage.blobs.cache import ContentCache
from posthouse.storage.blobs.codec import Codec
from posthouse.storage.blobs.contents import ContentPacker
from posthouse.storage.blobs.files import BlobFiles
from posthouse.storage.blobs.stream import ContentStream
from posthouse.storage.contact_ports import Contacts
from posthouse.storage.email_ports import Emails, Objects, Uploads
from posthouse.storage.mailbox_ports import NOBODY, Acls, Audit, Flow, Metadata
from posthouse.storage.rows import (
    Actor,
    Attempt,
    Changes,
    ContentDraft,
    Copied,
    Delivery,
    Expunged,
    FlagsStored,
    Hint,
    JournalLine,
    Mailbox,
    Problem,
    QueueEntry,
    QueueJob,
    Snapshot,
    Stored,
    UidRanges,
)
from posthouse.storage.search import AccountIndexes
from posthouse.storage.sqlite import requests as rq
from posthouse.storage.sqlite.access import SqliteAccess
from posthouse.storage.sqlite.acl import SqliteAcls
from posthouse.storage.sqlite.acting import ActingMessages, flags_stored
from posthouse.storage.sqlite.audit import SqliteAudit
from posthouse.storage.sqlite.check import check
from posthouse.storage.sqlite.connection import log, reading
from posthouse.storage.sqlite.contact_read import SqliteContacts
from posthouse.storage.sqlite.credential import SqliteCredentials
from posthouse.storage.sqlite.delivery import split_lines
from posthouse.storage.sqlite.directory import SqliteDirectory
from posthouse.storage.sqlite.email_read import SqliteEmails
from posthouse.storage.sqlite.fetch import fetch, fetch_numbers, read_file
from posthouse.storage.sqlite.flow import SqliteFlow
from posthouse.storage.sqlite.flow_requests import Ring
from posthouse.storage.sqlite.journal_index import FIND_TRACES, pack_hash
from posthouse.storage.sqlite.mailbox import SELECT_MAILBOX, mailbox_from
from posthouse.storage.sqlite.metadata import SqliteMetadata
from posthouse.storage.sqlite.objects import SqliteObjects
from posthouse.storage.sqlite.packed import message_hash, pack_delivery
from posthouse.storage.sqlite.queue import SELECT_ENTRY, SELECT_RECIPIENT, entry_from, recipient_from
from posthouse.storage.sqlite.reads import Reader
from posthouse.storage.sqlite.script import SqliteScripts
from posthouse.storage.sqlite.stretch import select_changed
from posthouse.storage.sqlite.team import SqliteTeamWork
from posthouse.storage.sqlite.token import SqliteTokens
from posthouse.storage.sqlite.upload import SqliteUploads
from posthouse.storage.sqlite.versions import MAILBOXES, Remembered, VersionsView
from posthouse.storage.team_ports import TeamWork
from posthouse.storage.tokens import Tokens

_CHANGED_UIDS: Final = select_changed("p.uid", most="?4")


class WriterHandle(Protocol):
    """The node's writer, here or behind a socket."""

    def submit(self, request: rq.AnyRequest) -> asyncio.Future[Any]: ...

    async def close(self) -> None: ...


class HintBoard:
    """`ports.Hints`: calls back in the order of subscription."""

    def __init__(self) -> None:
        self._callbacks: dict[object, Callable[[Hint], None]] = {}
        self.submit: Callable[[rq.AnyRequest], asyncio.Future[Any]]  # of the writer

    async def ring(self, hint: Hint) -> None:
        await self.submit(Ring(hint))

    def subscribe(self, callback: Callable[[Hint], None]) -> Callable[[], None]:
        key = object()
        self._callbacks[key] = callback
        return lambda: self._callbacks.pop(key, None) and None

    def publish(self, hints: Sequence[Hint]) -> None:
        for callback in list(self._callbacks.values()):
            for hint in hints:
                try:
                    callback(hint)
                except Exception:  # one listener's fault is not the next one's
                    log.exception("a listener for hints failed")


class SqliteContents:
    def __init__(self, reader: Reader, files: BlobFiles) -> None:
        self._reader = reader
        self._files = files
        self._packer = ContentPacker(files)
        self._codec = Codec()

    def writer(self) -> content_ports.ContentWriter:
        return self._packer.writer()

    def stream(self) -> content_ports.ContentStream:
        return ContentStream(self._packer)

    def draft(self, data: bytes) -> ContentDraft:
        return self._packer.draft(data)

    async def read(self, blob: BlobId) -> content_ports.Content:
        row = self._reader.row("SELECT size, codec, file, bytes FROM blob WHERE id = ?", (blob,))
        if row is None:
            raise NotFound(Sentence("store.blob", number=int(blob)))
        size, codec, file, packed = row
        if file is not None:
            return await asyncio.to_thread(read_file, self._files, file, size)
        return self._codec.unpack(codec, packed)


class SqliteMailboxes:
    def __init__(self, reader: Reader, writer: WriterHandle, versions: VersionsView) -> None:
        self._reader = reader
        self._submit = writer.submit
        self._known: Remembered[tuple[AccountId, str], Mailbox] = Remembered(versions, MAILBOXES)

    async def list(self, account: AccountId) -> list[Mailbox]:
        rows = self._reader.rows(SELECT_MAILBOX + " ORDER BY m.name", (account,))
        return [mailbox_from(row) for row in rows]

    async def subscriptions(self, account: AccountId) -> ports.Names:
        sql = "SELECT name FROM subscription WHERE account = ? ORDER BY name"
        return [name for (name,) in self._reader.rows(sql, (account,))]

    async def get(self, account: AccountId, name: str) -> Mailbox:
        row = self._reader.row(SELECT_MAILBOX + " AND m.name = ?", (account, name))
        if row is None:
            raise NotFound(Sentence("mailbox.none", name=repr(name)))
        return mailbox_from(row)

    async def find(self, account: AccountId, name: str) -> Mailbox:
        key = account, name
        found = self._known.get(key)
        if found is None:
            found = await self.get(account, name)
            self._known.keep(key, found)
        return found

    async def by_id(self, account: AccountId, mailbox: MailboxId) -> Mailbox:
        return self._reader.mailbox(account, mailbox)

    async def create(
        self, account: AccountId, name: str, role: str | None = None, *, user: AccountId = NOBODY
    ) -> Mailbox:
        created: Mailbox = await self._submit(rq.CreateMailbox(account, name, role, user))
        return created

    async def rename(self, account: AccountId, name: str, new_name: str, *, user: AccountId = NOBODY) -> None:
        await self._submit(rq.RenameMailbox(account, name, new_name, user))

    async def delete(self, account: AccountId, name: str, *, user: AccountId = NOBODY) -> None:
        await self._submit(rq.DeleteMailbox(account, name, user))

    async def subscribe(self, account: AccountId, name: str, *, on: bool) -> None:
        await self._submit(rq.Subscribe(account, name, on))

    async def set_role(self, account: AccountId, name: str, role: str | None) -> None:
        await self._submit(rq.SetRole(account, name, role))

    async def claim_recent(self, account: AccountId, mailbox: MailboxId, *, stay: bool = False) -> int:
        first: int = await self._submit(rq.ClaimRecent(account, mailbox, stay))
        return first

    async def end_claim(self, account: AccountId, mailbox: MailboxId, told: int) -> None:
        await self._submit(rq.EndClaim(account, mailbox, told))


class SqliteMessages:
    def __init__(self, reader: Reader, writer: WriterHandle, files: BlobFiles) -> None:
        self._reader = reader
        self._submit = writer.submit
        self._files = files

    def acting(self, actor: Actor) -> ports.Messages:
        return ActingMessages(self, self._reader, self._submit, actor)

    async def deliver(self, deliveries: Sequence[Delivery], *, together: bool = False) -> list[Stored]:
        packed = [pack_delivery(delivery) for delivery in deliveries]
        stored: list[Stored] = await self._submit(rq.Deliver(packed, together=together))
        return stored

    async def replace(self, account: AccountId, mailbox: MailboxId, uid: int, delivery: Delivery) -> Stored:
        stored: Stored = await self._submit(rq.Replace(account, mailbox, uid, pack_delivery(delivery)))
        return stored

    async def snapshot(self, account: AccountId, mailbox: MailboxId) -> Snapshot:
        return self._reader.snapshot(account, mailbox)

    async def changes(self, account: AccountId, mailbox: MailboxId, since: int) -> Changes:
        return self._reader.changes(account, mailbox, since)

    async def changed_uids(
        self, account: AccountId, mailbox: MailboxId, since: int, limit: int
    ) -> list[int] | None:
        rows = self._reader.rows(_CHANGED_UIDS, (account, since, mailbox, limit + 1))
        return sorted([uid for (uid,) in rows]) if len(rows) <= limit else None

    def fetch(
        self, account: AccountId, mailbox: MailboxId, uids: UidRanges, columns: Sequence[str]
    ) -> AsyncIterator[list[tuple[Any, ...]]]:
        return fetch(self._reader, self._files, (account, mailbox), uids, columns)

    def fetch_numbers(
        self, account: AccountId, mailbox: MailboxId, uids: UidRanges, columns: Sequence[str]
    ) -> AsyncIterator[list[list[int]]]:
        return fetch_numbers(self._reader, (account, mailbox), uids, columns)

    async def keywords(self, account: AccountId) -> tuple[str, ...]:
        sql = "SELECT name FROM keyword WHERE account = ? ORDER BY position"
        return tuple(name for (name,) in self._reader.rows(sql, (account,)))

    async def keyword_bits(self, account: AccountId, names: Sequence[str]) -> int:
        return int.from_bytes(await self._submit(rq.KeywordBits(account, list(names))), "little")

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
            rq.Copy(account, mailbox, uids, to_account, to_mailbox, move, keep)
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
        expunged: Expunged = await self._submit(rq.Expunge(account, mailbox, uids, only_deleted))
        return expunged


class SqliteQueue:
    def __init__(self, reader: Reader, writer: WriterHandle) -> None:
        self._reader = reader
        self._submit = writer.submit

    async def lease(
        self, owner: str, now: float, lease_s: float, limit: int, *, crowded: Sequence[str] = ()
    ) -> list[QueueJob]:
        jobs: list[QueueJob] = await self._submit(rq.Lease(owner, now, lease_s, limit, list(crowded)))
        return jobs

    async def release_leases(self, owner: str) -> None:
        await self._submit(rq.ReleaseLeases(owner))

    async def report(self, attempts: Sequence[Attempt], journal: Sequence[tuple[str, JournalLine]]) -> None:
        await self._submit(rq.Report(list(attempts), list(journal)))

    async def next_due(self) -> float | None:
        row = self._reader.row("SELECT min(due_at) FROM queue_recipient WHERE state = 'due'")
        due: float | None = row[0]
        return due

    async def entries(self, ids: Sequence[QueueId] | None = None, limit: int = 1000) -> list[QueueEntry]:
        if ids is None:
            rows = self._reader.rows(SELECT_ENTRY + " ORDER BY id LIMIT ?", (limit,))
        else:
            wanted = list(ids)[:limit]
            marks = ",".join("?" * len(wanted))
            rows = self._reader.rows(f"{SELECT_ENTRY} WHERE id IN ({marks}) ORDER BY id", tuple(wanted))
        entries = []
        for row in rows:
            recipients = self._reader.rows(SELECT_RECIPIENT + " WHERE message = ? ORDER BY id", (row[0],))
            entries.append(entry_from(row, [recipient_from(r) for r in recipients]))
        return entries

    async def control(
        self,
        recipients: Sequence[RecipientId],
        *,
        state: str,
        next_attempt: float = 0.0,
        route: str | None = None,
    ) -> int:
        changed: int = await self._submit(rq.Control(list(recipients), state, next_attempt, route))
        return changed

    async def counts(self) -> dict[str, int]:
        return dict(self._reader.rows("SELECT state, count(*) FROM queue_recipient GROUP BY state"))


class SqliteJournal:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._decode = msgspec.msgpack.Decoder(JournalLine).decode

    def _lines(self, data: bytes) -> list[JournalLine]:
        return [self._decode(line) for line in split_lines(data)]

    async def by_trace(self, trace: str) -> list[JournalLine]:
        row = self._reader.row("SELECT lines FROM journal WHERE trace = ?", (trace,))
        return [] if row is None else self._lines(row[0])

    async def traces_of(self, message_id: str) -> list[str]:
        number = message_hash(message_id)
        return [trace for (trace,) in self._reader.rows(FIND_TRACES, (pack_hash(number), number))]

    async def recent(self, limit: int) -> list[tuple[str, JournalLine]]:
        rows = self._reader.rows("SELECT trace, lines FROM journal ORDER BY trace DESC LIMIT ?", (limit,))
        return [(trace, line) for trace, data in reversed(rows) for line in self._lines(data)]


class SqliteStore:
    """`ports.Store`."""

    def __init__(
        self, root: Path, *, files: BlobFiles, writer: WriterHandle, locks: ports.Locks, hints: HintBoard
    ) -> None:
        self._root = root
        self._files = files
        self._writer = writer
        self._reader = reader = Reader(root)
        with reading():
            self._versions = versions = VersionsView(root)
        self.mailboxes: ports.Mailboxes = SqliteMailboxes(reader, writer, versions)
        self.messages: ports.Messages = SqliteMessages(reader, writer, files)
        self.search: ports.Search = AccountIndexes(root / "search", self.mailboxes, self.messages)
        self.directory: ports.Directory = SqliteDirectory(reader, writer.submit, self.search, versions)
        self.metadata: Metadata = SqliteMetadata(reader, writer.submit)
        self.audit: Audit = SqliteAudit(reader, writer.submit)
        self.acls: Acls = SqliteAcls(reader, writer.submit)
        self.answers = AnswerFiles(root / "answers", 0)
        self.credentials: Credentials = SqliteCredentials(reader, writer.submit)
        self.scripts: ports.Scripts = SqliteScripts(reader, writer.submit)
        self.access: Access = SqliteAccess(reader, writer.submit)
        self.tokens: Tokens = SqliteTokens(reader, writer.submit)
        self.contents: content_ports.Contents = SqliteContents(reader, files)
        self.queue: ports.Queue = SqliteQueue(reader, writer)
        self.journal: ports.Journal = SqliteJournal(reader)
        self.emails: Emails = SqliteEmails(reader, writer.submit, files)
        self.objects: Objects = SqliteObjects(reader, writer.submit)
        self.uploads: Uploads = SqliteUploads(reader, writer.submit)
        self.contacts: Contacts = SqliteContacts(reader, writer.submit)
        self.team: TeamWork = SqliteTeamWork(reader, writer.submit)
        self.locks: ports.Locks = locks
        self.hints: ports.Hints = hints
        hints.submit = writer.submit
        self.flow: Flow = SqliteFlow(reader, writer.submit)

    def keep_contents(self, limit_bytes: int) -> None:
        """How much memory messages read a moment ago may take in this process."""
        self._reader.cache = ContentCache(limit_bytes)

    async def check(self) -> list[Problem]:
        return await asyncio.to_thread(check, self._root, self._files) + await self.search.check()

    async def close(self) -> None:
        self.search.close()
        self._reader.close()
        self._versions.close()
        await self._writer.close()
