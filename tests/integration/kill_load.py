"""Load that remembers what was acknowledged, for tests that kill the server at random moments.

Each sender works in a thread of its own with the standard library's clients, reconnects when it is cut off,
and gives every letter a token that is never used twice.  A token is *acked* once the server said that it has
the letter, *unknown* while the connection died before an answer came: it may then be there once, or not.
"""

from __future__ import annotations

import contextlib
import imaplib
import poplib
import re
import smtplib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

TOKEN = re.compile(rb"^X-Token: (\S+)", re.MULTILINE)
CUT_OFF = (OSError, EOFError, smtplib.SMTPException, imaplib.IMAP4.error, poplib.error_proto)


@dataclass(slots=True)
class Ledger:
    """What the clients were told; the lists only grow, each by one thread."""

    acked: list[str] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    deleted: list[str] = field(default_factory=list)  # +OK to QUIT was read
    maybe_deleted: set[str] = field(default_factory=set)
    refused: int = 0  # temporary answers: 4xx, NO
    surprises: list[str] = field(default_factory=list)  # answers that no fault of a server explains

    def verify(self, found: Counter[str]) -> list[str]:
        """Faults: letters lost, doubled, or back from the dead."""
        faults = list(self.surprises)
        deleted = set(self.deleted)
        for token in self.acked:
            count = found[token]
            if token in deleted:
                if count:
                    faults.append(f"{token}: deletion was acknowledged, but it is there")
            elif token in self.maybe_deleted:
                if count > 1:
                    faults.append(f"{token}: there {count} times")
            elif count != 1:
                faults.append(f"{token}: acknowledged, but there {count} times")
        faults += [
            f"{token}: never acknowledged, there {found[token]} times"
            for token in self.unknown
            if found[token] > 1
        ]
        strangers = set(found) - set(self.acked) - self.unknown
        return faults + [f"{token}: nobody sent it" for token in strangers]


class Pop3(poplib.POP3):
    """One that closes its socket when there is no greeting."""

    def __init__(self, host: str, port: int) -> None:
        try:
            super().__init__(host, port, timeout=20)
        except CUT_OFF:
            if getattr(self, "file", None) is not None:
                self.close()
            raise


