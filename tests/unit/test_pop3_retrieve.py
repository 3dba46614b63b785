"""RETR and TOP of a session: sets, read-ahead, streams, back-pressure, failures in the middle."""

from __future__ import annotations

import asyncio

import pytest

from posthouse.core.errors import Unavailable
from posthouse.sessions.pop3 import Pop3Settings
from posthouse.storage.content_ports import Content
from posthouse.wire.pop3.answer import Answer, AnswerReader
from posthouse.wire.pop3.engine import NEED_DATA
from tests.unit.pop3_world import LargeMessage, World, message, settled


def answers(data: bytes) -> list[Answer]:
    reader, found = AnswerReader(), []
    reader.receive(data)
    while (answer := reader.next_answer(multiline=True)) is not NEED_DATA:
        found.append(answer)
    return found


def retrievals(*numbers: int) -> bytes:
    return b"".join(b"RETR %d\r\n" % number for number in numbers)


async def test_retr_and_top() -> None:
    client = await World(message(1)).connect().sign_in()
    assert answers(await client.say(b"RETR 1\r\n")) == [
        Answer(True, "", f"{len(message(1))} octets", message(1))
    ]
    head, _, _ = message(1).partition(b"Line one.")
    for lines, body in ((0, head), (1, head + b"Line one.\r\n"), (2, head + b"Line one.\r\n.dot\r\n")):
        assert answers(await client.say(b"TOP 1 %d\r\n" % lines)) == [
            Answer(True, "", "Top of message follows", body)
        ]
    assert answers(await client.say(b"TOP 1 99\r\n"))[0].body == message(1)


async def test_a_run_is_one_read_and_one_write() -> None:
    world = World(*[message(n) for n in range(1, 51)])
    client = await world.connect().sign_in()
    world.store.calls.clear()
    client.peer.writes = 0
    said = answers(await client.say(retrievals(*range(1, 51))))
    assert [answer.body for answer in said] == [message(n) for n in range(1, 51)]
    assert world.store.calls == ["fetch uid,content"]
    assert client.peer.writes == 1


async def test_every_command_of_a_run_has_its_answer_in_order() -> None:
    world = World(message(1), message(2), message(3), message(4))
    client = await world.connect().sign_in()
    await client.say(b"DELE 2\r\n")
    del world.inbox.rows[3]  # expunged by another program
    said = answers(await client.say(retrievals(4, 1, 2, 3, 9, 1) + b"NOOP\r\n"))
    assert [answer.body for answer in said[:2]] == [message(4), message(1)]
    assert [answer.text.split(";")[0] for answer in said[2:5]] == [
        "Message 2 is marked as deleted",
        "Message 3 was deleted by another program",
        "No such message",
    ]
    assert said[5].body == message(1)
    assert len(said) == 6 + (1 if said[-1].text == "Nothing to do" else 0)


async def test_batches_are_bounded_by_bytes_and_count() -> None:
    settings = Pop3Settings(batch_messages=10, batch_bytes=5000)
    world = World(*[message(n, 1000) for n in range(1, 41)], settings=settings)
    client = await world.connect().sign_in()
    world.store.calls.clear()
    said = answers(await client.say(retrievals(*range(1, 41))))
    assert [answer.body for answer in said] == [message(n, 1000) for n in range(1, 41)]
    assert 8 <= len(world.store.calls) <= 16


async def test_a_sequential_client_is_read_ahead_of() -> None:
    world = World(*[message(n) for n in range(1, 101)])
    client = await world.connect().sign_in()
    world.store.calls.clear()
    for number in range(1, 101):
        assert answers(await client.say(retrievals(number)))[0].body == message(number)
    assert len(world.store.calls) <= 6


async def test_read_ahead_is_bounded_by_bytes() -> None:
    settings = Pop3Settings(read_ahead_bytes=3000)
    world = World(*[message(n, 1000) for n in range(1, 11)], settings=settings)
    client = await world.connect().sign_in()
    for number in range(1, 11):
        assert answers(await client.say(retrievals(number)))[0].body == message(number, 1000)
        held = sum(len(content) for content in client.session.ahead.values() if isinstance(content, bytes))
        if client.session.coming is not None:
            held += sum(map(len, (await client.session.coming).values()))  # type: ignore[arg-type]  # all are bytes
        assert held <= 2 * 3000


async def test_the_next_are_read_while_those_before_them_are_taken() -> None:
    settings = Pop3Settings(read_ahead_bytes=3000)
    world = World(*[message(n, 1000) for n in range(1, 11)], settings=settings)
    client = await world.connect().sign_in()
    for number in (1, 2):
        await client.say(retrievals(number))
    coming = client.session.coming
    assert coming is not None
    await client.say(b"DELE 5\r\n")
    assert [answers(await client.say(retrievals(n)))[0].body for n in (3, 4)] == [
        message(n, 1000) for n in (3, 4)
    ]
    await client.say(retrievals(9))  # out of order: what was coming is not waited for
    assert client.session.coming is None
    assert answers(await client.say(retrievals(10)))[0].body == message(10, 1000)


async def test_what_is_being_read_ends_with_the_connection() -> None:
    world = World(*[message(n, 1000) for n in range(1, 11)], settings=Pop3Settings(read_ahead_bytes=3000))
    client = await world.connect().sign_in()
    for number in (1, 2):
        await client.say(retrievals(number))
    coming = client.session.coming
    assert coming is not None
    client.session.closed()
    assert client.session.coming is None
    await asyncio.wait([coming])


