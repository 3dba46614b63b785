"""Delivery: what is stored, what is queued, what the sender is told, and what is refused."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.core.errors import Forbidden, Invalid, NotFound, OverQuota, TooLarge
from posthouse.mime.facts import facts_of
from tests.unit.service_world import LETTER, World, address, open_world, parse, smtp_origin


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        yield world


async def test_a_letter_gets_trace_fields_on_top_and_stays_as_it_was_below(world: World) -> None:
    li = await world.account("li")
    receipt = await world.send(LETTER, "li@post.test")
    (stored,) = await world.inbox(li)
    top, _, rest = stored.partition(b"From: ")
    assert b"From: " + rest == LETTER
    assert top.decode().split("\r\n") == [
        "Return-Path: <a@remote.test>",
        "Received: from out.remote.test ([192.0.2.7])",
        "\tby mx.post.test (Posthouse)",
        "\t(using TLSv1.3 TLS_AES_256_GCM_SHA384)",
        f"\twith ESMTPS id {receipt.trace}",
        "\tfor <li@post.test>;",
        "\tMon, 21 Sep 2026 14:13:20 +0000",
        "",
    ]


async def test_several_recipients_share_one_message_and_are_not_named(world: World) -> None:
    li, wang = await world.account("li"), await world.account("wang")
    await world.send(LETTER, "li@post.test", "wang@post.test", "LI+news@post.test", "x@far.test", sender=None)
    (stored,), (other,) = await world.inbox(li), await world.inbox(wang)
    assert stored == other
    assert b"for <" not in stored
    assert stored.startswith(b"Return-Path: <>\r\n")
    (entry,) = await world.store.queue.entries()
    assert [one.address for one in entry.recipients] == ["x@far.test"]


async def test_a_long_message_streams_and_arrives_whole(world: World) -> None:
    li = await world.account("li")
    body = b"".join(b"line %d of a long letter\r\n" % n for n in range(60_000))
    await world.send(LETTER + body, "li@post.test")
    (stored,) = await world.inbox(li)
    assert stored.endswith(LETTER + body)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (LETTER + b"x" * 400_000, TooLarge),
        (b"X-Long: " + b"y" * 300_000 + b"\r\n\r\n", TooLarge),
        (b"Received: from a by b; x\r\n" * 101 + LETTER, Invalid),
        (b"Received: from a by b; x\r\n" * 101 + LETTER + b"z" * 200_000, Invalid),
    ],
    ids=["size", "header", "loop", "loop of a long one"],
)
async def test_refused_messages_leave_nothing(tmp_path: Path, content: bytes, error: type[Exception]) -> None:
    async with open_world(tmp_path, max_message_bytes=380_000) as world:
        li = await world.account("li")
        with pytest.raises(error):
            await world.send(content, "li@post.test")
        assert await world.inbox(li) == []


@pytest.mark.parametrize(
    "content", [b"", b"\r\n", b"no header at all\r\n", b"\r\nbody\r\n", b"A: b", b"\xff\x00"]
)
async def test_any_bytes_are_kept(world: World, content: bytes) -> None:
    li = await world.account("li")
    await world.send(content, "li@post.test")
    (stored,) = await world.inbox(li)
    assert stored.endswith(content)
    assert parse(stored)["Return-Path"] == "<a@remote.test>"


async def test_recipients_are_checked_when_they_are_named(world: World) -> None:
    li = await world.account("li", quota_messages=1)
    check = world.delivery.check_recipient
    await check(address("li@post.test"), account=None, peer_ip="192.0.2.7")
    await check(address("x@far.test"), account=li, peer_ip="192.0.2.7")
    with pytest.raises(NotFound):
        await check(address("nobody@post.test"), account=li, peer_ip="192.0.2.7")
    with pytest.raises(Forbidden):
        await check(address("x@far.test"), account=None, peer_ip="192.0.2.7")
    await world.send(LETTER, "li@post.test")
    with pytest.raises(OverQuota):
        await check(address("li@post.test"), account=None, peer_ip="192.0.2.7")


async def test_relay_networks_need_no_sign_in(tmp_path: Path) -> None:
    async with open_world(
        tmp_path, relay_networks=("10.1.", "192.0.2.7", "198.51.100.0/24", "2001:db8:")
    ) as world:
        for ip in ("10.1.2.3", "192.0.2.7", "198.51.100.9", "2001:db8:1::2"):
            await world.delivery.check_recipient(address("x@far.test"), account=None, peer_ip=ip)
        for ip in ("10.11.2.3", "192.0.2.70", "198.51.101.9", "2001:db9::1", "fe80::1%eth0", ""):
            with pytest.raises(Forbidden):
                await world.delivery.check_recipient(address("x@far.test"), account=None, peer_ip=ip)


async def test_senders_are_what_reaches_the_account(world: World) -> None:
    li = await world.account("li")
    await world.account("wang")
    await world.accounts.put_alias("sales@post.test", ["li@post.test", "wang@post.test"])
    for good in ("li@post.test", "Li+shop@post.test", "sales@post.test", "postmaster@post.test"):
        await world.delivery.check_sender(address(good), li)
    await world.delivery.check_sender(None, li)
    for bad in ("wang@post.test", "nobody@post.test", "li@far.test"):
        with pytest.raises(Forbidden):
            await world.delivery.check_sender(address(bad), li)


async def test_a_full_mailbox_is_told_per_recipient_by_lmtp(world: World) -> None:
    await world.account("li")
    full = await world.account("wang", quota_bytes=10)
    receipt = await world.send(LETTER, "li@post.test", "wang@post.test", origin=smtp_origin(protocol="LMTP"))
    assert [type(outcome.error).__name__ for outcome in receipt.outcomes] == ["NoneType", "OverQuota"]
    assert await world.inbox(full) == []
    receipt = await world.send(LETTER, "wang@post.test", origin=smtp_origin(protocol="LMTP"))
    assert isinstance(receipt.outcomes[0].error, OverQuota)


async def test_a_full_mailbox_bounces_by_smtp_or_refuses(world: World) -> None:
    li = await world.account("li")
    await world.account("wang", quota_bytes=10)
    with pytest.raises(OverQuota):
        await world.send(LETTER, "wang@post.test")
    await world.send(LETTER, "li@post.test", "wang@post.test", sender="li@post.test")
    letter, bounce = await world.inbox(li)
    assert letter.endswith(LETTER)
    report = parse(bounce)
    assert report["Return-Path"] == "<>"
    assert report.get_content_type() == "multipart/report"
    assert "wang@post.test" in bounce.decode()
    await world.send(LETTER, "li@post.test", "wang@post.test", sender=None)
    assert len(await world.inbox(li)) == 3


async def test_success_is_told_when_asked(world: World) -> None:
    li = await world.account("li")
    await world.send(
        LETTER, "li@post.test", sender="li@post.test", notify=("SUCCESS",), envid="e1", orcpt="rfc822;l@x"
    )
    _, report = await world.inbox(li)
    status = parse(report).get_payload()[1]  # type: ignore[union-attr]
    text = status.as_string()
    assert "Original-Envelope-Id: e1" in text
    assert "Original-Recipient: rfc822;l@x" in text
    assert "Action: delivered" in text


async def test_an_alias_of_many_answers_success_itself(world: World) -> None:
    li = await world.account("li")
    await world.accounts.put_alias("all@post.test", ["x@far.test", "y@far.test"])
    await world.accounts.put_alias("one@post.test", ["z@far.test"])
    await world.send(
        LETTER, "all@post.test", "one@post.test", sender="li@post.test", notify=("SUCCESS", "FAILURE")
    )
    (entry,) = await world.store.queue.entries()
    assert {one.address: one.notify for one in entry.recipients} == {
        "x@far.test": ("FAILURE",),
        "y@far.test": ("FAILURE",),
        "z@far.test": ("SUCCESS", "FAILURE"),
    }
    (report,) = await world.inbox(li)
    assert b"Action: expanded" in report


async def test_held_until_a_time(world: World) -> None:
    later = world.clock.now() + 3600
    await world.send(LETTER, "x@far.test", not_before=later)
    assert await world.store.queue.next_due() == later


async def test_every_step_is_in_the_journal(world: World) -> None:
    await world.account("li")
    receipt = await world.send(LETTER, "li@post.test", "x@far.test")
    lines = await world.store.journal.by_trace(receipt.trace)
    assert [line.step for line in lines] == ["received", "resolved", "stored", "queued"]
    assert lines[0].facts["sender"] == "a@remote.test"
    assert await world.store.journal.traces_of("m1@remote.test") == [receipt.trace]


async def test_a_sender_that_leaves_during_the_scan_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    li = await world.account("li")
    started, go_on = threading.Event(), threading.Event()
    monkeypatch.setattr(
        "posthouse.services.incoming.facts_of", lambda view: (started.set(), go_on.wait(5), facts_of(view))[2]
    )
    task = asyncio.create_task(world.send(LETTER + b"x" * 200_000, "li@post.test"))
    await asyncio.to_thread(started.wait, 5)
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await world.inbox(li) == []


async def test_a_binary_message_is_kept_without_nuls_and_sent_on_with_them(world: World) -> None:
    li = await world.account("li")
    octets = bytes(range(256)) * 300
    letter = (
        b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Transfer-Encoding: binary\r\n\r\n"
    )
    await world.send(letter + octets, "li@post.test", "x@far.test", sender=None, body="BINARYMIME")
    (stored,) = await world.inbox(li)
    assert b"\x00" not in stored
    assert parse(stored).get_payload(decode=True) == octets
    (entry,) = await world.store.queue.entries()
    assert entry.body == "BINARYMIME"
    assert entry.size > len(octets)
    await world.send(b"Subject: \x00\r\n\r\nx", "li@post.test", body="BINARYMIME")
    assert len(await world.inbox(li)) == 2
