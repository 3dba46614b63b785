"""A line session, a host on real loopback sockets, and certificates, for the tests of `servers`."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

from posthouse.app.certificates import Authority
from posthouse.servers.board import Board
from posthouse.servers.host import Host, Limits, Service
from posthouse.servers.listen_address import Address
from posthouse.servers.listener import Acceptor, bind
from posthouse.servers.tls import TlsSettings, make_contexts
from posthouse.sessions.session import Session

FLOOD_BYTES = 128 * 65536
"""More than the kernel takes for a client that does not read."""
REFUSAL = (b"the node is full\r\n", b"your address is full\r\n")


class LineSession(Session):
    """Answers each line; knows starttls, quit, who, slow, fault, flood."""

    def __init__(self, peer, on_fault):
        super().__init__(peer, on_fault)
        self.buffer = b""
        self.events = []
        self.release = asyncio.Event()

    def greet(self):
        self.peer.set_timeout(300)
        self.peer.write(b"hello\r\n")

    def _feed(self, data):
        self.buffer += data

    def _backlog(self):
        return len(self.buffer)

    def _next(self):
        line, found, rest = self.buffer.partition(b"\n")
        if not found:
            return None
        self.buffer = rest
        return line.strip()

    def _handle(self, line):
        self.events.append(line)
        if line == b"starttls":
            self.buffer = b""
            return self._upgrade()
        if line == b"slow":
            return self._slow()
        if line == b"flood":
            return self._flood()
        if line == b"fault":
            raise RuntimeError("secret detail")
        if line == b"quit":
            self.closing = True
            self.peer.write(b"bye\r\n")
        elif line == b"who":
            info = self.peer.info
            tls = info.tls.version if info.tls else "clear"
            self.peer.write(f"{info.peer_ip} {info.peer_port} {tls}\r\n".encode())
        else:
            self.peer.write(b"echo " + line + b"\r\n")
        return None

    async def _upgrade(self):
        self.peer.write(b"go\r\n")
        await self.peer.start_tls()

    async def _slow(self):
        await self.release.wait()
        self.peer.write(b"slow done\r\n")

    async def _flood(self):
        for _ in range(FLOOD_BYTES // 65536):
            self.peer.write(bytes(65536))
            if self.peer.must_drain:
                await self.peer.drain()
        self.peer.write(b"flood done\r\n")

    def _fault(self):
        self.peer.write(b"internal error\r\n")

    def timed_out(self):
        self.closing = True
        self.peer.write(b"too slow\r\n")
        self.peer.close()

    def shutdown(self):
        self.closing = True
        if not self.busy:
            self.peer.write(b"stopping\r\n")
            self.peer.close()


class Rig:
    """One host with one listener on 127.0.0.1."""

    def __init__(self, directory: Path, *, limits: Limits | None = None, **service):
        self.directory = directory
        self.board = Board(2)
        self.log = logging.getLogger("posthouse.test")
        self.host = Host(self.board.slot(0), self.log, limits or Limits(), "t")
        self.sessions = []
        self.service = Service("imap", self._make, REFUSAL, **service)
        self.sock = bind(Address("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]

    def _make(self, peer, on_fault):
        self.sessions.append(LineSession(peer, on_fault))
        return self.sessions[-1]

    def use_tls(self, *names):
        """One certificate per name; returns the CA file."""
        authority = Authority(self.directory)
        certificates = tuple(authority.issue([name]) for name in names)
        self.host.tls = make_contexts(TlsSettings(certificates))
        return authority.file

    def client_context(self):
        return ssl.create_default_context(cafile=self.directory / "ca.pem")

    async def connect(self):
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def __aenter__(self):
        self.host.start()
        self.acceptor = Acceptor(self.host, self.sock, lambda: self.service)
        self.acceptor.start()
        return self

    async def __aexit__(self, *_):
        self.acceptor.stop()
        for session in self.sessions:
            session.release.set()
        await self.host.drain(1.0)
        await settle()


async def settle():
    """Let callbacks run that are due."""
    for _ in range(5):
        await asyncio.sleep(0)


async def until(condition, limit_s=5.0):
    """Wait for something the other side does."""
    async with asyncio.timeout(limit_s):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)
