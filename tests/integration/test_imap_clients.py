"""IMAP over real sockets and TLS with clients people use: imaplib and curl."""

from __future__ import annotations

import asyncio
import imaplib
import logging
import re
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
from posthouse.sessions.imap import ImapSession
from tests.storage.fixtures import message
from tests.unit.imap_world import PASSWORD, World, imap_world

REFUSAL = (b"* BYE full\r\n", b"* BYE full\r\n")
USER = "li@example.test"


class Post:
    """A world behind two listeners: IMAP with STARTTLS, and IMAPS."""

    def __init__(self, world: World, directory: Path) -> None:
        self.world = world
        self.host = Host(Board(2).slot(0), logging.getLogger("posthouse.test"), Limits(), "t")
        authority = Authority(directory)
        self.host.tls = make_contexts(TlsSettings((authority.issue(["localhost"]),)))
        self.ca = directory / "ca.pem"
        self.acceptors: list[Acceptor] = []
        self.clear = self._listen("imap", implicit_tls=False)
        self.tls = self._listen("imaps", implicit_tls=True)

    def _listen(self, name: str, *, implicit_tls: bool) -> int:
        def factory(peer, on_fault):
            return ImapSession(peer, on_fault, self.world.services)

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
    async with imap_world(tmp_path) as world:
        post = Post(world, tmp_path)
        post.host.start()
        yield post
        for acceptor in post.acceptors:
            acceptor.stop()
        await post.host.drain(1.0)
        await asyncio.sleep(0)


def use_imaplib(client: imaplib.IMAP4) -> None:
    client.login(USER, PASSWORD)
    assert client.enable("CONDSTORE")[0] == "OK"
    letter = message(1, 2_000_000)
    assert client.append("Drafts", "(\\Draft)", imaplib.Time2Internaldate(86400.0), letter)[0] == "OK"
    assert client.append("INBOX", None, None, "Subject: 驿站\r\n\r\n末行\r\n".encode())[0] == "OK"
    assert client.select("Drafts") == ("OK", [b"1"])
    data = client.fetch("1", "(UID FLAGS INTERNALDATE BODY[])")[1]
    assert data[0][1] == letter
    assert b" 2-Jan-1970 00:00:00 +0000" in data[0][0]
    status, data = client.search(None, "SUBJECT", '"a letter 1"')
    assert (status, data) == ("OK", [b"1"])
    assert client.store("1", "+FLAGS", "(\\Deleted $Done)")[0] == "OK"
    assert client.uid("COPY", "1", "Archive")[0] == "OK"
    assert client.expunge() == ("OK", [b"1"])
    assert client.status("Archive", "(MESSAGES UIDNEXT)")[1] == [b"Archive (MESSAGES 1 UIDNEXT 2)"]
    assert client.create("Arbeit/Pl&AOQ-ne")[0] == "OK"
    names = [line.decode().rsplit(" ", 1)[1] for line in client.list()[1]]
    assert {"INBOX", "Arbeit", "Arbeit/Pl&AOQ-ne", "Drafts"} <= set(names)
    assert client.namespace()[0] == "OK"
    assert client.noop()[0] == "OK"
    assert client.close()[0] == "OK"
    assert client.logout()[0] == "BYE"


async def test_imaplib_over_tls(post: Post) -> None:
    def work() -> str:
        client = imaplib.IMAP4_SSL("localhost", post.tls, ssl_context=post.context(), timeout=20)
        use_imaplib(client)
        return client.state

    assert await asyncio.to_thread(work) == "LOGOUT"


async def test_imaplib_with_starttls(post: Post) -> None:
    def work() -> None:
        client = imaplib.IMAP4("localhost", post.clear, timeout=20)
        with pytest.raises(imaplib.IMAP4.error, match=r"LOGINDISABLED|PRIVACYREQUIRED"):
            client.login(USER, PASSWORD)
        client.starttls(post.context())
        use_imaplib(client)

    await asyncio.to_thread(work)


async def test_imaplib_with_utf8(post: Post) -> None:
    def work() -> None:
        client = imaplib.IMAP4_SSL("localhost", post.tls, ssl_context=post.context(), timeout=20)
        client.login(USER, PASSWORD)
        assert client.enable("UTF8=ACCEPT")[0] == "OK"
        assert client.append("INBOX", None, None, "Subject: 驿站\r\n\r\n末行\r\n".encode())[0] == "OK"
        assert client.select()[1] == [b"1"]
        assert client.search(None, "TEXT", '"驿站"')[1] == [b"1"]
        client.logout()

    await asyncio.to_thread(work)


async def test_idle_over_a_socket(post: Post) -> None:
    reader, writer = await asyncio.open_connection(
        "localhost", post.tls, ssl=post.context(), server_hostname="localhost"
    )
    writer.write(f"a LOGIN {USER} {PASSWORD}\r\nb SELECT INBOX\r\nc IDLE\r\n".encode())
    async with asyncio.timeout(10):
        await reader.readuntil(b"+ idling\r\n")
        await post.world.letters(1)
        assert await reader.readline() == b"* 1 EXISTS\r\n"
        assert await reader.readline() == b"* 1 RECENT\r\n"
        writer.write(b"DONE\r\nd LOGOUT\r\n")
        assert re.fullmatch(rb"c OK .*\r\n\* BYE .*\r\nd OK .*\r\n", await reader.read())
    writer.close()
    await writer.wait_closed()


@pytest.mark.peers
async def test_curl_reads_and_writes(post: Post, tmp_path: Path) -> None:
    letter = tmp_path / "letter.eml"
    letter.write_bytes(message(9))
    base = ["curl", "-sS", "--cacert", str(post.ca), "-u", f"{USER}:{PASSWORD}"]

    def curl(*arguments: str) -> bytes:
        return subprocess.run([*base, *arguments], check=True, capture_output=True, timeout=30).stdout

    url = f"imaps://localhost:{post.tls}"
    await asyncio.to_thread(curl, "-T", str(letter), f"{url}/INBOX")
    assert await asyncio.to_thread(curl, f"{url}/INBOX;MAILINDEX=1") == message(9)
    assert await asyncio.to_thread(curl, f"{url}/INBOX?SUBJECT%20letter") == b"* SEARCH 1\r\n"
    clear = f"imap://localhost:{post.clear}/INBOX;UID=1"
    assert await asyncio.to_thread(curl, "--ssl-reqd", clear) == message(9)
