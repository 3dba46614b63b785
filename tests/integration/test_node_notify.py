"""NOTIFY over several workers: what one session does is told to the others, whichever worker they are with."""

from __future__ import annotations

import imaplib
import smtplib
from pathlib import Path

from tests.integration.node import DOMAIN, HOST, Node, running_node, wait_until

USER = f"u0@{DOMAIN}"
WATCHERS = 6  # so that some are with each of the two workers
MESSAGES = "MessageNew MessageExpunge FlagChange"
WANTED = (
    "(selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge FlagChange))"
    f" (mailboxes Trash ({MESSAGES})) (personal (MailboxName SubscriptionChange))"
)


class Watcher:
    """A connection on INBOX that sends NOTIFY, and then only listens."""

    def __init__(self, node: Node) -> None:
        self._client = node.imap(USER)
        assert self._client.select("INBOX")[0] == "OK"
        self._client.send(f"n NOTIFY SET STATUS {WANTED}\r\n".encode())
        said = self.until("n ")
        assert said[-1].startswith("n OK"), said
        assert said[0].startswith("* STATUS Trash (UIDVALIDITY ")

    def until(self, start: str) -> list[str]:
        said: list[str] = []
        while not said or not said[-1].startswith(start):
            line = self._client.readline()
            assert line, "the server closed the connection"
            said.append(line.decode().rstrip("\r\n"))
        return said

    def close(self) -> None:
        self._client.shutdown()


def deliver(node: Node, subject: str) -> None:
    with smtplib.SMTP(HOST, node.ports["smtp"], timeout=20) as client:
        client.sendmail(f"a@{DOMAIN}", [USER], f"Subject: {subject}\r\n\r\ntext\r\n")


def taken(node: Node, subject: str) -> bool:
    try:
        deliver(node, subject)
    except smtplib.SMTPResponseException as error:
        if error.smtp_code != 451:
            raise
        return False
    return True


def run(client: imaplib.IMAP4, name: str, *args: str) -> None:
    status, said = getattr(client, name)(*args)
    assert status == "OK", said


def test_sessions_of_all_workers_are_told(tmp_path: Path) -> None:
    with running_node(tmp_path, users=2) as node:
        actor = node.imap(USER)
        watchers = [Watcher(node) for _ in range(WATCHERS)]
        deliver(node, "one")
        for watcher in watchers:
            said = watcher.until("Subject: ")
            assert said[0] == "* 1 EXISTS"
            assert "* 1 FETCH (UID 1 BODY[HEADER.FIELDS (SUBJECT)] {" in said[-2]
            assert watcher.until(")")
        run(actor, "select", "INBOX")
        run(actor, "store", "1", "+FLAGS.SILENT", "(\\Seen)")
        for watcher in watchers:
            assert "FLAGS (\\Seen" in watcher.until("* 1 FETCH (UID 1 FLAGS ")[-1]
        run(actor, "uid", "MOVE", "1", "Trash")
        for watcher in watchers:
            # one hint for each of the two mailboxes, so in either order
            said = sorted([*watcher.until("* "), *watcher.until("* ")])
            assert said[0] == "* 1 EXPUNGE"
            assert " UIDNEXT 2 MESSAGES 1 UNSEEN 0" in said[1]
        run(actor, "create", "Made")
        run(actor, "rename", "Made", "Other")
        run(actor, "subscribe", "Other")
        for watcher in watchers:
            assert watcher.until('* LIST (\\HasNoChildren \\Subscribed) "/" Other')
        # a writer that was replaced: what was hinted meanwhile is looked for
        node.kill("writer")
        wait_until(lambda: taken(node, "two"), "the writer is back")
        for watcher in watchers:
            assert watcher.until("Subject: ")[-1] == "Subject: two"
            watcher.close()
        actor.logout()
