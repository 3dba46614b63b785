"""Where mail for an address goes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.core.errors import Invalid, NotFound
from posthouse.services.resolve import Resolver, ResolveSettings
from tests.unit.service_world import World, address, open_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        await world.account("li")
        await world.account("wang")
        yield world


def resolver(world: World, **settings: object) -> Resolver:
    options = {"administrator": "li@post.test", "primary_domain": "post.test"} | settings
    return Resolver(world.store.directory, ResolveSettings(**options))  # type: ignore[arg-type]


async def targets(world: World, text: str, **settings: object) -> list[str]:
    resolution = await resolver(world, **settings).resolve(address(text))
    return sorted(
        [one.address for one in resolution.accounts.values()] + [str(one) for one in resolution.remote]
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("li@post.test", ["li@post.test"]),
        ("LI@Post.Test", ["li@post.test"]),
        ("li+shop+x@post.test", ["li@post.test"]),
        ("postmaster@post.test", ["li@post.test"]),
        ("Abuse@post.test", ["li@post.test"]),
        ("postmaster+x@post.test", ["li@post.test"]),
        ("x@far.test", ["x@far.test"]),
        ("x@[192.0.2.1]", ["x@[192.0.2.1]"]),
        ("team@post.test", ["li@post.test", "wang@post.test", "x@far.test"]),
        ("team+detail@post.test", ["li@post.test", "wang@post.test", "x@far.test"]),
        ("loop1@post.test", ["wang@post.test"]),
        ("nested@post.test", ["li@post.test", "wang@post.test", "x@far.test"]),
        ("wang@post.test", ["copy@far.test", "wang@post.test"]),
    ],
)
async def test_targets(world: World, given: str, expected: list[str]) -> None:
    put = world.accounts.put_alias
    await put("team@post.test", ["li@post.test", "li+x@post.test", "wang@post.test", "x@far.test"])
    await put("nested@post.test", ["team@post.test", "nested@post.test"])
    await put("loop1@post.test", ["loop2@post.test"])
    await put("loop2@post.test", ["loop1@post.test", "wang@post.test"])
    if given == "wang@post.test":
        await put("wang@post.test", ["wang@post.test", "copy@far.test"])
    assert await targets(world, given) == expected


@pytest.mark.parametrize(
    "given", ["nobody@post.test", "nobody+li@post.test", "+li@post.test", "void@post.test"]
)
async def test_nowhere(world: World, given: str) -> None:
    await world.accounts.put_alias("void@post.test", ["nobody@post.test"])
    with pytest.raises(NotFound):
        await targets(world, given)


async def test_the_bare_postmaster(world: World) -> None:
    bare = address("x@y.test")
    bare = type(bare)("Postmaster", "")
    (account,) = (await resolver(world).resolve(bare)).accounts.values()
    assert account.address == "li@post.test"


async def test_catch_all_is_the_last_resort(world: World) -> None:
    await world.accounts.update_domain("post.test", catch_all="wang@post.test")
    assert await targets(world, "whoever@post.test") == ["wang@post.test"]
    assert await targets(world, "li+x@post.test") == ["li@post.test"]
    assert await targets(world, "postmaster@post.test") == ["li@post.test"]
    await world.accounts.update_account("li@post.test", enabled=False)
    with pytest.raises(NotFound):
        await targets(world, "li@post.test")


async def test_a_disabled_domain_takes_nothing(world: World) -> None:
    await world.accounts.update_domain("post.test", enabled=False)
    with pytest.raises(NotFound):
        await targets(world, "li@post.test")


async def test_the_delimiter_is_a_setting(world: World) -> None:
    assert await targets(world, "li-x@post.test", plus_delimiter="-") == ["li@post.test"]
    with pytest.raises(NotFound):
        await targets(world, "li+x@post.test", plus_delimiter="")


async def test_expansion_has_an_end(world: World) -> None:
    await world.accounts.put_alias("all@post.test", [f"x{n}@far.test" for n in range(30)])
    with pytest.raises(Invalid):
        await targets(world, "all@post.test", targets_max=20)


async def test_plain_recipients_are_held_until_the_directory_changes(world: World) -> None:
    held = Resolver(world.store.directory, hints=world.store.hints)
    li = address("LI@post.test")
    assert held.try_known(li) is None
    first = await held.resolve(li)
    assert held.try_known(address("li@post.test")) is first
    assert await held.resolve(li) is first

    await world.accounts.put_alias("li@post.test", ["wang@post.test"])
    assert held.try_known(li) is None
    assert [a.address for a in (await held.resolve(li)).accounts.values()] == ["wang@post.test"]
    assert held.try_known(li) is None, "an alias is looked up each time"

    wang = address("wang@post.test")
    (account,) = (await held.resolve(wang)).accounts
    await world.store.directory.update_account(account, {"enabled": False})
    with pytest.raises(NotFound):
        await held.resolve(wang)


async def test_a_quota_is_looked_up_each_time(world: World) -> None:
    held = Resolver(world.store.directory, hints=world.store.hints)
    await world.account("full", quota_messages=1)
    await held.resolve(address("full@post.test"))
    assert held.try_known(address("full@post.test")) is None


async def test_a_resolver_is_no_longer_told_when_nobody_uses_it(world: World) -> None:
    callbacks = world.store.hints._callbacks  # type: ignore[attr-defined]
    before = len(callbacks)
    held = Resolver(world.store.directory, hints=world.store.hints)
    assert len(callbacks) == before + 1
    del held
    assert len(callbacks) == before
