"""SMTP, submission and LMTP over real sockets and TLS with clients people use: smtplib, swaks, curl."""

from __future__ import annotations

import asyncio
import email.message
import logging
import smtplib
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.app.certificates import Authority
from posthouse.servers.board import Board
from posthouse.servers.host import Host, Limits, Service
from posthouse.servers.listen_address import Address
from posthouse.servers.listener import Acceptor, bind
from posthouse.servers.tls import TlsSettings, make_contexts
from posthouse.sessions.smtp import SmtpSession
from tests.unit.smtp_world import PASSWORD, World

REFUSAL = (b"421 full\r\n", b"421 full\r\n")
LETTER = b"From: li@163.test\r\nTo: zhang@qq.test\r\nSubject: x\r\n\r\n.\r\n..dots\r\n.end\r\n"


class Post:
    """A world behind four listeners."""

    def __init__(self, directory: Path) -> None:
        self.world = World(max_message_bytes=4_000_000)
        self.host = Host(Board(2).slot(0), logging.getLogger("posthouse.test"), Limits(), "t")
        authority = Authority(directory)
        self.host.tls = make_contexts(TlsSettings((authority.issue(["localhost"]),)))
        self.ca = directory / "ca.pem"
        self.acceptors: list[Acceptor] = []
        self.ports = {name: self._listen(name) for name in ("smtp", "submission", "submissions", "lmtp")}

    def _listen(self, name: str) -> int:
        def factory(peer, on_fault):
            world = self.world
            return SmtpSession(
                peer,
                on_fault,
                delivery=world.delivery,
                sign_in=world.accounts,
                settings=world.settings,
            )

        sock = bind(Address("127.0.0.1", 0))
        service = Service(name, factory, REFUSAL, implicit_tls=name == "submissions")
        acceptor = Acceptor(self.host, sock, lambda: service)
        acceptor.start()
        self.acceptors.append(acceptor)
        return sock.getsockname()[1]

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca)


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    post = Post(tmp_path)
    post.host.start()
    yield post
    for acceptor in post.acceptors:
        acceptor.stop()
    await post.host.drain(1.0)
    await asyncio.sleep(0)
    assert post.world.store.open == 0


async def test_smtplib_submits_with_starttls(post: Post) -> None:
    def talk() -> None:
        with smtplib.SMTP("localhost", post.ports["submission"], timeout=20) as client:
            client.ehlo("desk.test")
            assert not client.has_extn("auth")
            client.starttls(context=post.context())
            client.login("li@163.test", PASSWORD)
            refused = client.sendmail(
                "li@163.test", ["zhang@qq.test", "nobody@163.test"], LETTER, ["BODY=8BITMIME", "RET=HDRS"]
            )
            assert refused.keys() == {"nobody@163.test"}
            assert refused["nobody@163.test"][0] == 550

    await asyncio.to_thread(talk)
    assert post.world.letter.endswith(b"\r\n\r\n.\r\n..dots\r\n.end\r\n")
    assert b"with ESMTPSA id" in post.world.letter.replace(b"\r\n\t", b" ")


async def test_smtplib_with_utf8_addresses_and_a_wrong_password(post: Post) -> None:
    def talk() -> None:
        with smtplib.SMTP_SSL(
            "localhost", post.ports["submissions"], context=post.context(), timeout=20
        ) as c:
            with pytest.raises(smtplib.SMTPAuthenticationError) as wrong:
                c.login("li@163.test", "guess")
            assert wrong.value.smtp_code == 535
            c.login("li@163.test", PASSWORD)
            letter = email.message.EmailMessage()
            letter["From"] = "li@163.test"
            letter["To"] = "张@例子.测试"
            letter["Bcc"] = "wang@qq.test"
            letter["Subject"] = "驿站"
            letter.set_content("正文\n")
            assert c.send_message(letter) == {}

    await asyncio.to_thread(talk)
    assert b"Bcc" not in post.world.letter
    (delivery,) = post.world.store.delivered
    (entry,) = delivery.queue
    assert entry.smtputf8
    assert [recipient.address for recipient in entry.recipients] == [
        "张@xn--fsqu00a.xn--0zwm56d",
        "wang@qq.test",
    ]


