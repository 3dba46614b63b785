"""A connection: the `asyncio.Protocol` below and the `Peer` above, one object with slots for both.

It passes through at most four phases: PROXY header, TLS handshake, session, closing.  `_sink` is where
octets go in the present one.  There is no timer and no task per connection: `Host.sweep` asks each one
once a second.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from typing import Any, Final, cast

from posthouse.servers.board import field
from posthouse.servers.compression import PIECES_AT_ONCE, STORED_FROM_BYTES, CompressionLayer, is_fast
from posthouse.servers.host import Host, Service
from posthouse.servers.overhear import note_tls, overhear
from posthouse.servers.proxy import ProxyError, parse_proxy
from posthouse.servers.tls import TlsLayer
from posthouse.services.lens import Tap
from posthouse.sessions.session import ConnectionInfo, Session

PROXY_TIMEOUT_S: Final = 5.0
HANDSHAKE_TIMEOUT_S: Final = 30.0
LINGER_S: Final = 15.0
"""How long a closed connection may take to accept what was written."""
WRITE_HIGH: Final = 256 * 1024
WRITE_LOW: Final = 64 * 1024
JOIN_MAX: Final = 16 * 1024
"""Up to here one copy is cheaper than one buffer per part."""
GATHER_MAX: Final = 16 * 1024
"""Octets of answers that may wait for the end of the turn; more goes to the transport at once."""

_RECEIVED: Final = field("received_bytes_total")
_HANDSHAKES: Final = field("tls_handshakes_total", 'result="done"')
_HANDSHAKES_FAILED: Final = field("tls_handshakes_total", 'result="failed"')
_PROXY_ERRORS: Final = field("proxy_errors_total")
_TIMEOUTS: Final = field("timeouts_total")
_FAULTS: Final = field("faults_total")


class Connection(asyncio.Protocol):
    """One client.  Implements `sessions.session.Peer`."""

    __slots__ = (
        "_buffer",
        "_closing",
        "_compression",
        "_drain",
        "_flushing",
        "_gathered",
        "_gathered_size",
        "_sink",
        "_tap",
        "_tls",
        "_upgrade",
        "active_at",
        "host",
        "info",
        "must_drain",
        "opened_at",
        "service",
        "session",
        "timeout_s",
        "transport",
    )

    def __init__(self, host: Host, service: Service, info: ConnectionInfo) -> None:
        self.host = host
        self.service = service
        self.info = info
        self.must_drain = False
        self.timeout_s = HANDSHAKE_TIMEOUT_S
        self.opened_at = self.active_at = host.tick
        self.session: Session | None = None
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._tls: TlsLayer | None = None
        self._buffer: bytes | None = None  # a PROXY header that is not complete
        self._closing = False
        self._compression: CompressionLayer | None = None
        self._drain: asyncio.Future[None] | None = None
        self._upgrade: asyncio.Future[None] | None = None
        self._sink: Any = self._ignore
        self._gathered: list[bytes] = []
        self._gathered_size = 0
        self._flushing = False  # a flush is due: what is written meanwhile goes with it
        self._tap: Tap | None = None

    # --- the transport below ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=WRITE_HIGH, low=WRITE_LOW)
        if self.service.proxy_from and self.info.peer_ip in self.service.proxy_from:
            self._buffer, self._sink = b"", self._proxy_octets
            self.set_timeout(PROXY_TIMEOUT_S)
        else:
            self._begin()

    def data_received(self, data: bytes) -> None:
        host = self.host
        host.active()
        if self.session is not None and self._upgrade is None:
            self.active_at = host.tick  # a header or handshake has its time as a whole: it cannot drip
        host.slot.numbers[_RECEIVED] += len(data)
        self.feed(self._sink, data)

    def feed(self, sink: Any, data: bytes) -> None:
        self._flushing = True
        sink(data)
        if self.session is not None and self.session.busy:
            # Behind the first step of the session's task, whose answers then leave in the same packet.
            asyncio.get_running_loop().call_soon(self._flush)
        else:
            self._flush()

    def eof_received(self) -> bool:
        if self.session is None or self._closing:
            return False
        self._end()
        return True  # answers in flight are still written; the session closes

    def pause_writing(self) -> None:
        self.must_drain = True

    def resume_writing(self) -> None:
        self.must_drain = False
        self.active_at = self.host.tick  # a slow reader is not an idle one
        self._wake(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True  # what a command still writes goes nowhere: the transport would raise
        self._sink = self._ignore
        self._gathered.clear()
        self.must_drain = False
        if self._tap is not None:
            self._tap.end("" if exc is None else str(exc) or type(exc).__name__)
        self.host.leave(self)
        self._wake(ConnectionResetError("the connection is lost"))
        if self._upgrade is not None and not self._upgrade.done():
            self._upgrade.set_exception(ConnectionResetError("the connection is lost"))
        if self.session is not None:
            self.session.closed()

    def _wake(self, error: Exception | None) -> None:
        waiter, self._drain = self._drain, None
        if waiter is not None and not waiter.done():
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)

    # --- phases ---

    def _ignore(self, data: bytes) -> None:
        """Octets after the end are dropped."""

    def _begin(self) -> None:
        """Addresses are known: encrypt first where the listener says so."""
        if self.service.implicit_tls:
            self._start_layer()
        else:
            self._open()

    def _open(self) -> None:
        session = self.session = self.service.factory(self, self._fault)
        if self.host.lens is not None:
            self._tap = overhear(self.host.lens, self.info, session)
        clear = session.receive if self._tap is None else self._to_session
        self._sink = clear if self._tls is None else self._session_octets
        session.greet()

    def _to_session(self, data: bytes) -> None:
        if self._tap is not None:
            self._tap.client(data)
        cast(Session, self.session).receive(data)

    def _proxy_octets(self, data: bytes) -> None:
        self._buffer = data = (self._buffer or b"") + data
        try:
            header = parse_proxy(data)
        except ProxyError as error:
            self.host.slot.add(_PROXY_ERRORS)
            self.host.log.warning("PROXY header refused", extra=self._fields(reason=str(error)))
            self.abort()
            return
        if header is None:
            return
        self._buffer, self._sink = None, self._ignore
        if header.source is not None and header.destination is not None:
            proxy_ip = self.info.peer_ip
            self.info.peer_ip, self.info.peer_port = header.source
            self.info.local_ip, self.info.local_port = header.destination
            if not self.host.re_enter(self, proxy_ip):
                return
        self._begin()
        if len(data) > header.length:
            self._sink(data[header.length :])

    def _start_layer(self) -> None:
        contexts = self.host.tls
        if contexts is None:  # every certificate was taken away by a reload
            self.abort()
            return
        self._tls = TlsLayer(contexts.of(self.info.listener))
        self._sink = lambda data: self.host.turns.feed(self, data)
        self.set_timeout(HANDSHAKE_TIMEOUT_S)

    def _decrypt(self, data: bytes) -> tuple[bytes, bool] | None:
        """Plain text and whether the peer closed; None when TLS failed and the connection is gone."""
        layer = cast(TlsLayer, self._tls)
        try:
            plain = layer.receive(data)
        except ssl.SSLError as error:
            if layer.handshaking:
                self.host.slot.add(_HANDSHAKES_FAILED)
                self.host.log.info("TLS failed", extra=self._fields(reason=error.reason or str(error)))
            if out := layer.pending():  # the alert
                self.transport.write(out)
            self._closing = True
            self.transport.close()
            return None
        if out := layer.pending():
            self.transport.write(out)
        return plain

    def handshake_octets(self, data: bytes) -> None:
        result = self._decrypt(data)
        layer = cast(TlsLayer, self._tls)
        if result is None or layer.handshaking:
            return
        self.info.tls = layer.info()
        self.host.slot.add(_HANDSHAKES)
        upgrade, self._upgrade = self._upgrade, None
        if upgrade is None:
            self._open()
            self._plain_text(*result)
            return
        if self._tap is not None:
            note_tls(self._tap, self.info)
        # The session goes on first: call_soon keeps the order, and the wake-up of its future stands before
        # this one.
        self._buffer, self._sink = b"", self._hold_octets
        if not upgrade.done():
            upgrade.set_result(None)
        asyncio.get_running_loop().call_soon(self._upgraded, *result)

    def _hold_octets(self, data: bytes) -> None:
        self._buffer = (self._buffer or b"") + data

    def _upgraded(self, plain: bytes, eof: bool) -> None:  # noqa: FBT001 - what TlsLayer.receive returns
        held, self._buffer = self._buffer, None
        if self._closing or self._sink == self._ignore:
            return
        self._sink = self._session_octets
        self._plain_text(plain, eof)
        if held:
            self._session_octets(held)

    def _session_octets(self, data: bytes) -> None:
        if (result := self._decrypt(data)) is not None:
            self._plain_text(*result)

    def _plain_text(self, plain: bytes, eof: bool) -> None:  # noqa: FBT001 - what TlsLayer.receive returns
        if plain:
            if self._compression is not None:
                self._compressed_octets(plain)
            else:
                self._to_session(plain)
        if eof and not self._closing:
            self._end()

    def _end(self) -> None:
        """The peer sends no more."""
        if self._compression is not None and self._compression.pending:
            self._compression.ended = True
        else:
            cast(Session, self.session).eof()

    def _compressed_octets(self, data: bytes) -> None:
        layer = cast(CompressionLayer, self._compression)
        waiting = layer.pending
        layer.feed(data)
        if not waiting:
            self._unpack()

    def _unpack(self) -> None:
        """Give the session what the octets hold, while it takes it; the rest after others had their turn."""
        layer, session = cast(CompressionLayer, self._compression), cast(Session, self.session)
        for _ in range(PIECES_AT_ONCE):
            if self._closing or layer.paused:
                return
            try:
                piece = layer.take()
            except zlib.error as error:
                self.host.log.info("DEFLATE failed", extra=self._fields(reason=str(error)))
                self.close()
                return
            if not piece:
                self.transport.resume_reading()
                if layer.ended:
                    session.eof()
                return
            self._to_session(piece)
        self.transport.pause_reading()
        asyncio.get_running_loop().call_soon(self._unpack)

    def _fault(self, error: BaseException) -> None:
        """The catch-all of the session found a fault of ours."""
        self.host.slot.add(_FAULTS)
        self.host.log.error("fault in a session", exc_info=error, extra=self._fields())

    def _fields(self, **more: Any) -> dict[str, Any]:
        info = self.info
        return {"facts": {"conn": info.id, "listener": info.listener, "peer": info.peer_ip, **more}}

    # --- the session above ---

    def write(self, data: bytes) -> None:
        # perf: answers of one turn of the loop leave in one packet: a system call, and a wake-up of the client,
        # for three pipelined commands instead of three.
        if self._closing:
            return
        if self._tap is not None:
            self._tap.server(data)
        self._gathered.append(data)
        self._gathered_size += len(data)
        if self._gathered_size > GATHER_MAX:
            self._send_gathered()
        elif not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        self._send_gathered()

    def _send_gathered(self) -> None:
        if not self._gathered:
            return
        parts, size = self._gathered, self._gathered_size
        self._gathered, self._gathered_size = [], 0
        if self._closing:
            return
        if size > JOIN_MAX and self._compression is None and self._tls is None:
            self.transport.writelines(parts)  # perf: long answers are not copied once more
            return
        data = b"".join(parts)
        if self._compression is not None:
            stored = size >= STORED_FROM_BYTES and is_fast(self.transport.get_extra_info("socket"))
            data = self._compression.store(data) if stored else self._compression.pack(data)
        if self._tls is None:
            self.transport.write(data)
        else:
            self._tls.write(data)
            self.transport.write(self._tls.pending())

    async def drain(self) -> None:
        if self._closing and not self.must_drain:
            return
        if self.must_drain:
            if self._drain is None:
                self._drain = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._drain)

    @property
    def can_start_tls(self) -> bool:
        return self._tls is None and self.host.tls is not None and not self.service.implicit_tls

    async def start_tls(self) -> None:
        # What the client sent before this line has reached the session and was discarded there; whatever
        # comes from now on is TLS, so plain text sent ahead (the injection of CVE-2011-0411) breaks the
        # handshake.
        if self._closing or self._tls is not None:
            raise ConnectionResetError("the connection is closing")
        self._send_gathered()  # the go-ahead, in clear
        before = self.timeout_s
        self._upgrade = asyncio.get_running_loop().create_future()
        upgrade = self._upgrade
        self._start_layer()
        self.transport.resume_reading()
        await upgrade
        self.set_timeout(before)

    def start_compression(self) -> None:
        """RFC 4978 §3: what was written goes out as it is, all after it is packed, inside of TLS."""
        self._send_gathered()
        self._compression = CompressionLayer()
        if self._tap is not None:
            self._tap.note("compressed")
        if self._tls is None and not self._closing:
            self._sink = self._compressed_octets

    def pause_reading(self) -> None:
        if self._compression is not None:
            self._compression.paused = True
        if not self._closing:
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        layer = self._compression
        if layer is not None:
            layer.paused = False
            if layer.pending:
                asyncio.get_running_loop().call_soon(self._unpack)
                return
        if not self._closing:
            self.transport.resume_reading()

    def set_timeout(self, seconds: float) -> None:
        self.timeout_s = seconds
        self.active_at = self.host.tick

    def close(self) -> None:
        if self._closing:
            return
        self._send_gathered()
        if self._tls is not None and not self._tls.handshaking:
            self._tls.shut()
            self.transport.write(self._tls.pending())
        self._closing = True
        self._sink = self._ignore
        self.set_timeout(LINGER_S)
        self.transport.close()

    def abort(self) -> None:
        """End it without flushing."""
        self._closing = True
        self._sink = self._ignore
        if self.transport is not None:
            self.transport.abort()

    # --- the sweep ---

    def expired(self) -> None:
        """Nothing arrived for `timeout_s`."""
        session = self.session
        if session is None or self._closing or self._upgrade is not None:
            self.abort()
        elif not session.busy:
            self.host.slot.add(_TIMEOUTS)
            self.set_timeout(LINGER_S)  # in case the session's answer cannot be written
            session.timed_out()
        elif self.must_drain:  # a command runs and its answer is not being read
            self.host.slot.add(_TIMEOUTS)
            self.abort()
        else:
            self.active_at = self.host.tick  # a long command of ours is no fault of the client