@dataclass(slots=True)
class Load:
    """Threads that send, append and delete until `stop` is set."""

    host: str
    smtp_port: int
    imap_port: int
    pop3_port: int
    password: str
    ledger: Ledger = field(default_factory=Ledger)
    stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, *, smtp_to: list[str], append_to: str, pop3_user: str) -> None:
        for number, recipient in enumerate(smtp_to):
            self._begin(self._send, f"smtp{number}", recipient)
        self._begin(self._append, "append", append_to)
        self._begin(self._send, "pop", pop3_user)
        self._begin(self._pop, "pop", pop3_user)

    def _begin(self, work: object, name: str, user: str) -> None:
        self.run(lambda _: self._forever(work, name, user))

    def run(self, work: Callable[[threading.Event], None]) -> None:
        """Work in a thread, until the event is set."""
        thread = threading.Thread(target=work, args=(self.stop,), daemon=True)
        thread.start()
        self._threads.append(thread)

    def join(self) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive(), "a client hangs: the server neither answered nor closed"

    def _forever(self, work: object, name: str, user: str) -> None:
        serial = 0
        while not self.stop.is_set():
            try:
                serial = work(name, user, serial)  # type: ignore[operator]
            except CUT_OFF:
                serial += 1000
                time.sleep(0.01)

    def _send(self, name: str, recipient: str, serial: int) -> int:
        with contextlib.closing(smtplib.SMTP(self.host, self.smtp_port, "client.test", timeout=20)) as client:
            while not self.stop.is_set():
                serial += 1
                token = f"{name}-{serial}-{time.monotonic_ns()}"
                size = 70_000 if serial % 50 == 0 else 500 + serial % 7 * 900
                text = message(token, size)
                self.ledger.unknown.add(token)
                try:
                    client.sendmail("sender@elsewhere.test", [recipient], text)
                except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as refusal:
                    self._refused(token, refusal)
                    raise
                self.ledger.acked.append(token)
                self.ledger.unknown.discard(token)
        return serial

    def _refused(
        self, token: str, refusal: smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused
    ) -> None:
        if isinstance(refusal, smtplib.SMTPRecipientsRefused):
            answers = list(refusal.recipients.values())
        else:
            answers = [(refusal.smtp_code, refusal.smtp_error)]
        codes = [code for code, _ in answers]
        if -1 in codes:  # cut off while waiting for the answer
            return
        if any(b"a second copy" in _bytes(text) for _, text in answers):  # the server itself cannot know
            return
        self.ledger.unknown.discard(token)
        self.ledger.refused += 1
        if not all(400 <= code < 500 for code in codes):
            self.ledger.surprises.append(f"{token}: {refusal}")

    def _append(self, name: str, user: str, serial: int) -> int:
        client = imaplib.IMAP4(self.host, self.imap_port, timeout=20)
        try:
            client.login(user, self.password)
            while not self.stop.is_set():
                serial += 1
                token = f"{name}-{serial}-{time.monotonic_ns()}"
                self.ledger.unknown.add(token)
                answer, texts = client.append("INBOX", "", "", message(token, 300 + serial % 11 * 700))
                if answer == "OK":
                    self.ledger.acked.append(token)
                elif b"interrupted" in texts[0]:  # the server itself cannot know
                    continue
                elif b"[UNAVAILABLE]" in texts[0]:
                    self.ledger.refused += 1
                else:
                    self.ledger.surprises.append(f"{token}: {texts}")
                self.ledger.unknown.discard(token)
        finally:
            with contextlib.suppress(OSError):
                client.sock.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                client.shutdown()
        return serial

    def _pop(self, _name: str, user: str, serial: int) -> int:
        """Delete a few letters a session; the answer to QUIT decides."""
        client = Pop3(self.host, self.pop3_port)
        try:
            client.user(user)
            client.pass_(self.password)
            count, _ = client.stat()
            tokens = []
            for number in range(1, min(count, 5) + 1):
                text = b"\n".join(client.top(number, 0)[1])
                if found := TOKEN.search(text):
                    client.dele(number)
                    tokens.append(found[1].decode())
            self.ledger.maybe_deleted.update(tokens)
            client.quit()
            self.ledger.deleted += tokens
            self.ledger.maybe_deleted.difference_update(tokens)
        finally:
            with contextlib.suppress(OSError):
                client.close()
        time.sleep(0.05)
        return serial


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def message(token: str, size: int) -> bytes:
    head = (
        "From: sender@elsewhere.test\r\nTo: someone@example.test\r\n"
        f"Subject: {token}\r\nX-Token: {token}\r\n\r\n"
    )
    line = f"{token} is written on every line of this letter.\r\n"
    return (head + line * (size // len(line) + 1)).encode()


def read_all(host: str, imap_port: int, users: list[str], password: str) -> Counter[str]:
    """The tokens in the INBOXes of these users; every letter is checked to be whole."""
    found: Counter[str] = Counter()
    for user in users:
        client = imaplib.IMAP4(host, imap_port, timeout=60)
        client.login(user, password)
        _, [count] = client.select("INBOX", readonly=True)
        if int(count or b"0"):
            _, rows = client.fetch("1:*", "(BODY.PEEK[])")
            for row in rows:
                if isinstance(row, tuple):
                    token = TOKEN.search(row[1])
                    assert token is not None, row[1][:300]
                    body = row[1].partition(b"\r\n\r\n")[2]
                    lines = set(body.split(b"\r\n")) - {b""}
                    assert lines == {token[1] + b" is written on every line of this letter."}, lines
                    found[token[1].decode()] += 1
        client.logout()
    return found
