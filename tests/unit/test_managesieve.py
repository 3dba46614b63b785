"""ManageSieve: framing, the dialogue of RFC 5804's examples, refusals."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.core import errors
from posthouse.core.errors import MailError
from posthouse.core.scope import READ, Scope
from posthouse.services.accounts import Accounts
from posthouse.services.grant import Grant
from posthouse.services.scripts import SCRIPTS_MAX, Scripts
from posthouse.services.signin import SignIn
from posthouse.sessions.managesieve import ManageSieveSession, ManageSieveSettings
from posthouse.sessions.managesieve.commands import ANSWERS, answer_for
from posthouse.sieve.limits import SCRIPT_MAX_BYTES
from posthouse.wire.managesieve.command import BadCommand, Command, Problem
from posthouse.wire.managesieve.engine import LINE_MAX, NEED_DATA, Engine
from tests.unit.pop3_world import MemoryPeer
from tests.unit.service_world import CHEAP_HASH, World, open_world

PLAIN = base64.b64encode(b"\0li@post.test\0correct horse").decode()
SIGN_IN = f'AUTHENTICATE "PLAIN" "{PLAIN}"\r\n'


# --- framing ---


def _events(*chunks: bytes, literal_max: int = 1000) -> list[object]:
    engine = Engine(literal_max)
    found = []
    for chunk in chunks:
        engine.receive(chunk)
        while (event := engine.next_event()) is not NEED_DATA:
            found.append(event)
    return found


CASES = [
    (b"CAPABILITY\r\n", [Command("CAPABILITY", ())]),
    (b"capability \r\n", [Command("CAPABILITY", ())]),
    (b'HAVESPACE "a\\"b\\\\" 99\r\n', [Command("HAVESPACE", (b'a"b\\', 99))]),
    (b'PUTSCRIPT "a" {5+}\r\nk\r\n;}\r\nNOOP\r\n', [Command("PUTSCRIPT", (b"a", b"k\r\n;}")), Command("NOOP", ())]),
    (b'PUTSCRIPT {1+}\r\na {0+}\r\n\r\n', [Command("PUTSCRIPT", (b"a", b""))]),
    (b'PUTSCRIPT "a" {10+}\r\nLOGOUT\r\nxx\r\n', [Command("PUTSCRIPT", (b"a", b"LOGOUT\r\nxx"))]),
    (b'PUTSCRIPT "a" {2000+}\r\n' + b"x" * 2000 + b"\r\nNOOP\r\n",
     [BadCommand(Problem.TOO_LARGE), Command("NOOP", ())]),
    (b"NOOP\n", [BadCommand(Problem.BARE_LF)]),
    (b"FROB\r\n", [BadCommand(Problem.UNKNOWN)]),
    (b'SETACTIVE\r\n', [BadCommand(Problem.ARGUMENTS)]),
    (b'SETACTIVE "a" "b"\r\n', [BadCommand(Problem.ARGUMENTS)]),
    (b'SETACTIVE 5\r\n', [BadCommand(Problem.ARGUMENTS)]),
    (b'SETACTIVE a\r\n', [BadCommand(Problem.ARGUMENTS)]),
    (b'"SETACTIVE"\r\n', [BadCommand(Problem.SYNTAX)]),
    (b'SETACTIVE "a\r\n', [BadCommand(Problem.SYNTAX)]),
    (b"\r\n", [BadCommand(Problem.SYNTAX)]),
    (b"x" * (LINE_MAX + 10) + b"\r\nNOOP\r\n", [BadCommand(Problem.TOO_LONG), Command("NOOP", ())]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "wanted"), CASES)
def test_framing_whole_and_byte_by_byte(data: bytes, wanted: list[object]) -> None:
    assert _events(data) == wanted
    assert _events(*(data[at : at + 1] for at in range(len(data)))) == wanted


@given(st.binary(max_size=200))
def test_no_bytes_make_the_engine_raise(data: bytes) -> None:
    found = _events(data, b"\r\nNOOP\r\n")
    assert all(isinstance(event, Command | BadCommand) for event in found)


# --- the dialogue ---


class Client:
    def __init__(self, world: World, **info: bool) -> None:
        self.peer = MemoryPeer(**info)
        self.faults: list[BaseException] = []
        self.sign_in = SignIn(world.store, world.clock, CHEAP_HASH)
        self.session = ManageSieveSession(
            self.peer,
            self.faults.append,
            sign_in=self.sign_in,
            scripts=Scripts(world.store, world.clock),
            settings=ManageSieveSettings(),
        )
        self.session.greet()

    async def say(self, text: str) -> str:
        """What is answered."""
        before = len(self.peer.said)
        self.session.receive(text.encode())
        if self.session._task is not None:
            await asyncio.wait([self.session._task])
        assert self.faults == []
        return self.peer.said[before:].decode()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        await world.account("li", language="en")
        yield world


@pytest.fixture
async def client(world: World) -> AsyncIterator[Client]:
    client = Client(world, tls=True)
    yield client
    client.sign_in.close()


async def test_the_greeting_lists_what_there_is(client: Client) -> None:
    greeting = client.peer.said.decode()
    assert '"SASL" "SCRAM-SHA-512 ' in greeting or '"SASL" "PLAIN' in greeting or "PLAIN" in greeting
    assert '"SIEVE" "fileinto envelope ' in greeting
    assert '"VERSION" "1.0"\r\n' in greeting
    assert '"STARTTLS"' not in greeting
    assert greeting.endswith('OK "Posthouse is ready"\r\n')


async def test_scripts_from_the_first_to_the_last(client: Client) -> None:
    assert await client.say(SIGN_IN) == 'OK "You are signed in"\r\n'
    assert '"OWNER" "li@post.test"' in await client.say("CAPABILITY\r\n")
    assert await client.say('HAVESPACE "rules" 500\r\n') == 'OK "Done"\r\n'
    assert await client.say('PUTSCRIPT "rules" {5+}\r\nkeep;\r\n') == 'OK "Done"\r\n'
    assert await client.say('PUTSCRIPT "旧" "discard;"\r\n') == 'OK "Done"\r\n'
    assert await client.say('SETACTIVE "rules"\r\n') == 'OK "Done"\r\n'
    assert await client.say("LISTSCRIPTS\r\n") == '"rules" ACTIVE\r\n"旧"\r\nOK "Done"\r\n'
    assert await client.say('GETSCRIPT "rules"\r\n') == "{5}\r\nkeep;\r\nOK\r\n"
    assert (await client.say('DELETESCRIPT "rules"\r\n')).startswith("NO (ACTIVE) ")
    assert (await client.say('RENAMESCRIPT "rules" "旧"\r\n')).startswith("NO (ALREADYEXISTS) ")
    assert await client.say('RENAMESCRIPT "rules" "new"\r\n') == 'OK "Done"\r\n'
    assert await client.say('SETACTIVE ""\r\nDELETESCRIPT "new"\r\n') == 'OK "Done"\r\nOK "Done"\r\n'
    assert (await client.say('GETSCRIPT "new"\r\n')).startswith("NO (NONEXISTENT) ")
    assert await client.say('NOOP "x y"\r\n') == 'OK (TAG "x y") "Done"\r\n'
    assert (
        await client.say("UNAUTHENTICATE\r\nLISTSCRIPTS\r\n")
        == 'OK "Done"\r\nNO "Sign in first: AUTHENTICATE"\r\n'
    )
    assert await client.say("LOGOUT\r\nNOOP\r\n") == 'OK "Until next time"\r\n'
    assert client.session.closing


async def test_faults_of_scripts_are_explained(client: Client) -> None:
    await client.say(SIGN_IN)
    assert await client.say('CHECKSCRIPT "keep"\r\n') == 'NO "line 1: \\";\\" is missing"\r\n'
    assert (await client.say('PUTSCRIPT "a" {12+}\r\nif true {};x\r\n')).startswith('NO "line 1: ')
    assert await client.say("LISTSCRIPTS\r\n") == 'OK "Done"\r\n'


async def test_redirects_follow_the_policy_of_the_domain(client: Client, world: World) -> None:
    await Accounts(world.store, world.clock).update_domain("post.test", redirects="inside")
    await client.say(SIGN_IN)
    script = 'redirect "friend@far.test";'
    answer = await client.say(f'PUTSCRIPT "a" {{{len(script)}+}}\r\n{script}\r\n')
    assert answer.startswith('NO "line 1: post.test lets no mail be sent on to addresses outside')
    script = 'redirect "zhao@post.test";'
    assert await client.say(f'PUTSCRIPT "a" {{{len(script)}+}}\r\n{script}\r\n') == 'OK "Done"\r\n'


async def test_limits(client: Client) -> None:
    await client.say(SIGN_IN)
    assert (await client.say(f'HAVESPACE "a" {SCRIPT_MAX_BYTES + 1}\r\n')).startswith("NO (QUOTA/MAXSIZE) ")
    for number in range(SCRIPTS_MAX):
        assert (await client.say(f'PUTSCRIPT "s{number}" "keep;"\r\n')).startswith("OK")
    assert (await client.say('HAVESPACE "another" 10\r\n')).startswith("NO (QUOTA/MAXSCRIPTS) ")
    assert (await client.say('PUTSCRIPT "another" "keep;"\r\n')).startswith("NO (QUOTA/MAXSCRIPTS) ")
    assert (await client.say('PUTSCRIPT "s1" "stop;"\r\n')).startswith("OK")
    assert (await client.say('PUTSCRIPT "" "stop;"\r\n')).startswith("NO ")
    long = "x" * (3 * SCRIPT_MAX_BYTES)
    assert (await client.say(f'PUTSCRIPT "s1" {{{len(long)}+}}\r\n{long}\r\n')).startswith(
        "NO (QUOTA/MAXSIZE) "
    )
    assert (await client.say('PUTSCRIPT "\\\\" "stop;"\r\n')).startswith("NO (QUOTA/MAXSCRIPTS)")


async def test_signing_in(client: Client) -> None:
    wrong = base64.b64encode(b"\0li@post.test\0wrong").decode()
    assert (
        await client.say(f'AUTHENTICATE "PLAIN" "{wrong}"\r\n')
        == 'NO "The address or the password is wrong"\r\n'
    )
    assert await client.say('AUTHENTICATE "PLAIN"\r\n') == '""\r\n'
    assert (await client.say('"*"\r\n')).startswith('NO "Sign-in cancelled"')
    assert await client.say('AUTHENTICATE "PLAIN"\r\n') == '""\r\n'
    assert (await client.say(f'"{PLAIN}"\r\n')).startswith("OK")
    assert (await client.say(SIGN_IN)).startswith('NO "You are signed in already')
    assert (await client.say('AUTHENTICATE "FROB"\r\n')).startswith('NO "You are signed in already')


async def test_no_password_in_clear_text(world: World) -> None:
    client = Client(world, tls=False)
    assert '"SASL" ""' in client.peer.said.decode()
    assert (await client.say(SIGN_IN)).startswith("NO (ENCRYPT-NEEDED) ")
    client.sign_in.close()


async def test_guessing_ends_the_connection(client: Client) -> None:
    wrong = base64.b64encode(b"\0li@post.test\0wrong").decode()
    client.sign_in._sleep = lambda _seconds: asyncio.sleep(0)
    for _ in range(4):
        assert (await client.say(f'AUTHENTICATE "PLAIN" "{wrong}"\r\n')).startswith("NO")
    assert (await client.say(f'AUTHENTICATE "PLAIN" "{wrong}"\r\n')).startswith("BYE")
    assert client.session.closing


async def test_a_narrow_password_does_not_edit_rules(client: Client, world: World) -> None:
    account = await world.store.directory.account_by_address("li@post.test")
    assert account is not None

    async def narrow(*_: object) -> Grant:
        return Grant(account, "app", Scope(account.protocols, READ), "reader")

    client.sign_in.check_password = narrow  # type: ignore[method-assign]
    assert (await client.say(SIGN_IN)).startswith('NO "This password may not change rules')
    assert client.session.grant is None


async def test_gibberish_ends_the_connection(client: Client) -> None:
    answers = await client.say("FROB\r\n" * 25)
    assert answers.count("\r\n") == 20
    assert answers.endswith('BYE "Too many commands that could not be understood"\r\n')


def _classes(root: type[MailError]) -> list[type[MailError]]:
    return [root, *(cls for child in root.__subclasses__() for cls in _classes(child))]


@pytest.mark.parametrize("cls", [cls for cls in _classes(MailError) if cls.__module__ == errors.__name__])
def test_every_domain_error_has_an_answer(cls: type[MailError]) -> None:
    assert cls is MailError or any(base in ANSWERS for base in cls.__mro__)
    assert answer_for(cls())
