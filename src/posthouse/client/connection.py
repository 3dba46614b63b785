"""One connection to an SMTP server: bytes between socket and client engine, with a time limit per phase."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import secrets
import ssl
from functools import cached_property
from typing import Any, Final, Protocol, TypeVar, cast

from msgspec import Struct

from posthouse.client.routes import is_address
from posthouse.core.discreet import Discreet
from posthouse.openssl.reach import exporter
from posthouse.wire.sasl import Credentials
from posthouse.wire.smtp.answer import Answer
from posthouse.wire.smtp.client import Broken, ClientEngine, Done

CONNECT_TIMEOUT_S: Final = 30.0
TLS_TIMEOUT_S: Final = 60.0
QUIT_TIMEOUT_S: Final = 5.0

_Event = TypeVar("_Event")


class HostError(Exception):
    """This host cannot be used now: `status` as "code x.y.z text"; the next host may be tried."""

    def __init__(self, status: str, *, uncertain: bool = False, tls: bool = False) -> None:
        super().__init__(status)
        self.status = status
        self.uncertain = uncertain  # the message was sent whole, only the verdict is missing
        self.tls = tls  # TLS went wrong; without it the host may work


class Endpoint(Discreet, Struct, frozen=True):
    """What a connection has to be, for one message after another to share it."""

    name: str
    address: str
    port: int
    tls: str = "opportunistic"  # of routes.TLS_POLICIES
    username: str = ""
    password: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.address}:{self.port})"


class Overhearing(Protocol):
    """Hears both directions in the clear (`services.lens.Tap`)."""

    def client(self, data: bytes) -> None: ...

    def server(self, data: bytes) -> None: ...

    def note(self, name: str, facts: str = "") -> None: ...

    def end(self, reason: str = "") -> None: ...


class TlsContexts:
    """The two ways to trust a server; made when first needed, because loading the certificate store is slow."""

    def __init__(self, ca_file: str | None = None) -> None:
        self._ca_file = ca_file

    @cached_property
    def verified(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    @cached_property
    def unverified(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    def of(self, policy: str) -> ssl.SSLContext:
        return self.verified if policy in {"verified", "implicit"} else self.unverified


class Connection(asyncio.Protocol):
    """Made by `connect`; afterwards `expect` waits for events and `send` writes what the engine has."""

    def __init__(self, hostname: str, endpoint: Endpoint, scale: float) -> None:
        self.endpoint = endpoint
        self.engine = ClientEngine(hostname)
        self.messages = 0  # transactions so far
        self.idle_since = 0.0
        self.tls_text = ""
        self.tap: Overhearing | None = None
        self._hostname = hostname
        self._scale = scale  # of all time-outs
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._lost: str | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.tap is not None:
            self.tap.server(data)
        self.engine.receive(data)
        if self.engine.overrun and self._transport is not None:
            # What it sends is not waited for now; it must not fill our memory meanwhile.
            self._lost = self._lost or "sent far more than it was asked for"
            self._transport.abort()
        self._wake()

    def eof_received(self) -> bool:
        self._lost = self._lost or "the server closed the connection"
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = self._lost or (f"connection lost: {exc}" if exc else "the server closed the connection")
        if self.tap is not None:
            self.tap.end(str(exc) if exc else "")
        self._writable.set()
        self._wake()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # --- for the client ---

    @property
    def usable(self) -> bool:
        return self._lost is None and not self.engine.closing

    def send(self) -> None:
        data = self.engine.data_to_send()
        if data and self._transport is not None and self._lost is None:
            if self.tap is not None:
                self.tap.client(data)
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the transport takes more; HostError when that takes too long."""
        if not self._writable.is_set():
            try:
                async with asyncio.timeout(self.engine.timeout_s * self._scale):
                    await self._writable.wait()
            except TimeoutError:
                raise self._failure("421", "4.4.2", "took no more data in time") from None
        if self._lost is not None:
            raise self._failure("421", "4.4.2", self._lost)

    async def event(self) -> Any:
        """The next event of the engine; HostError when none comes."""
        loop = asyncio.get_running_loop()
        self.send()
        # A whole answer counts, not each octet of it: one that drips is late.
        answers, until = self.engine.answers, loop.time() + self.engine.timeout_s * self._scale
        while (event := self.engine.next_event()) is None:
            self.send()  # without PIPELINING an answer lets the next command go
            if self._lost is not None:
                raise self._failure("421", "4.4.2", self._lost)
            if answers != self.engine.answers:
                answers, until = self.engine.answers, loop.time() + self.engine.timeout_s * self._scale
            self._waiter = loop.create_future()
            try:
                async with asyncio.timeout_at(until):
                    await self._waiter
            except TimeoutError:
                raise self._failure("421", "4.4.2", "did not answer in time") from None
            finally:
                self._waiter = None
        self.send()
        if isinstance(event, Broken):
            raise self._failure("421", "4.5.0", event.detail)
        return event

    async def expect(self, kind: type[_Event]) -> _Event:
        event = await self.event()
        if not isinstance(event, kind):
            raise self._failure("421", "4.5.0", f"answered out of turn ({event})")
        return event

    async def done(self) -> Answer:
        return (await self.expect(Done)).answer

    async def quit(self) -> None:
        """Say goodbye if that is possible, then close."""
        try:
            if self.usable:
                self.engine.quit()
                async with asyncio.timeout(QUIT_TIMEOUT_S * self._scale):
                    await self.event()
        except (HostError, TimeoutError):
            pass
        finally:
            self.abort()

    def abort(self) -> None:
        self._lost = self._lost or "closed"
        if self._transport is not None:
            self._transport.abort()

    # --- opening ---

    async def open(self, contexts: TlsContexts) -> None:
        """Connect, greet, secure, sign in; HostError if any of it fails."""
        loop = asyncio.get_running_loop()
        point = self.endpoint
        context = contexts.of(point.tls) if point.tls == "implicit" else None
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S * self._scale):
                await loop.create_connection(
                    lambda: self,
                    point.address,
                    point.port,
                    ssl=context,
                    server_hostname=self._server_name() if context else None,
                )
        except ssl.SSLError as error:
            raise self._failure("454", "4.7.5", f"TLS failed: {_reason(error)}") from error
        except TimeoutError:
            raise self._failure("451", "4.4.1", "connection timed out") from None
        except OSError as error:
            raise self._failure("451", "4.4.1", f"cannot connect: {_reason(error)}") from error
        try:
            await self._greet(contexts)
        except BaseException:
            self.abort()
            raise

    async def _greet(self, contexts: TlsContexts) -> None:
        self._note_tls()
        self._check(await self.done(), "greeting")
        self.engine.tls = self.endpoint.tls == "implicit"
        await self._hello()
        if self.endpoint.tls in {"opportunistic", "required", "verified"}:
            await self._start_tls(contexts)
        if self.endpoint.username:
            await self._sign_in()

    async def _hello(self) -> None:
        self.engine.hello()
        answer = await self.done()
        self._check(answer, "EHLO")
        if answer.lines[0].split(" ", 1)[0].lower() == self._hostname.lower():
            # RFC 5321 §6.3: found out here, and not after a hundred turns.
            raise HostError(f"554 5.4.6 {self.endpoint} is this host itself, so the mail would go in circles")

    async def _start_tls(self, contexts: TlsContexts) -> None:
        opportunistic = self.endpoint.tls == "opportunistic"
        if "STARTTLS" not in self.engine.capabilities:
            if opportunistic:
                return
            raise self._failure("454", "4.7.4", "offers no TLS, which this route requires")
        self.engine.start_tls()
        answer = await self.done()
        if not answer.ok:
            if opportunistic and self.usable:
                return
            raise self._failure("454", "4.7.4", f"refused STARTTLS: {answer.status}")
        assert self._transport is not None
        try:
            async with asyncio.timeout(TLS_TIMEOUT_S * self._scale):
                transport = await asyncio.get_running_loop().start_tls(
                    self._transport, self, contexts.of(self.endpoint.tls), server_hostname=self._server_name()
                )
        except (ssl.SSLError, OSError, TimeoutError) as error:
            raise self._failure("454", "4.7.5", f"TLS failed: {_reason(error)}", tls=True) from error
        if transport is None:
            raise self._failure("454", "4.7.5", "TLS failed: the connection was lost", tls=True)
        self._transport = transport
        self._note_tls()
        self.engine.tls_started()
        await self._hello()

    def _note_tls(self) -> None:
        assert self._transport is not None
        tls = self._transport.get_extra_info("ssl_object")
        if tls is not None and not self.tls_text:
            self.tls_text = f"{tls.version()} {tls.cipher()[0]}"
            if self.tap is not None:
                self.tap.note("tls", self.tls_text)

    def _server_name(self) -> str:
        name = self.endpoint.name
        return self.endpoint.address if name.startswith("[") else name

    async def _sign_in(self) -> None:
        point = self.endpoint
        if not self.engine.tls and not _is_loopback(point.address):
            raise self._failure("454", "4.7.11", "offers no TLS, and credentials do not go out in clear text")
        credentials = Credentials("", point.username, point.password)
        if not self.engine.sign_in(credentials, secrets.token_urlsafe(18).encode(), self._bindings()):
            raise self._failure("454", "4.7.4", "offers no sign-in method we know")
        answer = await self.done()
        if not answer.ok:
            # A wrong password is the administrator's to mend, no reason to bounce mail.
            raise self._failure("454", "4.7.8", f"refused to sign {point.username} in: {answer.status}")

    def _bindings(self) -> dict[str, bytes]:
        """What SCRAM-PLUS can bind to: RFC 9266 §3, tls-exporter with TLS 1.3, and tls-unique before."""
        tls = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        if tls is None:
            return {}
        unique = tls.get_channel_binding("tls-unique") if tls.version() == "TLSv1.2" else None
        found = {"tls-exporter": exporter(tls), "tls-unique": unique or b""}
        return {name: data for name, data in found.items() if data}

    def _check(self, answer: Answer, what: str) -> None:
        if not answer.ok:
            enhanced = answer.enhanced or f"{answer.code // 100}.3.2"
            raise HostError(f"{answer.code} {enhanced} {self.endpoint} refused ({what}): {answer.text}")

    def _failure(self, code: str, enhanced: str, text: str, *, tls: bool = False) -> HostError:
        return HostError(f"{code} {enhanced} {self.endpoint} {text}", tls=tls)


def _reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not trusted: {error.verify_message}"
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.errno:
        return os.strerror(error.errno)
    return getattr(error, "reason", None) or str(error) or type(error).__name__


def _is_loopback(address: str) -> bool:
    return is_address(address) and ipaddress.ip_address(address).is_loopback
