"""The system resolver against a DNS server on loopback that answers from a table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from posthouse.client.mx import MxError, SystemDns, find_hosts
from tests.unit.service_world import EvenRng

ZONE = """
a.test. 60 IN MX 20 m2.a.test.
a.test. 60 IN MX 10 M1.a.test.
m1.a.test. 60 IN A 192.0.2.1
m1.a.test. 60 IN AAAA 2001:db8::1
m2.a.test. 60 IN A 192.0.2.2
null.test. 60 IN MX 0 .
plain.test. 60 IN A 192.0.2.3
alias.test. 60 IN CNAME a.test.
text.test. 60 IN TXT "no mail here"
"""


class TableServer(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.records: dict[tuple[str, str], list[str]] = {}
        for line in ZONE.strip().splitlines():
            name, _, _, kind, data = line.split(" ", 4)
            self.records.setdefault((name, kind), []).append(data)
        self.secure = False
        self.questions = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.questions += 1
        query = dns.message.from_wire(data)
        (question,) = query.question
        name, kind = question.name.to_text().lower(), question.rdtype.name
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if self.secure:
            response.flags |= dns.flags.AD
        if name == "broken.test.":
            response.set_rcode(dns.rcode.SERVFAIL)
        elif not any(known == name for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        else:
            if (name, "CNAME") in self.records:
                (target,) = self.records[name, "CNAME"]
                response.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", target))
                name = target
            if found := self.records.get((name, kind)):
                response.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *found))
        self.transport.sendto(response.to_wire(), addr)  # type: ignore[attr-defined]


@pytest.fixture
async def server() -> AsyncIterator[TableServer]:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        TableServer, local_addr=("127.0.0.1", 0)
    )
    yield protocol
    transport.close()


def resolver(server: TableServer) -> SystemDns:
    port = server.transport.get_extra_info("sockname")[1]
    return SystemDns(["127.0.0.1"], port=port, lifetime_s=2.0)


@pytest.mark.parametrize("domain", ["a.test", "alias.test"])
async def test_mx_hosts_with_their_addresses(server: TableServer, domain: str) -> None:
    hosts = await find_hosts(domain, resolver(server), EvenRng())
    assert [(host.name, host.addresses) for host in hosts] == [
        ("m1.a.test", ("2001:db8::1", "192.0.2.1")),
        ("m2.a.test", ("192.0.2.2",)),
    ]


async def test_an_address_stands_in_for_an_mx(server: TableServer) -> None:
    (host,) = await find_hosts("plain.test", resolver(server), EvenRng())
    assert host.addresses == ("192.0.2.3",)


@pytest.mark.parametrize(
    ("domain", "status"),
    [("gone.test", "5.1.2"), ("text.test", "5.1.2"), ("null.test", "5.1.10"), ("broken.test", "4.4.3")],
)
async def test_domains_without_hosts(server: TableServer, domain: str, status: str) -> None:
    with pytest.raises(MxError) as caught:
        await find_hosts(domain, resolver(server), EvenRng())
    assert caught.value.status == status


async def test_answers_are_cached_and_validation_is_seen(server: TableServer) -> None:
    server.secure = True
    dns_ = resolver(server)
    (host,) = await find_hosts("plain.test", dns_, EvenRng())
    assert host.authenticated
    asked = server.questions
    await find_hosts("plain.test", dns_, EvenRng())
    assert server.questions == asked


async def test_a_dead_server_is_a_temporary_failure() -> None:
    with pytest.raises(MxError) as caught:
        await SystemDns(["127.0.0.1"], port=9, lifetime_s=0.2).mx("a.test")
    assert caught.value.status == "4.4.3"


def test_without_resolv_conf_a_local_resolver_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(self: object, path: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver.BaseResolver, "read_resolv_conf", missing)
    assert SystemDns()._resolver.nameservers == ["127.0.0.1"]
