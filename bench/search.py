"""The index behind SEARCH: making it, what it takes on disk, and what a question costs: `python bench/search.py [N]`.

Messages are prose of a vocabulary whose words are as rare as in real text, every eighth in Chinese.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from posthouse.mime.facts import facts_of
from posthouse.mime.layout import unpack_layout
from posthouse.mime.search_text import fold, search_text
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Delivery, Domain, LocalCopy, Mailbox, TextSought
from posthouse.storage.sqlite import open_store

COUNTS = (1_000, 10_000)
AT_ONCE = 100
ASKED = (
    ("a word in 5 % of the subjects", TextSought("HEADER", "invoice", "subject")),
    ("a sender", TextSought("HEADER", "zhang17@", "from")),
    ("a rare word", TextSought("TEXT", "zanzibar")),
    ("an absent word", TextSought("TEXT", "xyzzyplugh")),
    ("part of a common word", TextSought("TEXT", "oma")),
    ("a phrase", TextSought("TEXT", "at the station")),
    ("an address in every header", TextSought("TEXT", "li@163.test")),
    ("one character", TextSought("TEXT", "驿")),
    ("two characters", TextSought("TEXT", "报告")),
    ("four characters", TextSought("TEXT", "季度报告")),
    ("punctuation", TextSought("TEXT", "...")),
    ("one letter", TextSought("TEXT", "e")),
)
_chance = random.Random(1)
WORDS = [
    "".join(_chance.choices(("ma", "to", "ri", "sen", "al", "o", "ke", "st"), k=1 + n % 4))
    for n in range(20_000)
]
WEIGHTS = [1 / (n + 3) for n in range(len(WORDS))]
HANZI = [chr(0x4E00 + n * 7 % 6000) for n in range(3000)]


def message(number: int) -> bytes:
    chance = random.Random(number)
    invoice = " invoice" if chance.random() < 0.05 else ""
    size = int(min(60_000, max(200, chance.lognormvariate(8.2, 0.9))))
    if number % 8:
        body = " ".join(chance.choices(WORDS, WEIGHTS, k=size // 6))
        body += " at the station" if chance.random() < 0.01 else ""
    else:
        weights = [1 / (n + 9) for n in range(len(HANZI))]
        body = "".join(chance.choices(HANZI, weights, k=size // 4))
        body += "季度报告" if chance.random() < 0.08 else ""
    body += " zanzibar" if chance.random() < 0.005 else ""
    return (
        f"Received: from mx.example.org by mx.example.test with ESMTPS id {number:X}; Mon, 1 Jan 2024 10:00 +0000\r\n"
        f"From: Zhang <zhang{number % 97}@qq.test>\r\nTo: Li Si <li@163.test>\r\nSubject: letter {number}{invoice}\r\n"
        f"Message-ID: <{number}.{number * 2654435761 % 2**32:x}@qq.test>\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n"
    ).encode()


async def fill(store: Store, inbox: Mailbox, count: int) -> int:
    size = 0
    for start in range(0, count, AT_ONCE):
        deliveries = []
        for number in range(start, start + AT_ONCE):
            data = message(number)
            size += len(data)
            copy = LocalCopy(inbox.account, inbox.id)
            deliveries.append(Delivery(str(number), store.contents.draft(data), facts_of(data), [copy]))
        await store.messages.deliver(deliveries)
    return size


async def by_reading(store: Store, inbox: Mailbox, sought: TextSought) -> int:
    found = 0
    columns = ("layout", "content")
    async for rows in store.messages.fetch(inbox.account, inbox.id, [(1, 0xFFFFFFFF)], columns):
        for layout, content in rows:
            text = search_text(content, unpack_layout(layout))
            found += text.body_holds(sought.needle) or text.header_holds(sought.needle)
    return found


async def measure(count: int, root: Path) -> None:
    store = await open_store(root, role="local")
    await store.directory.put_domain(Domain("example.test"))
    account = await store.directory.create_account(Account(0, "u@example.test"), [("INBOX", "inbox")])
    inbox = await store.mailboxes.get(account.id, "INBOX")
    size = await fill(store, inbox, count)
    started = time.perf_counter()
    await store.search.update(account.id)
    spent = time.perf_counter() - started
    disk = sum(path.stat().st_size for path in (root / "search").rglob("*") if path.is_file())
    print(
        f"{count} messages, {size / 1e6:.0f} MB: index made in {spent:.1f} s, {count / spent:.0f} messages/s"
    )
    print(f"  on disk {disk / 1e6:.1f} MB, {disk / size:.2f} bytes for each byte of mail")
    for what, sought in ASKED:
        one = TextSought(sought.where, fold(sought.needle), sought.field)
        times = []
        for _ in range(7):
            started = time.perf_counter()
            found = await store.search.find(account.id, inbox.id, [one])
            times.append(time.perf_counter() - started)
        assert found is not None
        print(f"  {what:30} {len(found.uids[0]):6} found {sorted(times)[3] * 1000:8.2f} ms")
    started = time.perf_counter()
    await by_reading(store, inbox, TextSought("TEXT", "zanzibar"))
    print(f"  {'by reading every message':43} {(time.perf_counter() - started) * 1000:8.0f} ms")
    await store.close()


def main(counts: list[int]) -> None:
    for count in counts or COUNTS:
        with tempfile.TemporaryDirectory(dir=".") as directory:
            asyncio.run(measure(count, Path(directory)))


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:] if word.isdigit()])
