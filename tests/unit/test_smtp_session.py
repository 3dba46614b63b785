"""SMTP sessions of servers (mx): order of commands, acceptance, refusals, limits, time-outs, shutdown."""

from __future__ import annotations

import asyncio

import pytest

from posthouse.core import errors
from posthouse.core.errors import MailError
from posthouse.sessions.smtp import SmtpSettings
from posthouse.sessions.smtp.errors import (
    AUTH_REPLIES,
    MESSAGE_REPLIES,
    RECIPIENT_REPLIES,
    SUBMISSION_REPLIES,
    reply_for,
)
from posthouse.sessions.smtp.table import COMMANDS
from posthouse.wire.smtp.command import VERBS
from tests.unit.smtp_world import ENVELOPE, HELLO, World, settled

LETTER = b"From: zhang@qq.test\r\nSubject: x\r\n\r\nbody\r\n"


async def test_a_letter_is_stored_with_its_trace_fields() -> None:
    world = World()
    client = world.connect()
    assert (await client.say(HELLO)).startswith("250-mx.163.test\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n")
    assert await client.codes(ENVELOPE + b"DATA\r\n") == ["250 2.1.0", "250 2.1.5", "354 Send"]
    assert client.peer.timeout_s == 180
    assert await client.say(LETTER + b"..dot\r\n.\r\n") == "250 2.0.0 Message accepted as trace0001\r\n"
    assert client.peer.timeout_s == 300
    assert world.letter.startswith(
        b"Return-Path: <zhang@qq.test>\r\nReceived: from qq.test ([192.0.2.1])\r\n\tby mx.163.test"
    )
    assert b"with ESMTP id trace0001" in world.letter.replace(b"\r\n\t", b" ")
    assert world.letter.endswith(LETTER + b".dot\r\n")
    assert await client.say(b"QUIT\r\n") == "221 2.0.0 mx.163.test closing, goodbye\r\n"
    assert client.peer.closed
    assert world.faults == []


async def test_everything_at_once_and_several_messages() -> None:
    world = World()
    client = world.connect()
    stream = HELLO + (ENVELOPE + b"DATA\r\n" + LETTER + b".\r\n") * 3 + b"QUIT\r\n"
    codes = await client.codes(stream)
    assert codes[1:] == ["250 2.1.0", "250 2.1.5", "354 Send", "250 2.0.0"] * 3 + ["221 2.0.0"]
    assert len(world.store.delivered) == 3


@pytest.mark.parametrize(
    ("stream", "codes"),
    [
        (b"MAIL FROM:<>\r\n", ["503 5.5.1"]),
        (b"RCPT TO:<li@163.test>\r\n", ["503 5.5.1"]),
        (b"DATA\r\n", ["503 5.5.1"]),
        (b"AUTH PLAIN\r\n", ["503 5.5.1"]),
        (b"NOOP\r\nRSET\r\nHELP\r\nHELP data\r\n", ["250 2.0.0", "250 2.0.0", "214 2.0.0", "214 2.0.0"]),
        (b"VRFY li\r\nEXPN all\r\n", ["252 2.1.5", "502 5.5.1"]),
        (b"LHLO x.test\r\n", ["500 5.5.1"]),
        (b"XYZZY\r\n", ["500 5.5.2"]),
        (b"NOOP\nNOOP\r\nNOOP\r\n", ["500 5.5.2", "250 2.0.0"]),
        (b"NOOP " + b"x" * 4000 + b"\r\nNOOP\r\n", ["500 5.5.6", "250 2.0.0"]),
        (HELLO + b"RCPT TO:<li@163.test>\r\n", ["250 REQUIRETLS", "503 5.5.1"]),
        (HELLO + b"DATA\r\n", ["250 REQUIRETLS", "503 5.5.1"]),
        (HELLO + b"AUTH PLAIN\r\n", ["250 REQUIRETLS", "502 5.5.1"]),
        (HELLO + ENVELOPE + b"MAIL FROM:<>\r\n", ["250 REQUIRETLS", "250 2.1.0", "250 2.1.5", "503 5.5.1"]),
        (HELLO + b"MAIL FROM:<>\r\nDATA\r\n", ["250 REQUIRETLS", "250 2.1.0", "503 5.5.1"]),
        (HELLO + b"MAIL FROM:<> SIZE=60000000\r\n", ["250 REQUIRETLS", "552 5.3.4"]),
        (HELLO + b"MAIL FROM:<> HOLDFOR=5\r\n", ["250 REQUIRETLS", "555 5.5.4"]),
        (HELLO + b"STARTTLS\r\n", ["250 REQUIRETLS", "503 5.5.1"]),
    ],
)
async def test_order_of_commands(stream: bytes, codes: list[str]) -> None:
    world = World()
    client = world.connect(tls=True)
    assert await client.codes(stream) == codes
    assert world.faults == []


