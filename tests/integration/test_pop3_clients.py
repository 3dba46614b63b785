"""POP3 over real sockets and TLS with the clients people use: poplib, curl, fetchmail."""

from __future__ import annotations

import asyncio
import logging
import poplib
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
from posthouse.sessions.pop3 import Pop3Session
from tests.unit.pop3_world import PASSWORD, LargeMessage, World, message

LONG = message(2, 3_000_000)
REFUSAL = (b"-ERR full\r\n", b"-ERR full\r\n")


class Post:
    """A world of three letters behind two listeners: POP3 with STLS, and POP3S."""

    def __init__(self, directory: Path) -> None:
        self.world = World(message(1), LargeMessage(LONG), "Subject: 驿站\r\n\r\n.\r\n..\r\n末行".encode())
        self.host = Host(Board(2).slot(0), logging.getLogger("posthouse.test"), Limits(), "t")
        authority = Authority(directory)
        self.host.tls = make_contexts(TlsSettings((authority.issue(["localhost"]),)))
        self.ca = directory / "ca.pem"
        self.acceptors: list[Acceptor] = []
        self.clear = self._listen("pop3", implicit_tls=False)
        self.tls = self._listen("pop3s", implicit_tls=True)

    def _listen(self, name: str, *, implicit_tls: bool) -> int:
        def factory(peer, on_fault):
            world = self.world
            return Pop3Session(
                peer,
                on_fault,
                sign_in=world.accounts,
                maildrops=world.maildrops,
                delay=world.delay,
                settings=world.settings,
            )

        sock = bind(Address("127.0.0.1", 0))
        service = Service(name, factory, REFUSAL, implicit_tls=implicit_tls)
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
    assert post.world.store.locked == set()


def read_with_poplib(client: poplib.POP3) -> list[bytes]:
    client.user("zhang@qq.test")
    client.pass_(PASSWORD)
    count, size = client.stat()
    assert count == 3
    assert size == sum(int(line.split()[1]) for line in client.list()[1])
    assert [line.split()[1] for line in client.uidl()[1]] == [b"71.1", b"71.2", b"71.3"]
    assert client.top(1, 1)[1][-2:] == [b"", b"Line one."]
    letters = [b"\r\n".join(client.retr(number)[1]) for number in (1, 2, 3)]
    client.dele(1)
    client.rset()
    client.dele(3)
    client.quit()
    return letters


async def test_poplib_with_stls(post: Post) -> None:
    def talk() -> list[bytes]:
        client = poplib.POP3("localhost", post.clear, timeout=20)
        assert "STLS" in client.capa()
        with pytest.raises(poplib.error_proto, match="only over TLS"):
            client.user("zhang@qq.test")
        client.stls(post.context())
        assert "STLS" not in client.capa()
        client.utf8()
        return read_with_poplib(client)

    letters = await asyncio.to_thread(talk)
    assert letters[0] + b"\r\n" == message(1)
    assert letters[1] + b"\r\n" == LONG
    assert letters[2] == "Subject: 驿站\r\n\r\n.\r\n..\r\n末行".encode()
    assert list(post.world.inbox.rows) == [1, 2]


async def test_poplib_over_pop3s(post: Post) -> None:
    def talk() -> list[bytes]:
        return read_with_poplib(poplib.POP3_SSL("localhost", post.tls, context=post.context(), timeout=20))

    assert (await asyncio.to_thread(talk))[1] + b"\r\n" == LONG


def run(*command: object, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [str(word) for word in command], capture_output=True, timeout=60, check=False, **options
    )


@pytest.mark.peers
async def test_curl(post: Post) -> None:
    sign_in = ("--user", f"zhang@qq.test:{PASSWORD}", "--cacert", post.ca, "--silent", "--show-error")
    got = await asyncio.to_thread(run, "curl", *sign_in, f"pop3s://localhost:{post.tls}/2")
    assert (got.returncode, got.stdout, got.stderr) == (0, LONG, b"")
    got = await asyncio.to_thread(run, "curl", "--ssl-reqd", *sign_in, f"pop3://localhost:{post.clear}/1")
    assert (got.returncode, got.stdout, got.stderr) == (0, message(1), b"")
    wrong = ("--user", "zhang@qq.test:wrong", "--cacert", post.ca, "--silent")
    got = await asyncio.to_thread(run, "curl", *wrong, f"pop3s://localhost:{post.tls}/1")
    assert got.returncode == 67  # login denied


@pytest.mark.peers
async def test_fetchmail(post: Post, tmp_path: Path) -> None:
    settings = tmp_path / "fetchmailrc"
    settings.write_text(
        f'poll localhost service {post.tls} protocol pop3\n user "zhang@qq.test" password "{PASSWORD}"\n'
        f' ssl sslcertck sslcertfile "{post.ca}" no rewrite\n mda "cat >> {tmp_path}/got"\n'
    )
    settings.chmod(0o600)
    command = ("fetchmail", "--fetchmailrc", settings, "--pidfile", tmp_path / "pid", "--nosyslog")
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "FETCHMAILHOME": str(tmp_path)}
    got = await asyncio.to_thread(run, *command, env=environment)
    assert got.returncode == 0, got.stdout + got.stderr
    assert post.world.inbox.rows == {}
    letters = (tmp_path / "got").read_bytes()
    assert b"Subject: letter 1\n" in letters
    assert letters.count(b"0123456789\n") == 250_000
    got = await asyncio.to_thread(run, *command, env=environment)
    assert got.returncode == 1, got.stdout + got.stderr  # no mail
