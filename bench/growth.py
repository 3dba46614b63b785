"""What each operation of IMAP costs in mailboxes of 1,000 to 100,000 messages, over the network: a table, and a plot
in `build/growth.png`.  `BENCH_MESSAGES=1000000` adds a mailbox of a million (two minutes more).

SELECT, STATUS and what is done to one message must not grow with the mailbox.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from dataclasses import replace
from pathlib import Path

from bench._node import BenchNode, ImapClient
from bench._plot import write_plot
from posthouse.mime.facts import facts_of
from posthouse.storage.ports import Store
from posthouse.storage.rows import AccountId, Delivery, LocalCopy, Mailbox
from posthouse.storage.sqlite import open_store

LARGEST = int(os.environ.get("BENCH_MESSAGES", "100000"))
SIZES = [size for size in (1_000, 10_000, 100_000, 1_000_000) if size <= LARGEST]
DISTINCT = min(10_000, LARGEST)
FLAT_MAX = 3.0
"""How much longer a flat operation may take in the largest mailbox than in the smallest."""
PLOT = Path("build/growth.png")
ALL: list[tuple[int, int]] = [(1, 0xFFFFFFFF)]

# (name, command, times, must be flat): {n} messages, {m} one in the middle that changes, {s} + and - in turns
OPERATIONS = (
    ("SELECT", "SELECT m{n}", 15, True),
    ("STATUS", "STATUS m{n} (MESSAGES UNSEEN UIDNEXT HIGHESTMODSEQ SIZE)", 15, True),
    ("FETCH one", "UID FETCH {m} (UID FLAGS ENVELOPE BODY.PEEK[])", 15, True),
    ("STORE one", "UID STORE {m} {s}FLAGS (\\Flagged)", 15, True),
    ("FETCH flags", "UID FETCH 1:* (FLAGS)", 3, False),
    ("FETCH envelopes", "UID FETCH 1:* (FLAGS ENVELOPE)", 3, False),
    ("FETCH header fields", "UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (From To Subject Date)])", 3, False),
    ("STORE all", "UID STORE 1:* {s}FLAGS.SILENT (\\Answered)", 2, False),
    ("SEARCH flags", "UID SEARCH FLAGGED UNSEEN", 3, False),
    ("SORT, first", "UID SORT (REVERSE DATE) UTF-8 ALL", 1, False),
    ("SORT, again", "UID SORT (REVERSE DATE) UTF-8 ALL", 3, False),
    ("THREAD, first", "UID THREAD REFERENCES UTF-8 ALL", 1, False),
    ("THREAD, again", "UID THREAD REFERENCES UTF-8 ALL", 3, False),
)


def letter(number: int) -> bytes:
    parent = f"References: <{number - 1 - number % 7}@qq.test>\r\n" if number % 5 < 2 and number > 7 else ""
    return (
        f"From: Zhang <zhang{number % 97}@qq.test>\r\nTo: Li Si <li@163.test>\r\nSubject: letter {number % 999}\r\n"
        f"Date: Mon, {1 + number % 28} Jan 2024 10:{number % 60:02}:00 +0000\r\nMessage-ID: <{number}@qq.test>\r\n"
        f"{parent}MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    ).encode() + b"The quick brown fox jumps over the lazy dog.\r\n" * (5 + number % 60)


async def fill(data: Path) -> None:
    """Distinct messages are delivered once; larger mailboxes are copies of smaller ones, in one account."""
    store = await open_store(data, role="client")
    account = await store.directory.account_by_address("u0@example.test")
    assert account is not None
    started = time.perf_counter()
    boxes = {size: await store.mailboxes.create(account.id, f"m{size}") for size in SIZES}
    source = boxes.get(DISTINCT) or boxes[SIZES[-1]]
    for first in range(0, DISTINCT, 500):
        await store.messages.deliver([delivery(store, source, n) for n in range(first, first + 500)])
    for size in SIZES:
        await grow(store, account.id, boxes[size], source, size)
        source = boxes[size] if size > DISTINCT else source
    print(f"{sum(SIZES):,} messages in {time.perf_counter() - started:.0f} s")
    await store.close()


def delivery(store: Store, inbox: Mailbox, number: int) -> Delivery:
    data = letter(number)
    copy = LocalCopy(inbox.account, inbox.id, date=1.7e9 + number * 60)
    return Delivery(f"b{number}", store.contents.draft(data), replace(facts_of(data)), [copy])


async def grow(store: Store, account: AccountId, box: Mailbox, source: Mailbox, size: int) -> None:
    if box.id == source.id:
        return
    while (have := (await store.mailboxes.by_id(account, box.id)).messages) < size:
        part = [(1, size - have)] if size - have < DISTINCT else ALL
        await store.messages.copy(account, source.id, part, account, box.id)


def measure(client: ImapClient, size: int) -> dict[str, float]:
    """Milliseconds by operation, the median."""
    client.run(f"SELECT m{size}")
    out = {}
    for name, command, times, _ in OPERATIONS:
        spent = []
        for turn in range(times):
            middle = 1 + (size // 2 + turn * 37) % size
            spent.append(client.timed(command.format(n=size, m=middle, s="+-"[turn % 2])))
        out[name] = statistics.median(spent) * 1000
    return out


def main() -> None:
    with BenchNode() as node:
        asyncio.run(fill(node.data))
        client = node.client(0)
        found = {size: measure(client, size) for size in SIZES}
        client.close()
    print(f"{'ms':<22}" + "".join(f"{size:>12,}" for size in SIZES) + "   growth")
    for name, _, _, flat in OPERATIONS:
        values = [found[size][name] for size in SIZES]
        growth = values[-1] / values[0]
        verdict = "" if not flat else "flat" if growth <= FLAT_MAX else "NOT FLAT"
        print(f"{name:<22}" + "".join(f"{value:>12.2f}" for value in values) + f"{growth:>8.1f}x {verdict}")
    lines: dict[str, list[float | None]] = {name: [found[s][name] for s in SIZES] for name, *_ in OPERATIONS}
    write_plot(PLOT, "Posthouse: time of an operation by the size of the mailbox", SIZES, lines)
    print(f"plot: {PLOT}")


if __name__ == "__main__":
    main()
