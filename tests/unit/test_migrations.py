"""Migrations in the server: asked for by the API, run by themselves, from a server that may be anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from posthouse.client import imap_source
from posthouse.client.imap_source import Way
from posthouse.client.post import is_public
from posthouse.http.api.own import migration as api
from posthouse.services import migration_runner
from posthouse.services.mailboxes import MailboxSettings, check_new_name
from posthouse.services.migration import fitting_name
from posthouse.services.migration_runner import MigrationRunner
from posthouse.services.migrations import WANTED, Migrations, MigrationSettings
from tests.unit.api_world import ApiWorld, Program, open_api
from tests.unit.imap_elsewhere import SECRET, Elsewhere, elsewhere
from tests.unit.oauth_world import LI


def letter(name: str) -> bytes:
    return f"From: a@x.test\r\nSubject: {name}\r\nMessage-ID: <{name}@x.test>\r\n\r\n{name}\r\n".encode()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as made:
        yield made


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Elsewhere]:
    async with elsewhere(tmp_path) as found:
        found.folders["INBOX"] = [letter(f"i{number}") for number in range(45)]
        found.folders['"Sent Messages"'] = [letter("sent")]
        yield found


class MovingWorld:
    def __init__(self, world: ApiWorld, there: Elsewhere, way: Way) -> None:
        self.world = world
        self.there = there
        self.settings = MigrationSettings(way, (there.port,), ca_file=str(there.ca))
        world.api.migrations = Migrations(world.store, world.clock, self.settings)
        self.runner = self.new_runner()

    def new_runner(self) -> MigrationRunner:
        return MigrationRunner(self.world.store, self.world.clock, self.world.world.ids, self.settings)

    def source(self, **more: Any) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": self.there.port, "user": "li", "password": SECRET, **more}

    async def finished(self) -> None:
        await self.runner.look()
        while tasks := [one.task for one in self.runner._runs.values() if one.task is not None]:
            await asyncio.wait(tasks)

    async def letters(self, role: str) -> int:
        account = await self.world.world.accounts.account(LI)
        boxes = await self.world.store.mailboxes.list(account.id)
        return next(one.messages for one in boxes if one.role == role)

    async def secrets(self) -> list[str]:
        rows = await self.world.store.objects.everywhere(WANTED)
        return [msgspec.json.decode(row.value or b"")["secret"] for row in rows]


@pytest.fixture
async def moving(
    tmp_path: Path, there: Elsewhere, pool: ThreadPoolExecutor
) -> AsyncIterator[tuple[MovingWorld, Program]]:
    async with open_api(tmp_path / "world") as world:
        found = MovingWorld(world, there, Way(lambda _: True, pool))
        yield found, await world.program()


async def test_what_is_there_is_counted_and_moved_in_once(moving: tuple[MovingWorld, Program]) -> None:
    world, page = moving
    asked = await page.do("POST", "/self/migrations/check", **world.source())
    assert [(one["name"], one["role"], one["letters"]) for one in asked["items"]] == [
        ("INBOX", "inbox", 45),
        ("Sent Messages", "sent", 1),
    ]
    made = await page.do("POST", "/self/migrations", **world.source(folders=["INBOX"]))
    assert made["state"] == "waiting"
    [sealed] = await world.secrets()
    assert sealed
    assert SECRET not in sealed
    await world.finished()
    found = await page.get(f"/self/migrations/{made['id']}")
    assert (found["state"], found["missing_count"], found["needs_password"]) == ("done", 0, True)
    assert [(one["name"], one["copied"], one["at"]) for one in found["folders"]] == [("INBOX", 45, 1.0)]
    assert await world.letters("inbox") == 45
    assert await world.secrets() == [""]
    # Again, for what is new.
    world.there.folders["INBOX"].append(letter("new"))
    assert await page.refused("PATCH", f"/self/migrations/{made['id']}", wish="run") == "invalid"
    await page.do("PATCH", f"/self/migrations/{made['id']}", wish="run", password=SECRET)
    await world.finished()
    found = await page.get(f"/self/migrations/{made['id']}")
    assert [(one["total"], one["copied"]) for one in found["folders"]] == [(46, 1)]
    assert await world.letters("inbox") == world.there.fetched == 46
    await page.do("DELETE", f"/self/migrations/{made['id']}")
    assert (await page.get("/self/migrations"))["items"] == []
    assert await world.letters("inbox") == 46


async def test_folders_with_odd_names_and_those_that_cannot_be_opened(
    moving: tuple[MovingWorld, Program],
) -> None:
    world, page = moving
    world.there.folders |= {'"50% off"': [letter("offer")], '"R&D/#x"': [letter("lab")], '"locked"': []}
    world.there.locked.add("locked")
    await page.do("POST", "/self/migrations", **world.source())
    await world.finished()
    [found] = (await page.get("/self/migrations"))["items"]
    assert (found["state"], found["missing_count"]) == ("done", 1)
    assert (found["missing"][0]["folder"], found["missing"][0]["reason"]) == ("locked", "folder")
    account = await world.world.world.accounts.account(LI)
    names = {one.name: one.messages for one in await world.world.store.mailboxes.list(account.id)}
    assert (names["50_ off"], names["R&D/#x"]) == (1, 1)


async def test_a_wrong_password_ends_it_and_says_what_to_do(
    moving: tuple[MovingWorld, Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, page = moving
    monkeypatch.setattr(api, "CHECKS", 3)
    assert (
        await page.refused("POST", "/self/migrations/check", **world.source(password="no"))
        == "migration-sign-in"
    )
    assert "app password" in page.problem["detail"]
    assert "password error" in page.problem["reason"]
    made = await page.do("POST", "/self/migrations", **world.source(password="no"))
    await world.finished()
    found = await page.get(f"/self/migrations/{made['id']}")
    assert (found["state"], found["error"], await world.secrets()) == ("failed", "sign-in", [""])
    for _ in range(2):
        await page.refused("POST", "/self/migrations/check", **world.source(password="no"))
    assert await page.refused("POST", "/self/migrations/check", **world.source()) == "busy"
    assert not [
        one for one in await world.world.store.audit.recent(50) if SECRET in str(one) or "'no'" in str(one)
    ]


async def test_only_servers_of_the_public_network_are_called(
    moving: tuple[MovingWorld, Program], pool: ThreadPoolExecutor
) -> None:
    world, page = moving
    inside = msgspec.structs.replace(world.settings, way=Way(is_public, pool))
    world.world.api.migrations = Migrations(world.world.store, world.world.clock, inside)
    for host in ("127.0.0.1", "localhost", "127.1", "0", "::1", "::ffff:127.0.0.1", "169.254.169.254"):
        name = await page.refused("POST", "/self/migrations/check", **world.source(host=host))
        assert name == "migration-address", host
    assert (
        await page.refused("POST", "/self/migrations/check", **world.source(port=22)) == "migration-address"
    )
    assert await page.refused("POST", "/self/migrations", **world.source(port=25)) == "migration-address"
    assert await page.refused("POST", "/self/migrations/check", **world.source(host="a b")) == "invalid"
    assert await page.refused("POST", "/self/migrations/check", **world.source(host="")) == "invalid"
    assert world.there.signed_in == 0
    world.runner.settings = inside
    made = await page.do("POST", "/self/migrations", **world.source())
    await world.finished()
    assert (await page.get(f"/self/migrations/{made['id']}"))["error"] == "address"
    world.world.api.migrations = None
    assert await page.refused("GET", "/self/migrations") == "migration-off"


async def test_paused_continued_cancelled(moving: tuple[MovingWorld, Program]) -> None:
    world, page = moving
    world.there.hold = asyncio.Event()
    made = await page.do("POST", "/self/migrations", **world.source())
    path = f"/self/migrations/{made['id']}"
    await world.runner.look()
    await world.there.fetching.wait()
    assert (await page.get(path))["state"] == "running"
    assert await page.refused("POST", "/self/migrations", **world.source()) == "conflict"
    assert (await page.do("PATCH", path, wish="pause"))["state"] == "paused"
    await world.finished()  # it is interrupted while it waits for an answer
    assert [bool(one) for one in await world.secrets()] == [True]
    world.there.hold.set()
    assert (await page.do("PATCH", path, wish="run"))["state"] == "waiting"
    await world.finished()
    assert (await page.get(path))["state"] == "done"
    assert (await world.letters("inbox"), await world.letters("sent")) == (45, 1)
    other = await page.do("POST", "/self/migrations", **world.source())
    assert (await page.do("PATCH", f"/self/migrations/{other['id']}", wish="cancel"))["state"] == "cancelled"
    await world.finished()
    assert await world.secrets() == ["", ""]
    assert await page.refused("PATCH", f"/self/migrations/{other['id']}", wish="pause") == "conflict"
    stranger = await world.world.program("wang@post.test")
    assert await stranger.refused("GET", path) == "not-found"
    assert await stranger.refused("DELETE", path) == "not-found"


async def test_another_process_goes_on_where_one_died(moving: tuple[MovingWorld, Program]) -> None:
    world, page = moving
    world.there.hold = asyncio.Event()
    made = await page.do("POST", "/self/migrations", **world.source())
    await world.runner.look()
    await world.there.fetching.wait()
    [run] = world.runner._runs.values()
    assert run.task is not None
    run.task.cancel()
    await asyncio.wait([run.task])
    world.there.hold.set()
    assert (await page.get(f"/self/migrations/{made['id']}"))["state"] == "running"
    world.runner = world.new_runner()
    await world.finished()
    assert (await page.get(f"/self/migrations/{made['id']}"))["state"] == "done"
    assert await world.letters("inbox") == 45


async def test_a_server_that_lies(
    moving: tuple[MovingWorld, Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, page = moving
    monkeypatch.setattr(migration_runner, "WAITS_S", ())
    monkeypatch.setattr(imap_source, "ANSWER_MAX_BYTES", 100_000)
    world.there.sizes = {3: 60 * 1024 * 1024}
    for answer in (
        b"* 1 FETCH (UID 1 BODY[] {99999999999}\r\n", b"* 1 FETCH (UID 1 BODY[] {900000}\r\n",
        b"* OK spam\r\n" * 20_000,
        b"x" * 200_000, b"\r\n\r\n",
    ):  # fmt: skip
        world.there.answer = answer
        made = await page.do("POST", "/self/migrations", **world.source(folders=["INBOX"]))
        await asyncio.wait_for(_soon(world), 20)
        found = await page.get(f"/self/migrations/{made['id']}")
        assert (found["state"], found["error"]) == ("failed", "unreachable"), answer[:50]
        await page.do("DELETE", f"/self/migrations/{made['id']}")
    world.there.answer = None
    made = await page.do("POST", "/self/migrations", **world.source(folders=["INBOX"]))
    await world.finished()
    found = await page.get(f"/self/migrations/{made['id']}")
    assert (found["state"], found["missing_count"]) == ("done", 1)
    assert found["missing"] == [
        {"folder": "INBOX", "reason": "too-large", "subject": "大", "size": 60 * 1024 * 1024}
    ]


@pytest.mark.parametrize(
    ("user", "sent"),
    [("li", '"li"'), ("li wang", '"li wang"'), ('a"b\\c', '"a\\"b\\\\c"'), ("李@x.test", "李@x.test")],
)
async def test_a_name_is_what_it_is(moving: tuple[MovingWorld, Program], user: str, sent: str) -> None:
    """Quoted as a string, and by a mechanism that has a charset where ASCII is not enough."""
    world, page = moving
    await page.do("POST", "/self/migrations/check", **world.source(user=user))
    assert world.there.names == [sent]


@pytest.mark.parametrize("field", ["user", "password"])
async def test_nobody_says_two_lines(moving: tuple[MovingWorld, Program], field: str) -> None:
    world, page = moving
    for text in ("li\r\nA2 LOGOUT", "li\nx", "li\0x"):
        asked = world.source(**{field: text})
        assert await page.refused("POST", "/self/migrations/check", **asked) == "migration-address"
    assert world.there.names == []


async def test_a_challenge_that_is_none(moving: tuple[MovingWorld, Program]) -> None:
    world, page = moving
    world.there.challenge = b"+ A\r\n"
    asked = world.source(user="李")
    assert await page.refused("POST", "/self/migrations/check", **asked) == "migration-unreachable"


async def test_more_letters_than_anybody_has(
    moving: tuple[MovingWorld, Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that says so fills no memory: neither by the number nor by the list of them."""
    world, page = moving
    monkeypatch.setattr(migration_runner, "WAITS_S", ())
    for exists, search, state in (
        (4_000_000_000, None, ("done", 1)),
        (45, b"* SEARCH" + b" 77777" * 100_000 + b"\r\n", ("failed", 0)),
    ):
        world.there.exists, world.there.search = exists, search
        made = await page.do("POST", "/self/migrations", **world.source(folders=["INBOX"]))
        await world.finished()
        found = await page.get(f"/self/migrations/{made['id']}")
        assert (found["state"], found["missing_count"]) == state, found


