"""When a certificate is renewed, by whom, and what happens when it cannot be."""

from __future__ import annotations

import asyncio
import datetime
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from posthouse.app import acme
from posthouse.app.config import Config
from posthouse.app.config_acme import AcmeConfig
from posthouse.client.acme import Acme, AcmeAccount, AcmeError, Window, new_account, renewal_id
from posthouse.http.hello import offers
from posthouse.openssl.tickets import KeyRing
from posthouse.servers.tls import TlsSettings
from posthouse.services.acme import (
    AcmeSettings,
    AcmeState,
    Certificate,
    Renewal,
    due_at,
    read_state,
    write_state,
)
from tests.unit.service_world import START, World, open_world

DAY = 86400.0
SETTINGS = AcmeSettings("https://ca.test/dir", ("mail.post.test",), "http-01")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        yield world


def certificate(
    now: float, days: float = 90.0, *, serial: int = 1, key_identifier: bytes = b"k"
) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    start = datetime.datetime.fromtimestamp(now, datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("mail.post.test")]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(key_identifier, None, None), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


class Authority:
    """Stands in for `Acme`; `fails` is raised instead of a certificate."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.issued = 0
        self.fails: AcmeError | None = None
        self.window: Window | None = None
        self.account = new_account()
        self.replaced: list[str] = []
        self.wait: asyncio.Event | None = None
        self.asked = asyncio.Event()

    async def register(self, email: str, **_: Any) -> None:
        self.account.url = "https://ca.test/1"

    async def issue(self, names: Any, kind: str, solve: Any, *, replaces: str = "") -> tuple[str, str]:
        self.issued += 1
        self.asked.set()
        self.replaced.append(replaces)
        if self.wait is not None:
            await self.wait.wait()
        if self.fails is not None:
            raise self.fails
        return certificate(self.world.clock.now())

    async def renewal_window(self, _certificate: str) -> Window | None:
        return self.window

    def renewal(self, **options: Any) -> Renewal:
        def connect(account: AcmeAccount) -> Any:
            self.account = account
            return self

        return Renewal(
            self.world.store, self.world.clock, SETTINGS, connect, logging.getLogger("t"), **options
        )


async def test_two_thirds_of_a_life_are_used(world: World) -> None:
    authority = Authority(world)
    renewal = authority.renewal()
    assert await renewal.look()
    world.clock.move(59 * DAY)
    assert not await renewal.look()
    world.clock.move(2 * DAY)
    assert await renewal.look()
    assert authority.issued == 2
    assert authority.replaced[0] == ""
    assert authority.replaced[1] != ""
    stored = await world.store.directory.setting("acme")
    assert stored is not None
    assert b"PRIVATE" not in stored


async def test_the_authority_may_wish_it_earlier(world: World) -> None:
    authority = Authority(world)
    renewal = authority.renewal()
    await renewal.look()
    day = datetime.datetime.fromtimestamp(START + 3 * DAY, datetime.UTC).isoformat()
    authority.window = Window(day, day, 21600.0)
    world.clock.move(100)
    assert not await renewal.look()
    state = await read_state(world.store)
    assert state.certificate is not None
    assert state.certificate.window_start == pytest.approx(START + 3 * DAY)
    world.clock.move(3 * DAY)
    assert await renewal.look()


async def test_one_worker_renews(world: World) -> None:
    authority = Authority(world)
    authority.wait = asyncio.Event()
    first = asyncio.create_task(authority.renewal().look())
    await authority.asked.wait()
    assert not await authority.renewal().look()
    authority.wait.set()
    assert await first
    assert authority.issued == 1


async def test_failures_wait_ever_longer_and_are_told_once_a_day(world: World) -> None:
    told: list[str] = []

    async def alarm(error: str) -> None:
        told.append(error)

    authority = Authority(world)
    authority.fails = AcmeError("rate limited", "rateLimited")
    renewal = authority.renewal(alarm=alarm)
    waits = []
    for _ in range(9):
        assert not await renewal.look()
        assert not await renewal.look()  # not yet again
        state = await read_state(world.store)
        waits.append(state.next_try - world.clock.now())
        assert state.last_error == "rate limited"
        world.clock.move(waits[-1] + 1)
    assert waits == [min(60.0 * 4**n, DAY) for n in range(9)]
    assert authority.issued == 9
    assert len(told) == 3  # within some three days
    authority.fails = None
    assert await renewal.look()
    assert (await read_state(world.store)).failures == 0


async def test_other_names_want_another_certificate(world: World) -> None:
    authority = Authority(world)
    renewal = authority.renewal()
    await renewal.look()
    state = await read_state(world.store)
    assert state.certificate is not None
    state.certificate.names = ["old.post.test"]
    await write_state(world.store, state)
    assert await renewal.look()


def test_when_it_is_due() -> None:
    one = Certificate([], "", "", 0.0, 90.0)
    assert due_at(one) == 60.0
    one.window_start = 70.0
    assert due_at(one) == 60.0
    one.window_start = 30.0
    assert due_at(one) == 30.0


def test_the_name_of_a_certificate_at_its_authority() -> None:
    """The example of RFC 9773 §4.1."""
    identifier = bytes.fromhex("69885b6b87464041e1b37b847ba0ae2cde01c8d4")
    chain, _ = certificate(0.0, serial=0x87654321, key_identifier=identifier)
    assert renewal_id(chain) == "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404),
        httpx.Response(200, json={"hello": 1}),
        httpx.Response(200, content=b"{", headers={"content-type": "application/json"}),
        httpx.Response(200, content=b"x" * 300_000),
    ],
)
async def test_what_is_no_authority(answer: httpx.Response) -> None:
    transport = httpx.MockTransport(lambda request: answer)
    async with httpx.AsyncClient(transport=transport) as http:
        with pytest.raises(AcmeError):
            await Acme("https://ca.test/dir", new_account(), http).register("")


async def test_a_problem_is_told_as_the_authority_says_it() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        nonce = {"replay-nonce": "n"}
        if request.url.path == "/dir":
            return httpx.Response(
                200,
                json={"newNonce": "https://ca.test/n", "newAccount": "https://ca.test/a", "newOrder": "x"},
            )
        if request.url.path == "/n":
            return httpx.Response(200, headers=nonce)
        problem = {
            "type": "urn:ietf:params:acme:error:rateLimited",
            "detail": "too many; see https://ca.test/why",
        }
        return httpx.Response(429, json=problem, headers=nonce | {"content-type": "application/problem+json"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with pytest.raises(AcmeError, match="too many; see") as caught:
            await Acme("https://ca.test/dir", new_account(), http).register(
                "a@b.test", eab=("kid", "AAAA" * 11)
            )
    assert caught.value.kind == "rateLimited"


async def test_a_look_at_the_hello_of_a_client() -> None:

    for protocols, found in ((["acme-tls/1"], True), (["http/1.1"], False), ([], False)):
        context = ssl.create_default_context()
        if protocols:
            context.set_alpn_protocols(protocols)
        out = ssl.MemoryBIO()
        client = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="mail.post.test")
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        hello = out.read()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.settimeout(0)
            theirs.sendall(hello[:10])
            looking = asyncio.create_task(offers(ours, b"acme-tls/1"))
            await asyncio.sleep(0)
            theirs.sendall(hello[10:])
            assert await looking is found
            assert ours.recv(5) == hello[:5]  # nothing was taken away
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0)
        theirs.sendall(b"GET / HTTP/1.1\r\n")
        assert await offers(ours, b"acme-tls/1") is False


async def test_an_older_certificate_is_never_taken_on_last(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two changes come together; what was read first takes longer."""
    taken: list[str] = []

    def make_contexts(settings: TlsSettings, _: KeyRing) -> None:
        taken.append(settings.certificates[0].pem)

    async def no_renewal(_: Renewal) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(acme, "make_contexts", make_contexts)
    monkeypatch.setattr(Renewal, "run", no_renewal)
    certificates = acme.Certificates(world.store, logging.getLogger("t"), lambda _: None, KeyRing(None))
    authority = AcmeConfig(enabled=True, directory="https://127.0.0.1:9/dir")
    await certificates.configure(Config(hostname="mail.post.test", acme=authority), None, world.delivery)
    directory = world.store.directory
    look, read = directory.setting, asyncio.Event()

    async def setting(name: str) -> bytes | None:
        found = await look(name)
        if name == "acme" and not read.is_set():
            read.set()
            await asyncio.sleep(0.2)
        return found

    monkeypatch.setattr(directory, "setting", setting)
    chains = [certificate(world.clock.now(), serial=number) for number in (1, 2)]
    for chain, key in chains:
        state = AcmeState(
            certificate=Certificate(["mail.post.test"], chain, key, 0.0, world.clock.now() + 90 * DAY)
        )
        await write_state(world.store, state)
        await read.wait()
    async with asyncio.timeout(20):
        while len(taken) < 3:  # noqa: ASYNC110 - the stand-in, then one after the other
            await asyncio.sleep(0.01)
    assert [chain in text for (chain, _), text in zip(chains, taken[1:], strict=True)] == [True, True]
    await certificates.close()
