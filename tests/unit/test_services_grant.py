"""What a credential opens: protocols, actions, mailboxes; and that sessions keep to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from msgspec.structs import replace

from posthouse.core import scope
from posthouse.core.errors import Forbidden, ScopeExceeded, SignInFailed, Unavailable
from posthouse.core.ids import AccountId
from posthouse.core.scope import READ, SEND, WRITE, Scope
from posthouse.services.grant import Grant, Origin, of_credential, of_password, permitted
from posthouse.services.signin import SignIn
from posthouse.storage.rows import Account, Credential
from tests.unit import pop3_world, smtp_world
from tests.unit.service_world import CHEAP_HASH, World, open_world

LI = Account(AccountId(1), "li@post.test")
EVERY = ("imap", "pop3", "submission")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        await world.account("li")
        yield world


def granted(**fields: Any) -> Grant:
    return of_credential(LI, Credential(LI.id, "app", "phone", "00", **{"protocols": EVERY, **fields}))


@pytest.mark.parametrize(
    ("folders", "name", "covered"),
    [
        ((), "Anything", True),
        (("INBOX",), "INBOX", True),
        (("INBOX",), "INBOX/Bills", True),
        (("INBOX",), "INBOX2", False),
        (("Work",), "Work/2026/May", True),
        (("Work",), "work", False),
        (("Work/2026",), "Work", False),
        (("Work", "Archive"), "Archive", True),
    ],
)
def test_folders_cover_what_is_below_them(folders: tuple[str, ...], name: str, covered: bool) -> None:
    assert Scope(EVERY, folders=folders).covers(name) is covered


def test_actions() -> None:
    assert Scope(EVERY).whole
    assert not Scope(EVERY, READ).whole
    assert not Scope(EVERY, folders=("INBOX",)).whole
    assert Scope(EVERY, READ | SEND).allows(SEND)
    assert not Scope(EVERY, READ | SEND).allows(READ | WRITE)
    assert scope.action_names(READ | SEND) == ("read", "send")
    with pytest.raises(ScopeExceeded):
        granted(actions=READ).require(WRITE)


@pytest.mark.parametrize(
    ("protocol", "fields", "error"),
    [
        ("imap", {}, None),
        ("imap", {"actions": WRITE}, None),  # IMAP asks at each command
        ("imap", {"protocols": ("pop3",)}, ScopeExceeded),
        ("pop3", {"actions": READ}, None),
        ("pop3", {"actions": WRITE | SEND}, ScopeExceeded),
        ("pop3", {"folders": ("INBOX",)}, None),
        ("pop3", {"folders": ("Work",)}, ScopeExceeded),
        ("submission", {"actions": SEND}, None),
        ("submission", {"actions": READ | WRITE}, ScopeExceeded),
        ("submission", {"folders": ("Work",)}, None),
    ],
)
def test_what_opens_a_protocol(protocol: str, fields: dict[str, Any], error: type[Exception] | None) -> None:
    grant = granted(**fields)
    if error is None:
        assert permitted(grant, protocol) is grant
        return
    with pytest.raises(error):
        permitted(grant, protocol)


def test_a_protocol_that_is_switched_off_is_off_for_all() -> None:
    off = replace(LI, protocols=("imap",))
    for grant in (of_password(off), Grant(off, "token", Scope(EVERY))):
        with pytest.raises(Forbidden) as raised:
            permitted(grant, "pop3")
        assert not isinstance(raised.value, ScopeExceeded)


async def test_an_app_password_keeps_its_scope(world: World) -> None:
    service = SignIn(world.store, world.clock, CHEAP_HASH)
    _, text = await service.credentials.add(
        "li@post.test", "reader", protocols=("imap", "pop3"), actions=("read",), folders=("inbox", "工作")
    )
    grant = await service.check_password("li@post.test", text, Origin("imap", "c1", "192.0.2.1"))
    assert (grant.kind, grant.name) == ("app", "reader")
    assert grant.scope == Scope(("imap", "pop3"), READ, ("INBOX", "工作"))
    grant = await service.check_password("li@post.test", "correct horse", Origin("imap", "c1", ""))
    assert (grant.kind, grant.name, grant.scope.whole) == ("password", "", True)
    await service.credentials.settled()
    service.close()


class Tokens:
    """Knows one token."""

    discovery = ""

    def __init__(self, account: Account) -> None:
        self.account = account

    async def verify(self, username: str, token: str, origin: Origin) -> Grant:
        if token == "down":
            raise Unavailable("the issuer does not answer")
        if (username, token) != (self.account.address, "good"):
            raise SignInFailed(origin.connection)
        return Grant(self.account, "token", Scope(("imap",), READ), "thunderbird", "t1")


async def test_tokens_are_judged_by_the_verifier(world: World) -> None:
    async def sleep(_seconds: float) -> NoReturn:
        raise AssertionError

    li = await world.accounts.account("li@post.test")
    origin = Origin("imap", "c1", "192.0.2.1")
    service = SignIn(world.store, world.clock, CHEAP_HASH, tokens=Tokens(li), sleep=sleep)
    assert (await service.check_token("li@post.test", "good", origin)).name == "thunderbird"
    for token, error in (("bad", SignInFailed), ("down", Unavailable)):
        with pytest.raises(error):
            await service.check_token("li@post.test", token, origin)
    with pytest.raises(ScopeExceeded):
        await service.check_token("li@post.test", "good", replace(origin, protocol="pop3"))
    service.tokens = None
    with pytest.raises(SignInFailed):
        await service.check_token("li@post.test", "good", origin)
    service.close()


async def test_pop3_for_reading_deletes_nothing() -> None:
    world = pop3_world.World(pop3_world.message(1), settings=None)
    world.accounts.scope = Scope(("pop3",), READ)
    client = await world.connect().sign_in()
    assert (await client.say(b"RETR 1\r\n")).startswith(b"+OK")
    assert (await client.say(b"DELE 1\r\n")).startswith(
        b"-ERR [SYS/PERM] What you signed in with is for reading"
    )
    assert (await client.say(b"QUIT\r\n")).startswith(b"+OK")
    assert [row.flags for row in world.inbox.rows.values()] == [0]  # nor is it marked as read
    assert not world.faults


@pytest.mark.parametrize("error", [ScopeExceeded, Forbidden])
async def test_submission_says_why_it_is_refused(error: type[Forbidden]) -> None:
    world = smtp_world.World()
    world.accounts.failure = error()
    client = world.connect("submission", tls=True)
    said = await client.say(smtp_world.HELLO + b"AUTH PLAIN AGxpQDE2My50ZXN0AHg=\r\n")
    assert ("535 5.7.1 What you signed in with is not for sending" in said) is (error is ScopeExceeded)
