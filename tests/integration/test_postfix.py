"""Postfix as next hop and as sender: from one post house through Postfix to another, and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from posthouse.app.certificates import Authority
from posthouse.client.routes import Route
from tests.integration.post_node import PostNode, inbox, post_node, queue_is
from tests.integration.postfix import Postfix, running_postfix
from tests.integration.test_relay_nodes import LETTER
from tests.unit.service_world import parse

pytestmark = pytest.mark.peers


@dataclass
class Way:
    """qq.test -> Postfix -> 163.test; bounces and answers come back through Postfix."""

    qq: PostNode
    other: PostNode
    postfix: Postfix
    port: int  # of 163.test


@pytest.fixture
async def way(tmp_path: Path) -> AsyncIterator[Way]:
    async with (
        post_node(tmp_path / "qq", "qq.test", "zhang") as qq,
        post_node(tmp_path / "163", "163.test", "li", "张三") as other,
    ):
        certificate = Authority(tmp_path / "ca").issue(["relay.postfix.test"])
        transports = {"qq.test": qq.listen(), "163.test": other.listen()}
        with running_postfix(certificate.chain, certificate.key, transports) as postfix:
            route = Route("127.0.0.1", postfix.port, "required")
            qq.start_queue({"*": route})
            other.start_queue({"*": route})
            yield Way(qq, other, postfix, transports["163.test"])
            await asyncio.gather(qq.stop_queue(), other.stop_queue())


async def test_a_letter_goes_through_postfix_and_an_answer_comes_back(way: Way) -> None:
    await way.qq.world.send(LETTER, "li@163.test", sender="zhang@qq.test", body="8BITMIME")
    (letter,) = await inbox(way.other, "li", 1)
    assert letter.endswith(LETTER), way.postfix.log()
    assert b"by relay.postfix.test (Postfix) with ESMTPS" in letter.replace(b"\r\n\t", b" ")
    answer = LETTER.replace(b"<one@qq.test>", b"<two@163.test>")
    await way.other.world.send(answer, "zhang@qq.test", sender="li@163.test", body="8BITMIME")
    assert (await inbox(way.qq, "zhang", 1))[0].endswith(answer)


async def test_a_long_letter_and_many_at_once(way: Way) -> None:
    long = LETTER + b"".join(b"..%d a long letter\r\n" % n for n in range(100_000))
    await way.qq.world.send(long, "li@163.test", sender="zhang@qq.test", body="8BITMIME")
    for n in range(20):
        letter = LETTER.replace(b"<one@", b"<n%d@" % n)
        await way.qq.world.send(letter, "li@163.test", sender="zhang@qq.test", body="8BITMIME")
    letters = await inbox(way.other, "li", 21, 60)
    assert any(letter.endswith(long) for letter in letters)
    await queue_is(way.qq, lambda entries: not entries)


async def test_an_international_address_passes(way: Way) -> None:
    await way.qq.world.send(LETTER, "张三@163.test", sender="zhang@qq.test", body="8BITMIME", smtputf8=True)
    (letter,) = await inbox(way.other, "张三", 1)
    assert b"with UTF8SMTPS id" in letter.replace(b"\r\n\t", b" ")


async def test_postfix_bounces_what_we_refuse(way: Way) -> None:
    await way.qq.world.send(LETTER, "nobody@163.test", sender="zhang@qq.test", body="8BITMIME")
    (bounce,) = await inbox(way.qq, "zhang", 1)
    message = parse(bounce)
    assert message["Return-Path"] == "<>"
    assert message.get_content_type() == "multipart/report"
    assert b"550 5.1.1" in bounce


async def test_we_bounce_what_postfix_refuses(way: Way) -> None:
    too_large = LETTER + b"x" * 70 + b"\r\n" + b"y" * 998 * 20 + b"\r\n"
    too_large += (b"z" * 78 + b"\r\n") * 260_000  # over its 20 MB, announced by SIZE
    await way.qq.world.send(too_large, "li@163.test", sender="zhang@qq.test", body="8BITMIME")
    (bounce,) = await inbox(way.qq, "zhang", 1, 60)
    assert b"Status: 5.3.4" in bounce
    assert len(bounce) < 20_000  # the header only


async def test_dsn_parameters_pass_through_postfix(way: Way) -> None:
    await way.qq.world.send(
        LETTER,
        "li@163.test",
        sender="zhang@qq.test",
        body="8BITMIME",
        notify=("SUCCESS", "FAILURE"),
        orcpt="rfc822;li+list@163.test",
        envid="envelope=7",
    )
    (report,) = await inbox(way.qq, "zhang", 1)
    assert b"Action: delivered" in report
    assert b"Original-Envelope-Id: envelope=7" in report
    assert b"Original-Recipient: rfc822;li+list@163.test" in report
    assert b"Reporting-MTA: dns; mx.163.test" in report


async def test_postfix_waits_while_we_are_away(way: Way) -> None:
    """Its connection is refused while our listener is down; it comes again and delivers once."""
    while way.other._acceptors:
        way.other._acceptors.pop().stop()
    await asyncio.sleep(0)
    await way.qq.world.send(LETTER, "li@163.test", sender="zhang@qq.test", body="8BITMIME")
    async with asyncio.timeout(20):
        while "status=deferred" not in way.postfix.log():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    way.other.listen(port=way.port)
    (letter,) = await inbox(way.other, "li", 1, 30)
    assert letter.endswith(LETTER.partition(b"\r\n\r\n")[2])
