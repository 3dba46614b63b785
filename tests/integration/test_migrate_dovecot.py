"""`posthouse migrate` from a real Dovecot: folders, flags, dates; stopped in the middle; nothing twice."""

from __future__ import annotations

import imaplib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.dovecot import PASSWORD, Dovecot, running_dovecot
from tests.integration.node_rig import PASSWORD as OURS
from tests.integration.node_rig import ServedNode

pytestmark = pytest.mark.peers
DATE = '"28-Nov-2020 12:00:00 +0800"'


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        yield server


@pytest.fixture
def node(tmp_path: Path) -> Iterator[ServedNode]:
    node = ServedNode(tmp_path / "node", workers=1)
    node.add_people("li")
    node.start()
    yield node
    assert node.stop() == 0


def sign_in(there: imaplib.IMAP4, user: str) -> None:
    """Dovecot's process for passwords may still be starting."""
    until = time.monotonic() + 20
    while True:
        try:
            there.login(user, PASSWORD)
        except imaplib.IMAP4.error as error:
            if b"[UNAVAILABLE]" not in error.args[0] or time.monotonic() > until:
                raise
        else:
            return


def letter(name: str) -> bytes:
    return f"From: a@x.test\r\nSubject: {name}\r\nMessage-ID: <{name}@x.test>\r\n\r\n{name}\r\n".encode()


def test_a_mailbox_moves_in_once(dovecot: Dovecot, node: ServedNode) -> None:
    user = "u7@example.test"
    with imaplib.IMAP4("127.0.0.1", dovecot.port) as there:
        sign_in(there, user)
        for number in range(45):
            there.append("INBOX", "(\\Seen)" if number else "(\\Flagged work)", DATE, letter(f"i{number}"))
        there.create('"&XeU- &U9E-"')  # 工 发, in modified UTF-7
        there.append('"&XeU- &U9E-"', "", DATE, letter("other"))
        there.create('"Sent Messages"')
        there.append('"Sent Messages"', "(\\Answered)", DATE, letter("sent"))
    words = (
        "migrate",
        "li@qq.test",
        "--from",
        "127.0.0.1",
        "--port",
        str(dovecot.port),
        "--user",
        user,
        "--no-tls",
    )

    def migrate() -> dict[str, tuple[int, int]]:
        told = node.json(*words, "--password-stdin", stdin=PASSWORD + "\n")
        return {one["mailbox"]: (one["copied"], one["known"]) for one in told}

    first = migrate()
    assert first["INBOX"] == (45, 0)
    assert sum(copied for copied, _ in first.values()) == 47
    assert sum(copied + known for copied, known in migrate().values()) == 0
    with imaplib.IMAP4("127.0.0.1", dovecot.port) as there:
        there.login(user, PASSWORD)
        there.append("INBOX", "", DATE, letter("new"))
    assert migrate()["INBOX"] == (1, 0)
    with imaplib.IMAP4("127.0.0.1", node.ports["imap"]) as here:
        here.login("li@qq.test", OURS)
        assert here.select("INBOX")[1] == [b"46"]
        _, [(facts, _), _] = here.fetch("1", "(FLAGS INTERNALDATE BODY[])")
        assert b"\\Flagged" in facts
        assert b"work" in facts
        assert b"28-Nov-2020 04:00:00 +0000" in facts or b"28-Nov-2020 12:00:00 +0800" in facts
        assert here.select('"&XfJT0ZAB-"')[1] == [b"1"]  # 已发送: what was sent goes among what was sent
    refused = node.command(*words, "--password-stdin", stdin="wrong\n", status=1)
    assert "127.0.0.1" in refused.stderr
