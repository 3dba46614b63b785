"""What every protocol session shares: the peer it writes to, and the pump that runs its commands in order.

A session is driven by a server (`servers/`) through `greet`, `receive`, `eof`, `timed_out`, `shutdown` and `closed`,
all called on the event loop.  It never sees a socket: it writes to a `Peer`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from msgspec import Struct

SLICE_S: Final = 0.005
"""After so much processor time a session with more to do lets the other connections have their turn."""


class TlsInfo(Struct, frozen=True):
    version: str  # "TLSv1.3"
    cipher: str
    server_name: str | None = None  # SNI
    unique: bytes = b""  # tls-unique (RFC 5929 §3), of TLS 1.2 only
    exporter: bytes = b""  # tls-exporter (RFC 9266), of TLS 1.3 only
    end_point: bytes = b""  # tls-server-end-point (RFC 5929 §4)
    certificate: bytes = b""  # of the client, in DER, verified


class ConnectionInfo(Struct):
    """Facts about a connection; `tls` is set at once for implicit TLS and after STARTTLS."""

    id: str  # short, unique in this process; leads every log line
    listener: str  # "smtp", "submission", "submissions", "lmtp", "pop3", "pop3s", "imap", "imaps"
    peer_ip: str  # "" for a Unix socket
    peer_port: int
    local_ip: str
    local_port: int
    tls: TlsInfo | None = None
    clear_text_auth: bool = False  # a loopback test listener that takes credentials without TLS


class Peer(Protocol):
    """The other end, as the server shows it to a session."""

    info: ConnectionInfo

    def write(self, data: bytes) -> None: ...

    async def drain(self) -> None:
        """Wait while the transport's buffer is over its high-water mark; raises ConnectionError when gone."""
        ...

    @property
    def must_drain(self) -> bool: ...

    @property
    def can_start_tls(self) -> bool: ...

    async def start_tls(self) -> None:
        """Upgrade; the session has discarded what it had buffered.  Raises ConnectionError on failure."""
        ...

    def start_compression(self) -> None:
        """RFC 4978: what is written and read from now on is DEFLATE; cannot be undone."""
        ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def set_timeout(self, seconds: float) -> None:
        """`timed_out` is called when nothing arrives for that long; counts from now."""
        ...

    def close(self) -> None:
        """Flush what was written, then close."""
        ...


class Session:
    """Base of the protocol sessions.

    A subclass feeds its engine in `_feed`, gives the next event from `_next` (None: need more bytes) and acts on it in
    `_handle`.  `_handle` returns None when it is done, or a coroutine, which then runs in a task; while it runs no
    further event is taken, so commands are strictly in order and an idle session owns no task.
    """

    __slots__ = ("_ended", "_paused", "_task", "closing", "gone", "on_fault", "peer")

    MAX_BACKLOG_BYTES = 256 * 1024
    """Input that may wait behind a running command before reading pauses."""

    def __init__(self, peer: Peer, on_fault: Callable[[BaseException], None]) -> None:
        self.peer = peer
        self.on_fault = on_fault  # logs with connection id, counts; the catch-all of the connection
        self.closing = False  # after QUIT, LOGOUT or a fatal error: no further command
        self.gone = False  # the connection is lost
        self._task: asyncio.Task[None] | None = None
        self._paused = False
        self._ended = False  # the peer will send no more

    # --- what a protocol implements ---

    def greet(self) -> None:
        """The connection is ready (TLS and PROXY header done): send the greeting."""
        raise NotImplementedError

    def _feed(self, data: bytes) -> None:
        raise NotImplementedError

    def _next(self) -> Any:
        raise NotImplementedError

    def _handle(self, event: Any) -> Any:
        raise NotImplementedError

    def _backlog(self) -> int:
        """Bytes the engine holds and has not handed out yet."""
        return 0

    def _fault(self) -> None:
        """An unexpected exception ended a command: send the protocol's generic answer (then the peer is closed)."""
        raise NotImplementedError

    def timed_out(self) -> None:
        raise NotImplementedError

    def shutdown(self) -> None:
        """The server stops: say so (421, BYE) as soon as no command is running, then close."""
        raise NotImplementedError

    def _cleanup(self) -> None:
        """The connection is gone and no command runs: release locks, subscriptions, drafts."""

    # --- what the server calls ---

    @property
    def busy(self) -> bool:
        return self._task is not None

    def receive(self, data: bytes) -> None:
        if self.closing or self.gone:
            return
        self._feed(data)
        if self._task is None:
            self._pump()
        elif not self._paused and self._backlog() > self.MAX_BACKLOG_BYTES:
            self._paused = True
            self.peer.pause_reading()

    def eof(self) -> None:
        """The peer will send no more; the commands that wait are still run and answered."""
        if self._task is None:
            self.peer.close()
        else:
            self._ended = True

    def closed(self) -> None:
        self.gone = True
        if self._task is not None:
            # Not at once: a task that is cancelled before its first step never runs, nor what is in its `finally`.
            asyncio.get_running_loop().call_soon(self._task.cancel)
        else:
            self._cleanup()

    # --- the pump ---

    def _pump(self) -> None:
        """Handle events until more bytes are needed, one needs a task, or others should have their turn."""
        # perf: nothing is waited for here, so this clock serves; it costs a sixth of the thread's.
        until = time.perf_counter() + SLICE_S
        try:
            while not self.closing and (event := self._next()) is not None:
                rest = self._handle(event)
                # A client that asks without end and reads nothing must not fill our memory with answers.
                if rest is None and (self.peer.must_drain or time.perf_counter() > until):
                    rest = asyncio.sleep(0)  # `_run` drains behind it
                if rest is not None:
                    self._task = asyncio.get_running_loop().create_task(self._run(rest))
                    return
        except Exception as error:  # the one catch-all of the connection
            self._failed(error)
        if self.closing:
            self.peer.close()

    async def _run(self, rest: Any) -> None:
        until = 0.0
        try:
            while True:
                await rest
                rest = None
                while rest is None:
                    if self.peer.must_drain:
                        await self.peer.drain()
                    if self.closing or (event := self._next()) is None:
                        return
                    # perf: this clock is a system call, so it is not looked at for a command that stands alone.
                    now = time.thread_time()
                    if until and now > until:
                        await asyncio.sleep(0)
                        until = 0.0
                    until = until or now + SLICE_S
                    rest = self._handle(event)
        except asyncio.CancelledError:
            if not self.gone:
                raise
        except ConnectionError:
            self.closing = True
        except Exception as error:  # the one catch-all of the connection
            self._failed(error)
        finally:
            self._task = None
            self._settled()

    def _settled(self) -> None:
        if self.gone:
            self._cleanup()
            return
        if self.closing or self._ended:
            self.peer.close()
        elif self._paused:
            self._paused = False
            self.peer.resume_reading()

    def _failed(self, error: BaseException) -> None:
        self.on_fault(error)
        self.closing = True
        self._fault()
