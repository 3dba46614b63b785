"""POP3 before the maildrop is open: USER, PASS, APOP, AUTH, STLS, CAPA, and what a failed sign-in says."""

from __future__ import annotations

import base64

import pytest

from posthouse.core.errors import Forbidden, Unavailable
from posthouse.sessions.pop3 import Pop3Settings
from tests.unit.pop3_world import PASSWORD, MemoryPeer, World, message

PLAIN = base64.b64encode(f"\0zhang@qq.test\0{PASSWORD}".encode())


async def test_user_and_pass() -> None:
    client = World(message(1), message(2)).connect()
    assert await client.say(b"USER zhang@qq.test\r\n") == b"+OK Now send PASS with the password\r\n"
    answer = await client.say(b"PASS posthouse-demo\r\n")
    assert answer == b"+OK 2 message(s), %d octets\r\n" % (2 * len(message(1)))


async def test_a_password_may_hold_spaces() -> None:
    world = World()
    await world.connect().say(b"USER zhang@qq.test\r\nPASS  two words \r\n")
    assert world.accounts.asked == [("zhang@qq.test", " two words ")]


@pytest.mark.parametrize(
    ("lines", "answers"),
    [
        ([b"AUTH PLAIN " + PLAIN], [b"+OK"]),
        ([b"AUTH PLAIN", PLAIN], [b"+ \r\n", b"+OK"]),
        ([b"auth plain", b"*"], [b"+ \r\n", b"-ERR Sign-in cancelled"]),
        ([b"AUTH PLAIN =", b"NOOP"], [b"-ERR The answer", b"-ERR Sign in first"]),
        ([b"AUTH PLAIN", b"not base64!"], [b"+ \r\n", b"-ERR The answer"]),
        (
            [b"AUTH LOGIN", base64.b64encode(b"zhang@qq.test"), base64.b64encode(PASSWORD.encode())],
            [b"+ VXNlcm5hbWU6", b"+ UGFzc3dvcmQ6", b"+OK"],
        ),
        ([b"AUTH PLAIN " + base64.b64encode(b"root\0zhang@qq.test\0x")], [b"-ERR [AUTH] One may only"]),
        ([b"AUTH DIGEST-MD5"], [b"-ERR This mechanism"]),
        (
            [b"AUTH"],
            [
                b"+OK Mechanism list follows\r\nSCRAM-SHA-512\r\nSCRAM-SHA-256\r\nSCRAM-SHA-1\r\n"
                b"PLAIN\r\nLOGIN\r\n.\r\n"
            ],
        ),
    ],
)
async def test_auth(lines: list[bytes], answers: list[bytes]) -> None:
    client = World().connect()
    for line, answer in zip(lines, answers, strict=True):
        assert (await client.say(line + b"\r\n")).startswith(answer)


async def test_auth_may_be_pipelined() -> None:
    client = World(message(1)).connect()
    answer = await client.say(b"AUTH PLAIN\r\n" + PLAIN + b"\r\nSTAT\r\n")
    assert answer.endswith(b"+OK 1 %d\r\n" % len(message(1)))


async def test_apop_is_off_and_says_why() -> None:
    client = World().connect()
    answer = await client.say(b"APOP zhang@qq.test c4c9334bac560ecc979e58001b3e22fb\r\n")
    assert answer.startswith(b"-ERR APOP is not offered")
    assert b"TLS" in answer


async def test_the_greeting_has_no_apop_timestamp() -> None:
    world, peer = World(), MemoryPeer()
    world.connect(peer).session.greet()
    assert bytes(peer.said) == b"+OK mx.qq.test POP3 server ready\r\n"
    assert peer.timeout_s == 600


@pytest.mark.parametrize(
    "line", [b"USER zhang@qq.test", b"PASS posthouse-demo", b"AUTH", b"AUTH PLAIN " + PLAIN, b"AUTH LOGIN"]
)
async def test_no_credentials_in_clear_text(line: bytes) -> None:
    world = World()
    client = world.connect(MemoryPeer(tls=False))
    assert (await client.say(line + b"\r\n")).startswith(b"-ERR A password is taken only over TLS")
    assert world.accounts.asked == []


async def test_a_test_listener_may_take_them() -> None:
    world = World()
    await world.connect(MemoryPeer(tls=False, clear_text_auth=True)).sign_in()
    assert world.accounts.asked == [("zhang@qq.test", PASSWORD)]


async def test_stls_forgets_what_came_before() -> None:
    world = World()
    client = world.connect(MemoryPeer(tls=False))
    answer = await client.say(b"STLS\r\nUSER injected@qq.test\r\nPASS x\r\n")
    assert answer == b"+OK Begin TLS negotiation\r\n"
    assert await client.say(b"STLS\r\n") == b"-ERR TLS is active already; go on with USER or AUTH\r\n"
    assert (await client.say(b"PASS x\r\n")).startswith(b"-ERR Send USER")
    await client.sign_in()
    assert world.accounts.asked == [("zhang@qq.test", PASSWORD)]


