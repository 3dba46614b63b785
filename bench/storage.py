"""What the store does in a second, through the async API with production durability: `python bench/storage.py`.

DIR (default: a directory here that is deleted afterwards) should be on the disk that will hold mail.
"""

from __future__ import annotations

import asyncio
import base64
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from posthouse.core.ports import SystemIds
from posthouse.mime.facts import facts_of
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Delivery, Domain, JournalLine, LocalCopy, Mailbox
from posthouse.storage.sqlite import open_store

SECONDS = 2.0
ROWS = 20_000
_VOWELS = "aeiou"
WORDS = [
    "".join(
        random.Random(n).choices("bcdfghklmnprstvw")[0] + _VOWELS[n * k % 5] for k in range(1, 2 + n % 4)
    ).encode()
    + b"%x" % (n % 16 if n % 3 == 0 else 7)
    for n in range(4000)
]
LARGE_ROWS = 3_000
IDS = SystemIds()


def message(number: int, size: int) -> bytes:
    head = (
        f"Received: from mx.example.org (mx.example.org [192.0.2.1])\r\n\tby mx.example.test with ESMTPS id {number:X}"
        f"\r\n\tfor <u@example.test>; Mon, 1 Jan 2024 10:00:00 +0000\r\nFrom: Zhang <zhang{number % 97}@qq.test>\r\n"
        f"To: Li Si <li@163.test>\r\nSubject: The {number}th letter\r\nDate: Mon, 1 Jan 2024 10:00:00 +0000\r\n"
        f"Message-ID: <{number}.{number * 2654435761 % 2**32:x}@qq.test>\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n"
    ).encode()
    chance = random.Random(number)
    # Prose of a 4,000-word vocabulary; a quarter of a long message is an attachment that does not compress.
    attachment = base64.encodebytes(chance.randbytes(size // 6 if size > 8192 else 0)).replace(b"\n", b"\r\n")
    words = chance.choices(WORDS, k=(size - len(attachment)) // 6)
    body = b"\r\n".join(b" ".join(words[at : at + 11]) for at in range(0, len(words), 11))
    return (head + body)[: size - 2 - len(attachment)] + b"\r\n" + attachment


def delivery(store: Store, mailbox: Mailbox, data: bytes) -> Delivery:
    trace = IDS.trace()
    lines = [JournalLine(time.time(), "received", {"from": "zhang@qq.test", "size": len(data)})]
    copy = LocalCopy(mailbox.account, mailbox.id, date=time.time())
    return Delivery(trace, store.contents.draft(data), facts_of(data), [copy], journal=lines)


async def deliver_rate(store: Store, mailboxes: list[Mailbox], callers: int) -> float:
    """Messages a second; packing is part of it, the facts are not (the same for each caller)."""
    samples = [(data, facts_of(data)) for data in (message(number, 4096) for number in range(64))]
    done = 0
    end = time.perf_counter() + SECONDS

    async def caller(mailbox: Mailbox) -> None:
        nonlocal done
        while time.perf_counter() < end:
            data, facts = samples[done % 64]
            copy = LocalCopy(mailbox.account, mailbox.id, date=time.time())
            lines = [JournalLine(time.time(), "received", {"from": "zhang@qq.test", "size": len(data)})]
            draft = store.contents.draft(data)
            await store.messages.deliver([Delivery(IDS.trace(), draft, facts, [copy], journal=lines)])
            done += 1

    started = time.perf_counter()
    await asyncio.gather(*(caller(mailboxes[at % len(mailboxes)]) for at in range(callers)))
    return done / (time.perf_counter() - started)


async def pages_of_a_letter(root: Path, store: Store, mailboxes: list[Mailbox]) -> float:
    """Each page costs two system calls and a checksum now, and a copy at the checkpoint."""
    await asyncio.sleep(1.5)  # the WAL is cut when the writer is idle
    for mailbox in mailboxes:
        await store.messages.deliver([delivery(store, mailbox, message(mailbox.id, 4096))])
    return (root / "mail.db-wal").stat().st_size / 4120 / len(mailboxes)


async def fill(store: Store, mailbox: Mailbox, rows: int, size: int) -> None:
    for start in range(0, rows, 500):
        batch = [delivery(store, mailbox, message(number, size)) for number in range(start, start + 500)]
        await store.messages.deliver(batch)


async def fetch_rate(store: Store, mailbox: Mailbox, columns: tuple[str, ...]) -> tuple[float, float]:
    """(rows, content bytes) a second, over the whole mailbox."""
    best = (0.0, 0.0)
    for _ in range(3):
        started = time.perf_counter()
        rows = size = 0
        async for chunk in store.messages.fetch(mailbox.account, mailbox.id, [(1, 1 << 31)], columns):
            rows += len(chunk)
            if columns[-1] == "content":
                size += sum(len(row[-1]) for row in chunk)
        spent = time.perf_counter() - started
        best = max(best, (rows / spent, size / spent))
    return best


async def timed(action: Callable[[], Awaitable[object]], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        await action()
    return (time.perf_counter() - started) / times


def line(name: str, value: float, unit: str) -> None:
    print(f"{name:<44}{value:>14,.1f} {unit}")


async def bench(root: Path, role: str) -> None:
    store = await open_store(root, role=role)  # type: ignore[arg-type]
    await store.directory.put_domain(Domain("example.test"))
    mailboxes = []
    for number in range(50):
        account = await store.directory.create_account(Account(0, f"u{number}@example.test"), [])  # type: ignore[arg-type]
        mailboxes.append(await store.mailboxes.get(account.id, "INBOX"))
    data = message(1, 4096)
    started = time.perf_counter()
    for _ in range(2000):
        store.contents.draft(data)
    line("draft of 4 KB", (time.perf_counter() - started) / 2000 * 1e6, "us")
    for callers in (1, 10, 50):
        line(f"deliver 4 KB, {callers} callers", await deliver_rate(store, mailboxes, callers), "messages/s")
    line("pages of the WAL for a letter of 4 KB, alone", await pages_of_a_letter(root, store, mailboxes), "")
    account = await store.directory.create_account(Account(0, "reader@example.test"), [("Large", None)])  # type: ignore[arg-type]
    inbox = await store.mailboxes.get(account.id, "INBOX")
    large = await store.mailboxes.get(account.id, "Large")
    await fill(store, inbox, ROWS, 4096)
    await fill(store, large, LARGE_ROWS, 17_000)
    line("fetch FLAGS", (await fetch_rate(store, inbox, ("uid", "flags")))[0], "rows/s")
    line("fetch ENVELOPE", (await fetch_rate(store, inbox, ("uid", "envelope")))[0], "rows/s")
    columns = ("uid", "flags", "envelope", "bodystructure", "size", "date")
    line("fetch FULL", (await fetch_rate(store, inbox, columns))[0], "rows/s")
    rate, size = await fetch_rate(store, large, ("uid", "content"))
    line("fetch content of 17 KB", rate, "messages/s")
    line("fetch content of 17 KB", size / 1e6, "MB/s")
    line("fetch content of 4 KB", (await fetch_rate(store, inbox, ("uid", "content")))[0], "messages/s")
    line(
        "snapshot, warm", await timed(lambda: store.messages.snapshot(account.id, inbox.id), 100) * 1e6, "us"
    )
    one = [(7, 7)]

    async def toggle() -> None:
        await store.messages.store_flags(account.id, inbox.id, one, add=1)
        await store.messages.store_flags(account.id, inbox.id, one, remove=1)

    line("store flags of one message, alone", await timed(toggle, 200) * 5e5, "us")
    started = time.perf_counter()
    await store.messages.store_flags(account.id, inbox.id, [(1, 1 << 31)], add=2)
    line("store flags of a mailbox", ROWS / (time.perf_counter() - started), "messages/s")
    started = time.perf_counter()
    copied = await store.messages.copy(account.id, inbox.id, [(1, 1 << 31)], account.id, large.id)
    line("copy of a mailbox", len(copied.target) / (time.perf_counter() - started), "messages/s")
    moved = await store.mailboxes.create(account.id, "Moved")
    started = time.perf_counter()
    await store.messages.copy(account.id, inbox.id, [(1, 1 << 31)], account.id, moved.id, move=True)
    line("move of a mailbox", ROWS / (time.perf_counter() - started), "messages/s")
    started = time.perf_counter()
    await store.messages.expunge(account.id, moved.id, only_deleted=False)
    line("expunge of a mailbox, copied before", ROWS / (time.perf_counter() - started), "messages/s")
    problems = await store.check()
    print("invariants:", problems or "all hold")
    await store.close()


def main() -> None:
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    root = Path(tempfile.mkdtemp(dir=given or Path.cwd()))
    try:
        print("one process (the writer is a thread)")
        asyncio.run(bench(root / "local", "local"))
        print("\na worker and the writer process")
        code = "import asyncio,sys,pathlib; from posthouse.storage.sqlite import serve_writer;"
        code += " asyncio.run(serve_writer(pathlib.Path(sys.argv[1])))"
        writer = subprocess.Popen([sys.executable, "-c", code, str(root / "client")], env=os.environ)
        try:
            asyncio.run(bench(root / "client", "client"))
        finally:
            writer.kill()
            writer.wait()
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
