"""JMAP in mailboxes of 1,000 to 100,000 emails, in one process: a table, and a plot in `docs/pictures/jmap.png`.

`BENCH_JMAP_MESSAGES=10000` leaves out what is larger, and draws no plot.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from bench._plot import write_plot
from posthouse.core.ids import AccountId
from posthouse.core.ports import SystemClock, SystemIds
from posthouse.mime.facts import facts_of
from posthouse.services.contacts import ContactService
from posthouse.services.delivery import DeliveryService
from posthouse.services.email_search import EmailSearch
from posthouse.services.grant import of_password
from posthouse.services.mailbox_counts import MailboxCounts
from posthouse.services.mailboxes import MailboxService
from posthouse.sessions.jmap import api
from posthouse.sessions.jmap.capability import CAPABILITIES
from posthouse.sessions.jmap.services import JmapServices
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Delivery, Domain, LocalCopy
from posthouse.storage.sqlite import open_store

LARGEST = int(os.environ.get("BENCH_JMAP_MESSAGES", "100000"))
SIZES = [size for size in (1_000, 10_000, 100_000) if size <= LARGEST]
BOXES = 200
PLOT = Path("docs/pictures/jmap.png")
PINNED = 5
LIST = [
    "id",
    "threadId",
    "mailboxIds",
    "keywords",
    "from",
    "to",
    "subject",
    "receivedAt",
    "preview",
    "hasAttachment",
]
WORDS = ["邮件", "会议", "报告", "合同", "发票", "项目", "周末", "上海", "北京", "设计", "测试", "驿站"]


def letter(n: int) -> bytes:
    word = WORDS[n % len(WORDS)] if n % 97 else "罕见词"
    reply = f"In-Reply-To: <{n - 1}@qq.test>\r\n" if n % 3 else ""
    return (
        f"From: Zhang {n % 50} <zhang{n % 50}@qq.test>\r\nTo: li@example.test\r\nSubject: {word} number {n}\r\n"
        f"Date: Mon, 01 Jan 2024 10:00:00 +0800\r\nMessage-ID: <{n}@qq.test>\r\n{reply}MIME-Version: 1.0\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\nA letter about {word}.\r\n"
        + "Some more words of it.\r\n"
        * 20
    ).encode()


async def fill(store: Store, messages: int) -> Account:
    await store.directory.put_domain(Domain("example.test"))
    account = await store.directory.create_account(
        Account(AccountId(0), "li@example.test", password="x"), [("INBOX", "inbox"), ("Trash", "trash")]
    )
    for n in range(BOXES - 2):
        await store.mailboxes.create(account.id, f"Box {n}")
    inbox = await store.mailboxes.get(account.id, "INBOX")
    for start in range(0, messages, 500):
        batch = []
        for n in range(start, min(start + 500, messages)):
            data = letter(n)
            copy = LocalCopy(account.id, inbox.id, flags=n % 2, date=1.7e9 + n)
            batch.append(Delivery(f"t{n}", store.contents.draft(data), facts_of(data), [copy]))
        await store.messages.deliver(batch)
    return account


class Bench:
    def __init__(self, store: Store, account: Account) -> None:
        clock, ids = SystemClock(), SystemIds()
        self.store = store
        self.account = account
        self.grant = of_password(account)
        self.services = JmapServices(
            store, MailboxService(store), MailboxCounts(store), EmailSearch(store),
            DeliveryService(store, clock, ids), clock, ids, "mail.example.test",
            ContactService(store, clock),
        )  # fmt: skip
        self.id = f"A{account.id}"
        self.found: dict[str, tuple[float, float]] = {}

    async def run(self, *calls: Any) -> Any:
        body = msgspec.json.encode({"using": list(CAPABILITIES), "methodCalls": list(calls)})
        response, _ = await api.run(self.services, self.grant, body)
        return msgspec.json.decode(msgspec.json.encode(response))["methodResponses"]

    async def measure(self, name: str, action: Callable[[], Awaitable[Any]], times: int) -> None:
        """Keeps p50 and p99 in milliseconds."""
        spent = []
        for _ in range(times):
            started = time.perf_counter()
            await action()
            spent.append((time.perf_counter() - started) * 1000)
        spent.sort()
        self.found[name] = statistics.median(spent), spent[min(len(spent) - 1, int(len(spent) * 0.99))]


async def measured(size: int) -> dict[str, tuple[float, float]]:
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-jmap-") as root:
        store = await open_store(Path(root), role="local", content_cache_bytes=64 << 20)
        account = await fill(store, size)
        bench = Bench(store, account)
        await rows(bench, f"F{(await store.mailboxes.get(account.id, 'INBOX')).id}")
        await store.close()
        return bench.found


async def rows(bench: Bench, inbox: str) -> None:
    def window(**more: Any) -> Callable[[], Awaitable[Any]]:
        query = {"accountId": bench.id, "filter": {"inMailbox": inbox}, "limit": 50, **more}
        reference = {"resultOf": "0", "name": "Email/query", "path": "/ids"}
        get = {"accountId": bench.id, "#ids": reference, "properties": LIST}
        return lambda: bench.run(["Email/query", query, "0"], ["Email/get", get, "1"])

    await window()()  # what is loaded at the first use of a process is not what is measured
    await bench.measure("query + get of 50, newest first", window(), 200)
    await bench.measure("  threads collapsed", window(collapseThreads=True), 100)
    await bench.measure("  with total", window(collapseThreads=True, calculateTotal=True), 50)
    await _pin(bench)
    marked = [{"property": "hasKeyword", "keyword": "$pinned", "isAscending": False}]
    pinned = window(sort=[*marked, {"property": "receivedAt", "isAscending": False}], collapseThreads=True)
    await bench.measure("  pinned first, at first", pinned, 1)
    await bench.measure("  pinned first", pinned, 50)
    unread = {"operator": "AND", "conditions": [{"inMailbox": inbox}, {"notKeyword": "$seen"}]}
    await bench.measure("  unread ones", window(filter=unread), 50)
    await bench.measure("  by subject", window(sort=[{"property": "subject"}]), 5)
    boxes = ["Mailbox/get", {"accountId": bench.id, "ids": None}, "0"]
    await bench.measure(f"Mailbox/get of {BOXES}", lambda: bench.run(boxes), 50)
    await bench.store.search.update(bench.account.id)
    for name, word in (("one Chinese word", "罕见词"), ("a word of every twelfth", "合同")):
        search = {"operator": "AND", "conditions": [{"inMailbox": inbox}, {"text": word}]}
        query = {"accountId": bench.id, "filter": search, "limit": 50}
        await bench.measure(f"text search, {name}", partial(bench.run, ["Email/query", query, "0"]), 30)
    await changes(bench, boxes)


async def _pin(bench: Bench) -> None:
    [[_, found, _]] = await bench.run(
        ["Email/query", {"accountId": bench.id, "limit": PINNED, "position": 500}, "0"]
    )
    update = {one: {"keywords/$pinned": True} for one in found["ids"]}
    await bench.run(["Email/set", {"accountId": bench.id, "update": update}, "0"])


async def changes(bench: Bench, boxes: Any) -> None:
    ids: list[str] = []
    for position in (0, 5000):
        query = {"accountId": bench.id, "limit": 5000, "position": position}
        [[_, found, _]] = await bench.run(["Email/query", query, "0"])
        ids += found["ids"]
    state = found["queryState"]
    for count in (1, 1000):
        update = {one: {"keywords/$flagged": True} for one in ids[:count]}
        await bench.run(["Email/set", {"accountId": bench.id, "update": update}, "0"])
        asked = ["Email/changes", {"accountId": bench.id, "sinceState": state}, "0"]
        await bench.measure(f"Email/changes after {count:,}", partial(bench.run, asked), 50)
    many = [
        "Email/set",
        {"accountId": bench.id, "update": {one: {"keywords/work": True} for one in ids}},
        "0",
    ]
    await bench.measure(SET, lambda: bench.run(many), 1)
    await bench.measure(f"Mailbox/get of {BOXES} after that", lambda: bench.run(boxes), 1)


SET = "Email/set of 10,000 keywords"
WANTED = {
    "query + get of 50, newest first": 15.0,
    "text search, one Chinese word": 30.0,
    "Email/changes after 1": 3.0,
    "Email/changes after 1,000": 20.0,
    f"Mailbox/get of {BOXES}": 5.0,
    SET: 1000.0,
}
"""Milliseconds, p50, at 100,000."""


def main() -> None:
    found = {size: asyncio.run(measured(size)) for size in SIZES}
    print(f"{'p50 / p99 in ms':<34}" + "".join(f"{size:>18,}" for size in SIZES) + f"{'wanted':>10}")
    for name in found[SIZES[0]]:
        cells = "".join(
            f"{f'{p50:.2f} / {p99:.2f}':>18}" for p50, p99 in (found[size][name] for size in SIZES)
        )
        wanted = WANTED.get(name)
        print(f"{name:<34}{cells}" + (f"{wanted:>10.0f}" if wanted else ""), flush=True)
    if len(SIZES) > 1 and LARGEST >= 100_000:
        drawn = [
            name for name in found[SIZES[0]] if not name.endswith(("at first", "after that")) and name != SET
        ]
        lines: dict[str, list[float | None]] = {n.strip(): [found[s][n][0] for s in SIZES] for n in drawn}
        write_plot(PLOT, "Posthouse: JMAP by the size of the mailbox, median", SIZES, lines)
        print(f"plot: {PLOT}")


if __name__ == "__main__":
    main()
