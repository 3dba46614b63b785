"""Making stores, accounts and messages for tests."""

from __future__ import annotations

from posthouse.mime.facts import facts_of
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Delivery, Domain, JournalLine, LocalCopy, Mailbox

DOMAIN = "example.test"
MAILBOXES = (
    ("INBOX", "inbox"),
    ("Sent", "sent"),
    ("Drafts", "drafts"),
    ("Junk", "junk"),
    ("Trash", "trash"),
    ("Archive", "archive"),
)


async def make_account(store: Store, name: str = "li", **fields: object) -> Account:
    """An account of the domain example.test with the default mailboxes."""
    if await store.directory.domain(DOMAIN) is None:
        await store.directory.put_domain(Domain(DOMAIN))
    account = Account(0, f"{name}@{DOMAIN}", **fields)  # type: ignore[arg-type]
    return await store.directory.create_account(account, MAILBOXES)


def message(number: int = 0, size: int = 0, *, headers: str = "", subject: str = "a letter") -> bytes:
    """A message with CRLF line ends; with `size`, of at least so many bytes."""
    head = (
        f"From: Zhang <zhang@qq.test>\r\nTo: li@{DOMAIN}\r\nSubject: {subject} {number}\r\n"
        f"Date: Mon, 01 Jan 2024 10:00:00 +0800\r\nMessage-ID: <{number}@qq.test>\r\n{headers}\r\n"
    ).encode()
    line = b"This is line %06d of message %06d.\r\n"
    body = b"".join(line % (at, number) for at in range(max(1, (size - len(head)) // 40 + 1)))
    return head + body


def delivery(store: Store, data: bytes, *copies: LocalCopy, trace: str = "t", journal: bool = True) -> Delivery:
    lines = [JournalLine(1.0, "received", {"size": len(data)})] if journal else []
    return Delivery(trace, store.contents.draft(data), facts_of(data), list(copies), journal=lines)


async def deliver(store: Store, mailbox: Mailbox, *messages: bytes, flags: int = 0) -> list[int]:
    """Put messages into a mailbox; their UIDs."""
    deliveries = [
        delivery(store, data, LocalCopy(mailbox.account, mailbox.id, flags=flags, date=1.0), trace=f"t{at}")
        for at, data in enumerate(messages)
    ]
    return [stored.placed[0].uid for stored in await store.messages.deliver(deliveries)]
