"""SieveScript over JMAP (RFC 9661)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.scope import READ, Scope
from posthouse.services.accounts import Accounts
from posthouse.services.grant import Grant
from posthouse.services.scripts import SCRIPTS_MAX
from tests.storage.fixtures import DOMAIN
from tests.unit.jmap_world import JmapWorld, jmap_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[JmapWorld]:
    async with jmap_world(tmp_path) as world:
        yield world


async def blob(world: JmapWorld, text: str) -> str:
    """An upload with this text."""
    number = await upload(world, text.encode())
    return f"U{number}"


async def upload(world: JmapWorld, data: bytes) -> int:
    draft = world.store.contents.draft(data)
    stored = await world.store.uploads.add(
        world.account.id, draft, "application/sieve", maker="", bytes_max=1 << 30, count_max=1000
    )
    return int(stored.id)


async def made(world: JmapWorld, text: str = "keep;", **more: Any) -> dict[str, Any]:
    record = {"blobId": await blob(world, text), **more.pop("record", {})}
    answer = await world.call("SieveScript/set", create={"a": record}, **more)
    assert answer["notCreated"] is None, answer
    return dict(answer["created"]["a"])


async def test_a_script_from_the_first_to_the_last(world: JmapWorld) -> None:
    one = await made(world, record={"name": "rules"}, onSuccessActivateScript="#a")
    assert one["isActive"] is True
    got = await world.call("SieveScript/get", ids=None)
    assert got["list"] == [{"id": one["id"], "name": "rules", "blobId": one["blobId"], "isActive": True}]
    active = await world.store.scripts.active(world.account.id)
    assert active is not None
    assert active.content == "keep;"
    changed = await world.call(
        "SieveScript/set", update={one["id"]: {"blobId": await blob(world, "discard;"), "name": "neu"}}
    )
    assert changed["updated"][one["id"]]["blobId"] != one["blobId"]
    assert changed["oldState"] != changed["newState"]
    refused = await world.call("SieveScript/set", destroy=[one["id"]])
    assert refused["notDestroyed"][one["id"]]["type"] == "sieveIsActive"
    off = await world.call("SieveScript/set", onSuccessDeactivateScript=True)
    assert off["updated"] == {one["id"]: {"isActive": False}}
    assert (await world.call("SieveScript/set", destroy=[one["id"]]))["destroyed"] == [one["id"]]
    assert (await world.call("SieveScript/get", ids=[one["id"]]))["notFound"] == [one["id"]]


async def test_one_is_active_and_the_change_is_told(world: JmapWorld) -> None:
    first = await made(world, onSuccessActivateScript="#a")
    assert first["name"] == "script 1"
    answer = await world.call(
        "SieveScript/set", create={"b": {"blobId": await blob(world, "stop;")}}, onSuccessActivateScript="#b"
    )
    assert answer["updated"] == {first["id"]: {"isActive": False}}
    assert answer["created"]["b"]["isActive"] is True


async def test_nothing_is_activated_when_something_failed(world: JmapWorld) -> None:
    good = {"blobId": await blob(world, "keep;")}
    bad = {"blobId": await blob(world, "keep")}
    answer = await world.call("SieveScript/set", create={"a": good, "b": bad}, onSuccessActivateScript="#a")
    assert answer["notCreated"]["b"]["type"] == "invalidSieve"
    assert "第 1 行" in answer["notCreated"]["b"]["description"]
    assert await world.store.scripts.active(world.account.id) is None


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ({"blobId": "U999"}, "blobNotFound"),
        ({"blobId": 5}, "blobNotFound"),
        ({}, "blobNotFound"),
        ({"blobId": "U1", "isActive": True}, "invalidProperties"),
        ({"blobId": "U1", "name": ""}, "invalidProperties"),
        ({"blobId": "U1", "name": "a\nb"}, "invalidProperties"),
        ({"blobId": "U1", "name": 5}, "invalidProperties"),
    ],
)
async def test_what_cannot_be_made(world: JmapWorld, record: dict[str, Any], kind: str) -> None:
    await blob(world, "keep;")
    answer = await world.call("SieveScript/set", create={"a": record})
    assert answer["notCreated"]["a"]["type"] == kind


async def test_names_are_taken_once_and_there_are_not_too_many(world: JmapWorld) -> None:
    one = await made(world, record={"name": "x"})
    again = {"blobId": await blob(world, "keep;"), "name": "x"}
    answer = await world.call("SieveScript/set", create={"a": again})
    assert answer["notCreated"]["a"] == {
        "type": "alreadyExists", "description": "a script of that name exists", "existingId": one["id"],
    }  # fmt: skip
    source = await blob(world, "keep;")
    many = {f"k{n}": {"blobId": source} for n in range(SCRIPTS_MAX)}
    answer = await world.call("SieveScript/set", create=many)
    assert [error["type"] for error in answer["notCreated"].values()] == ["overQuota"]


async def test_query_and_state(world: JmapWorld) -> None:
    a = await made(world, record={"name": "Away"}, onSuccessActivateScript="#a")
    b = await made(world, record={"name": "work"})
    assert (await world.call("SieveScript/query", filter={"name": "WOR"}))["ids"] == [b["id"]]
    assert (await world.call("SieveScript/query", filter={"isActive": True}))["ids"] == [a["id"]]
    both = {"operator": "OR", "conditions": [{"name": "wor"}, {"isActive": True}]}
    assert set((await world.call("SieveScript/query", filter=both))["ids"]) == {a["id"], b["id"]}
    neither = {"operator": "NOT", "conditions": [{"name": "wor"}]}
    assert b["id"] not in (await world.call("SieveScript/query", filter=neither))["ids"]
    assert await world.error("SieveScript/query", filter={"isActive": "yes"}) == "unsupportedFilter"
    found = await world.call("SieveScript/query", sort=[{"property": "name", "isAscending": False}])
    assert found["ids"] == [b["id"], a["id"]]
    assert await world.error("SieveScript/query", filter={"colour": 1}) == "unsupportedFilter"
    assert await world.error("SieveScript/query", sort=[{"property": "blobId"}]) == "unsupportedSort"
    assert await world.error("SieveScript/set", ifInState="x") == "stateMismatch"


async def test_validate(world: JmapWorld) -> None:
    assert (await world.call("SieveScript/validate", blobId=await blob(world, "keep;")))["error"] is None
    error = (await world.call("SieveScript/validate", blobId=await blob(world, "if")))["error"]
    assert error["type"] == "invalidSieve"
    assert await world.error("SieveScript/validate", blobId="U999") == "blobNotFound"


async def test_a_narrow_credential_sees_no_rules(world: JmapWorld) -> None:
    one = await made(world)
    world.grant = Grant(world.account, "app", Scope(world.account.protocols, READ), "reader")
    for method, arguments in (
        ("SieveScript/get", {"ids": None}),
        ("SieveScript/query", {}),
        ("SieveScript/set", {"destroy": [one["id"]]}),
        ("SieveScript/validate", {"blobId": one["blobId"]}),
    ):
        assert await world.error(method, **arguments) == "forbidden"


async def test_redirects_follow_the_policy_of_the_domain(world: JmapWorld) -> None:
    early = await made(world, 'redirect "friend@far.test";')
    await Accounts(world.store, world.clock).update_domain(DOMAIN, redirects="confirmed")
    record = {"blobId": await blob(world, 'keep;\nredirect "friend@far.test";')}
    answer = await world.call("SieveScript/set", create={"a": record})
    assert answer["notCreated"]["a"]["type"] == "invalidSieve"
    assert "friend@far.test" in answer["notCreated"]["a"]["description"]
    # RFC 9661 §2.3: what may not be activated is not, and the rest is done
    done = await world.call("SieveScript/set", onSuccessActivateScript=early["id"])
    assert done["updated"] is None
    assert await world.store.scripts.active(world.account.id) is None