@pytest.mark.parametrize(
    ("recipient", "code"),
    [
        ("li@163.test", "250 2.1.5"),
        ("LI+shop@163.TEST", "250 2.1.5"),
        ("postmaster", "250 2.1.5"),
        ("all@163.test", "250 2.1.5"),
        ("away@163.test", "250 2.1.5"),
        ("nobody@163.test", "550 5.1.1"),
        ("someone@example.org", "550 5.7.1"),
        ("full@163.test", "452 4.2.2"),
        ("x@y.invalid", "556 5.1.10"),
        ("李@163.test", "553 5.6.7"),
        ("@relay.test:someone@example.org", "550 5.7.1"),
        ('"someone@example.org"@163.test', "550 5.1.1"),
        ("someone%example.org@163.test", "550 5.1.1"),
    ],
)
async def test_recipients_and_no_open_relay(recipient: str, code: str) -> None:
    client = World().connect()
    codes = await client.codes(HELLO + b"MAIL FROM:<>\r\nRCPT TO:<" + recipient.encode() + b">\r\n")
    assert codes[-1] == code


async def test_data_after_only_refused_recipients() -> None:
    client = World().connect()
    codes = await client.codes(HELLO + b"MAIL FROM:<>\r\nRCPT TO:<nobody@163.test>\r\nDATA\r\n")
    assert codes[-2:] == ["550 5.1.1", "554 5.5.1"]


async def test_helo_says_smtp_and_gets_no_extensions() -> None:
    world = World()
    client = world.connect()
    assert await client.say(b"HELO qq.test\r\n") == "250 mx.163.test\r\n"
    await client.say(ENVELOPE + b"DATA\r\n" + LETTER + b".\r\n")
    assert b"with SMTP id" in world.letter.replace(b"\r\n\t", b" ")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.StorageFull(), "452 4.3.1"),
        (errors.Unavailable(), "451 4.3.0"),
        (errors.InUse(), "450 4.2.0"),
        (errors.OverQuota(), "452 4.2.2"),
        (errors.Forbidden(), "550 5.7.1"),
    ],
)
async def test_a_failing_store_is_told_and_the_session_goes_on(error: MailError, code: str) -> None:
    world = World()
    world.store.failure = error
    client = world.connect()
    codes = await client.codes(HELLO + ENVELOPE + b"DATA\r\n" + LETTER + b".\r\n")
    assert codes[-1] == code
    world.store.failure = None
    assert (await client.codes(ENVELOPE + b"DATA\r\n" + LETTER + b".\r\n"))[-1] == "250 2.0.0"
    assert world.faults == []


async def test_an_unexpected_exception_is_logged_and_answered() -> None:
    world = World()
    world.store.failure = RuntimeError("boom")  # type: ignore[assignment]
    client = world.connect()
    said = await client.say(HELLO + ENVELOPE + b"DATA\r\n" + LETTER + b".\r\n")
    assert said.splitlines()[-1].startswith("421 4.3.0")
    assert "boom" not in said
    assert client.peer.closed
    assert len(world.faults) == 1


