"""A full, failing, read-only or locked disk under a running node: refused for now by every protocol, with a clear
log line; all is well again as soon as the fault is gone, on the same connections; nothing acknowledged is lost."""

from __future__ import annotations

import contextlib
import poplib
import resource
import smtplib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tests.integration.kill_load import Ledger, message, read_all
from tests.integration.node import DOMAIN, HOST, PASSWORD, Node, running_node, wait_until
from tests.integration.requirements import small_disk, unwritable

TAKER, WRITER, COLLECTOR = (f"u{n}@{DOMAIN}" for n in (1, 2, 3))
KEPT = 5


class House:
    """A node with a client of each protocol that stays connected, and what they were told."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.ledger = Ledger()
        self.count = 0
        self.smtp = smtplib.SMTP(HOST, node.ports["smtp"], "client.test", timeout=30)
        self.smtp.ehlo()
        self.imap = node.imap(WRITER, timeout=30)

    def close(self) -> None:
        self.smtp.close()
        self.imap.logout()

    def send(self, size: int = 2000, to: str = TAKER) -> str:
        """The answer to one letter by SMTP."""
        token = self._token("smtp")
        for code, text in (self.smtp.mail("a@elsewhere.test"), self.smtp.rcpt(to)):
            if code >= 400:
                self.smtp.rset()
                return f"{code} {text.decode()}"
        code, text = self.smtp.data(message(token, size))
        if code == 250:
            self.ledger.acked.append(token)
        return f"{code} {text.decode()}"

    def append(self, size: int = 2000) -> str:
        """The answer to one letter by APPEND."""
        token = self._token("append")
        answer, texts = self.imap.append("INBOX", "", "", message(token, size))
        if answer == "OK":
            self.ledger.acked.append(token)
        return f"{answer} {texts[0].decode()}"

    def collect(self) -> str:
        """Delete one letter by POP3: the answer to QUIT."""
        client = poplib.POP3(HOST, self.node.ports["pop3"], timeout=30)
        try:
            client.user(COLLECTOR)
            client.pass_(PASSWORD)
            text = b"\n".join(client.top(1, 0)[1])
            client.dele(1)
            answer = client._shortcmd("QUIT").decode()  # type: ignore[attr-defined]
            self.ledger.deleted.append(text.partition(b"X-Token: ")[2].split()[0].decode())
        except poplib.error_proto as error:
            return str(error.args[0].decode())
        finally:
            client.close()
        return answer

    def _token(self, name: str) -> str:
        self.count += 1
        return f"{name}-{self.count}"

    def verify(self) -> None:
        found = read_all(HOST, self.node.ports["imap"], [TAKER, WRITER, COLLECTOR], PASSWORD)
        assert self.ledger.verify(found) == []
        assert self.node.check() == []


@contextlib.contextmanager
def running_house(directory: Path) -> Iterator[House]:
    with running_node(directory, users=4) as node:
        house = House(node)
        try:
            for _ in range(KEPT):
                assert house.send(to=COLLECTOR).startswith("250 ")
            assert house.append().startswith("OK ")
            yield house
        finally:
            house.close()


def fill(disk: Path) -> Path:
    """Take the last byte of the disk; the file that has them."""
    path = disk / "ballast"
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(65536)):
            pass
    return path


def recovers(house: House) -> None:
    """Without a restart, and without a new connection."""
    pids = house.node.children()
    assert wait_until(lambda: house.send().startswith("250 "), "SMTP recovers")
    assert house.append().startswith("OK ")
    assert house.send(400_000).startswith("250 ")
    assert house.append(400_000).startswith("OK ")
    assert house.collect().startswith("+OK ")
    assert house.node.children() == pids


def reads(house: House) -> None:
    """Reading goes on."""
    assert house.imap.select("INBOX", readonly=True)[0] == "OK"
    answer, rows = house.imap.fetch("1", "(FLAGS ENVELOPE BODY.PEEK[])")
    assert answer == "OK"
    assert b"append-" in rows[0][1]  # type: ignore[index,operator]
    assert house.imap.close()[0] == "OK"


def test_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "48m"), running_house(tmp_path / "disk") as house:
        since = len(house.node.lines)
        ballast = fill(tmp_path / "disk")
        assert "No room on our disk now" in wait_until(
            lambda: (answer := house.send(60_000)).startswith("452 4.3.1 ") and answer, "SMTP is refused"
        )
        assert house.append(60_000).startswith("NO [UNAVAILABLE] The server is out of disk space")
        assert house.append(3_000_000).startswith("NO [UNAVAILABLE] ")
        assert house.send(3_000_000).startswith("452 4.3.1 ")
        reads(house)
        assert house.node.logged("full", since)
        ballast.unlink()
        recovers(house)
        house.verify()


def test_a_writer_that_starts_on_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "48m"), running_house(tmp_path / "disk") as house:
        ballast = fill(tmp_path / "disk")
        for _ in range(2):
            wait_until(house.node.writer, "there is a writer")
            house.node.kill("writer")
            assert not house.send(60_000).startswith("250 ")
        reads(house)
        ballast.unlink()
        wait_until(lambda: house.send().startswith("250 "), "the writer is back")
        recovers(house)
        house.verify()


def test_writes_that_fail(tmp_path: Path) -> None:
    """No process of the node may make a file longer: what the kernel says is an error of the device or of a quota."""
    with running_house(tmp_path) as house:
        since = len(house.node.lines)
        pids = house.node.children()
        limits = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids}
        for pid, (_, hard) in limits.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
        assert house.send().startswith("45")
        assert house.append().startswith("NO [UNAVAILABLE] ")
        assert house.send(3_000_000).startswith("452 4.3.1 ")
        assert house.append(3_000_000).startswith("NO [UNAVAILABLE] ")
        assert house.collect().startswith("-ERR [SYS/TEMP] ")
        reads(house)
        assert house.node.logged("rolled back", since)
        for pid, limit in limits.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)
        recovers(house)
        house.verify()


def test_read_only_disk(tmp_path: Path) -> None:
    with running_house(tmp_path) as house:
        since = len(house.node.lines)
        data = house.node.data
        with unwritable(data / "mail.db", data / "mail.db-wal"):
            for _ in range(2):
                assert house.send().startswith("451 4.3.0 ")
                assert house.append().startswith("NO [UNAVAILABLE] The storage does not answer now")
                assert house.collect().startswith("-ERR [SYS/TEMP] ")
            reads(house)
            assert house.node.logged("rolled back", since)
        recovers(house)
        house.verify()


def test_database_locked_by_another_process(tmp_path: Path) -> None:
    with running_house(tmp_path) as house:
        since = len(house.node.lines)
        other = sqlite3.connect(house.node.data / "mail.db", isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            assert house.send().startswith("451 4.3.0 ")
            assert house.append().startswith("NO [UNAVAILABLE] The storage does not answer now")
            assert house.collect().startswith("-ERR [SYS/TEMP] ")
            reads(house)
            assert house.node.logged("locked by another process", since)
            other.execute("ROLLBACK")
        finally:
            other.close()
        recovers(house)
        house.verify()