async def test_stls_without_certificate_or_after_utf8() -> None:
    peer = MemoryPeer(tls=False)
    client = World().connect(peer)
    peer.can_start_tls = False
    assert (await client.say(b"STLS\r\n")).startswith(b"-ERR This server has no certificate")
    peer.can_start_tls = True
    assert (await client.say(b"UTF8\r\nSTLS\r\n")).endswith(
        b"-ERR STLS has to come before UTF8; connect again\r\n"
    )


async def capabilities(peer: MemoryPeer, before: bytes = b"") -> list[bytes]:
    client = World(settings=Pop3Settings(login_delay_s=30)).connect(peer)
    await client.say(before)
    lines = (await client.say(b"CAPA\r\n")).split(b"\r\n")
    assert lines[0] == b"+OK Capability list follows"
    assert lines[-2:] == [b".", b""]
    return lines[1:-2]


ALWAYS = [b"TOP", b"UIDL", b"RESP-CODES", b"AUTH-RESP-CODE", b"PIPELINING"]
LAST = [b"EXPIRE NEVER", b"LOGIN-DELAY 30", b"UTF8 USER", b"LANG", b"IMPLEMENTATION Posthouse"]


async def test_capabilities() -> None:
    sign_in = [b"USER", b"SASL SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN"]
    assert await capabilities(MemoryPeer()) == ALWAYS + sign_in + LAST
    assert await capabilities(MemoryPeer(tls=False)) == [*ALWAYS, b"STLS", *LAST]
    assert await capabilities(MemoryPeer(tls=False), b"UTF8\r\n") == ALWAYS + LAST
    clear = MemoryPeer(tls=False, clear_text_auth=True)
    assert await capabilities(clear) == [*ALWAYS, *sign_in, b"STLS", *LAST]
    signed_in = b"USER zhang@qq.test\r\nPASS posthouse-demo\r\n"
    assert await capabilities(MemoryPeer(), signed_in) == ALWAYS + sign_in + LAST


async def test_wrong_passwords_end_the_connection() -> None:
    client = World().connect()
    for _ in range(4):
        answer = await client.say(b"USER zhang@qq.test\r\nPASS wrong\r\n")
        assert answer.endswith(
            b"-ERR [AUTH] Wrong address or password; use the full address and check the password\r\n"
        )
        assert not client.peer.closed
    answer = await client.say(b"USER zhang@qq.test\r\nPASS wrong\r\n")
    assert b"-ERR [AUTH] Too many failed sign-ins" in answer
    assert client.peer.closed


@pytest.mark.parametrize(
    ("failure", "answer"),
    [
        (Forbidden("pop3 off"), b"-ERR [SYS/PERM] POP3 is switched off for this account"),
        (Unavailable("hashes"), b"-ERR [SYS/TEMP] The server cannot do this just now"),
    ],
)
async def test_other_refusals(failure: Exception, answer: bytes) -> None:
    world = World()
    client = world.connect()
    world.accounts.failure = failure
    assert answer in await client.say(b"USER zhang@qq.test\r\nPASS posthouse-demo\r\n")
    assert not client.peer.closed
    world.accounts.failure = None
    await client.sign_in()


async def test_a_store_that_is_away_leaves_no_lock() -> None:
    world = World()
    client = world.connect()
    world.store.failure = Unavailable()
    assert b"-ERR [SYS/TEMP]" in await client.say(b"USER zhang@qq.test\r\nPASS posthouse-demo\r\n")
    world.store.failure = None
    await client.sign_in()
    assert world.store.locked == {"pop3:1"}


async def test_names_and_passwords_have_to_be_utf8() -> None:
    world = World()
    client = world.connect()
    assert (await client.say(b"USER \xff\r\n")).startswith(b"-ERR The name or password is not valid UTF-8")
    answer = await client.say(b"USER zhang@qq.test\r\nPASS \xff\r\n")
    assert b"-ERR The name or password is not valid UTF-8" in answer
    await client.say("USER 张@例子.测试\r\nPASS 密码\r\n".encode())
    assert world.accounts.asked == [("张@例子.测试", "密码")]


async def test_login_delay() -> None:
    world = World(settings=Pop3Settings(login_delay_s=60))
    first = await world.connect().sign_in()
    await first.say(b"QUIT\r\n")
    world.clock.time += 20
    second = world.connect()
    answer = await second.say(b"USER zhang@qq.test\r\nPASS posthouse-demo\r\n")
    assert b"-ERR [LOGIN-DELAY] Signed in too recently; wait 41 second(s)" in answer
    world.clock.time += 41
    await second.sign_in()


async def test_too_many_errors_end_the_connection() -> None:
    client = World().connect()
    answer = await client.say(b"GET / HTTP/1.1\r\n" * 40)
    assert answer.count(b"-ERR") == 30
    assert answer.endswith(b"-ERR Too many errors; closing the connection\r\n")
    assert client.peer.closed
