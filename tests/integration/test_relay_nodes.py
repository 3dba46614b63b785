"""Two post houses relay to each other over loopback sockets, through outages and cut connections."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from posthouse.client.routes import Route
from tests.integration.post_node import PostNode, inbox, post_node, queue_is
from tests.unit.service_world import parse

LETTER = (
    "From: zhang@qq.test\r\nTo: li@163.test\r\nSubject: =?utf-8?b?6am/56uZ?=\r\n"
    "Date: Mon, 21 Sep 2026 14:13:20 +0000\r\n"
    "Message-ID: <one@qq.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Content-Transfer-Encoding: 8bit\r\n\r\n第一封信\r\n.\r\n..dots\r\n"
).encode()


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[tuple[PostNode, PostNode]]:
    async with (
        post_node(tmp_path / "qq", "qq.test", "zhang") as qq,
        post_node(tmp_path / "163", "163.test", "li", "zhao") as other,
    ):
        yield qq, other


def route(port: int, tls: str = "opportunistic") -> Route:
    return Route("127.0.0.1", port, tls)


async def test_a_letter_travels_encrypted_and_whole(nodes: tuple[PostNode, PostNode]) -> None:
    qq, other = nodes
    qq.start_queue({"163.test": route(other.listen(), "required")})
    receipt = await qq.world.send(
        LETTER, "li@163.test", "zhao@163.test", sender="zhang@qq.test", body="8BITMIME"
    )
    (letter,) = await inbox(other, "li", 1)
    assert letter.endswith(LETTER)
    assert letter.startswith(b"Return-Path: <zhang@qq.test>\r\nReceived: from mx.qq.test ([127.0.0.1])")
    assert letter.count(b"\r\nReceived: ") == 2
    assert letter.count(b"Return-Path") == 1
    assert b"with ESMTPS id" in letter.replace(b"\r\n\t", b" ")
    assert (await inbox(other, "zhao", 1))[0] == letter
    await queue_is(qq, lambda entries: not entries)
    steps = [line.step for line in await qq.world.store.journal.by_trace(receipt.trace)]
    assert steps == ["received", "resolved", "stored", "queued", "delivered", "delivered"]


async def test_a_long_letter_streams_through(nodes: tuple[PostNode, PostNode]) -> None:
    qq, other = nodes
    qq.start_queue({"163.test": route(other.listen())})
    letter = LETTER + b"".join(b".%d line of a long letter\r\n" % n for n in range(250_000))
    await qq.world.send(letter, "li@163.test", sender="zhang@qq.test", body="8BITMIME")
    assert (await inbox(other, "li", 1, 60))[0].endswith(letter)


async def test_an_unknown_recipient_comes_back_as_a_bounce(nodes: tuple[PostNode, PostNode]) -> None:
    qq, other = nodes
    qq.start_queue({"163.test": route(other.listen())})
    await qq.world.send(LETTER, "nobody@163.test", "li@163.test", sender="zhang@qq.test", body="8BITMIME")
    (bounce,) = await inbox(qq, "zhang", 1)
    _, status, original = parse(bounce).iter_parts()
    per_recipient = status.get_payload()[1]
    assert per_recipient["Final-Recipient"] == "rfc822; nobody@163.test"
    assert per_recipient["Status"] == "5.1.1"
    assert per_recipient["Diagnostic-Code"].startswith("smtp; 550 5.1.1")
    assert original.get_content()["Message-ID"] == "<one@qq.test>"
    await inbox(other, "li", 1)
    await queue_is(qq, lambda entries: not entries)


async def test_success_is_told_by_the_last_house(nodes: tuple[PostNode, PostNode]) -> None:
    qq, other = nodes
    qq.start_queue({"163.test": route(other.listen())})
    other.start_queue({"qq.test": route(qq.listen())})
    await qq.world.send(
        LETTER,
        "li@163.test",
        sender="zhang@qq.test",
        body="8BITMIME",
        notify=("SUCCESS",),
        envid="e 1",
        ret="HDRS",
    )
    (report,) = await inbox(qq, "zhang", 1)
    assert b"Action: delivered" in report
    assert b"Reporting-MTA: dns; mx.163.test" in report
    assert b"Original-Envelope-Id: e 1" in report


async def test_after_an_outage_the_letter_arrives_once(nodes: tuple[PostNode, PostNode]) -> None:
    qq, other = nodes
    port = other.listen()
    other._acceptors.pop().stop()
    await asyncio.sleep(0)
    qq.start_queue({"163.test": route(port)})
    await qq.world.send(LETTER, "li@163.test", sender="zhang@qq.test", body="8BITMIME")
    await queue_is(qq, lambda entries: entries[0].recipients[0].attempts == 1)
    (entry,) = await qq.world.store.queue.entries()
    assert entry.recipients[0].last_status.startswith("451 4.4.1")
    other.listen(port=port)
    qq.world.clock.move(60)
    await qq.world.store.queue.control([entry.recipients[0].id], state="due")
    await inbox(other, "li", 1)
    await queue_is(qq, lambda entries: not entries)


class CuttingProxy:
    """Forwards to a port; cuts the first connections after so many bytes from the client, or from the server."""

    def __init__(
        self, target: int, *, client_bytes: int = 1 << 60, server_bytes: int = 1 << 60, cuts: int = 1
    ) -> None:
        self.target = target
        self.limits = (client_bytes, server_bytes)
        self.cuts = cuts
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        limits = self.limits if self.connections <= self.cuts else (1 << 60, 1 << 60)
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target)
        try:
            done, pending = await asyncio.wait(
                [
                    asyncio.create_task(_copy(reader, up_writer, limits[0])),
                    asyncio.create_task(_copy(up_reader, writer, limits[1])),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in pending:
                task.cancel()
            await asyncio.gather(*done, *pending, return_exceptions=True)
        finally:
            writer.transport.abort()
            up_writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int) -> None:
    while limit > 0 and (data := await reader.read(min(65536, limit))):
        limit -= len(data)
        writer.write(data)
        await writer.drain()


@asynccontextmanager
async def cutting(proxy: CuttingProxy) -> AsyncIterator[int]:
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("client_bytes", [0, 10, 60, 150, 400, 30_000])
async def test_a_cut_before_the_end_never_doubles_or_loses(
    nodes: tuple[PostNode, PostNode], client_bytes: int
) -> None:
    qq, other = nodes
    letter = LETTER + os.urandom(50_000).hex().encode() + b"\r\n"
    async with cutting(CuttingProxy(other.listen(), client_bytes=client_bytes)) as port:
        qq.start_queue({"163.test": route(port, "none")})
        await qq.world.send(letter, "li@163.test", sender="zhang@qq.test", body="8BITMIME")
        await queue_is(qq, lambda entries: entries[0].recipients[0].attempts == 1)
        (entry,) = await qq.world.store.queue.entries()
        assert entry.recipients[0].last_status.startswith("421 4.4.2")
        qq.world.clock.move(60)
        await qq.world.store.queue.control([entry.recipients[0].id], state="due")
        (stored,) = await inbox(other, "li", 1)
        assert stored.endswith(letter)
        await queue_is(qq, lambda entries: not entries)
        await qq.stop_queue()


async def test_a_worker_that_died_is_succeeded(nodes: tuple[PostNode, PostNode]) -> None:
    """A runner of the same name takes over at once, another one when the lease has run out."""
    qq, other = nodes
    await qq.world.send(LETTER, "li@163.test", sender="zhang@qq.test", body="8BITMIME")
    await qq.world.send(LETTER, "zhao@163.test", sender="zhang@qq.test", body="8BITMIME")
    now = qq.world.clock.now()
    assert len(await qq.world.store.queue.lease("w1", now, 600, 1)) == 1
    assert len(await qq.world.store.queue.lease("w2", now, 600, 1)) == 1
    port = other.listen()
    qq.start_queue({"163.test": route(port)}, owner="w1", poll_s=0.01)
    await queue_is(qq, lambda entries: len(entries) == 1)
    await asyncio.sleep(0.05)
    assert len(await qq.world.store.queue.entries()) == 1
    qq.world.clock.move(601)
    await queue_is(qq, lambda entries: not entries)
    await inbox(other, "li", 1)
    await inbox(other, "zhao", 1)
