"""JMAP over HTTP on a node of its own, two workers: upload and download of 50 MB, and the list of a large mailbox.

`BENCH_JMAP_MESSAGES` for another size than 100,000.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import statistics
import threading
import time
from pathlib import Path

from bench._node import BenchNode
from bench.jmap import LIST, letter
from posthouse.mime.facts import facts_of
from posthouse.storage.rows import Delivery, LocalCopy
from posthouse.storage.sqlite import open_store

SIZE = 50 << 20
TIMES = 7
MESSAGES = int(os.environ.get("BENCH_JMAP_MESSAGES", "100000"))
AT_ONCE = 8
REQUESTS = 2_000
AUTHORIZATION = base64.b64encode(b"u0@example.test:secret").decode()


class Http:
    """One connection that is kept open."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), 60)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = memoryview(bytearray(1 << 20))

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> bytes:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {AUTHORIZATION}\r\n"
            f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        self.sock.sendall(head if len(body) > 1 << 20 else head + body)
        if len(body) > 1 << 20:
            self.sock.sendall(body)
        return self._answer()

    def _answer(self) -> bytes:
        got = b""
        while b"\r\n\r\n" not in got:
            piece = self.sock.recv(65536)
            if not piece:
                raise RuntimeError(f"closed: {got!r}")
            got += piece
        head, _, rest = got.partition(b"\r\n\r\n")
        if b" 20" not in head[:12]:
            raise RuntimeError(f"{head!r} {rest!r}")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        left = int(fields[b"content-length"]) - len(rest)
        if left > 1 << 20:  # only counted
            while left:
                left -= self.sock.recv_into(self.buffer, min(left, len(self.buffer)))
            return b""
        pieces = [rest]
        while left:
            pieces.append(self.sock.recv(left))
            left -= len(pieces[-1])
        return b"".join(pieces)


def peaks(node: BenchNode) -> list[int]:
    """Peak resident KiB of each process of the node."""
    root = (node.data / "run" / "posthouse.pid").read_text().strip()
    children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
    return [
        int(line.split()[1])
        for pid in children
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    ]


def blobs(node: BenchNode) -> None:
    client = Http(node.base + 80)
    account = next(iter(json.loads(client.ask("GET", "/jmap/session"))["accounts"]))
    text = b"".join(b"Line %d of a text that is packed on its way.\r\n" % n for n in range(2_000_000))[:SIZE]
    for name, data in (("as a picture", os.urandom(SIZE)), ("as text", text)):
        before = max(peaks(node))
        up, down = [], []
        for _ in range(TIMES):
            started = time.perf_counter()
            made = json.loads(
                client.ask("POST", f"/jmap/upload/{account}/", data, "application/octet-stream")
            )
            up.append(SIZE / 1e6 / (time.perf_counter() - started))
            started = time.perf_counter()
            client.ask("GET", f"/jmap/download/{account}/{made['blobId']}/x?accept=image/png")
            down.append(SIZE / 1e6 / (time.perf_counter() - started))
        grown = (max(peaks(node)) - before) / 1024
        print(
            f"50 MB {name:13} upload {statistics.median(up):6.0f} MB/s (best {max(up):.0f})   "
            f"download {statistics.median(down):6.0f} MB/s (best {max(down):.0f})   peak memory +{grown:.0f} MiB",
            flush=True,
        )


async def fill(data: Path) -> None:
    store = await open_store(data, role="client")
    account = await store.directory.account_by_address("u0@example.test")
    assert account is not None
    inbox = await store.mailboxes.get(account.id, "INBOX")
    for start in range(0, MESSAGES, 500):
        batch = []
        for number in range(start, start + 500):
            content = letter(number)
            copy = LocalCopy(account.id, inbox.id, flags=number % 2, date=1.7e9 + number)
            batch.append(Delivery(f"b{number}", store.contents.draft(content), facts_of(content), [copy]))
        await store.messages.deliver(batch)
    await store.close()


def lists(node: BenchNode) -> None:
    """Email/query + Email/get of 50, newest first: by one connection, and by several at once."""
    client = Http(node.base + 80)
    account = next(iter(json.loads(client.ask("GET", "/jmap/session"))["accounts"]))
    using = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"]
    sought = [["Mailbox/query", {"accountId": account, "filter": {"role": "inbox"}}, "0"]]
    found = json.loads(
        client.ask("POST", "/jmap/api", json.dumps({"using": using, "methodCalls": sought}).encode())
    )
    [inbox] = found["methodResponses"][0][1]["ids"]
    reference = {"resultOf": "0", "name": "Email/query", "path": "/ids"}
    calls = [
        ["Email/query", {"accountId": account, "filter": {"inMailbox": inbox}, "limit": 50}, "0"],
        ["Email/get", {"accountId": account, "#ids": reference, "properties": LIST}, "1"],
    ]
    body = json.dumps({"using": using, "methodCalls": calls}).encode()
    spent = []
    for _ in range(300):
        started = time.perf_counter()
        client.ask("POST", "/jmap/api", body)
        spent.append((time.perf_counter() - started) * 1000)
    spent = sorted(spent[20:])
    alone = f"p50 {statistics.median(spent):.1f} ms, p99 {spent[int(len(spent) * 0.99)]:.1f} ms"

    def work() -> None:
        one = Http(node.base + 80)
        for _ in range(REQUESTS // AT_ONCE):
            one.ask("POST", "/jmap/api", body)

    threads = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = REQUESTS / (time.perf_counter() - started)
    print(
        f"query + get of 50 of {MESSAGES:,}: {alone}; {AT_ONCE} connections {rate:.0f} requests/s", flush=True
    )


def main() -> None:
    with BenchNode(workers=2, base=int(os.environ.get("BENCH_BASE", "28000"))) as node:
        blobs(node)
        asyncio.run(fill(node.data))
        lists(node)


if __name__ == "__main__":
    main()
