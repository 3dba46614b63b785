"""The index on a running node: made by a process of its own that may be killed at any moment."""

from __future__ import annotations

import imaplib
import os
import random
import signal
import smtplib
import threading
import time
from pathlib import Path

import pytest

from tests.integration.node import DOMAIN, HOST, Node, running_node, wait_until
from tests.unit.office import docx, pdf, with_file

WORDS = ["季度", "报告", "alpha", "beta-gamma", "delta"]
SOUGHT = "季度报告"
COUNT = 400
PAUSE_MAX_S = 1.0


def letter(number: int) -> bytes:
    chance = random.Random(number)
    body = " ".join(chance.choices(WORDS, k=300)) + (SOUGHT if number % 7 == 0 else "")
    return (
        f"From: a@b.test\r\nSubject: number {number}\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n"
    ).encode()


def search(client: imaplib.IMAP4, word: str) -> list[int]:
    client.literal = word.encode()  # type: ignore[attr-defined]
    answer, lines = client.uid("SEARCH", "CHARSET", "UTF-8", "TEXT")
    assert answer == "OK", lines
    return [int(uid) for uid in lines[0].split()]


def deliver(node: Node, numbers: range) -> float:
    """The longest that one letter took."""
    worst = 0.0
    with smtplib.SMTP(HOST, node.ports["smtp"], "client.test", timeout=30) as smtp:
        for number in numbers:
            started = time.monotonic()
            smtp.sendmail("a@b.test", [f"u0@{DOMAIN}"], letter(number), mail_options=["BODY=8BITMIME"])
            worst = max(worst, time.monotonic() - started)
    return worst


def indexers(node: Node) -> list[int]:
    """The children of lower priority than the node's."""
    plain = os.getpriority(os.PRIO_PROCESS, node.supervisor)
    found = []
    for pid in node.children():
        try:
            if os.getpriority(os.PRIO_PROCESS, pid) > plain:
                found.append(pid)
        except ProcessLookupError:
            continue
    return found


@pytest.mark.slow
def test_the_index_is_made_beside_deliveries_and_whatever_kills_it(tmp_path: Path) -> None:
    with running_node(tmp_path, workers=2, users=1) as node:
        deliver(node, range(1, COUNT + 1))
        client = node.imap(f"u0@{DOMAIN}")
        client.select()
        worst: list[float] = []
        arriving = threading.Thread(
            target=lambda: worst.append(deliver(node, range(COUNT + 1, 2 * COUNT + 1)))
        )
        arriving.start()
        killed = 0
        while arriving.is_alive():
            through = int(client.uid("SEARCH", "UID", "*")[1][0])
            found = search(client, SOUGHT)  # what has come since then is found as well
            assert found[: through // 7] == list(range(7, through + 1, 7))
            for pid in indexers(node):
                if killed < 5:
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
        arriving.join()
        assert killed, "nobody came to make the index"
        assert max(worst) < PAUSE_MAX_S, "a delivery waited for the index"
        search(client, SOUGHT)
        node.wait_log("index for search is up to date")
        wait_until(lambda: not indexers(node), "the indexer goes when all is done")
        started = time.monotonic()
        expected = list(range(7, 2 * COUNT + 1, 7))
        assert search(client, SOUGHT) == expected
        assert search(client, "nowhere") == []
        assert time.monotonic() - started < PAUSE_MAX_S
        client.logout()
        assert node.check() == []


def test_attached_documents(tmp_path: Path) -> None:
    """Switched on, a node finds text inside of files, by reading and by its index."""

    def found(client: imaplib.IMAP4, word: str) -> bytes:
        answer, lines = client.uid("SEARCH", "BODY", f'"{word}"')
        assert answer == "OK", lines
        return bytes(lines[0])

    with running_node(tmp_path, more="search.attachments = true") as node:
        client = node.imap(f"u1@{DOMAIN}")
        letters = [
            with_file(pdf("quarterly figures"), "application/pdf"),
            with_file(docx("季度 minutes"), "x/y", "m.docx"),
        ]
        for each in [*letters, *map(letter, range(80))]:
            assert client.append("INBOX", "", "", each)[0] == "OK"
        client.select("INBOX")
        assert found(client, "quarterly") == b"1"
        assert found(client, "minutes") == b"2"
        node.wait_log("index for search is up to date")
        assert found(client, "quarterly fig") == b"1"
        assert found(client, "minutes") == b"2"
        client.logout()
        assert node.check() == []
