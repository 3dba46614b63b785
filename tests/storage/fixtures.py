"""Making stores, accounts and messages for tests; `open_backend` opens a store that is checked when it closes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from posthouse.core.ids import AccountId
from posthouse.core.ports import SystemClock
from posthouse.mime.facts import facts_of
from posthouse.storage.ports import Store
from posthouse.storage.rows import (
    Account,
    Delivery,
    Domain,
    JournalLine,
    LocalCopy,
    Mailbox,
    Placed,
    QueueEntry,
    UidRanges,
)
from posthouse.storage.sqlite import open_store
from posthouse.storage.sqlite.protocol import SOCKET_NAME
from posthouse.storage.sqlite.server import WriterServer

DOMAIN = "example.test"
ALL: UidRanges = [(1, 0xFFFFFFFF)]
MAILBOXES = (
    ("INBOX", "inbox"),
    ("Sent", "sent"),
    ("Drafts", "drafts"),
    ("Junk", "junk"),
    ("Trash", "trash"),
    ("Archive", "archive"),
)


@asynccontextmanager
async def open_backend(root: Path, backend: str = "local") -> AsyncIterator[Store]:
    """A store, by itself ("local") or over the socket of a writer ("process"); all invariants hold at the end."""
    server = None
    if backend == "process":
        server = WriterServer(root, root / SOCKET_NAME, SystemClock())
        await server.start()
    role: Literal["local", "client"] = "local" if server is None else "client"
    store = await open_store(root, role=role, content_cache_bytes=1 << 20)
    try:
        yield store
        assert await store.check() == []
    finally:
        await store.close()
        if server is not None:
            await server.close()


async def make_account(store: Store, local: str = "li", **fields: Any) -> Account:
    """An account of the domain example.test with the default mailboxes."""
    if await store.directory.domain(DOMAIN) is None:
        await store.directory.put_domain(Domain(DOMAIN))
    account = Account(AccountId(0), f"{local}@{DOMAIN}", **fields)
    return await store.directory.create_account(account, MAILBOXES)


def message(number: int = 0, size: int = 0, *, headers: str = "", subject: str = "a letter") -> bytes:
    """A message with CRLF line ends; with `size`, of at least so many bytes."""
    head = (
        f"From: Zhang <zhang@qq.test>\r\nTo: li@{DOMAIN}\r\nSubject: {subject} {number}\r\n"
        f"Date: Mon, 01 Jan 2024 10:00:00 +0800\r\nMessage-ID: <{number}@qq.test>\r\n{headers}\r\n"
    ).encode()
    line = b"This is line %06d of message %06d.\r\n"
    return head + b"".join(line % (at, number) for at in range(max(1, (size - len(head)) // 37 + 1)))


def delivery(
    store: Store,
    data: bytes,
    *copies: LocalCopy,
    trace: str = "t",
    queue: Sequence[QueueEntry] = (),
    journal: Sequence[JournalLine] = (),
) -> Delivery:
    return Delivery(
        trace,
        store.contents.draft(data),
        facts_of(data),
        list(copies),
        queue=list(queue),
        journal=list(journal),
    )


async def deliver_one(store: Store, data: bytes, *copies: LocalCopy, **fields: Any) -> list[Placed]:
    [stored] = await store.messages.deliver([delivery(store, data, *copies, **fields)])
    return stored.placed


async def deliver(store: Store, mailbox: Mailbox, *messages: bytes, flags: int = 0) -> list[int]:
    """Put messages into a mailbox; their UIDs."""
    deliveries = [
        delivery(store, data, LocalCopy(mailbox.account, mailbox.id, flags=flags, date=1.0))
        for data in messages
    ]
    return [stored.placed[0].uid for stored in await store.messages.deliver(deliveries)]


async def rows(store: Store, mailbox: Mailbox, *columns: str, uids: UidRanges = ALL) -> list[tuple[Any, ...]]:
    return [
        row
        async for chunk in store.messages.fetch(mailbox.account, mailbox.id, uids, columns)
        for row in chunk
    ]
