"""Notices read back with the standard library: plain, international, hostile."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest

from posthouse.services.notice import Report, Subject, by_action, compose
from tests.unit.service_world import LETTER, parse

AT = 1_790_000_000.0
HEADER = LETTER.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


def made(*reports: Report, action: str = "failed", original: bytes = HEADER, **facts: Any) -> bytes:
    subject = Subject("mx.post.test", facts.pop("sender", "li@post.test"), "t1", AT, **facts)
    return compose(subject, action, list(reports), original, at=AT, trace="t2")


def parts(content: bytes) -> tuple[EmailMessage, EmailMessage, EmailMessage]:
    message = parse(content)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert not message.defects
    human, status, original = message.iter_parts()
    return human, status, original  # type: ignore[return-value]


def test_the_header_comes_back() -> None:
    content = made(Report("x@far.test", "failed", "5.1.1"))
    human, status, original = parts(content)
    assert original.get_content_type() == "text/rfc822-headers"
    assert original.get_payload(decode=True).strip() == HEADER.strip()  # type: ignore[union-attr]
    message = parse(content)
    assert message["Subject"] == "未能投递：您的邮件被退回 / Your message could not be delivered"
    assert message["To"] == "li@post.test"
    assert content.isascii()
    assert len(human.get_content().split("-" * 60)) == 2
    assert status.get_content_type() == "message/delivery-status"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("<1@x.test>", "<1@x.test>"),
        ("", None),
        ("<張@x.test>", None),
        ("<no-domain>", None),
    ],
)
def test_a_notice_stands_in_the_conversation_of_what_it_is_about(name: str, told: str | None) -> None:
    """RFC 3834 §3.1.5."""
    original = f"Message-ID: {name}\r\nSubject: x\r\n\r\n".encode()
    notice = parse(made(Report("x@far.test", "failed", "5.1.1"), original=original))
    assert (notice["In-Reply-To"], notice["References"]) == (told, told)


def test_the_first_language_is_a_setting() -> None:
    assert parse(made(Report("x@far.test", "failed", "5.1.1"), language="en"))["Subject"].startswith(
        "Your message"
    )


def test_an_international_recipient_and_header() -> None:
    original = "From: 张@例子.test\r\nSubject: 你好\r\n\r\n".encode()
    content = made(
        Report("张三@far.test", "failed", "5.6.7", "utf-8;张三@far.test"), original=original, smtputf8=True
    )
    _, status, returned = parts(content)
    assert status.get_content_type() == "message/global-delivery-status"
    assert returned.get_content_type() == "message/global-headers"
    assert "Final-Recipient: utf-8; 张三@far.test\r\n".encode() in content
    assert original in content


def test_a_whole_message_comes_back_to_the_byte() -> None:
    content = made(Report("x@far.test", "failed", "5.1.1"), original=LETTER + b"\xff\xfe\r\n")
    assert LETTER + b"\xff\xfe\r\n" in content
    assert parts(content)[2].get_content_type() == "message/rfc822"


def test_what_a_remote_host_says_starts_no_field_of_its_own() -> None:
    nasty = "550 5.1.1 no\r\nAction: delivered\r\n\r\nFinal-Recipient: rfc822; boss@post.test"
    content = made(Report("x@far.test", "failed", "5.1.1", remote="a\r\nb", diagnostic=nasty))
    _, per_recipient = parts(content)[1].get_payload()
    assert per_recipient.get_all("Action") == ["failed"]
    assert per_recipient.get_all("Final-Recipient") == ["rfc822; x@far.test"]


@pytest.mark.parametrize("action", ["failed", "delayed", "delivered", "relayed", "expanded"])
def test_every_action_has_its_words(action: str) -> None:
    content = made(Report("x@far.test", action, "2.0.0", retry_until=AT + 60, attempted_at=AT), action=action)
    _, per_recipient = parts(content)[1].get_payload()
    assert per_recipient["Action"] == action
    assert ("Will-Retry-Until" in per_recipient) == (action == "delayed")
    assert per_recipient["Last-Attempt-Date"] == "Mon, 21 Sep 2026 14:13:20 +0000"


def test_one_notice_per_action_for_those_who_asked() -> None:
    reports = [
        Report("a@x", "failed", "5.0.0"),
        Report("b@x", "failed", "5.0.0", notify=("NEVER",)),
        Report("c@x", "delivered", "2.0.0"),
        Report("d@x", "delivered", "2.0.0", notify=("SUCCESS",)),
        Report("e@x", "failed", "5.0.0", notify=("DELAY", "FAILURE")),
        Report("f@x", "delayed", "4.0.0", notify=("FAILURE",)),
    ]
    chosen = [(action, [one.recipient for one in some]) for action, some in by_action(reports)]
    assert chosen == [("failed", ["a@x", "e@x"]), ("delivered", ["d@x"])]