async def test_smtplib_speaks_lmtp(post: Post) -> None:
    def talk() -> bytes:
        with smtplib.LMTP("localhost", post.ports["lmtp"]) as client:
            client.ehlo("mx.test")
            assert client.mail("zhang@qq.test")[0] == 250
            assert client.rcpt("li@163.test")[0] == 250
            return client.data(LETTER)[1]

    assert b"<li@163.test> Delivered" in await asyncio.to_thread(talk)


async def test_a_message_over_the_limit(post: Post) -> None:
    big = LETTER + b"0123456789\r\n" * 400_000

    def talk() -> None:
        with smtplib.SMTP("localhost", post.ports["smtp"], timeout=20) as client:
            client.ehlo("qq.test")
            with pytest.raises(smtplib.SMTPSenderRefused) as refused:
                client.sendmail("zhang@qq.test", ["li@163.test"], big)
            assert refused.value.smtp_code == 552
            client.does_esmtp = False  # the same without SIZE: read to its end, then refused
            with pytest.raises(smtplib.SMTPDataError) as late:
                client.sendmail("zhang@qq.test", ["li@163.test"], big)
            assert late.value.smtp_code == 552
            assert client.noop()[0] == 250

    await asyncio.to_thread(talk)
    assert post.world.store.delivered == []


async def test_a_large_message_arrives_byte_for_byte(post: Post) -> None:
    big = LETTER + b"0123456789\r\n..x\r\n" * 200_000

    def talk() -> None:
        with smtplib.SMTP("localhost", post.ports["smtp"], timeout=60) as client:
            client.ehlo("qq.test")
            client.sendmail("zhang@qq.test", ["li@163.test"], big)

    await asyncio.to_thread(talk)
    assert post.world.letter.endswith(big)


def run(*command: object, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [str(word) for word in command], capture_output=True, timeout=60, check=False, **options
    )


@pytest.mark.peers
async def test_swaks(post: Post) -> None:
    submission = ("--server", f"127.0.0.1:{post.ports['submission']}", "-tls", "--ehlo", "desk.test")
    sign_in = ("--auth", "LOGIN", "--auth-user", "li@163.test", "--auth-password", PASSWORD)
    envelope = ("--from", "li@163.test", "--to", "zhang@qq.test")
    got = await asyncio.to_thread(run, "swaks", *submission, *sign_in, *envelope)
    assert got.returncode == 0, got.stdout + got.stderr
    assert len(post.world.store.delivered) == 1
    got = await asyncio.to_thread(run, "swaks", *submission, *envelope)
    assert b"530 5.7.0 Sign in first" in got.stdout
    mx = ("--server", f"127.0.0.1:{post.ports['smtp']}", "--ehlo", "qq.test", "--from", "zhang@qq.test")
    got = await asyncio.to_thread(run, "swaks", *mx, "--to", "x@example.org")
    assert b"550 5.7.1 No relaying" in got.stdout
    got = await asyncio.to_thread(run, "swaks", *mx, "--pipeline", "--to", "li@163.test,zhao@163.test")
    assert got.returncode == 0, got.stdout + got.stderr


@pytest.mark.peers
async def test_curl(post: Post, tmp_path: Path) -> None:
    letter = tmp_path / "letter.eml"
    letter.write_bytes(LETTER)
    command = ("curl", "--silent", "--show-error", "--cacert", post.ca, "--user", f"li@163.test:{PASSWORD}")
    envelope = ("--mail-from", "li@163.test", "--mail-rcpt", "zhang@qq.test", "--upload-file", letter)
    got = await asyncio.to_thread(run, *command, *envelope, f"smtps://localhost:{post.ports['submissions']}")
    assert got.returncode == 0, got.stderr
    assert post.world.letter.endswith(b"\r\n\r\n.\r\n..dots\r\n.end\r\n")


async def test_commands_behind_starttls_in_one_packet_never_run(post: Post) -> None:
    def talk() -> bytes:
        with socket.create_connection(("127.0.0.1", post.ports["smtp"]), timeout=20) as raw:
            raw.recv(1000)
            raw.sendall(b"EHLO x.test\r\n")
            raw.recv(4000)
            raw.sendall(b"STARTTLS\r\nEHLO evil.test\r\nMAIL FROM:<evil@x.test>\r\n")
            assert raw.recv(1000).startswith(b"220 ")
            with post.context().wrap_socket(raw, server_hostname="localhost") as secure:
                secure.sendall(b"MAIL FROM:<>\r\n")
                return secure.recv(1000)

    assert (await asyncio.to_thread(talk)).startswith(b"503 5.5.1 Greet first")
