"""Letters put aside until a time: by JMAP, seen by every client as a keyword, woken by the server."""

from __future__ import annotations

import asyncio
from pathlib import Path

from posthouse.services.snooze import Waker
from posthouse.wire.jmap.value import format_utc
from tests.unit.jmap_world import JmapWorld, jmap_world


async def keywords(world: JmapWorld, email: str) -> set[str]:
    [one] = (await world.call("Email/get", ids=[email], properties=["keywords"]))["list"]
    return set(one["keywords"])


async def test_a_letter_is_put_aside_and_comes_back_unread(tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        [one, two] = await world.letters(2)
        await world.call("Email/set", update={one: {"keywords/$seen": True}, two: {"keywords/$seen": True}})
        until = format_utc(world.clock.now() + 3600)
        done = await world.call("Snooze/set", update={
            one: {"until": until}, two: {"until": until}, "M99": {"until": until}, "x": {"until": None}})  # fmt: skip
        assert done["updated"] == {one: None, two: None}
        assert {key: error["type"] for key, error in done["notUpdated"].items()} == {
            "M99": "notFound",
            "x": "notFound",
        }
        assert await keywords(world, one) == {"$seen", "$snoozed"}
        assert {x["id"]: x["until"] for x in (await world.call("Snooze/get"))["list"]} == {
            one: until,
            two: until,
        }
        waker = Waker(world.store, world.clock)
        assert 0 < await waker.look() <= 300
        assert await keywords(world, one) == {"$seen", "$snoozed"}
        # Another client took the keyword away: it stays as it is.
        await world.call("Email/set", update={two: {"keywords/$snoozed": None}})
        world.clock.move(3601)
        await waker.look()
        assert await keywords(world, one) == {"$woken"}
        assert await keywords(world, two) == {"$seen"}
        assert (await world.call("Snooze/get"))["list"] == []


async def test_it_is_brought_back_before_its_time(tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        [one, two] = await world.letters(2)
        until = format_utc(world.clock.now() + 3600)
        later = format_utc(world.clock.now() + 7200)
        await world.call("Snooze/set", update={one: {"until": until}, two: {"until": until}})
        await world.call("Snooze/set", update={one: {"until": later}})
        assert (await world.call("Snooze/get", ids=[one]))["list"] == [{"id": one, "until": later}]
        back = await world.call("Snooze/set", update={one: {"until": None}}, destroy=[two, "M99"])
        assert (back["updated"], back["destroyed"], list(back["notDestroyed"])) == (
            {one: None},
            [two],
            ["M99"],
        )
        assert (await keywords(world, one), await keywords(world, two)) == (set(), set())


async def test_only_times_to_come(tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        [one] = await world.letters(1)
        for wrong in (format_utc(world.clock.now() - 1), "tomorrow", 5, "9999-01-01T00:00:00Z"):
            done = await world.call("Snooze/set", update={one: {"until": wrong}})
            assert done["notUpdated"][one]["type"] == "invalidProperties", wrong
        made = await world.call("Snooze/set", create={"a": {"until": None}})
        assert made["notCreated"]["a"]["type"] == "invalidArguments"


async def test_the_worker_that_holds_the_lock_wakes(tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        [one] = await world.letters(1)
        wakers = [asyncio.create_task(Waker(world.store, world.clock).run()) for _ in range(2)]
        try:
            await world.call("Snooze/set", update={one: {"until": format_utc(world.clock.now() + 60)}})
            world.clock.move(61)
            # A hint makes it look again.
            [two] = await world.letters(1)
            await world.call("Snooze/set", update={two: {"until": format_utc(world.clock.now() + 60)}})
            async with asyncio.timeout(10):
                while "$woken" not in await keywords(world, one):  # noqa: ASYNC110
                    await asyncio.sleep(0)  # until the other task has done it
            assert "$snoozed" in await keywords(world, two)
        finally:
            for waker in wakers:
                waker.cancel()
            await asyncio.gather(*wakers, return_exceptions=True)


async def test_an_order_by_a_keyword_that_nobody_has(tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        [one, two, three] = await world.letters(3)
        newest = {"property": "receivedAt", "isAscending": False}
        for name in ("hasKeyword", "someInThreadHaveKeyword", "allInThreadHaveKeyword"):
            pinned = {"property": name, "keyword": "$pinned", "isAscending": False}
            found = await world.call("Email/query", sort=[pinned, newest])
            assert found["ids"] == [three, two, one]
        await world.call("Email/set", update={two: {"keywords/$pinned": True}})
        pinned = {"property": "hasKeyword", "keyword": "$pinned", "isAscending": False}
        assert (await world.call("Email/query", sort=[pinned, newest]))["ids"] == [two, three, one]