async def test_bare_newlines_refuse_the_message_and_nothing_else() -> None:
    for end in (b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r"):
        world = World()
        client = world.connect()
        smuggled = b"MAIL FROM:<evil@x.test>\r\nRCPT TO:<li@163.test>\r\nDATA\r\nevil\r\n.\r\n"
        codes = await client.codes(HELLO + ENVELOPE + b"DATA\r\n" + LETTER + end + smuggled + b"NOOP\r\n")
        assert codes[-3:] == ["354 Send", "550 5.6.11", "250 2.0.0"]
        assert world.store.delivered == []


async def test_bdat_bare_newlines_are_seen_across_chunks_and_refused_greetings() -> None:
    world = World()
    client = world.connect()
    codes = await client.codes(HELLO + ENVELOPE + b"BDAT 4\r\na:\nbLHLO x.test\r\nBDAT 4 LAST\r\n\r\n\r\n")
    assert codes[-3:] == ["250 2.0.0", "500 5.5.1", "550 5.6.11"]
    codes = await client.codes(
        b"MAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<li@163.test>\r\nDATA\r\nBDAT 7 LAST\r\n\r\n\x01\n\r.x"
    )
    assert codes == ["250 2.1.0", "250 2.1.5", "503 5.5.1", "250 2.0.0"]
    assert world.letter.endswith(b"\r\n\x01\n\r.x")


async def test_bdat() -> None:
    world = World()
    client = world.connect()
    half = len(LETTER) // 2
    stream = b"BDAT %d\r\n%bBDAT %d LAST\r\n%b" % (half, LETTER[:half], len(LETTER) - half, LETTER[half:])
    assert (await client.codes(HELLO + ENVELOPE + stream))[-2:] == ["250 2.0.0"] * 2
    assert world.letter.endswith(LETTER)
    codes = await client.codes(
        b"BDAT 4\r\nNOOPRSET\r\n" + ENVELOPE + b"BDAT 2\r\nabDATA\r\nRCPT TO:<li@163.test>\r\nRSET\r\n"
    )
    assert codes == [
        "503 5.5.1",
        "250 2.0.0",
        "250 2.1.0",
        "250 2.1.5",
        "250 2.0.0",
        "503 5.5.1",
        "503 5.5.1",
        "250 2.0.0",
    ]


async def test_bdat_limits() -> None:
    world = World(SmtpSettings(overrun_bytes=100), max_message_bytes=50)
    client = world.connect()
    codes = await client.codes(HELLO + ENVELOPE + b"BDAT 60\r\n" + b"x" * 60 + b"BDAT 1 LAST\r\nxRSET\r\n")
    assert codes[-3:] == ["552 5.3.4", "503 5.5.1", "250 2.0.0"]
    codes = await client.codes(ENVELOPE + b"BDAT 1000\r\nx")
    assert codes[-1] == "552 5.3.4"
    assert client.peer.closed
    client = world.connect()
    assert (await client.codes(b"BDAT what\r\nMAIL FROM:<>\r\n")) == ["501 5.5.4"]
    assert client.peer.closed


async def test_too_large_a_message_is_read_to_its_end_and_refused() -> None:
    world = World(SmtpSettings(overrun_bytes=10_000), max_message_bytes=1000)
    client = world.connect()
    big = LETTER + b"0123456789\r\n" * 200
    codes = await client.codes(HELLO + ENVELOPE + b"DATA\r\n" + big + b".\r\nNOOP\r\n")
    assert codes[-2:] == ["552 5.3.4", "250 2.0.0"]
    await client.say(ENVELOPE + b"DATA\r\n")
    for _ in range(10):
        said = await client.say(big)
        if said:
            break
    assert said.startswith("552 5.3.4")
    assert client.peer.closed


async def test_a_large_message_goes_to_the_store_as_it_arrives() -> None:
    world = World()
    client = world.connect()
    await client.say(HELLO + ENVELOPE + b"DATA\r\n" + LETTER)
    for _ in range(40):
        assert await client.say(b"0123456789abcdef" * 1024 + b"\r\n") == ""
    assert world.store.open == 1
    assert client.session.engine.buffered <= 4
    assert (await client.say(b".\r\n")).startswith("250 2.0.0")
    assert world.store.open == 0
    assert len(world.letter) > 40 * 16384


async def test_limits_per_connection() -> None:
    client = World(SmtpSettings(recipients_max=2)).connect()
    codes = await client.codes(HELLO + b"MAIL FROM:<>\r\n" + b"RCPT TO:<li@163.test>\r\n" * 3)
    assert codes[-3:] == ["250 2.1.5", "250 2.1.5", "452 4.5.3"]
    client = World(SmtpSettings(messages_max=1)).connect()
    codes = await client.codes(HELLO + (ENVELOPE + b"DATA\r\n" + LETTER + b".\r\n") * 2)
    assert codes[-2:] == ["250 2.0.0", "421 4.7.0"]
    client = World(SmtpSettings(errors_max=3)).connect()
    assert await client.codes(b"X\r\n" * 9) == ["500 5.5.2"] * 3 + ["421 4.7.0"]
    assert client.peer.closed


async def test_a_message_in_circles() -> None:
    client = World(max_received=5).connect()
    hops = b"Received: from a by b\r\n" * 6
    codes = await client.codes(HELLO + ENVELOPE + b"DATA\r\n" + hops + LETTER + b".\r\n")
    assert codes[-1] == "554 5.4.6"


async def test_time_outs() -> None:
    client = World().connect()
    assert client.peer.timeout_s == 300
    client.session.timed_out()
    assert client.take().startswith("421 4.4.2 mx.163.test heard nothing for 300 seconds")
    assert client.peer.closed
    client = World().connect()
    await client.say(HELLO + ENVELOPE + b"DATA\r\nhalf")
    client.session.timed_out()
    assert "180 seconds" in client.take()


async def test_time_out_while_we_work_is_ours() -> None:
    client = World().connect()
    client.session.receive(HELLO + ENVELOPE + b"DATA\r\n" + LETTER + b".\r\n")
    assert client.session.busy
    client.session.timed_out()
    await settled(client.session)
    assert "421" not in client.take()
    assert not client.peer.closed


async def test_shutdown_waits_for_the_running_command_only() -> None:
    world = World()
    client = world.connect()
    client.session.receive(HELLO + ENVELOPE + b"DATA\r\n" + LETTER + b".\r\nNOOP\r\n")
    await asyncio.sleep(0)
    client.session.shutdown()
    await settled(client.session)
    assert client.take().splitlines()[-1].startswith("421 4.3.2")
    assert client.peer.closed
    idle = world.connect()
    idle.session.shutdown()
    assert idle.take().startswith("421 4.3.2")
    assert idle.peer.closed


async def test_a_lost_connection_leaves_nothing_open() -> None:
    world = World()
    client = world.connect()
    await client.say(HELLO + ENVELOPE + b"DATA\r\n" + LETTER + b"x" * 300_000)
    assert world.store.open == 1
    await client.drop()
    assert world.store.open == 0
    assert world.store.delivered == []


async def test_starttls_forgets_everything_before_it() -> None:
    world = World()
    client = world.connect()
    assert "250 STARTTLS\r\n" in await client.say(HELLO)
    assert await client.codes(b"MAIL FROM:<>\r\nSTARTTLS\r\n") == ["250 2.1.0", "503 5.5.1"]
    assert await client.codes(b"RSET\r\nSTARTTLS\r\nMAIL FROM:<evil@x.test>\r\n") == [
        "250 2.0.0",
        "220 2.0.0",
    ]
    assert await client.codes(b"MAIL FROM:<>\r\n") == ["503 5.5.1"]
    assert "STARTTLS" not in await client.say(HELLO)
    await client.say(ENVELOPE + b"DATA\r\n" + LETTER + b".\r\n")
    assert b"with ESMTPS id" in world.letter.replace(b"\r\n\t", b" ")
    clear = world.connect()
    clear.peer.can_start_tls = False
    assert await clear.codes(b"STARTTLS\r\n") == ["502 5.5.1"]


async def test_requiretls_needs_tls() -> None:
    client = World().connect()
    assert (await client.codes(HELLO + b"MAIL FROM:<> REQUIRETLS\r\n"))[-1] == "530 5.7.10"


async def test_internationalised_mail() -> None:
    world = World()
    client = world.connect()
    codes = await client.codes(
        HELLO
        + "MAIL FROM:<张@例子.test> SMTPUTF8\r\nRCPT TO:<li@163.test>\r\nDATA\r\n".encode()
        + LETTER
        + b".\r\n"
    )
    assert codes[-1] == "250 2.0.0"
    assert b"with UTF8SMTP id" in world.letter.replace(b"\r\n\t", b" ")


def classes(root: type[MailError]) -> list[type[MailError]]:
    return [root, *(cls for child in root.__subclasses__() for cls in classes(child))]


@pytest.mark.parametrize(
    "cls", [cls for cls in classes(MailError)[1:] if cls.__module__ == "posthouse.core.errors"]
)
def test_every_domain_error_has_replies(cls: type[MailError]) -> None:
    assert cls in MESSAGE_REPLIES or any(base in MESSAGE_REPLIES for base in cls.__mro__[1:-2])
    for tables in ((), (RECIPIENT_REPLIES, SUBMISSION_REPLIES), (AUTH_REPLIES,)):
        row = reply_for(cls(), *tables, address="li@163.test")
        temporary = issubclass(cls, (errors.Unavailable, errors.Conflict, errors.InUse))
        assert not temporary or row.code < 500
        assert "{" not in row.text


def test_every_command_is_in_the_table() -> None:
    assert sorted(row.verb for row in COMMANDS.values()) == sorted(set(VERBS) - {"HELO", "LHLO"})
