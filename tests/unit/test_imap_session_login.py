"""Before login and around it: what is offered, what is refused, how often one may try."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.sessions.imap import ImapLimits
from tests.unit.imap_world import MemoryPeer, World, imap_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with imap_world(tmp_path, ImapLimits(login_failures_max=2, bad_commands_max=3)) as world:
        yield world


async def test_capabilities_follow_tls_and_login(world: World) -> None:
    client = world.connect(MemoryPeer(tls=False, can_start_tls=True))
    (line, _) = await client.run("CAPABILITY")
    assert {"STARTTLS", "LOGINDISABLED", "IMAP4rev1", "IMAP4rev2"} <= set(line.split())
    assert "AUTH=PLAIN" not in line
    assert await client.run("STARTTLS") == ["t OK Begin TLS now"]
    (line, _) = await client.run("CAPABILITY")
    assert {"AUTH=PLAIN", "AUTH=LOGIN", "SASL-IR"} <= set(line.split())
    assert not {"STARTTLS", "LOGINDISABLED", "IDLE"} & set(line.split())
    (line,) = await client.run("LOGIN li@example.test secret")
    assert line.startswith("t OK [CAPABILITY IMAP4rev1 IMAP4rev2 ")
    assert "APPENDLIMIT=52428800" in line
    assert "AUTH=PLAIN" not in line
    assert await client.run("STARTTLS") == ["t BAD You are logged in already; LOGOUT to change the account"]


async def test_nothing_sent_before_tls_is_obeyed(world: World) -> None:
    # RFC 9051 §6.2.1: the command behind STARTTLS in the same packet is forgotten
    client = world.connect(MemoryPeer(tls=False, can_start_tls=True))
    assert await client.send(b"a STARTTLS\r\nb NOOP\r\n") == b"a OK Begin TLS now\r\n"


async def test_passwords_need_tls(world: World) -> None:
    client = world.connect(MemoryPeer(tls=False))
    for command in ("LOGIN li@example.test secret", "AUTHENTICATE PLAIN"):
        (line,) = await client.run(command)
        assert line.startswith("t NO [PRIVACYREQUIRED] ")
    assert (await client.run("STARTTLS"))[0].startswith("t NO [CANNOT] ")


async def test_authenticate_plain_with_and_without_initial_response(world: World) -> None:
    message = base64.b64encode(b"\0li@example.test\0secret").decode()
    client = world.connect()
    assert (await client.run(f"AUTHENTICATE PLAIN {message}"))[0].startswith("t OK [CAPABILITY ")
    client = world.connect()
    assert await client.send(b"a AUTHENTICATE PLAIN\r\n") == b"+ \r\n"
    assert (await client.send(message.encode() + b"\r\n")).startswith(b"a OK [CAPABILITY ")


async def test_authenticate_login_and_cancel(world: World) -> None:
    client = world.connect()
    assert (await client.send(b"a AUTHENTICATE LOGIN\r\n")).startswith(b"+ ")
    assert await client.send(b"*\r\n") == b"a BAD The exchange was cancelled\r\n"
    assert (await client.send(b"b AUTHENTICATE LOGIN\r\n")).startswith(b"+ ")
    assert (await client.send(base64.b64encode(b"li@example.test") + b"\r\n")).startswith(b"+ ")
    assert (await client.send(base64.b64encode(b"secret") + b"\r\n")).startswith(b"b OK ")


async def test_somebody_elses_identity_is_refused(world: World) -> None:
    message = base64.b64encode(b"zhao@example.test\0li@example.test\0secret").decode()
    (line,) = await world.connect().run(f"AUTHENTICATE PLAIN {message}")
    assert line.startswith("t NO [AUTHORIZATIONFAILED] ")


async def test_failures_look_alike_and_end_the_connection(world: World) -> None:
    client = world.connect()
    unknown = await client.run("LOGIN nobody@example.test secret")
    assert unknown[0].startswith("t NO [AUTHENTICATIONFAILED] ")
    wrong = await client.run("LOGIN li@example.test guess")
    assert wrong[0].startswith("* BYE Too many failed logins")
    assert wrong[1:] == unknown
    assert client.peer.closed


async def test_mechanisms_that_are_not_offered(world: World) -> None:
    (line,) = await world.connect().run("AUTHENTICATE CRAM-MD5")
    assert line.startswith("t NO [CANNOT] ")


@pytest.mark.parametrize(
    "command", ["SELECT INBOX", 'LIST "" *', "FETCH 1 FLAGS", "IDLE", "ENABLE CONDSTORE"]
)
async def test_commands_that_need_a_login(world: World, command: str) -> None:
    assert await world.connect().run(command) == ["t BAD Log in first: LOGIN or AUTHENTICATE"]


async def test_an_append_before_login_is_not_taken(world: World) -> None:
    client = world.connect()
    assert await client.append("INBOX", b"Subject: x\r\n\r\n") == [
        "t BAD Log in first: LOGIN or AUTHENTICATE"
    ]
    assert await client.run("NOOP") == ["t OK NOOP completed"]


async def test_nonsense_ends_the_connection(world: World) -> None:
    client = world.connect()
    said = await client.send(b"GET / HTTP/1.1\r\nHost: x\r\nAccept: *\r\n\r\n")
    assert said.count(b" BAD ") == 3
    assert b"* BYE Too many commands in a row" in said
    assert client.peer.closed


async def test_time_runs_out(world: World) -> None:
    client = world.connect()
    assert client.peer.timeout_s == 180
    await client.run("LOGIN li@example.test secret")
    assert client.peer.timeout_s == 1800
    client.session.timed_out()
    assert client.take() == b"* BYE Nothing heard for too long; connect again\r\n"
    assert client.peer.closed


async def test_shutdown_says_bye(world: World) -> None:
    client = await world.login("INBOX")
    client.session.shutdown()
    assert client.take() == b"* BYE The server ends this connection; connect again in a moment\r\n"
    assert client.peer.closed


async def test_shutdown_waits_for_the_running_command(world: World) -> None:
    client = await world.login("INBOX")
    client.session.receive(b"a NOOP\r\n")
    client.session.shutdown()
    said = await client.settle()
    assert said.startswith(b"a OK NOOP completed\r\n* BYE ")
    assert client.peer.closed


async def test_logout(world: World) -> None:
    client = world.connect()
    assert await client.run("LOGOUT") == ["* BYE Until next time", "t OK LOGOUT completed"]
    assert client.peer.closed


async def test_id_tells_who_we_are(world: World) -> None:
    lines = await world.connect().run('ID ("name" "test")')
    assert lines[0].startswith('* ID ("name" "Posthouse" "version" ')
