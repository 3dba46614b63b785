"""The SMTP client on loopback sockets: what it says, and what it makes of every way a host can fail."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from posthouse.app.certificates import Authority
from posthouse.client.connection import TlsContexts
from posthouse.client.parcel import Parcel, ParcelRecipient, Result
from posthouse.client.routes import Route, Routes, parse_route
from posthouse.client.smtp import ClientSettings, SmtpClient
from posthouse.core.address import parse_address
from posthouse.core.dns import Answer
from posthouse.core.errors import Invalid
from tests.unit.service_world import LETTER, EvenRng, MovableClock
from tests.unit.smtp_peer import Peer, running


class Loopback:
    """Every domain has MX hosts on the loopback addresses given; other names are the first loopback address."""

    def __init__(self, *addresses: str) -> None:
        self.table = {f"m{n}.test": address for n, address in enumerate(addresses)}

    async def mx(self, domain: str) -> Answer:
        return Answer(tuple(enumerate(self.table)))

    async def addresses(self, host: str) -> Answer:
        return Answer((self.table.get(host, "127.0.0.1"),))


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with running(Peer()) as peer:
        yield peer


def client(
    peer: Peer, *, routes: Routes | None = None, contexts: TlsContexts | None = None, **settings: Any
) -> SmtpClient:
    options = {
        "hostname": "us.test",
        "port": peer.port,
        "unreachable_s": 0.0,
        "refused_networks": (),
    } | settings
    return SmtpClient(
        ClientSettings(**options),
        routes or Routes(),
        Loopback("127.0.0.1"),
        clock=MovableClock(),
        rng=EvenRng(),
        contexts=contexts,
    )


def parcel(*to: str, content: bytes = LETTER, **options: Any) -> Parcel:
    sender = options.pop("sender", "li@post.test")
    return Parcel(
        destination=options.pop("destination", "far.test"),
        sender=parse_address(sender) if sender else None,
        recipients=[ParcelRecipient(parse_address(one), ("FAILURE",)) for one in to or ("x@far.test",)],
        content=content,
        size=len(content) - options.get("skip", 0),
        **options,
    )


async def deliver(sender: SmtpClient, what: Parcel) -> list[Result]:
    try:
        return await sender.deliver(what)
    finally:
        await sender.close()


async def test_a_message_goes_out_with_what_the_peer_understands(peer: Peer) -> None:
    what = parcel("x@far.test", content=b"Return-Path: <a@b>\r\n" + LETTER, skip=20, envid="e=1", ret="HDRS")
    (result,) = await deliver(client(peer), what)
    assert (result.status, result.remote, result.dsn) == ("250 2.0.0 taken", "m0.test", True)
    assert peer.messages == [LETTER]
    assert peer.lines[:3] == [
        "EHLO us.test",
        f"MAIL FROM:<li@post.test> SIZE={len(LETTER)} RET=HDRS ENVID=e+3D1",
        "RCPT TO:<x@far.test> NOTIFY=FAILURE",
    ]


class Signer:
    """Signs with the length of what is signed; counts."""

    def __init__(self) -> None:
        self.signed: list[bytes] = []

    async def __call__(self, content: Any, skip: int) -> bytes:
        self.signed.append(content[skip:])
        return b"DKIM-Signature: %d\r\n" % len(content[skip:])


async def test_a_signature_goes_on_top_and_counts_in_the_size(peer: Peer) -> None:
    sign = Signer()
    what = parcel(content=b"Return-Path: <a@b>\r\n" + LETTER, skip=20, sign=sign, signer="post.test")
    (result,) = await deliver(client(peer), what)
    assert (result.delivered, result.signed) == (True, "post.test")
    top = b"DKIM-Signature: %d\r\n" % len(LETTER)
    assert peer.messages == [top + LETTER]
    assert f"SIZE={len(top + LETTER)} " in peer.lines[1] + " "
    assert sign.signed == [LETTER]


async def test_what_is_recoded_is_signed_as_it_is_sent() -> None:
    sign = Signer()
    async with running(Peer(extensions=("SIZE 1000000",))) as peer:
        what = parcel(content=EIGHT_BIT, body="8BITMIME", sign=sign, signer="post.test")
        (result,) = await deliver(client(peer), what)
    assert result.signed == "post.test"
    (sent,) = peer.messages
    assert sent == b"DKIM-Signature: %d\r\n" % len(sign.signed[-1]) + sign.signed[-1]
    assert sent.isascii()


async def test_no_host_no_signature() -> None:
    sign = Signer()
    async with running(Peer()) as peer:
        port = peer.port
    peer.port = port
    (result,) = await deliver(client(peer), parcel(sign=sign))
    assert not result.delivered
    assert sign.signed == []


async def test_a_connection_is_kept_for_the_next_message(peer: Peer) -> None:
    sender = client(peer, messages_per_connection=3)
    for _ in range(4):
        assert (await sender.deliver(parcel()))[0].delivered
    await sender.close()
    assert (peer.connections, len(peer.messages)) == (2, 4)


async def test_a_kept_connection_that_died_is_replaced(peer: Peer) -> None:
    sender = client(peer)
    assert (await sender.deliver(parcel()))[0].delivered
    peer.answers["MAIL"] = ["DROP"]
    assert (await sender.deliver(parcel()))[0].status == "250 2.0.0 taken"
    await sender.close()
    assert (peer.connections, len(peer.messages)) == (2, 2)


async def test_a_destination_gets_so_many_connections_and_no_more(peer: Peer) -> None:
    peer.gate = asyncio.Event()
    sender = client(peer, per_destination=3)
    tasks = [asyncio.create_task(sender.deliver(parcel())) for _ in range(10)]
    async with asyncio.timeout(5):
        while peer.active < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    peer.gate.set()
    results = await asyncio.gather(*tasks)
    await sender.close()
    assert all(result.delivered for (result,) in results)
    assert (peer.most_active, peer.connections) == (3, 3)


async def test_recipients_fail_one_by_one(peer: Peer) -> None:
    peer.answers |= {"RCPT TO:<no@": "550 5.1.1 no such user", "RCPT TO:<busy@": "450 greylisted"}
    results = await deliver(client(peer), parcel("no@far.test", "x@far.test", "busy@far.test"))
    assert [result.status for result in results] == [
        "550 5.1.1 no such user",
        "250 2.0.0 taken",
        "450 4.0.0 greylisted",
    ]
    assert len(peer.messages) == 1


async def test_one_recipient_too_many_goes_in_a_further_transaction(peer: Peer) -> None:
    peer.answers["RCPT TO:<c@"] = ["452 4.5.3 too many"]
    results = await deliver(
        client(peer, recipients_max=4), parcel(*[f"{name}@far.test" for name in "abcdef"])
    )
    assert all(result.delivered for result in results)
    assert sum(line.startswith("MAIL") for line in peer.lines) == 2
    async with running(Peer(extensions=("LIMITS RCPTMAX=2",))) as other:
        await deliver(client(other), parcel(*[f"{name}@far.test" for name in "abcde"]))
        assert sum(line.startswith("MAIL") for line in other.lines) == 3


async def test_what_the_whole_message_is_refused_with_goes_to_all(peer: Peer) -> None:
    peer.verdicts = ["554 5.7.1 spam"]
    assert [one.status for one in await deliver(client(peer), parcel("x@far.test", "y@far.test"))] == [
        "554 5.7.1 spam"
    ] * 2


@pytest.mark.parametrize(
    ("script", "start"),
    [
        ({"greeting": "421 4.3.2 too busy"}, "421 4.3.2"),
        ({"greeting": "554 no service here"}, "554 5.3.2"),
        ({"greeting": "DROP"}, "421 4.4.2"),
        ({"greeting": "SSH-2.0-OpenSSH"}, "421 4.5.0"),
        ({"answers": {"MAIL": "421 4.7.0 go away"}}, "421 4.7.0"),
        ({"answers": {"MAIL": "DROP"}}, "421 4.4.2"),
        ({"answers": {"BDAT": "DROP"}, "verdicts": ["DROP"]}, "421 4.4.2"),
    ],
)
async def test_a_failing_host_defers_or_refuses(script: dict[str, Any], start: str) -> None:
    async with running(Peer(**script)) as peer:
        (result,) = await deliver(client(peer), parcel())
        assert result.status.startswith(start)


async def test_nobody_listens() -> None:
    async with running(Peer()) as peer:
        pass
    (result,) = await deliver(client(peer), parcel())
    assert result.status.startswith("451 4.4.1")
    assert "refused" in result.status


async def test_an_unreachable_address_is_remembered_for_a_while() -> None:
    async with running(Peer()) as gone:
        pass
    sender = client(gone, unreachable_s=30.0)
    first = await sender.deliver(parcel())
    async with running(Peer(port=gone.port)) as peer:
        assert await sender.deliver(parcel()) == first
        assert peer.connections == 0
    await sender.close()


async def test_the_next_host_is_tried_when_one_fails(peer: Peer) -> None:
    sender = client(peer)
    sender._dns = Loopback("127.0.0.9", "127.0.0.1")
    (result,) = await deliver(sender, parcel())
    assert (result.delivered, result.remote) == (True, "m1.test")


@pytest.mark.parametrize("extensions", [("PIPELINING", "CHUNKING"), ("PIPELINING",), ()])
async def test_only_a_lost_verdict_can_deliver_twice(extensions: tuple[str, ...]) -> None:
    """After a drop in the content another host may have it at once; after its end, only time can tell."""
    async with running(Peer(extensions=extensions, verdicts=["LOST"])) as peer:
        sender = client(peer)
        sender._dns = Loopback("127.0.0.1", "127.0.0.1")
        (result,) = await sender.deliver(parcel())
        assert result.status.startswith("421 4.4.2")
        assert len(peer.messages) == 1
        assert (await deliver(sender, parcel()))[0].delivered
    async with running(Peer(extensions=(), answers={"DATA": ["DROP"]})) as peer:
        sender = client(peer)
        sender._dns = Loopback("127.0.0.1", "127.0.0.1")
        assert (await deliver(sender, parcel()))[0].delivered
        assert len(peer.messages) == 1


async def test_a_silent_host_is_given_up() -> None:
    async with running(Peer(greeting="220-peer.test waits")) as peer:
        (result,) = await deliver(client(peer, timeout_scale=0.0005), parcel())
        assert result.status.startswith("421 4.4.2")
        (result,) = await deliver(client(peer, attempt_max_s=0.05), parcel())
        assert result.status.startswith("451 4.4.7")


# --- messages a peer cannot take as they are ---

EIGHT_BIT = (
    LETTER.replace(
        b"\r\n\r\n", b"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n", 1
    )
    + "你好\r\n".encode()
)


async def test_eight_bit_is_recoded_for_a_seven_bit_peer() -> None:
    async with running(Peer(extensions=("PIPELINING",))) as peer:
        (result,) = await deliver(client(peer), parcel(content=EIGHT_BIT, body="8BITMIME"))
        assert result.delivered
        (message,) = peer.messages
        assert message.isascii()
        assert b"=E4=BD=A0=E5=A5=BD" in message
        assert not any("BODY" in line for line in peer.lines)


async def test_an_international_recipient_bounces_alone() -> None:
    async with running(Peer(extensions=("8BITMIME",))) as peer:
        results = await deliver(client(peer), parcel("用户@far.test", "x@far.test", smtputf8=True))
        assert [result.status[:9] for result in results] == ["553 5.6.7", "250 2.0.0"]
        (result,) = await deliver(
            client(peer), parcel(content="Subject: 你好\r\n\r\n".encode(), smtputf8=True, body="8BITMIME")
        )
        assert result.enhanced == "5.6.7"


async def test_an_international_recipient_is_sent_with_smtputf8(peer: Peer) -> None:
    (result,) = await deliver(client(peer), parcel("用户@far.test", smtputf8=True))
    assert result.delivered
    assert any(line.startswith("MAIL") and "SMTPUTF8" in line for line in peer.lines)
    assert "RCPT TO:<用户@far.test> NOTIFY=FAILURE" in peer.lines


async def test_too_large_for_the_peer() -> None:
    async with running(Peer(extensions=("SIZE 10",))) as peer:
        (result,) = await deliver(client(peer), parcel())
        assert result.status.startswith("552 5.3.4")


# --- TLS and sign-in ---


@pytest.fixture
def trusted(tmp_path: Path) -> tuple[ssl.SSLContext, TlsContexts]:
    authority = Authority(tmp_path)
    certificate = authority.issue(["peer.test", "127.0.0.1"])
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate.chain, certificate.key)
    return server, TlsContexts(str(authority.file))


def routed(peer: Peer, host: str = "peer.test", **policy: str) -> Routes:
    return Routes({"far.test": parse_route(f"{host}:{peer.port}", **policy)})


async def test_starttls_is_used_when_offered(trusted: tuple[ssl.SSLContext, TlsContexts]) -> None:
    async with running(Peer(tls=trusted[0])) as peer:
        (result,) = await deliver(client(peer), parcel())  # the name does not fit: opportunistic takes it
        assert result.delivered
        assert result.tls.startswith("TLSv1.")
        assert peer.lines[:3] == ["EHLO us.test", "STARTTLS", "EHLO us.test"]


async def test_verified_wants_the_right_name(trusted: tuple[ssl.SSLContext, TlsContexts]) -> None:
    server, contexts = trusted
    async with running(Peer(tls=server)) as peer:
        good, bad = routed(peer, tls="verified"), routed(peer, "other.test", tls="verified")
        assert (await deliver(client(peer, routes=good, contexts=contexts), parcel()))[0].delivered
        (result,) = await deliver(client(peer, routes=bad, contexts=contexts), parcel())
        assert result.status.startswith("454 4.7.5")
        assert len(peer.messages) == 1


async def test_required_tls_is_not_given_up(peer: Peer) -> None:
    (result,) = await deliver(client(peer, routes=routed(peer, tls="required")), parcel())
    assert result.status.startswith("454 4.7.4")
    assert peer.messages == []


async def test_opportunistic_tls_that_fails_goes_in_clear() -> None:
    async with running(Peer(tls=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))) as peer:  # it has no certificate
        (result,) = await deliver(client(peer), parcel())
        assert (result.delivered, result.tls) == (True, "")
        assert peer.connections == 2


async def test_requiretls_travels_only_where_it_is_promised(
    trusted: tuple[ssl.SSLContext, TlsContexts],
) -> None:
    server, contexts = trusted
    async with running(Peer(tls=server, extensions=("REQUIRETLS",))) as peer:
        safe = client(peer, routes=routed(peer), contexts=contexts)
        assert (await deliver(safe, parcel(requiretls=True)))[0].delivered
        assert any(line.startswith("MAIL") and line.endswith("REQUIRETLS") for line in peer.lines)
        (result,) = await deliver(
            client(peer, contexts=contexts), parcel(requiretls=True)
        )  # DNS was not validated
        assert result.status.startswith("550 5.7.10")
    async with running(Peer(tls=server)) as peer:
        safe = client(peer, routes=routed(peer), contexts=contexts)
        (result,) = await deliver(safe, parcel(requiretls=True))
        assert result.status.startswith("550 5.7.30")
        # RFC 8689 §5: a notice is not stopped
        assert (await deliver(safe, parcel(requiretls=True, sender="")))[0].delivered


async def test_a_smarthost_signs_in_per_sender_domain() -> None:
    async with running(Peer(password="AGxpAHNlY3JldA==")) as peer:
        smarthost = Route("127.0.0.1", peer.port, username="li", password="secret")
        routes = Routes(by_sender={"post.test": smarthost})
        assert (await deliver(client(peer, routes=routes), parcel()))[0].delivered
        wrong = Routes(by_sender={"post.test": Route("127.0.0.1", peer.port, username="li", password="no")})
        (result,) = await deliver(client(peer, routes=wrong), parcel())
        assert result.status.startswith("454 4.7.8")


def test_routes_are_found_in_order() -> None:
    a, b, c, d = (Route(name) for name in ("a.test", "b.test", "c.test", "d.test"))
    routes = Routes({"far.test": a, ".sub.test": b, "*": c}, {"post.test": d})
    assert routes.find("far.test", "post.test") is a
    assert routes.find("x.y.sub.test", "post.test") is b
    assert routes.find("other.test", "post.test") is d
    assert routes.find("other.test", "else.test") is c
    assert Routes().find("other.test", "").host == ""
    assert routes.find("relay.test:2525", "") == Route("relay.test", 2525)
    assert routes.find("[IPv6:::1]", "") is c


@pytest.mark.parametrize("text", ["", "host:0", "host:99999", "a b:25:c", "[::1"])
def test_malformed_routes(text: str) -> None:
    with pytest.raises(Invalid):
        parse_route(text)
    with pytest.raises(Invalid):
        parse_route("host", tls="sometimes")


async def test_a_host_that_is_ourselves(peer: Peer) -> None:
    (result,) = await deliver(client(peer, hostname="Peer.Test"), parcel())
    assert result.status.startswith("554 5.4.6 ")
    assert peer.messages == []


async def raw_host(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


async def test_a_host_that_floods_instead_of_reading(peer: Peer) -> None:
    """While we wait for it to take our data, what it sends must not gather without bound."""
    sent = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"220 x\r\n")
        await reader.readline()
        writer.write(b"250 x\r\n")
        for answer in (b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
            await reader.readline()
            writer.write(answer)
        while True:
            writer.write(b"250-" + b"x" * 60_000)
            await writer.drain()
            sent += 60_000

    async with await raw_host(talk) as server:
        peer.port = server.sockets[0].getsockname()[1]
        async with asyncio.timeout(10):
            (result,) = await deliver(client(peer), parcel(content=LETTER + b"x" * 30_000_000))
    assert "sent far more than it was asked for" in result.status
    assert sent < 20_000_000


async def test_a_host_that_drips(peer: Peer) -> None:
    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"2")
            await asyncio.sleep(0.01)

    async with await raw_host(talk) as server:
        peer.port = server.sockets[0].getsockname()[1]
        async with asyncio.timeout(10):
            (result,) = await deliver(client(peer, timeout_scale=0.001), parcel())
    assert result.status.startswith("421 4.4.2 ")
    assert "did not answer in time" in result.status


async def test_an_international_notice_is_encoded_for_a_peer_without_smtputf8() -> None:
    """RFC 6533 §4.5"""
    content = (
        "Content-Type: multipart/report; boundary=b\r\nMIME-Version: 1.0\r\n\r\n--b\r\nContent-Type: message/global\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\nSubject: 你好\r\n\r\nx\r\n--b--\r\n"
    ).encode()
    for extensions, sender, encoded in (
        (("8BITMIME",), None, True),
        (("8BITMIME", "SMTPUTF8"), None, False),
        (("8BITMIME",), "a@post.test", False),
    ):
        async with running(Peer(extensions=extensions)) as peer:
            what = parcel(content=content, body="8BITMIME")
            what.sender = sender and parse_address(sender)
            (result,) = await deliver(client(peer), what)
            assert result.delivered
            assert peer.messages[0].isascii() is encoded
