"""Save a database of the present schema for the tests: `python tools/save_database.py tests/storage/data`.

To be run once per released schema; the result is never made again.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import msgspec
import zstandard

from posthouse.cards.keys import facts_of
from posthouse.core.ids import AccountId
from posthouse.storage.contact_rows import AddressBook, CardLimits, CardMedia, CardWrite
from posthouse.storage.rows import (
    Alias,
    Credential,
    Delivery,
    JournalLine,
    LocalCopy,
    QueueEntry,
    QueueRecipient,
    SieveScript,
)
from posthouse.storage.sqlite.schema import SCHEMA_VERSION
from tests.storage.fixtures import ALL, DOMAIN, deliver, delivery, make_account, message, open_backend


async def fill(root: Path) -> None:
    async with open_backend(root) as store:
        account = await make_account(store, name="李四", password="secret", quota_bytes=1 << 30)
        await store.directory.put_alias(Alias(f"team@{DOMAIN}", (account.address, "a@qq.test")))
        await store.directory.put_setting("key", b"value")
        inbox = await store.mailboxes.get(account.id, "INBOX")
        trash = await store.mailboxes.get(account.id, "Trash")
        await store.messages.keyword_bits(account.id, [f"k{n}" for n in range(60)])
        await deliver(store, inbox, *(message(n, n * 100) for n in range(10)), flags=1 << 66 | 1)
        await store.messages.copy(account.id, inbox.id, [(2, 4)], account.id, trash.id)
        await store.messages.expunge(account.id, inbox.id, [(4, 5)], only_deleted=False)
        await store.messages.store_flags(account.id, inbox.id, ALL, remove=1 << 66)
        entry = QueueEntry("li@163.test", [QueueRecipient("a@qq.test")], "t", 1.0, 2.0)
        copy = LocalCopy(account.id, role="sent", keywords=("k1",))
        lines: list[JournalLine] = [JournalLine(1.0, "received", {"size": 1})]
        letter: Delivery = delivery(store, message(99), copy, trace="t", queue=[entry], journal=lines)
        await store.messages.deliver([letter])
        await store.credentials.put(Credential(account.id, "app", "phone", "00", protocols=("imap",)))
        await store.scripts.put(SieveScript(account.id, "rules", "keep;"), count_max=9)
        await store.scripts.activate(account.id, "rules")
        await store.scripts.remember(account.id, [("k", 9e9)], 0.0, count_max=9)
        await store.acls.set(
            account.id, inbox.id, AccountId(0), negative=False, change=("=", 3), entries_max=9
        )
        book = await store.contacts.put_book(
            AddressBook(account.id, 0, "通讯录", is_default=True), count_max=9
        )
        card = {"@type": "Card", "version": "1.0", "uid": "1", "name": {"full": "张伟"}}
        picture = CardMedia(7, 3, "image/png", store.contents.draft(b"abc"))
        write = CardWrite(
            0, "1", msgspec.json.encode(card), facts_of(card), 1.0, 1.0, {book.id: ""}, [picture]
        )
        await store.contacts.write(account.id, [write], CardLimits(9, 9))
        await store.metadata.set(account.id, inbox.id, {"/private/comment": "注".encode()}, entries_max=9)


def main(directory: Path) -> None:
    with tempfile.TemporaryDirectory() as made:
        asyncio.run(fill(Path(made)))
        data = (Path(made) / "mail.db").read_bytes()
    target = directory / f"schema-{SCHEMA_VERSION}.db.zst"
    with target.open("xb") as file:
        file.write(zstandard.ZstdCompressor(level=19).compress(data))
    print(target, target.stat().st_size)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
