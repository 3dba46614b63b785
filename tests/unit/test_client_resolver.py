"""The resolver against a DNS server on loopback: what it caches, what it joins, where it stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import dns.flags
import dns.message
import dns.resolver
import pytest

from posthouse.client.mx import MxError, find_hosts
from posthouse.client.resolver import Resolver, ResolverSettings, StaticZone, load_static_zone, parse_server
from posthouse.core.dns import FAILED, NO_DATA, NO_NAME, OK, Lookup, Question
from posthouse.core.errors import Invalid
from tests.dns_server import DnsServer, dns_server
from tests.unit.service_world import EvenRng, MovableClock

ZONE = """
a.test. 60 IN MX 20 m2.a.test.
a.test. 60 IN MX 10 M1.a.test.
m1.a.test. 60 IN A 192.0.2.1
m1.a.test. 60 IN AAAA 2001:db8::1
m2.a.test. 60 IN A 192.0.2.2
null.test. 60 IN MX 0 .
plain.test. 60 IN A 192.0.2.3
alias.test. 60 IN CNAME a.test.
text.test. 60 IN TXT "no mail " "here"
loop1.test. 60 IN CNAME loop2.test.
loop2.test. 60 IN CNAME loop1.test.
self.test. 60 IN CNAME self.test.
1.2.0.192.in-addr.arpa. 60 IN PTR M1.a.test.
_imaps._tcp.a.test. 60 IN SRV 0 1 993 mail.a.test.
"""
BIG = "\n".join(f'big.test. 60 IN TXT "{n:04} {"x" * 100}"' for n in range(300))


@pytest.fixture
async def server() -> AsyncIterator[DnsServer]:
    async with dns_server(ZONE) as server:
        yield server


def resolver(server: DnsServer, *, clock: MovableClock | None = None, **settings: object) -> Resolver:
    given = {"servers": (f"127.0.0.1:{server.port}",), "timeout_s": 2.0} | settings
    return Resolver(ResolverSettings(**given), clock=clock)  # type: ignore[arg-type]


def ask(name: str, kind: str = "TXT") -> Question:
    return Question(name, kind)


@pytest.mark.parametrize("domain", ["a.test", "alias.test"])
async def test_mx_hosts_with_their_addresses(server: DnsServer, domain: str) -> None:
    hosts = await find_hosts(domain, resolver(server), EvenRng())
    assert [(host.name, host.addresses) for host in hosts] == [
        ("m1.a.test", ("2001:db8::1", "192.0.2.1")),
        ("m2.a.test", ("192.0.2.2",)),
    ]


async def test_an_address_stands_in_for_an_mx(server: DnsServer) -> None:
    (host,) = await find_hosts("plain.test", resolver(server), EvenRng())
    assert host.addresses == ("192.0.2.3",)


@pytest.mark.parametrize(
    ("domain", "status"),
    [("gone.test", "5.1.2"), ("text.test", "5.1.2"), ("null.test", "5.1.10"), ("broken.test", "4.4.3")],
)
async def test_domains_without_hosts(server: DnsServer, domain: str, status: str) -> None:
    with pytest.raises(MxError) as caught:
        await find_hosts(domain, resolver(server), EvenRng())
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("name", "kind", "records"),
    [
        ("text.test", "TXT", ("no mail here",)),
        ("a.test", "MX", ((10, "m1.a.test"), (20, "m2.a.test"))),
        ("1.2.0.192.in-addr.arpa", "PTR", ("m1.a.test",)),
        ("alias.test", "CNAME", ("a.test",)),
        ("_imaps._tcp.a.test", "SRV", ((0, 1, 993, "mail.a.test"),)),
    ],
)
async def test_kinds(server: DnsServer, name: str, kind: str, records: tuple[object, ...]) -> None:
    answer = await resolver(server).ask(ask(name, kind))
    assert (answer.state, tuple(sorted(answer.records, key=str))) == (OK, records)


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("gone.test", NO_NAME),
        ("a.test", NO_DATA),
        ("broken.test", FAILED),
        ("loop1.test", FAILED),
        ("self.test", FAILED),
        ("x..test", NO_NAME),
        ("x" * 64 + ".test", NO_NAME),
        (".".join(["label"] * 60), NO_NAME),
        ("\u4e2d.test", NO_NAME),
        ("", NO_NAME),
    ],
)
async def test_what_has_no_answer(server: DnsServer, name: str, state: str) -> None:
    answer = await resolver(server).ask(ask(name))
    assert (answer.state, answer.records) == (state, ())


async def test_answers_are_kept_for_their_time(server: DnsServer) -> None:
    clock = MovableClock()
    dns_ = resolver(server, clock=clock)
    for name, seconds in (("text.test", 60), ("gone.test", 120), ("a.test", 120), ("broken.test", 5)):
        first = await dns_.ask(ask(name))
        asked = len(server.questions)
        assert await dns_.ask(ask(name)) == first
        clock.move(seconds - 1)
        await dns_.ask(ask(name))
        assert len(server.questions) == asked, name
        clock.move(1)
        await dns_.ask(ask(name))
        assert len(server.questions) > asked, name


async def test_equal_questions_are_asked_once(server: DnsServer) -> None:
    server.held = asyncio.Event()
    dns_ = resolver(server)
    waiting = [asyncio.create_task(dns_.ask(ask("text.test"))) for _ in range(50)]
    await asyncio.sleep(0)
    waiting[0].cancel()  # one that gives up takes nothing from the others
    server.held.set()
    answers = await asyncio.gather(*waiting[1:])
    assert {answer.records for answer in answers} == {("no mail here",)}
    assert server.questions == [("text.test", "TXT")]


async def test_the_cache_is_bounded_in_entries_and_bytes(server: DnsServer) -> None:
    dns_ = resolver(server, entries_max=10)
    for number in range(30):
        await dns_.ask(ask(f"n{number}.test"))
    await dns_.ask(ask("n25.test"))
    assert len(dns_._cache) == 10
    assert len(server.questions) == 30
    server.load(BIG)
    small = resolver(server, cache_bytes=30_000)
    await small.ask(ask("text.test"))
    await small.ask(ask("big.test"))
    assert [question.name for question in small._cache] == ["text.test"]  # the other is too big to be kept
    for number in range(100):
        await small.ask(ask(f"n{number}.test"))
    assert small._bytes == sum(size for _, size, _ in small._cache.values()) <= 30_000


async def test_a_huge_answer_comes_by_tcp_and_is_cut(server: DnsServer) -> None:
    server.load(BIG)
    answer = await resolver(server).ask(ask("big.test"))
    assert server.tcp_questions == 1
    assert len(answer.records) == 256


async def test_no_answer_in_time_is_a_failure_and_not_forever(server: DnsServer) -> None:
    answer = await resolver(server, timeout_s=0.05).ask(ask("silent.test"))
    assert answer.failed
    with pytest.raises(MxError) as caught:
        await Resolver(ResolverSettings(("127.0.0.1:9",), 0.2)).mx("a.test")
    assert caught.value.status == "4.4.3"


async def test_one_family_of_addresses_is_enough(server: DnsServer) -> None:
    server.load("half.test. 60 IN A 192.0.2.9\n")
    dns_ = resolver(server)
    dns_._keep(ask("half.test", "AAAA"), (await dns_.ask(ask("broken.test"))), 60)
    assert (await dns_.addresses("half.test")).records == ("192.0.2.9",)


async def test_validation_is_seen(server: DnsServer) -> None:
    server.secure = True
    (host,) = await find_hosts("plain.test", resolver(server), EvenRng())
    assert host.authenticated


@pytest.mark.parametrize(
    ("servers", "validating", "believed"),
    [
        (("127.0.0.1",), ("127.0.0.0/8",), True),
        (("127.0.0.1",), (), False),
        (("192.0.2.53", "127.0.0.1"), ("127.0.0.0/8",), False),
        (("192.0.2.53",), ("127.0.0.0/8", "::1/128"), False),
        (("192.0.2.53", "[2001:db8::53]"), ("192.0.2.0/24", "2001:db8::53/128"), True),
        (("[::1]",), ("::1/128",), True),
        (("[::ffff:127.0.0.1]",), ("127.0.0.0/8",), True),
    ],
)
def test_only_servers_that_are_all_trusted_are_believed(
    servers: tuple[str, ...], validating: tuple[str, ...], *, believed: bool
) -> None:
    """The bit travels unsigned: whoever is on the way could have set it."""
    dns_ = Resolver(ResolverSettings(servers, validating=validating))
    said = dns.message.QueryMessage()
    said.flags |= dns.flags.AD
    assert dns_._is_secure(said) is believed


async def test_a_server_that_is_not_trusted_vouches_for_nothing(server: DnsServer) -> None:
    server.secure = True
    dns_ = resolver(server, validating=())
    assert [(await dns_.ask(ask(name, "A"))).secure for name in ("plain.test", "gone.test")] == [False, False]


async def test_a_failure_says_what_the_server_said(server: DnsServer) -> None:
    assert (await resolver(server).ask(ask("broken.test"))).reason == "SERVFAIL"


async def test_a_computation_gets_its_answers_in_order(server: DnsServer) -> None:
    def lookup() -> Lookup[list[object]]:
        first, second = yield [ask("plain.test", "A"), ask("text.test")]
        (third,) = yield [ask("a.test", "MX")]
        return [*first.records, *second.records, len(third.records)]

    seen: list[str] = []
    dns_ = resolver(server)
    found = await dns_.run(lookup(), lambda question, answer: seen.append(f"{question.name} {answer.state}"))
    assert found == ["192.0.2.3", "no mail here", 2]
    assert seen == ["plain.test ok", "text.test ok", "a.test ok"]


async def test_a_close_ends_what_runs(server: DnsServer) -> None:
    dns_ = resolver(server)
    task = asyncio.create_task(dns_.ask(ask("silent.test")))
    await asyncio.sleep(0)
    await dns_.close()
    with pytest.raises(asyncio.CancelledError):
        await task


STATIC = """
test. IN SOA ns.test. x.test. 1 2 3 4 5
qq.test. IN TXT "v=spf1 -all"
www.qq.test. IN CNAME qq.test.
out.example. IN A 192.0.2.1
"""


@pytest.mark.parametrize(
    ("name", "kind", "state"),
    [
        ("qq.test", "TXT", OK),
        ("qq.test", "A", NO_DATA),
        ("www.qq.test", "TXT", OK),
        ("x.y.test", "A", NO_NAME),
        ("out.example", "A", OK),
        ("out.example", "TXT", NO_DATA),
        ("in.out.example", "A", None),
    ],
)
def test_a_static_zone_answers_for_its_names(name: str, kind: str, state: str | None) -> None:
    answer = StaticZone(STATIC).try_answer(ask(name, kind))
    assert (None if answer is None else answer.state) == state


async def test_a_static_zone_needs_no_network(tmp_path: Path) -> None:
    path = tmp_path / "zone"
    path.write_text(STATIC)
    dns_ = Resolver(ResolverSettings(("127.0.0.1:9",)), static=load_static_zone(path))
    assert (await dns_.ask(ask("qq.test"))).records == ("v=spf1 -all",)
    assert dns_.asked == 0
    path.write_text("qq.test. IN A not-an-address\n")
    with pytest.raises(Invalid, match="zone"):
        load_static_zone(path)
    with pytest.raises(Invalid, match="missing"):
        load_static_zone(tmp_path / "missing")


def test_without_resolv_conf_a_local_resolver_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(self: object, path: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver.BaseResolver, "read_resolv_conf", missing)
    assert [str(one) for one in Resolver()._resolver.nameservers] == ["Do53:127.0.0.1@53"]


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.1", "Do53:192.0.2.1@53"),
        ("192.0.2.1:5353", "Do53:192.0.2.1@5353"),
        ("2001:db8::1", "Do53:2001:db8::1@53"),
        ("::1", "Do53:::1@53"),
        ("[::1]:5353", "Do53:::1@5353"),
        ("dns.example.org", None),
        ("192.0.2.1:99999", None),
        ("192.0.2.1:x", None),
        ("", None),
    ],
)
def test_servers_are_addresses_with_or_without_port(text: str, server: str | None) -> None:
    if server is None:
        with pytest.raises(Invalid, match=r"write 192\.0\.2\.1"):
            parse_server(text)
    else:
        assert str(parse_server(text)) == server
