"""Rules on a running node: uploaded by sieve-connect over TLS, at work at the next letter, seen by IMAP."""

from __future__ import annotations

import imaplib
import smtplib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.node import wait_until
from tests.integration.node_rig import PASSWORD, ServedNode
from tests.integration.requirements import require

ADDRESS = "zhang@qq.test"
SCRIPT = """require ["fileinto", "mailbox", "imap4flags", "variables"];
if header :matches "subject" "[*] *" { fileinto :create :flags "$List" "Lists/${1}"; }
"""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Any]:
    node = ServedNode(tmp_path)
    node.add_people("zhang")
    node.start()
    yield node
    assert node.stop() == 0
    assert "msg=fault" not in node.log.read_text()
    node.command("check")


def connect(node: Any, directory: Path, *words: str, status: int = 0) -> str:
    done = subprocess.run(
        [
            "sieve-connect", "--server", "127.0.0.1", "--port", str(node.ports["managesieve"]), "--user", ADDRESS,
            "--notlsverify", "--passwordfd", "0", *words,
        ],
        input=PASSWORD + "\n", cwd=directory, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_rules_from_upload_to_the_letter(node: Any, tmp_path: Path) -> None:
    require("sieve-connect")
    (tmp_path / "lists.sieve").write_text(SCRIPT)
    (tmp_path / "bad.sieve").write_text("if header {")
    connect(node, tmp_path, "--localsieve", "lists.sieve", "--upload")
    connect(node, tmp_path, "--remotesieve", "lists.sieve", "--activate")
    assert '"lists.sieve" ACTIVE' in connect(node, tmp_path, "--list")
    connect(node, tmp_path, "--localsieve", "back", "--remotesieve", "lists.sieve", "--download")
    assert (tmp_path / "back").read_text() == SCRIPT
    assert "第 1 行" in connect(node, tmp_path, "--localsieve", "bad.sieve", "--upload", status=1)
    with smtplib.SMTP("127.0.0.1", node.ports["smtp"]) as smtp:
        smtp.sendmail("a@far.test", [ADDRESS], "Subject: [horses] hello\r\n\r\nHello\r\n")
    with imaplib.IMAP4("127.0.0.1", node.ports["imap"]) as imap:
        imap.login(ADDRESS, PASSWORD)
        wait_until(lambda: imap.select("Lists/horses")[0] == "OK", "the letter is filed")
        assert b"$List" in imap.fetch("1", "(FLAGS)")[1][0]
        assert imap.select("INBOX")[1] == [b"0"]
    assert "fileinto Lists/horses" in node.command("trace").stdout
