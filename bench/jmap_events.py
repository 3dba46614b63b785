"""Event sources of JMAP: what 5,000 of them take, and how long after a delivery they tell of it.

A node of its own with two workers, connections spread over its hundred accounts; a letter comes by LMTP to one of them
at a time, and all its watchers are waited for.  `BENCH_EVENTS` for another number.
"""

from __future__ import annotations

import base64
import os
import random
import resource
import select
import socket
import statistics
import time
from pathlib import Path

from bench._node import BenchNode

COUNT = int(os.environ.get("BENCH_EVENTS", "5000"))
BASE = int(os.environ.get("BENCH_BASE", "28000"))
USERS = 100
LETTERS = 200
LETTER = b"From: a@elsewhere.test\r\nTo: you@example.test\r\nSubject: news\r\n\r\nwords\r\n.\r\n"


def processes(node: BenchNode) -> list[str]:
    root = (node.data / "run" / "posthouse.pid").read_text().strip()
    return [root, *Path(f"/proc/{root}/task/{root}/children").read_text().split()]


def used_kib(node: BenchNode) -> int:
    """Proportional set size of all processes of the node."""
    return sum(
        int(line.split()[1])
        for pid in processes(node)
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        if line.startswith("Pss:")
    )


class Watchers:
    def __init__(self, port: int) -> None:
        self.port = port
        self.poller = select.epoll()
        self.sockets: dict[int, tuple[int, socket.socket]] = {}

    def open(self, user: int) -> None:
        sock = socket.create_connection(("127.0.0.1", self.port), 60)
        who = base64.b64encode(f"u{user}@example.test:secret".encode()).decode()
        sock.sendall(
            b"GET /jmap/events?types=*&closeafter=no&ping=0 HTTP/1.1\r\nHost: localhost\r\n"
            b"Accept: text/event-stream\r\nAuthorization: Basic %b\r\n\r\n" % who.encode()
        )
        got = b""
        while b"hello" not in got:
            piece = sock.recv(65536)
            if not piece:
                raise RuntimeError(f"closed: {got!r}")
            got += piece
        self.sockets[sock.fileno()] = user, sock
        self.poller.register(sock.fileno(), select.EPOLLIN)

    def wait(self, user: int, started: float, limit_s: float = 10.0) -> list[float]:
        """Seconds after `started` at which each watcher of a user was told."""
        waiting = {fd for fd, (one, _) in self.sockets.items() if one == user}
        seen = []
        while waiting and (left := started + limit_s - time.perf_counter()) > 0:
            for fd, _ in self.poller.poll(left):
                data = self.sockets[fd][1].recv(65536)
                if not data:
                    raise RuntimeError("an event source was closed")
                if fd in waiting and b"EmailDelivery" in data:
                    waiting.discard(fd)
                    seen.append(time.perf_counter() - started)
        if waiting:
            raise RuntimeError(f"{len(waiting)} event sources were told nothing")
        return seen


class Lmtp:
    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), 60)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.sock.makefile("rb")
        self.file.readline()
        self.say(b"LHLO bench\r\n")

    def say(self, line: bytes) -> None:
        self.sock.sendall(line)
        while (answer := self.file.readline())[3:4] == b"-":
            continue
        if answer[:1] not in b"23":
            raise RuntimeError(answer)

    def deliver(self, user: int) -> float:
        """When the end of the letter was sent."""
        self.say(b"MAIL FROM:<a@elsewhere.test>\r\n")
        self.say(b"RCPT TO:<u%d@example.test>\r\n" % user)
        self.say(b"DATA\r\n")
        started = time.perf_counter()
        self.say(LETTER)
        return started


def main() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, COUNT + 1000)), hard))
    with BenchNode(workers=2, base=BASE) as node:
        watchers, sender = Watchers(BASE + 80), Lmtp(BASE + 24)
        for user in range(USERS):  # everybody is known, and nothing is loaded for the first time any more
            watchers.open(user)
            watchers.wait(user, sender.deliver(user))
        before, opened = used_kib(node), len(watchers.sockets)
        started = time.perf_counter()
        for number in range(COUNT - opened):
            watchers.open(number % USERS)
        seconds = time.perf_counter() - started
        grown = used_kib(node) - before
        print(
            f"{COUNT:,} event sources: {grown / (COUNT - opened):.1f} KiB each, "
            f"opened at {(COUNT - opened) / seconds:.0f}/s"
        )
        cpu, started = node.processor_s(), time.perf_counter()
        time.sleep(5)
        idle = 100 * (node.processor_s() - cpu) / (time.perf_counter() - started)
        print(f"  idle: {idle:.1f} % of a core")
        chance, spent = random.Random(1), []
        for _ in range(LETTERS):
            user = chance.randrange(USERS)
            spent += watchers.wait(user, sender.deliver(user))
            time.sleep(0.01)
        spent.sort()
        p50, p99 = statistics.median(spent), spent[int(len(spent) * 0.99)]
        print(
            f"  from the end of a letter to its event: p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms ({len(spent)})"
        )


if __name__ == "__main__":
    main()
