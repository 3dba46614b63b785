"""An authoritative DNS server in this process, over UDP and TCP on one loopback port, that answers from a zone text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from posthouse.client.resolver import parse_zone

SOA = "test. 300 IN SOA ns.test. postmaster.test. 1 3600 600 86400 120\n"


class DnsServer:
    """Names below `broken.` labels get SERVFAIL, below `silent.` nothing; CNAMEs are followed 20 times."""

    def __init__(self, zone: str = "") -> None:
        self.records: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], dns.rrset.RRset] = {}
        self.names: set[dns.name.Name] = set()
        self.questions: list[tuple[str, str]] = []
        self.tcp_questions = 0
        self.secure = False
        self.held: asyncio.Event | None = None  # answers wait for it
        self.port = 0
        self.load(SOA + zone)

    def load(self, zone: str) -> None:
        for rrset in parse_zone(zone):
            self.records.setdefault((rrset.name.canonicalize(), rrset.rdtype), rrset).update(rrset)
            self.names.add(rrset.name.canonicalize())

    def answer(self, data: bytes) -> bytes | None:
        query = dns.message.from_wire(data)
        (question,) = query.question
        name = question.name.canonicalize()
        self.questions.append((name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)))
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA | dns.flags.AA
        if self.secure:
            response.flags |= dns.flags.AD
        labels = name.to_text().split(".")
        if "silent" in labels:
            return None
        if "broken" in labels:
            response.set_rcode(dns.rcode.SERVFAIL)
            return response.to_wire(max_size=65535)
        for _ in range(20):
            alias = self.records.get((name, dns.rdatatype.CNAME))
            if alias is None or question.rdtype == dns.rdatatype.CNAME:
                break
            response.answer.append(dns.rrset.from_rdata_list(name, alias.ttl, list(alias)))
            name = alias[0].target.canonicalize()
        if (found := self.records.get((name, question.rdtype))) is not None:
            response.answer.append(found)
        else:
            if name not in self.names and name not in [one.name for one in response.answer]:
                response.set_rcode(dns.rcode.NXDOMAIN)
            soa = next(
                (key for key in self.records if key[1] == dns.rdatatype.SOA and name.is_subdomain(key[0])),
                None,
            )
            if soa is not None:
                response.authority.append(self.records[soa])
        return response.to_wire(max_size=65535)


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self.server = server
        self.tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        task = asyncio.get_running_loop().create_task(self._reply(data, addr))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _reply(self, data: bytes, addr: object) -> None:
        if self.server.held is not None:
            await self.server.held.wait()
        reply = self.server.answer(data)
        if reply is not None and len(reply) > 1232:  # truncated: to be asked again over TCP
            response = dns.message.make_response(dns.message.from_wire(data))
            response.flags |= dns.flags.TC
            reply = response.to_wire()
        if reply is not None:
            self.transport.sendto(reply, addr)  # type: ignore[attr-defined]


@asynccontextmanager
async def dns_server(zone: str = "") -> AsyncIterator[DnsServer]:
    server = DnsServer(zone)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.tcp_questions += 1
        size = int.from_bytes(await reader.readexactly(2), "big")
        reply = server.answer(await reader.readexactly(size))
        if reply is not None:
            writer.write(len(reply).to_bytes(2, "big") + reply)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    tcp = await asyncio.start_server(serve, "127.0.0.1", 0)
    server.port = tcp.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Udp(server), local_addr=("127.0.0.1", server.port)
    )
    try:
        yield server
    finally:
        transport.close()
        tcp.close()
        await tcp.wait_closed()
