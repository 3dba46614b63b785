"""Settings: one record of the account, the same for all its devices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.scope import READ, Scope
from posthouse.services.grant import Grant
from posthouse.sessions.jmap.settings import SETTABLE
from tests.unit.jmap_world import JmapWorld, jmap_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[JmapWorld]:
    async with jmap_world(tmp_path) as world:
        yield world


async def change(world: JmapWorld, **patch: Any) -> dict[str, Any]:
    return dict(await world.call("Settings/set", update={"singleton": patch}))


async def test_there_are_defaults_and_changes_stay(world: JmapWorld) -> None:
    got = await world.call("Settings/get", ids=None)
    [one] = got["list"]
    assert one.keys() == {"id", *SETTABLE}
    assert (one["id"], one["theme"], one["undoSeconds"]) == ("singleton", "auto", 15)
    answer = await change(world, theme="dark", timeZone="Asia/Shanghai", undoSeconds=0)
    assert answer["updated"] == {"singleton": None}
    changes = await world.call("Settings/changes", sinceState=got["state"])
    assert changes["updated"] == ["singleton"]
    [now] = (await world.call("Settings/get", ids=["singleton"], properties=["theme", "density"]))["list"]
    assert now == {"id": "singleton", "theme": "dark", "density": "comfortable"}
    await change(world, density="compact")
    [now] = (await world.call("Settings/get", ids=None))["list"]
    assert (now["theme"], now["density"], now["timeZone"]) == ("dark", "compact", "Asia/Shanghai")


async def test_changes_at_the_same_moment_all_stay(world: JmapWorld) -> None:
    patches = ({"theme": "dark"}, {"density": "compact"}, {"undoSeconds": 5}, {"conversations": False})
    await asyncio.gather(*(change(world, **patch) for patch in patches))
    [now] = (await world.call("Settings/get", ids=None))["list"]
    assert {name: now[name] for patch in patches for name in patch} == {
        name: value for patch in patches for name, value in patch.items()
    }


async def test_the_language_is_that_of_the_account_too(world: JmapWorld) -> None:
    await change(world, language="en")
    account = await world.store.directory.account(world.account.id)
    assert account is not None
    assert account.language == "en"
    await change(world, language="")
    account = await world.store.directory.account(world.account.id)
    assert account is not None
    assert account.language == "en"


@pytest.mark.parametrize(
    "patch",
    [
        {"theme": "pink"},
        {"language": "fr"},
        {"undoSeconds": 61},
        {"undoSeconds": "5"},
        {"conversations": None},
        {"timeZone": "Mars/Olympus"},
        {"timeZone": "../../etc/passwd"},
        {"timeZone": "Asia"},
        {"unheard": 1},
        {"id": "x"},
    ],
)
async def test_what_is_no_setting(world: JmapWorld, patch: dict[str, Any]) -> None:
    answer = await change(world, **patch)
    error = answer["notUpdated"]["singleton"]
    assert error["type"] == "invalidProperties"
    assert error["properties"] == list(patch)
    [one] = (await world.call("Settings/get", ids=None))["list"]
    assert one.keys() == {"id", *SETTABLE}


async def test_there_is_one(world: JmapWorld) -> None:
    answer = await world.call("Settings/set", create={"a": {}}, destroy=["singleton"], update={"x": {}})
    assert answer["notCreated"]["a"]["type"] == "singleton"
    assert answer["notDestroyed"]["singleton"]["type"] == "singleton"
    assert answer["notUpdated"]["x"]["type"] == "notFound"


async def test_a_credential_that_only_reads(world: JmapWorld) -> None:
    world.grant = Grant(world.account, "app", Scope(("http",), READ))
    assert await world.error("Settings/set", update={"singleton": {"theme": "dark"}}) == "forbidden"
