"""People written to: who is collected, who is counted, who is not looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.address import try_address
from posthouse.services.collector import RECIPIENTS_MAX, Collector
from posthouse.services.letter import Envelope, Origin, Recipient
from tests.storage.fixtures import DOMAIN, make_account
from tests.unit.jmap_world import JmapWorld, jmap_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[JmapWorld]:
    async with jmap_world(tmp_path) as opened:
        opened.delivery.collector = Collector(opened.services.contacts)
        yield opened
        opened.delivery.collector.close()


async def submit(world: JmapWorld, header: str, *to: str, sender: str | None = f"li@{DOMAIN}") -> None:
    addresses = [try_address(one) for one in to]
    envelope = Envelope(try_address(sender) if sender else None, [Recipient(one) for one in addresses if one])
    incoming = world.delivery.receive(
        envelope, Origin("submission", "ESMTPSA", "h", "", account=world.account)
    )
    incoming.write(f"From: li@{DOMAIN}\r\n{header}\r\nhello\r\n".encode())
    await incoming.finish()
    assert world.delivery.collector is not None
    await world.delivery.collector.settled()


async def completed(world: JmapWorld, text: str) -> list[Any]:
    found = await world.request(
        [
            "ContactCard/query",
            {
                "accountId": world.id,
                "filter": {"complete": text},
                "sort": [{"property": "uses", "isAscending": False}],
                "limit": 8,
            },
            "q",
        ],
        [
            "ContactCard/get",
            {
                "accountId": world.id,
                "#ids": {"resultOf": "q", "name": "ContactCard/query", "path": "/ids"},
                "properties": ["name", "emails", "addressBookIds"],
            },
            "g",
        ],
    )
    listed: list[Any] = found["methodResponses"][1][1]["list"]
    return listed


async def test_who_is_written_to_is_collected_and_comes_first(world: JmapWorld) -> None:
    await submit(
        world,
        "To: =?utf-8?b?5byg5Lyf?= <zhang@Other.test>, zoe@other.test\r\n",
        "zhang@other.test",
        "zoe@other.test",
    )
    await submit(world, "To: zoe@other.test\r\n", "zoe@other.test")
    books = (await world.call("AddressBook/get"))["list"]
    assert [(one["name"], one["isDefault"]) for one in books] == [("通讯录", True), ("收集的联系人", False)]
    first, second = await completed(world, "z")
    assert first["emails"]["e1"]["address"] == "zoe@other.test"
    assert "name" not in first
    assert (second["name"], second["addressBookIds"]) == ({"full": "张伟"}, {books[1]["id"]: True})
    assert [one["name"] for one in await completed(world, "zw")] == [{"full": "张伟"}]
    # a card of another book is counted, and nothing is collected beside it
    card = {"addressBookIds": {books[0]["id"]: True}, "emails": {"x": {"address": "Zed@Other.test"}}}
    await world.call("ContactCard/set", create={"c": card})
    for _ in range(3):
        await submit(world, "To: zed@other.test\r\n", "zed@other.test")
    assert (await completed(world, "z"))[0]["emails"] == {"x": {"address": "Zed@Other.test"}}
    assert len(await completed(world, "z")) == 3


async def test_who_is_not_collected(world: JmapWorld) -> None:
    await make_account(world.store, "wang")
    await submit(world, "To: x\r\n", "noreply@other.test", "bounces+1=2@other.test", f"li@{DOMAIN}")
    many = [f"a{n}@other.test" for n in range(RECIPIENTS_MAX + 1)]
    await submit(world, "To: x\r\n", *many)
    await submit(world, "To: a@other.test\r\n", "a@other.test", sender=None)
    assert (await world.call("ContactCard/query"))["ids"] == []
    await submit(world, "Bcc: w@x\r\n", f"wang@{DOMAIN}")
    assert len((await world.call("ContactCard/query"))["ids"]) == 1


async def test_it_can_be_switched_off(world: JmapWorld) -> None:
    await world.call("Settings/set", update={"singleton": {"collectContacts": False}})
    await submit(world, "To: a@other.test\r\n", "a@other.test")
    assert (await world.call("ContactCard/query"))["ids"] == []
    await world.call("Settings/set", update={"singleton": {"collectContacts": True}})
    assert world.delivery.collector is not None
    world.delivery.collector.enabled = False
    await submit(world, "To: a@other.test\r\n", "a@other.test")
    assert (await world.call("ContactCard/query"))["ids"] == []


async def test_a_removed_book_is_made_again(world: JmapWorld) -> None:
    await submit(world, "To: a@other.test\r\n", "a@other.test")
    books = (await world.call("AddressBook/get"))["list"]
    await world.call("AddressBook/set", destroy=[books[1]["id"]], onDestroyRemoveContents=True)
    await submit(world, "To: b@other.test\r\n", "b@other.test")
    assert len((await world.call("ContactCard/query"))["ids"]) == 1
