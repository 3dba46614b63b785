"""How the throughput of independent users grows from one worker to two, over the network.

Both runs have the same two processors, and the generator of the load is one process beside the workers.  What it and
other programs take is not there for the workers, so the growth is told both as it was measured and for each processor
second that the workers got.
"""

from __future__ import annotations

import os
import selectors
import sys
import time
from pathlib import Path

from bench._node import BenchNode, ImapClient

USERS = 24
SECONDS = 8.0
COMMANDS = (
    "SELECT INBOX",
    "UID FETCH 1:* (FLAGS)",
    "UID FETCH 1:* (ENVELOPE)",
    "UID FETCH 7 (BODY.PEEK[])",
    "UID SEARCH UNSEEN SUBJECT letter",
    "STATUS INBOX (MESSAGES UNSEEN)",
)
LETTERS = 100
WANTED = 1.7


def letter(number: int) -> bytes:
    head = f"From: a@qq.test\r\nTo: u@example.test\r\nSubject: letter {number}\r\nMessage-ID: <{number}@qq.test>\r\n"
    return head.encode() + b"\r\n" + b"The quick brown fox jumps over the lazy dog.\r\n" * 80


def fill(client: ImapClient) -> None:
    client.tag += 1
    texts = [letter(number) for number in range(LETTERS)]
    client.sock.sendall(
        b"a%06d APPEND INBOX" % client.tag
        + b"".join(b" {%d+}\r\n%b" % (len(text), text) for text in texts)
        + b"\r\n"
    )
    while not client.sock.recv(65536).endswith(b"completed\r\n"):
        continue


def busy_s() -> float:
    """Processor seconds of the whole machine."""
    fields = list(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]))
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def drive(clients: list[ImapClient]) -> int:
    """Commands answered: each client sends the next one when it has the answer to the one before."""
    selector = selectors.DefaultSelector()
    waiting = {}
    for at, client in enumerate(clients):
        selector.register(client.sock, selectors.EVENT_READ, at)
        waiting[at] = (client.send(COMMANDS[0]), 0, b"")
    done, end = 0, time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        for key, _ in selector.select(1.0):
            at = key.data
            tag, turn, tail = waiting[at]
            client = clients[at]
            count = client.sock.recv_into(client.buffer)
            tail = (tail + bytes(client.buffer[max(0, count - 200) : count]))[-200:]
            if tail.endswith(b"\r\n") and tail[tail.rfind(b"\n", 0, -2) + 1 :].startswith(tag):
                done += 1
                turn, tail = (turn + 1) % len(COMMANDS), b""
                tag = client.send(COMMANDS[turn])
            waiting[at] = tag, turn, tail
    selector.close()
    return done


def measure(workers: int) -> tuple[float, float, float, float]:
    """(commands a second, processors used by the node, by the generator, by others)."""
    with BenchNode(workers) as node:
        clients = [node.client(user) for user in range(USERS)]
        for client in clients:
            fill(client)
        used, generator, machine = node.processor_s(), time.process_time(), busy_s()
        started = time.perf_counter()
        done = drive(clients)
        wall = time.perf_counter() - started
        used, generator = node.processor_s() - used, time.process_time() - generator
        others = max(0.0, busy_s() - machine - used - generator)
        for client in clients:
            client.close()
    return done / wall, used / wall, generator / wall, others / wall


def main() -> None:
    if (os.cpu_count() or 1) < 2:
        sys.exit("two workers need two processors")
    rows = {workers: measure(workers) for workers in (1, 2)}
    print(f"{'workers':>8}{'commands/s':>12}{'node':>8}{'generator':>11}{'others':>8}   processors used")
    for workers, (rate, node, generator, others) in rows.items():
        print(f"{workers:>8}{rate:>12,.0f}{node:>8.2f}{generator:>11.2f}{others:>8.2f}")
    (one, node_one, *_), (two, node_two, generator_two, others_two) = rows[1], rows[2]
    free = (os.cpu_count() or 2) - generator_two - others_two
    growth = 2 * (two / node_two) / (one / node_one)
    print(f"growth as measured {two / one:.2f}; {free:.2f} processors were left for two workers")
    print(f"growth with a processor for each worker {growth:.2f}, wanted {WANTED}")


if __name__ == "__main__":
    main()
