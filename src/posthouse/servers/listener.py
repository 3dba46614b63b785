"""Addresses, listening sockets, and accepting from sockets that all workers share.

Every worker polls the same sockets; `core.step_back` says who takes a connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from posthouse.core.errors import StartError
from posthouse.core.sentence import Sentence, reason
from posthouse.core.step_back import STEP_BACK_S, StepBack
from posthouse.servers.board import field
from posthouse.servers.connection import Connection
from posthouse.servers.host import Host, Service
from posthouse.servers.listen_address import Address
from posthouse.sessions.session import ConnectionInfo

BACKLOG: Final = 4096
ACCEPT_BATCH: Final = 16
NO_DESCRIPTORS_S: Final = 0.5

_REFUSED_DESCRIPTORS: Final = field("refused_total", 'reason="descriptors"')
_SHORTAGE: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class BindError(StartError):
    """An address cannot be listened on; the sentence says which, why, and what to do.  `busy`: somebody has it."""

    def __init__(self, sentence: Sentence, *, busy: bool = False) -> None:
        super().__init__(sentence)
        self.busy = busy


def bind(address: Address) -> socket.socket:
    """A listening socket; raises BindError."""
    try:
        return _bind_unix(address) if address.path else _bind_tcp(address)
    except UnicodeError as error:  # no name of a host
        raise BindError(Sentence("bind", address=address, problem=Sentence("bind.name"))) from error
    except OSError as error:
        busy = error.errno == errno.EADDRINUSE
        raise BindError(
            Sentence("bind", address=address, problem=_advice(error, address)), busy=busy
        ) from error


def _advice(error: OSError, address: Address) -> Sentence:
    if isinstance(error, socket.gaierror):
        return Sentence("bind.name")
    if error.errno == errno.EADDRINUSE:
        return Sentence("bind.busy.unix" if address.path else "bind.busy")
    if error.errno == errno.EACCES and not address.path:
        return Sentence("bind.privileged")
    if error.errno == errno.EADDRNOTAVAIL:
        return Sentence("bind.elsewhere")
    return Sentence("bind.other", reason=reason(error))


def _bind_tcp(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    host = address.host
    if family == socket.AF_INET:
        host = socket.gethostbyname(host or "0.0.0.0")  # noqa: S104 - what the administrator wrote
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # One family per socket: IPv4 clients are never seen as ::ffff:192.0.2.1.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, address.port))
        sock.listen(BACKLOG)
        sock.settimeout(0)
    except BaseException:
        sock.close()
        raise
    return sock


def _bind_unix(address: Address) -> socket.socket:
    path = Path(address.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(address.path)
            except ConnectionRefusedError:
                path.unlink()  # left behind by a server that was killed
            else:
                raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        mask = os.umask(0o777 & ~address.mode)  # not chmod: it would follow what took the place of the socket
        try:
            sock.bind(address.path)
        finally:
            os.umask(mask)
        sock.listen(BACKLOG)
        sock.settimeout(0)
    except BaseException:
        sock.close()
        raise
    return sock


def inherited_sockets(environ: Mapping[str, str], pid: int) -> dict[str, list[socket.socket]]:
    """Sockets that systemd passed (sd_listen_fds(3)), by FileDescriptorName=; those without a name under
    ""."""
    if environ.get("LISTEN_PID") != str(pid):
        return {}
    count = int(environ.get("LISTEN_FDS", "0"))
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    found: dict[str, list[socket.socket]] = {}
    for i in range(count):
        sock = socket.socket(fileno=3 + i)
        sock.settimeout(0)
        sock.set_inheritable(False)
        name = names[i] if i < len(names) else ""
        found.setdefault("" if name == "unknown" else name.partition("-")[0], []).append(sock)
    return found


class Acceptor:
    """Accepts from one listening socket in one worker."""

    def __init__(self, host: Host, sock: socket.socket, service: Callable[[], Service]) -> None:
        self._host = host
        self._sock = sock
        if sock.family != socket.AF_UNIX:
            # What it accepts has these from it (tcp(7)).
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._service = service  # asked anew for each connection: a reload replaces it
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._step_back = StepBack(self._shares)
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        self._loop.add_reader(self._sock.fileno(), self._ready)

    def stop(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()

    def _hold(self, seconds: float) -> None:
        self._loop.remove_reader(self._sock.fileno())
        self._pause = self._loop.call_later(seconds, self._again)

    def _again(self) -> None:
        self._pause = None
        self.start()

    def _ready(self) -> None:
        self._host.active()
        if self._step_back.now(self._loop.time()):
            self._hold(STEP_BACK_S)
            return
        for _ in range(ACCEPT_BATCH):
            if not self._accept() or self._step_back.is_ahead():
                return

    def _shares(self) -> tuple[int, int]:
        """How many connections we have, and the one of the other workers that has the fewest."""
        slot = self._host.slot
        count = slot.board.connections_of
        mine = count(slot.index)
        return mine, min(map(count, self._host.siblings), default=mine)

    def _accept(self) -> bool:
        """Take one connection; False when there is none."""
        try:
            sock, peer = self._sock.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        except OSError as error:
            if error.errno in _SHORTAGE:
                self._host.slot.add(_REFUSED_DESCRIPTORS)
                self._host.log.error(
                    "no descriptors or memory left to accept a connection; raise LimitNOFILE",
                    extra={"facts": {"error": error.strerror}},
                )
                self._hold(NO_DESCRIPTORS_S)
                return False
            raise
        sock.settimeout(0)
        self._admit(sock, peer)
        return True

    def _admit(self, sock: socket.socket, peer: Any) -> None:
        host, service = self._host, self._service()
        info = _describe(sock, peer, service, host.next_id())
        refusal = host.refusal(service, info.peer_ip)
        if refusal is not None:
            if not service.implicit_tls and info.peer_ip not in service.proxy_from:
                with contextlib.suppress(OSError):  # it is gone already
                    sock.send(refusal)
            sock.close()
            return
        connection = Connection(host, service, info)
        host.enter(connection)
        task = self._loop.create_task(self._attach(connection, sock))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attach(self, connection: Connection, sock: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: connection, sock)
        except OSError:  # it went away between accept and here
            self._host.leave(connection)
            sock.close()


def _describe(sock: socket.socket, peer: Any, service: Service, connection_id: str) -> ConnectionInfo:
    if not isinstance(peer, tuple):  # of a Unix socket
        return ConnectionInfo(connection_id, service.listener, "", 0, "", 0, None, service.clear_text_auth)
    local = sock.getsockname()
    return ConnectionInfo(
        connection_id,
        service.listener,
        peer[0],
        peer[1],
        local[0],
        local[1],
        None,
        service.clear_text_auth,
    )
