"""JMAP on one large mailbox, in one process: `BENCH_JMAP_MESSAGES=100000 python -m bench jmap` for the full size."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

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

MESSAGES = int(os.environ.get("BENCH_JMAP_MESSAGES", "10000"))
BOXES = 200
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


async def fill(store: Store) -> Account:
    await store.directory.put_domain(Domain("example.test"))
    account = await store.directory.create_account(
        Account(AccountId(0), "li@example.test", password="x"), [("INBOX", "inbox"), ("Trash", "trash")]
    )
    for n in range(BOXES - 2):
        await store.mailboxes.create(account.id, f"Box {n}")
    inbox = await store.mailboxes.get(account.id, "INBOX")
    for start in range(0, MESSAGES, 500):
        batch = []
        for n in range(start, min(start + 500, MESSAGES)):
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

    async def run(self, *calls: Any) -> Any:
        body = msgspec.json.encode({"using": list(CAPABILITIES), "methodCalls": list(calls)})
        response, _ = await api.run(self.services, self.grant, body)
        return msgspec.json.decode(msgspec.json.encode(response))["methodResponses"]

    async def measure(self, name: str, action: Callable[[], Awaitable[Any]], times: int) -> None:
        spent = []
        for _ in range(times):
            started = time.perf_counter()
            await action()
            spent.append((time.perf_counter() - started) * 1000)
        spent.sort()
        p99 = spent[min(len(spent) - 1, int(len(spent) * 0.99))]
        print(f"{name:58} p50 {statistics.median(spent):8.2f} ms   p99 {p99:8.2f} ms", flush=True)


async def main() -> None:
    with tempfile.TemporaryDirectory() as root:
        store = await open_store(Path(root), role="local", content_cache_bytes=64 << 20)
        started = time.perf_counter()
        account = await fill(store)
        print(
            f"{MESSAGES} messages in the inbox, {BOXES} mailboxes, made in {time.perf_counter() - started:.1f} s"
        )
        bench = Bench(store, account)
        await rows(bench, f"F{(await store.mailboxes.get(account.id, 'INBOX')).id}")
        await store.close()


async def rows(bench: Bench, inbox: str) -> None:
    def window(**more: Any) -> Callable[[], Awaitable[Any]]:
        query = {"accountId": bench.id, "filter": {"inMailbox": inbox}, "limit": 50, **more}
        reference = {"resultOf": "0", "name": "Email/query", "path": "/ids"}
        get = {"accountId": bench.id, "#ids": reference, "properties": LIST}
        return lambda: bench.run(["Email/query", query, "0"], ["Email/get", get, "1"])

    await bench.measure("Email/query + Email/get of 50, newest first", window(), 200)
    await bench.measure("  the same, threads collapsed", window(collapseThreads=True), 200)
    await bench.measure("  the same, with total", window(collapseThreads=True, calculateTotal=True), 50)
    unread = {"operator": "AND", "conditions": [{"inMailbox": inbox}, {"notKeyword": "$seen"}]}
    await bench.measure("  unread ones", window(filter=unread), 50)
    await bench.measure("  position 5000", window(position=5000), 30)
    await bench.measure("  by subject", window(sort=[{"property": "subject"}]), 10)
    boxes = ["Mailbox/get", {"accountId": bench.id, "ids": None}, "0"]
    await bench.measure(f"Mailbox/get of {BOXES}, the first", lambda: bench.run(boxes), 1)
    await bench.measure(f"Mailbox/get of {BOXES}", lambda: bench.run(boxes), 50)
    await bench.store.search.update(bench.account.id)
    search = {"operator": "AND", "conditions": [{"inMailbox": inbox}, {"text": "罕见词"}]}
    await bench.measure("Email/query text search, one Chinese word", window(filter=search), 50)
    common = {"operator": "AND", "conditions": [{"inMailbox": inbox}, {"text": "合同"}]}
    await bench.measure("  one in every twelve emails", window(filter=common), 10)
    found = await bench.run(["Email/query", {"accountId": bench.id, "limit": 5000}, "0"])
    ids = found[0][1]["ids"]
    state = found[0][1]["queryState"]
    for count in (1, 1000):
        update = {one: {"keywords/$flagged": True} for one in ids[:count]}
        await bench.run(["Email/set", {"accountId": bench.id, "update": update}, "0"])
        changes = ["Email/changes", {"accountId": bench.id, "sinceState": state}, "0"]
        await bench.measure(f"Email/changes after {count}", lambda c=changes: bench.run(c), 50)  # type: ignore[misc]
    more = (await bench.run(["Email/query", {"accountId": bench.id, "limit": 5000, "position": 5000}, "0"]))[
        0
    ][1]
    many = {one: {"keywords/work": True} for one in [*ids, *more["ids"]]}
    await bench.measure(
        f"Email/set of {len(many)} keywords",
        lambda: bench.run(["Email/set", {"accountId": bench.id, "update": many}, "0"]),
        1,
    )
    await bench.measure(f"Mailbox/get of {BOXES} after that", lambda: bench.run(boxes), 1)


if __name__ == "__main__":
    asyncio.run(main())
