"""Writing letters in the webmail, in a real browser, and what arrives of them."""

from __future__ import annotations

import email
import imaplib
import smtplib
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import cast

import pytest

from posthouse.app.demo import HOUSES, PASSWORD
from tests.integration.requirements import missing, require
from tests.integration.test_node_demo import FREE, RunningDemo
from tests.integration.test_node_webmail import CLIENTS, HOSTILE, house, run

pytestmark = pytest.mark.peers

QUOTABLE = [
    one for one in HOSTILE if len(one) < 1000 and not any(tag in one for tag in ("<plaintext", "<xmp"))
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    require("node", "chromium")
    if not (CLIENTS / "node_modules" / "playwright-core").exists():
        missing("playwright-core is not installed: npm ci --prefix tests/clients")
    running = RunningDemo(tmp_path_factory.mktemp("writing") / "demo")
    yield running
    status, _ = running.interrupt()
    assert status == 0


def letters(number: int, user: str, mailbox: str = "INBOX") -> dict[str, EmailMessage]:
    """What IMAP has of a mailbox, by subject."""
    with imaplib.IMAP4("127.0.0.1", HOUSES[number].port("imap", FREE)) as imap:
        imap.login(user, PASSWORD)
        imap.select(mailbox, readonly=True)
        _, answers = imap.fetch("1:*", "(BODY.PEEK[])")
    parsed = [email.message_from_bytes(one[1], policy=default) for one in answers if isinstance(one, tuple)]
    return {str(one["subject"]): cast("EmailMessage", one) for one in parsed}


def structure(part: EmailMessage) -> object:
    if part.is_multipart():
        return (part.get_content_type(), *(structure(cast("EmailMessage", one)) for one in part.iter_parts()))
    return part.get_content_type()


def quiet(console: list[str]) -> list[str]:
    """Of what the browser's log tells: not what the policies blocked, for that is what they are there for."""
    blocked = ("Content Security Policy", "Blocked script execution", "blocked by Playwright")
    return [line for line in console if not any(one in line for one in blocked)]


def test_formats_pictures_and_a_hostile_original(demo: RunningDemo, tmp_path: Path) -> None:
    payload = "<p>original</p>" + "".join(f"<div>{one}</div>" for one in QUOTABLE)
    lines = "\r\n".join(payload[at : at + 900] for at in range(0, len(payload), 900))
    with smtplib.SMTP("127.0.0.1", HOUSES[0].port("submission", FREE)) as smtp:
        smtp.login("wang@qq.test", PASSWORD)
        head = "From: wang@qq.test\r\nTo: zhang@qq.test\r\nSubject: attack\r\nMIME-Version: 1.0\r\n"
        letter = f"{head}Content-Type: text/html; charset=utf-8\r\n\r\n{lines}\r\n"
        smtp.sendmail("wang@qq.test", "zhang@qq.test", letter.encode())
    found = run("compose.mjs", house(0), house(1), PASSWORD, str(tmp_path))
    assert found["ran"] == []
    assert found["requests"] == []
    # A draft that the reader shows is replaced while its pictures are on their way.
    assert [line for line in quiet(found["console"]) if "404 (Not Found)" not in line] == []
    assert found["axe"] == {name: [] for name in found["axe"]}
    assert found["composing"] == 1  # Ctrl+Enter of an input method sends nothing
    for piece in (
        "<b>粗体</b>",
        "<i>斜体</i>",
        "<u>下划线</u>",
        "<li>一</li><li>二</li>",
        ">链接</a>",
        'alt="within"',
    ):
        assert piece in found["html"], found["html"]
    assert 'href="https://example.test/甲"' in found["html"]
    assert found["html"].count("<img") == 2
    assert found["again"].count("<img") == 2
    assert found["doubts"] == ["正文提到了附件，却没有附件。", "没有主题。"]
    assert found["plain"] == "请见附件。"
    assert found["quote"].startswith("On ")  # the original is English
    assert found["quote"].endswith("wang@qq.test wrote:")
    assert "original" in found["hostile"]
    for bad in ("<script", "onerror", "onclick", "javascript:", "evil.test", "<form", "<iframe", "position:"):
        assert bad not in found["hostile"], bad
    assert found["head"].endswith("写道：")
    assert found["english"].endswith("张 wrote:")

    arrived = letters(1, "li@163.test")["格式与图片"]
    related = ("multipart/related", "text/html", "image/png", "image/png")
    assert structure(arrived) == (
        "multipart/mixed", ("multipart/alternative", "text/plain", related), "text/plain",
    )  # fmt: skip
    plain, page = arrived.get_body(("plain",)), arrived.get_body(("html",))
    assert plain is not None
    assert page is not None
    assert plain.get_content_charset() == page.get_content_charset() == "utf-8"
    text = plain.get_content().splitlines()
    assert text[:5] == [
        "你好，粗体 和 斜体 和 下划线",
        "- 一",
        "- 二",
        "链接 <https://example.test/甲>",
        "蓝色",
    ]
    html = page.get_content()
    pictures = [part for part in arrived.walk() if part.get_content_type() == "image/png"]
    for part in pictures:
        assert part.get_content_disposition() == "inline"
        assert f'src="cid:{str(part["content-id"]).strip("<>")}"' in html
    assert {part.get_filename() for part in pictures} == {"印章.png", "picture.png"}
    assert "blob:" not in html
    assert "evil.test" not in html
    assert "data-" not in html
    assert [part.get_filename() for part in arrived.iter_attachments()][-1] == "报告.txt"

    inbox = letters(0, "wang@qq.test")
    simple = inbox["纯文本"]
    assert structure(simple) == "text/plain"
    assert simple.get_content().splitlines() == ["一行", "", "两行 & <b>"]
    enclosed = inbox["Fwd: Re: attack"]
    (inner,) = enclosed.iter_attachments()
    assert inner.get_content_type() == "message/rfc822"
    assert inner.get_content()["subject"] == "Re: attack"
    answer = inbox["Re: attack"]
    body = answer.get_body(("html",))
    assert body is not None
    assert "安全的回答" in body.get_content()
    for bad in ("<script", "onerror", "javascript:", "evil.test"):
        assert bad not in body.get_content(), bad
    assert answer["in-reply-to"]
    assert answer["references"]


def test_nothing_that_is_written_is_lost_and_what_is_sent_can_be_taken_back(
    demo: RunningDemo, tmp_path: Path
) -> None:
    found = run("keeping.mjs", house(0), PASSWORD, str(tmp_path))
    assert found["recovered"] == {"text": "崩溃之前写的字", "to": "wang@qq.test"}
    assert found["after_again"] == "崩溃之前写的字会话结束后"
    assert found["theirs"] == "崩溃之前写的字会话结束后，另一处"
    assert found["aside"] == ["第二封"]
    assert found["undone"] == "先发，再撤回"
    assert found["waiting_during_undo"] == 0
    assert found["choices"][-1] == "选择时间……"
    assert found["scheduled"].startswith("第二封")
    assert found["leaves"].endswith("第二封")
    assert "nobody-here@qq.test" in found["refused"]
    assert found["arrived"] == 1
    assert found["axe"] == {name: [] for name in found["axe"]}
    assert found["requests"] == []
    # The session that ended, the connection that broke: what the test made happen.
    expected = ("401 (Unauthorized)", "net::ERR_FAILED")
    assert [line for line in quiet(found["console"]) if not any(one in line for one in expected)] == []
    # Sent once, with the date of the day on which it went.
    wang = letters(0, "wang@qq.test")
    assert list(wang).count("第二封") == 1
    sent = wang["第二封"]["date"].datetime
    assert abs((sent - datetime.now(UTC)).total_seconds()) < 600


def test_recipients_signatures_templates_and_wishes(demo: RunningDemo, tmp_path: Path) -> None:
    with smtplib.SMTP("127.0.0.1", HOUSES[0].port("submission", FREE)) as smtp:
        smtp.login("zhang@qq.test", PASSWORD)
        letter = "From: zhang@qq.test\r\nTo: wang@qq.test\r\nSubject: to pass on\r\n\r\nHello.\r\n"
        smtp.sendmail("zhang@qq.test", "wang@qq.test", letter)
        head = "Subject: long original\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n"
        page = "<p>" + "<b>Tom &amp; Anna</b> met,<!-- > --><br>\r\n" * 6_000
        smtp.sendmail("zhang@qq.test", "wang@qq.test", f"{letter.splitlines()[0]}\r\n{head}{page}")
    found = run("wishes.mjs", house(0), PASSWORD, str(tmp_path))
    assert found["enclosed"] == 0
    assert found["words"] == [5001, "Tom & Anna met,", "[…]"]
    assert found["signed"] == "王 敬上"
    assert any("li@163.test" in one for one in found["suggested"])
    assert found["attached"] == 1
    assert set(found["order"]) == {"问候客户", "周报"}
    assert found["templates"] == [f"模板：{name}" for name in found["order"]]
    assert found["warned"] == ["li@l63.test 与您认识的 li@163.test 很像，但不是同一个地址。"]
    assert found["text"] == "本周进展： 王 敬上"
    assert found["axe"] == {name: [] for name in found["axe"]}
    assert found["requests"] == []
    sent = letters(0, "wang@qq.test", "Sent")["周报"]
    assert sent["x-priority"] == "1"
    assert sent["disposition-notification-to"] == "wang@qq.test"
    plain = sent.get_body(("plain",))
    assert plain is not None
    assert [line for line in plain.get_content().splitlines() if line] == ["本周进展：", "-- ", "王 敬上"]
    # Other programs see the template as what it is.
    template = letters(0, "wang@qq.test", "Templates")["周报"]
    page = template.get_body(("html",))
    assert page is not None
    assert "本周进展" in page.get_content()
    with imaplib.IMAP4("127.0.0.1", HOUSES[0].port("imap", FREE)) as imap:
        imap.login("wang@qq.test", PASSWORD)
        imap.select("Templates", readonly=True)
        assert b"$template" in imap.fetch("1", "(FLAGS)")[1][0]  # type: ignore[operator]


def test_without_a_connection(demo: RunningDemo, tmp_path: Path) -> None:
    with smtplib.SMTP("127.0.0.1", HOUSES[0].port("submission", FREE)) as smtp:
        smtp.login("wang@qq.test", PASSWORD)
        subject = "Subject: =?utf-8?b?55yL6L+H55qE5L+h?="  # 看过的信
        head = f"From: wang@qq.test\r\nTo: zhang@qq.test\r\n{subject}\r\nMIME-Version: 1.0\r\n"
        letter = f"{head}Content-Type: text/html; charset=utf-8\r\n\r\n<p>离线也能读</p>\r\n"
        smtp.sendmail("wang@qq.test", "zhang@qq.test", letter.encode())
    found = run("offline.mjs", house(0), PASSWORD, str(tmp_path))
    assert found["manifest"]["start_url"] == "/mail/"
    assert found["scope"].endswith("/mail/")
    assert found["read"]
    assert found["waiting"] == "离线写的"
    assert found["lost"] == 1  # the answer to the first attempt
    assert found["arrived"] == 1
    assert found["left"] == 0
    assert found["axe"] == {name: [] for name in found["axe"]}
    assert list(letters(0, "zhang@qq.test", "Sent")).count("离线写的") == 1
    with imaplib.IMAP4("127.0.0.1", HOUSES[0].port("imap", FREE)) as imap:
        imap.login("wang@qq.test", PASSWORD)
        imap.select("INBOX", readonly=True)
        answers = imap.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
    subjects = [
        str(email.message_from_bytes(one[1], policy=default)["subject"])
        for one in answers
        if isinstance(one, tuple)
    ]
    assert subjects.count("离线写的") == 1
