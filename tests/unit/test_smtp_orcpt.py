"""ORCPT as it is sent and as some servers send it."""

from __future__ import annotations

import pytest

from posthouse.wire.smtp.command import Rcpt, parse_command
from posthouse.wire.smtp.outgoing import format_orcpt


@pytest.mark.parametrize(
    ("given", "taken", "sent"),
    [
        ("rfc822;li+2Bx@a.test", "rfc822;li+x@a.test", "rfc822;li+2Bx@a.test"),
        (r"utf-8;\x{5F20}@a.test", "utf-8;张@a.test", r"utf-8;\x{5F20}@a.test"),
        ("rfc822;+E5+BC+A0@a.test", "utf-8;张@a.test", r"utf-8;\x{5F20}@a.test"),  # Postfix 3.7
    ],
)
def test_an_original_recipient_is_understood_and_sent_on(given: str, taken: str, sent: str) -> None:
    command = parse_command(f"RCPT TO:<x@b.test> ORCPT={given}".encode())
    assert isinstance(command, Rcpt)
    assert command.orcpt == taken
    assert format_orcpt(command.orcpt) == sent


@pytest.mark.parametrize(
    "given", ["rfc822;+E5+BC@a.test", "rfc822;+0D+0A@a.test", "x400;+E5+BC+A0", "rfc822;", ";x"]
)
def test_what_cannot_be_read_is_refused(given: str) -> None:
    assert not isinstance(parse_command(f"RCPT TO:<x@b.test> ORCPT={given}".encode()), Rcpt)
