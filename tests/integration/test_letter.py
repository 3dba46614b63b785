"""The letter this house was built for: a Chinese subject and a JPEG, from zhang@qq.test to li@163.test through two
post houses, back byte for byte by POP3 and by IMAP; and the answer to it."""

from __future__ import annotations

import contextlib
import email
import email.message
import email.policy
import imaplib
import poplib
import random
import smtplib
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from posthouse.app.demo import HOUSES, PASSWORD, House
from tests.integration.test_node_demo import FREE, RunningDemo

QQ, NETEASE = HOUSES
SUBJECT = "驿站：见字如面，附照片一张"
TEXT = "李兄：\n\n见字如面。照片附上。\n.\n..一行以点开头。\n\n张\n"


def jpeg(size: int) -> bytes:
    """SOI and APP0 (JFIF), a scan of that many bytes, EOI."""
    chance = random.Random(163)
    head = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffda0008010100003f00")
    return head + chance.randbytes(size).replace(b"\xff", b"\xff\x00") + b"\xff\xd9"


def letter(sender: str, recipient: str, subject: str, photo: bytes | None) -> email.message.EmailMessage:
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["Date"] = "Mon, 21 Sep 2026 22:13:20 +0800"
    message["From"] = f"张 <{sender}>"
    message["To"] = f"李 <{recipient}>"
    message["Subject"] = subject
    message["Message-ID"] = f"<{sender.replace('@', '.')}@letters.test>"
    message.set_content(TEXT, cte="base64" if photo else "quoted-printable")
    if photo is not None:
        message.add_attachment(photo, maintype="image", subtype="jpeg", filename="照片.jpg")
    return message


class Reader:
    """A person at a mail client: IMAP in IDLE, and POP3, both over TLS."""

    def __init__(self, house: House, name: str, context: ssl.SSLContext) -> None:
        self.house, self.name, self.context = house, name, context
        self.imap = imaplib.IMAP4_SSL("localhost", house.port("imaps", FREE), ssl_context=context, timeout=30)
        self.imap.login(name, PASSWORD)
        self.imap.select("INBOX")

    def wait(self) -> None:
        """IDLE until a letter is there."""
        tag = self.imap._new_tag()  # type: ignore[attr-defined]
        self.imap.send(tag + b" IDLE\r\n")
        assert self.imap.readline().startswith(b"+ ")
        while b" EXISTS" not in (line := self.imap.readline()):
            assert line.startswith(b"* "), line
        self.imap.send(b"DONE\r\n")
        while not (line := self.imap.readline()).startswith(tag):
            assert line.startswith(b"* "), line
        assert b" OK " in line

    def by_imap(self, items: str) -> bytes:
        answer, rows = self.imap.fetch("1", items)
        assert answer == "OK"
        return b"".join(part for row in rows for part in (row if isinstance(row, tuple) else (row or b"",)))

    def whole(self) -> bytes:
        _, rows = self.imap.fetch("1", "(BODY.PEEK[])")
        assert isinstance(rows[0], tuple)
        return bytes(rows[0][1])

    def by_pop3(self) -> bytes:
        client = poplib.POP3_SSL(
            "localhost", self.house.port("pop3s", FREE), context=self.context, timeout=30
        )
        client.user(self.name)
        client.pass_(PASSWORD)
        lines, octets = client.retr(1)[1:]
        client.quit()
        data = b"".join(line + b"\r\n" for line in lines)
        assert octets == len(data)
        return data


def submit(house: House, context: ssl.SSLContext, message: email.message.EmailMessage, to: str) -> None:
    with smtplib.SMTP("localhost", house.port("submission", FREE), timeout=30) as client:
        client.starttls(context=context)
        client.login(message["From"].addresses[0].addr_spec, PASSWORD)
        assert client.sendmail(message["From"].addresses[0].addr_spec, [to], message.as_bytes()) == {}


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[RunningDemo]:
    running = RunningDemo(tmp_path / "demo")
    try:
        yield running
    finally:
        code, rest = running.interrupt()
    assert code == 0, rest


def test_the_letter(demo: RunningDemo) -> None:
    context = ssl.create_default_context(cafile=demo.ca)
    with contextlib.ExitStack() as stack:
        li = Reader(NETEASE, "li@163.test", context)
        stack.callback(li.imap.logout)
        zhang = Reader(QQ, "zhang@qq.test", context)
        stack.callback(zhang.imap.logout)
        photo = jpeg(1_500_000)
        sent = letter("zhang@qq.test", "li@163.test", SUBJECT, photo)
        submit(QQ, context, sent, "li@163.test")
        li.wait()
        got = li.whole()
        assert got.endswith(sent.as_bytes())
        assert li.by_pop3() == got
        trace = got.removesuffix(sent.as_bytes())
        fields = [line.partition(b":")[0] for line in trace.split(b"\r\n") if line and line[:1] not in b"\t "]
        signed = [b"DKIM-Signature", b"DKIM-Signature"]
        assert fields == [b"Return-Path", b"Authentication-Results", b"Received", *signed, b"Received"]
        assert trace.count(b"dkim=pass") == 2
        assert b"by mail.163.test" in trace
        assert b"by mail.qq.test" in trace
        parsed = email.message_from_bytes(got, policy=email.policy.default)
        assert parsed["Subject"] == SUBJECT
        text, attached = parsed.iter_parts()
        assert text.get_content().replace("\r\n", "\n") == TEXT
        assert attached.get_filename() == "照片.jpg"
        assert attached.get_content() == photo
        structure = li.by_imap("(ENVELOPE BODYSTRUCTURE)")
        assert b'("IMAGE" "JPEG"' in structure.upper()
        assert b'"zhang" "qq.test"' in structure
        submit(NETEASE, context, letter("li@163.test", "zhang@qq.test", "回信", None), "zhang@qq.test")
        zhang.wait()
        assert email.message_from_bytes(zhang.whole(), policy=email.policy.default)["Subject"] == "回信"
        assert zhang.by_pop3() == zhang.whole()
