"""Limits of a whole node: a quota under many writers at once, and a very long letter in little memory."""

from __future__ import annotations

import contextlib
import hashlib
import imaplib
import smtplib
import threading
import time
from collections import Counter
from pathlib import Path

from tests.integration.node import DOMAIN, HOST, Node, running_node, wait_until

USER = f"u1@{DOMAIN}"
LONG_BYTES = 100 << 20
GROWTH_MAX_KIB = 16 << 10
"""What the processes of a node may grow by, all together, for a letter of 100 MiB."""


def letter(number: int, size: int) -> bytes:
    head = f"From: a@{DOMAIN}\r\nSubject: letter {number}\r\n\r\n".encode()
    return head + b"x" * (size - len(head) - 2) + b"\r\n"


# --- quota ---


def append(node: Node, number: int, size: int, answers: Counter[str], start: threading.Barrier) -> None:
    client = node.imap(USER, timeout=60)
    start.wait(60)
    kind = number % 5
    if kind == 4:
        client.select("Archive")
        answer, data = client.uid("COPY", "1", "INBOX")
    else:
        answer, data = client.append("INBOX", "", "", letter(number, size))
    code = bytes(data[0] or b"").partition(b"]")[0].split(b" ")[0].decode()
    answers[answer if answer == "OK" else f"NO {code}"] += 1
    client.logout()


def deliver(node: Node, number: int, size: int, answers: Counter[str], start: threading.Barrier) -> None:
    with smtplib.SMTP(HOST, node.ports["smtp"], timeout=60) as client:
        start.wait(60)
        try:
            client.sendmail(f"a@{DOMAIN}", [USER], letter(number, size))
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError):
            answers["full"] += 1
        else:
            answers["delivered"] += 1


def test_a_quota_holds_under_many_writers(tmp_path: Path) -> None:
    """50 APPENDs and COPYs and 6 deliveries, over both workers, where there is room for some twenty."""
    size, room = 3000, 21
    with running_node(tmp_path) as node:
        client = node.imap(USER)
        assert client.append("Archive", "", "", letter(0, size))[0] == "OK"
        node.run("account", "set", USER, "--quota-bytes", str((1 + room) * size), "--quota-messages", "1000")
        answers: Counter[str] = Counter()
        start = threading.Barrier(56)
        threads = [
            threading.Thread(target=append if n < 50 else deliver, args=(node, n, size, answers, start))
            for n in range(56)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert answers.total() == 56, answers
        stored = answers["OK"] + answers["delivered"]
        assert answers["NO [OVERQUOTA"] + answers["full"] == 56 - stored, answers
        # What the relay adds to a letter may take the room of one.
        assert room - 2 <= stored <= room, answers
        _, [count] = client.select("INBOX", readonly=True)
        assert int(count) == stored
        assert client.append("INBOX", "", "", letter(99, 2 * size))[0] == "NO"
        client.logout()
        assert node.check() == []


# --- a long letter ---


def private_kib(pids: list[int]) -> int:
    """Memory that is theirs, or their share of it; pages of files, which the system can drop, not counted."""
    total = 0
    for pid in pids:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss_Anon:"))
    return total


class Peak:
    """The largest of `private_kib`, looked at again and again."""

    def __init__(self, node: Node) -> None:
        self._pids = node.children()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.before = self.most = private_kib(self._pids)

    def _watch(self) -> None:
        while not self._stop.is_set():
            self.most = max(self.most, private_kib(self._pids))
            time.sleep(0.02)  # the sampling interval

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def growth(self) -> int:
        return self.most - self.before


def test_a_hundred_megabytes_in_little_memory(tmp_path: Path) -> None:
    """APPEND, FETCH of all and of parts, SEARCH."""
    line = b"%07d and some more text that fills the line of a letter which is very long indeed\r\n"
    head = f"From: a@{DOMAIN}\r\nSubject: long\r\n\r\n".encode()
    body = b"".join([line % n for n in range((LONG_BYTES - len(head)) // len(line % 0))])
    data = head + body
    with running_node(tmp_path, more=f"limits.message_bytes = {LONG_BYTES}") as node:
        client = node.imap(USER, timeout=120)
        assert client.append("INBOX", "", "", letter(0, 100_000))[0] == "OK"
        client.select("INBOX")
        client.fetch("1", "(BODY.PEEK[])")
        with Peak(node) as appending:
            status, texts = client.append("INBOX", "", "", data)
            assert status == "OK", texts
        with Peak(node) as fetching:
            client.noop()
            raw = client.fetch("2", "(BODY.PEEK[])")[1][0]
            assert isinstance(raw, tuple)
            assert hashlib.sha256(raw[1]).digest() == hashlib.sha256(data).digest()
            part = client.fetch("2", f"(BODY.PEEK[]<{LONG_BYTES // 2}.1000>)")[1][0]
            assert isinstance(part, tuple)
            assert part[1] == data[LONG_BYTES // 2 :][:1000]
        with contextlib.suppress(imaplib.IMAP4.error):
            client.logout()
        print(f"APPEND grew by {appending.growth} KiB, FETCH by {fetching.growth} KiB")
        assert appending.growth < GROWTH_MAX_KIB, appending.growth
        assert fetching.growth < GROWTH_MAX_KIB, fetching.growth
        wait_until(lambda: node.metric("faults_total") == 0, "no fault")
        assert node.check() == []
