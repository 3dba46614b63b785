"""What the webmail asks beyond the standards (`docs/jmap-extensions.md`)."""

from __future__ import annotations

from pathlib import Path

from tests.unit.jmap_world import jmap_world


async def test_items_are_kept_by_name(tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        value = {"name": "工作", "color": "green"}
        made = await world.call("WebmailItem/set", create={
            "a": {"name": "label:work", "value": value}, "b": {"name": "label:work"}, "c": {"name": "a b"},
            "d": {"name": "x", "value": "y" * 20_000}, "e": {"name": "x", "more": 1}})  # fmt: skip
        number = made["created"]["a"]["id"]
        assert {key: one["type"] for key, one in made["notCreated"].items()} == {
            "b": "alreadyExists", "c": "invalidProperties", "d": "invalidProperties", "e": "invalidProperties",
        }  # fmt: skip
        assert made["notCreated"]["b"]["existingId"] == number
        got = await world.call("WebmailItem/get")
        assert got["list"] == [{"id": number, "name": "label:work", "value": value}]
        changed = await world.call(
            "WebmailItem/set", update={number: {"value/color": "red"}, "R99": {"value": 1}}
        )
        assert (changed["updated"], list(changed["notUpdated"])) == ({number: None}, ["R99"])
        renamed = await world.call("WebmailItem/set", update={number: {"name": "label:x"}})
        assert renamed["notUpdated"][number]["type"] == "invalidProperties"
        since = await world.call("WebmailItem/changes", sinceState=got["state"])
        assert since["updated"] == [number]
        gone = await world.call("WebmailItem/set", destroy=[number])
        assert gone["destroyed"] == [number]
        assert (await world.call("WebmailItem/get"))["list"] == []


async def test_pictures_are_signed_for_the_account(tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        found = await world.call(
            "Picture/sign", urls=["https://a.test/1.png", "https://a.test/1.png", "file:///x"]
        )
        assert list(found["paths"]) == ["https://a.test/1.png"]
        assert found["paths"]["https://a.test/1.png"].startswith(f"/mail/picture/{world.account.id}/")
        assert found["notSigned"] == ["file:///x"]
        assert await world.error("Picture/sign", urls=["x"] * 1001) == "invalidArguments"
