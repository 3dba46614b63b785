"""RFC 8620 §5.3: a whole record, as it was got, is a patch too; what only the server sets may be in it, unchanged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.sessions.jmap.standard import apply_patch
from posthouse.wire.jmap.error import SetError
from tests.storage.fixtures import message
from tests.unit.jmap_world import JmapWorld, jmap_world


@pytest.mark.parametrize(
    "paths",
    [
        ("a", "a/b"),
        ("a", "a-b", "a/c"),
        ("a", "a!", "a.b", "a/c"),
        ("x/y", "x/y/z", "x/y-"),
        ("a-/b", "a-", "a"),
    ],
)
def test_no_path_leads_through_another(paths: tuple[str, ...]) -> None:
    """RFC 8620 §5.3, whatever stands between the two in the order of characters."""
    record = {"a": {"b": {}, "c": {}}, "x": {"y": {"z": {}}}, "a-": {"b": {}}}
    with pytest.raises(SetError) as told:
        apply_patch(record, dict.fromkeys(paths))
    assert told.value.kind == "invalidPatch"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[JmapWorld]:
    async with jmap_world(tmp_path) as made:
        yield made


async def _email(world: JmapWorld) -> str:
    return await world.put(message(1, headers="List-Id: <x.test>\r\n"))


async def _card(world: JmapWorld) -> str:
    [book] = (await world.call("AddressBook/get"))["list"]
    card = {"addressBookIds": {book["id"]: True}, "name": {"full": "李四"}}
    return str((await world.call("ContactCard/set", create={"c": card}))["created"]["c"]["id"])


async def _first(world: JmapWorld, kind: str) -> str:
    return str((await world.call(f"{kind}/get"))["list"][0]["id"])


async def _script(world: JmapWorld) -> str:
    blob = (await world.call("Blob/upload", create={"b": {"data": [{"data:asText": "keep;"}]}}))["created"][
        "b"
    ]
    made = await world.call("SieveScript/set", create={"s": {"name": "mine", "blobId": blob["id"]}})
    return str(made["created"]["s"]["id"])


async def _submission(world: JmapWorld) -> str:
    record = {
        "mailboxIds": {await world.box("Drafts"): True}, "from": [{"email": world.account.address}],
        "to": [{"email": "jane@example.com"}], "subject": "x",
    }  # fmt: skip
    email = (await world.call("Email/set", create={"e": record}))["created"]["e"]["id"]
    envelope = {
        "mailFrom": {"email": world.account.address, "parameters": {"HOLDFOR": "600"}},
        "rcptTo": [{"email": "jane@example.com"}],
    }
    made = {"identityId": await _first(world, "Identity"), "emailId": email, "envelope": envelope}
    return str((await world.call("EmailSubmission/set", create={"s": made}))["created"]["s"]["id"])


CASES: list[tuple[str, Any, dict[str, Any]]] = [
    ("Email", _email, {"keywords": {"$seen": True}}),
    ("Mailbox", "first", {"sortOrder": 7}),
    ("Settings", "first", {"undoSeconds": 20}),
    ("ContactCard", _card, {"name": {"full": "李思"}}),
    ("AddressBook", "first", {"name": "People"}),
    ("Identity", "first", {"name": "Li"}),
    ("VacationResponse", "first", {"subject": "不在"}),
    ("SieveScript", _script, {"name": "ours"}),
    ("EmailSubmission", _submission, {"undoStatus": "canceled"}),
]


@pytest.mark.parametrize(("kind", "make", "change"), CASES)
async def test_a_whole_record_is_a_patch(
    world: JmapWorld, kind: str, make: Any, change: dict[str, Any]
) -> None:
    number = await (_first(world, kind) if make == "first" else make(world))
    [whole] = (await world.call(f"{kind}/get", ids=[number]))["list"]
    done = await world.call(f"{kind}/set", update={number: whole | change})
    assert done["notUpdated"] is None, done
    assert list(done["updated"]) == [number]
    [now] = (await world.call(f"{kind}/get", ids=[number]))["list"]
    assert {name: now[name] for name in change} == change
    refused = await world.call(f"{kind}/set", update={number: {**whole, **change, "id": f"{number}9"}})
    assert refused["notUpdated"][number]["type"] == "invalidProperties"
    assert "id" in refused["notUpdated"][number]["properties"]


async def test_another_text_of_an_email_is_another_email(world: JmapWorld) -> None:
    number = await _email(world)
    for patch in (
        {"subject": "other"},
        {"size": 1},
        {"header:List-Id": "y"},
        {"preview": None},
        {"nonsense": None},
    ):
        refused = await world.call("Email/set", update={number: {**patch, "keywords/$seen": True}})
        told = refused["notUpdated"][number]
        assert (told["type"], told["properties"]) == ("invalidProperties", list(patch))
    [now] = (await world.call("Email/get", ids=[number], properties=["keywords"]))["list"]
    assert now["keywords"] == {}


async def test_a_whole_subscription_is_a_patch(world: JmapWorld) -> None:
    record = {"deviceClientId": "d", "url": "https://push.test/x", "types": ["Email"]}
    made = await world.request(["PushSubscription/set", {"create": {"a": record}}, "0"])
    number = made["methodResponses"][0][1]["created"]["a"]["id"]
    got = await world.request(["PushSubscription/get", {}, "0"])
    [whole] = got["methodResponses"][0][1]["list"]
    change = {**whole, "types": ["Mailbox"]}
    done = await world.request(
        ["PushSubscription/set", {"update": {number: change}}, "0"], ["PushSubscription/get", {}, "1"]
    )
    assert list(done["methodResponses"][0][1]["updated"]) == [number]
    assert done["methodResponses"][1][1]["list"][0]["types"] == ["Mailbox"]
    wrong = await world.request(["PushSubscription/set", {"update": {number: {"deviceClientId": "e"}}}, "0"])
    assert wrong["methodResponses"][0][1]["notUpdated"][number]["properties"] == ["deviceClientId"]