async def test_short_lines_count_for_what_they_take(
    moving: tuple[MovingWorld, Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, page = moving
    monkeypatch.setattr(imap_source, "ANSWER_MAX_BYTES", 100_000)
    world.there.folders |= {f'"{number}"': [] for number in range(600)}
    assert await page.refused("POST", "/self/migrations/check", **world.source()) == "migration-unreachable"


async def test_one_look_of_an_account_at_a_time(moving: tuple[MovingWorld, Program]) -> None:
    """A server that does not answer holds one of the threads that all share, and no more."""
    world, page = moving
    world.there.greeted.clear()
    first = asyncio.ensure_future(page.ask("POST", "/self/migrations/check", json=world.source()))
    await world.there.called.wait()
    other = world.world.with_token(page.token)
    assert await other.refused("POST", "/self/migrations/check", **world.source()) == "busy"
    world.there.greeted.set()
    assert len((await first)["items"]) == 2
    await page.do("POST", "/self/migrations/check", **world.source())


async def _soon(world: MovingWorld) -> None:
    """Servers that say nothing more are given up by hand, as the clock would."""
    done = asyncio.ensure_future(world.finished())
    while not done.done():
        await asyncio.wait([done], timeout=0.5)
        for run in world.runner._runs.values():
            if run.source is not None and not done.done():
                run.source.abort()
    await done


@given(st.text(alphabet=st.characters(), max_size=400) | st.text(alphabet="/%*#é ", max_size=3000))
@example("50% off")
@example("Other Users/x")
@example("/".join("abcdefghijklmnopqrstuvwxyz"))
@example("大" * 2000)
@example("#news/%")
@example("\ud800\x00")
def test_any_name_of_a_folder_finds_one_here(name: str) -> None:
    check_new_name(fitting_name(name), MailboxSettings())


def test_names_that_are_fit_stay_as_they_are() -> None:
    assert [fitting_name(one) for one in ("工作/项目", "inbox", "50% off")] == [
        "工作/项目",
        "INBOX",
        "50_ off",
    ]
