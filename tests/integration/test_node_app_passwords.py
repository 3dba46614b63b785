"""App passwords on a running node: made, used in every protocol, restricted to, revoked at once."""

from __future__ import annotations

import imaplib
import poplib
import re
import smtplib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.node_rig import PASSWORD, ServedNode

ADDRESS = "zhang@qq.test"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Any]:
    node = ServedNode(tmp_path)
    node.add_people("zhang")
    node.start()
    yield node
    assert node.stop() == 0
    assert "msg=fault" not in node.log.read_text()
    node.command("check")


def opens(node: Any, password: str) -> set[str]:
    """The protocols that this password opens."""
    found = set()
    imap = imaplib.IMAP4("127.0.0.1", node.ports["imap"])
    try:
        imap.login(ADDRESS, password)
        found.add("imap")
    except imaplib.IMAP4.error as error:
        assert "AUTHENTICATIONFAILED" in str(error)  # noqa: PT017 - the text is the same for all reasons
    imap.logout()
    pop3 = poplib.POP3("127.0.0.1", node.ports["pop3"])
    try:
        pop3.user(ADDRESS)
        pop3.pass_(password)
        found.add("pop3")
    except poplib.error_proto as error:
        assert "[AUTH]" in str(error)  # noqa: PT017
    pop3.quit()
    with smtplib.SMTP("127.0.0.1", node.ports["submission"]) as smtp:
        try:
            smtp.login(ADDRESS, password)
            found.add("submission")
        except smtplib.SMTPAuthenticationError as error:
            assert error.smtp_code == 535  # noqa: PT017
    return found


def test_an_app_password_from_its_making_to_its_end(node: Any) -> None:
    words = ("account", "app-password")
    told = node.command(*words, "add", ADDRESS, "phone", "--protocols", "imap,submission")
    (text,) = re.findall(r"[a-z2-9]{20}", told.stdout)
    assert opens(node, text) == {"imap", "submission"}
    assert opens(node, PASSWORD) == {"imap", "pop3", "submission"}
    (shown,) = node.json(*words, "list", ADDRESS)
    assert shown["used_at"] > 0
    assert shown["used_ip"] == "127.0.0.1"
    node.command("account", "set", ADDRESS, "--app-only", "imap,pop3")
    assert opens(node, PASSWORD) == {"submission"}
    assert opens(node, text) == {"imap", "submission"}
    node.command(*words, "revoke", ADDRESS, "phone")
    assert opens(node, text) == set()
    assert text not in node.log.read_text()