async def test_nothing_is_read_ahead_for_a_client_that_jumps() -> None:
    world = World(*[message(n) for n in range(1, 101)])
    client = await world.connect().sign_in()
    for number in (90, 3, 50, 1):
        await client.say(retrievals(number))
        assert client.session.ahead == {}


LONG = message(1, 30_000)


@pytest.mark.parametrize("command", [b"RETR 2\r\n", retrievals(1, 2, 3)])
async def test_a_long_message_is_streamed(command: bytes) -> None:
    world = World(message(1), LargeMessage(LONG), message(3))
    client = await world.connect().sign_in()
    client.peer.must_drain = True
    client.peer.drains = 0
    said = answers(await client.say(command))
    assert LONG in [answer.body for answer in said]
    assert client.peer.drains >= 30
    assert client.session.read == ({2} if len(said) == 1 else {1, 2, 3})


async def test_top_of_a_long_message_reads_no_further_than_needed() -> None:
    content = LargeMessage(LONG)
    client = await World(content).connect().sign_in()
    said = answers(await client.say(b"TOP 1 3\r\n"))
    assert said[0].body == message(1)
    assert content.sent == 1


async def test_a_client_that_does_not_read_stops_the_stream() -> None:
    content = LargeMessage(LONG)
    client = await World(content).connect().sign_in()
    client.peer.must_drain = True
    client.peer.gate = asyncio.Event()
    client.session.receive(b"RETR 1\r\n")
    for _ in range(50):
        await asyncio.sleep(0)
    assert content.sent == 1
    client.peer.gate.set()
    await settled(client.session)
    assert answers(client.take())[0].body == LONG


async def test_a_slow_download_starts_the_time_out_anew() -> None:
    client = await World(LargeMessage(LONG)).connect().sign_in()
    assert client.peer.armed == 1
    client.peer.must_drain = True
    await client.say(b"RETR 1\r\n")
    assert client.peer.armed > 30
    assert client.peer.timeout_s == 600


async def test_a_read_that_fails_in_the_middle_never_looks_complete() -> None:
    world = World(LargeMessage(LONG, fail_after=5000))
    client = await world.connect().sign_in()
    answer = await client.say(b"RETR 1\r\nNOOP\r\n")
    assert answer.startswith(b"+OK")
    assert not answer.endswith(b"\r\n.\r\n")
    assert b"-ERR" not in answer
    assert client.peer.closed
    assert len(world.faults) == 1


@pytest.mark.parametrize(
    "content",
    [LargeMessage(LONG, fail_after=0), message(1)],
    ids=["before the first chunk", "the read itself"],
)
async def test_a_failed_read_is_temporary(content: Content) -> None:
    world = World(content, message(2))
    client = await world.connect().sign_in()
    if isinstance(content, bytes):
        world.store.failure = Unavailable()
    said = answers(await client.say(retrievals(1, 1, 1)))
    assert [answer.code for answer in said] == ["SYS/TEMP"] * 3
    assert answers(await client.say(retrievals(1)))[0].code == "SYS/TEMP"
    world.store.failure = None
    assert answers(await client.say(retrievals(2)))[0].body == message(2)
    assert world.faults == []


async def test_an_expunged_message_is_refused() -> None:
    world = World(message(1), message(2))
    client = await world.connect().sign_in()
    world.inbox.rows.clear()
    assert b"-ERR Message 1 was deleted by another program" in await client.say(b"RETR 1\r\n")


async def test_messages_without_a_last_line_end() -> None:
    client = await World(b"Subject: x\r\n\r\nno end", b"").connect().sign_in()
    assert await client.say(b"RETR 1\r\n") == b"+OK 20 octets\r\nSubject: x\r\n\r\nno end\r\n.\r\n"
    assert await client.say(b"RETR 2\r\n") == b"+OK 0 octets\r\n.\r\n"


EAI = "From: 张@例子.测试\r\nSubject: 你好\r\n\r\n正文\r\n".encode()


@pytest.mark.parametrize("content", [EAI, LargeMessage(EAI)])
async def test_internationalized_addresses_need_utf8_mode(content: Content) -> None:
    world = World(content)
    client = await world.connect().sign_in()
    for command in (b"RETR 1\r\n", b"TOP 1 0\r\n"):
        answer = await client.say(command)
        assert answer.startswith(b"-ERR [UTF8] This message has addresses that need UTF-8 mode")
    await client.say(b"QUIT\r\n")
    client = world.connect()
    assert await client.say(b"UTF8\r\n") == b"+OK UTF-8 mode is on\r\n"
    await client.sign_in()
    assert answers(await client.say(b"RETR 1\r\n"))[0].body == EAI


async def test_raw_octets_elsewhere_are_passed_as_they_are() -> None:
    raw = "From: zhang@qq.test\r\nSubject: 你好\r\n\r\n正文\r\n".encode()
    client = await World(raw, raw.decode().encode("gb18030")).connect().sign_in()
    assert [answer.body for answer in answers(await client.say(retrievals(1, 2)))] == [
        raw,
        raw.decode().encode("gb18030"),
    ]
