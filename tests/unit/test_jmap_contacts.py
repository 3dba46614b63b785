"""AddressBook and ContactCard on a real store (RFC 9610)."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.scope import READ, Scope
from posthouse.services.contacts import ContactLimits
from posthouse.services.grant import Grant
from posthouse.services.push_feed import PushFeed
from posthouse.sessions.jmap.capability import session_object
from posthouse.sessions.jmap.table import CONTACTS, PEOPLE
from tests.unit.jmap_world import JmapWorld, jmap_world

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[JmapWorld]:
    async with jmap_world(tmp_path) as opened:
        yield opened


async def default_book(world: JmapWorld) -> str:
    return str((await world.call("AddressBook/get"))["list"][0]["id"])


async def create(world: JmapWorld, **card: Any) -> Any:
    card.setdefault("addressBookIds", {await default_book(world): True})
    answer = await world.call("ContactCard/set", create={"c": card})
    assert answer["notCreated"] is None, answer
    return answer["created"]["c"]


async def refused(world: JmapWorld, **card: Any) -> Any:
    card.setdefault("addressBookIds", {await default_book(world): True})
    return (await world.call("ContactCard/set", create={"c": card}))["notCreated"]["c"]


async def test_the_session_says_what_may_be_done(world: JmapWorld) -> None:
    session = await session_object(world.services, world.grant, "https://x.test")
    assert session["capabilities"][CONTACTS] == {}
    found = session["accounts"][world.id]["accountCapabilities"]
    assert found[CONTACTS] == {"maxAddressBooksPerCard": None, "mayCreateAddressBook": True}
    assert session["primaryAccounts"][CONTACTS] == world.id
    assert PEOPLE in found
    narrow = Grant(world.account, "app", Scope(("http",), folders=("INBOX",)))
    found = (await session_object(world.services, narrow, "https://x.test"))["accounts"][world.id]
    assert CONTACTS not in found["accountCapabilities"]
    world.grant = narrow
    assert await world.error("AddressBook/get") == "forbidden"
    world.grant = Grant(world.account, "app", Scope(("http",), READ))
    [book] = (await world.call("AddressBook/get"))["list"]
    assert book["myRights"] == {"mayRead": True, "mayWrite": False, "mayShare": False, "mayDelete": False}
    for name in ("AddressBook/set", "ContactCard/set"):
        assert await world.error(name) == "forbidden"


async def test_address_books(world: JmapWorld) -> None:
    answer = await world.call("AddressBook/get")
    [first] = answer["list"]
    assert (first["name"], first["isDefault"], first["isSubscribed"]) == ("通讯录", True, True)
    state = answer["state"]
    made = await world.call(
        "AddressBook/set",
        ifInState=state,
        create={
            "b": {"name": "Work", "sortOrder": 3},
            "x": {"name": ""},
            "y": {"name": "y", "isDefault": True},
        },
        onSuccessSetIsDefault="#b",
    )
    assert {key: error["properties"] for key, error in made["notCreated"].items()} == {
        "x": ["name"],
        "y": ["isDefault"],
    }
    work = made["created"]["b"]["id"]
    assert made["created"]["b"]["isDefault"] is False  # as not all went well
    assert await world.error("AddressBook/set", ifInState=state) == "stateMismatch"
    # RFC 9610 §4.2
    done = await world.call("AddressBook/set", onSuccessSetIsDefault=work)
    assert done["updated"] == {work: {"isDefault": True}, first["id"]: {"isDefault": False}}
    told = await world.call("AddressBook/changes", sinceState=state)
    assert (told["created"], told["updated"]) == ([work], [first["id"]])
    await world.call("ContactCard/set", create={"c": {"addressBookIds": {work: True}}})
    done = await world.call(
        "AddressBook/set", update={work: {"name": "W", "shareWith": {"x": {}}}}, destroy=["B99"]
    )
    assert done["notUpdated"][work]["type"] == "invalidProperties"
    assert done["notDestroyed"]["B99"]["type"] == "notFound"
    done = await world.call("AddressBook/set", update={work: {"name": "W", "myRights": {}}})
    assert done["notUpdated"][work]["properties"] == ["myRights"]
    done = await world.call("AddressBook/set", destroy=[work])
    assert done["notDestroyed"][work]["type"] == "addressBookHasContents"
    done = await world.call("AddressBook/set", destroy=[work], onDestroyRemoveContents=True)
    assert done["destroyed"] == [work]
    assert (await world.call("ContactCard/query"))["ids"] == []
    [left] = (await world.call("AddressBook/get"))["list"]
    assert left["isDefault"] is True


async def test_a_card_is_made_changed_and_removed(world: JmapWorld) -> None:
    book = await default_book(world)
    state = (await world.call("ContactCard/get"))["state"]
    made = await create(world, name={"full": "张伟"}, emails={"e": {"address": "zhang@x.cn"}}, phones=None)
    assert made.keys() == {"id", "@type", "version", "uid", "created", "updated"}
    [card] = (await world.call("ContactCard/get", ids=[made["id"]]))["list"]
    assert card == {
        **made, "addressBookIds": {book: True}, "name": {"full": "张伟"}, "emails": {"e": {"address": "zhang@x.cn"}},
    }  # fmt: skip
    world.clock.move(60)
    patch = {"emails/e/label": "工作", "nicknames": {"n": {"name": "阿伟"}}, "example.com:x": [1]}
    done = await world.call("ContactCard/set", update={made["id"]: patch})
    assert done["notUpdated"] is None
    [card] = (await world.call("ContactCard/get", properties=["emails", "updated", "example.com:x"]))["list"]
    assert card["emails"]["e"] == {"address": "zhang@x.cn", "label": "工作"}
    assert card["updated"] == done["updated"][made["id"]]["updated"] > made["updated"]
    assert card["example.com:x"] == [1]
    told = await world.call("ContactCard/changes", sinceState=state)
    assert (told["created"], told["updated"], told["destroyed"]) == ([made["id"]], [], [])
    done = await world.call("ContactCard/set", destroy=[made["id"], "C99"])
    assert done["destroyed"] == [made["id"]]
    assert done["notDestroyed"]["C99"]["type"] == "notFound"
    told = await world.call("ContactCard/changes", sinceState=told["newState"])
    assert told["destroyed"] == [made["id"]]


async def test_cards_that_are_refused(world: JmapWorld) -> None:
    made = await create(world, uid="u1")
    again = await refused(world, uid="u1")
    assert (again["type"], again["existingId"]) == ("alreadyExists", made["id"])
    for card, name in (
        ({"addressBookIds": {}}, "addressBookIds"),
        ({"addressBookIds": {"B99": True}}, "addressBookIds"),
        ({"addressBookIds": {"B1": False}}, "addressBookIds"),
        ({"emails": {"e": {"address": 1}}}, "emails"),
        ({"emails": {"not an id!": {"address": "a@b"}}}, "emails"),
        ({"kind": 3}, "kind"),
        ({"members": {"u": False}}, "members"),
        ({"created": "yesterday"}, "created"),
        ({"id": "C5"}, "id"),
        ({"@type": "Group"}, "@type"),
        ({"media": {"m": {"kind": "photo", "blobId": "U99"}}}, "media"),
        ({"media": {"m": {"kind": "photo", "uri": "data:text/html,<script>"}}}, "media"),
    ):
        error = await refused(world, **card)
        assert (error["type"], error["properties"]) == ("invalidProperties", [name]), card
    deep: Any = 1
    for _ in range(20):
        deep = {"x": deep}
    assert (await refused(world, x=deep))["type"] == "invalidProperties"
    done = await world.call("ContactCard/set", update={made["id"]: {"addressBookIds": {}}, "C9": {}})
    assert done["notUpdated"][made["id"]]["properties"] == ["addressBookIds"]
    assert done["notUpdated"]["C9"]["type"] == "notFound"
    assert await world.error("ContactCard/copy", fromAccountId="A99", create={}) == "fromAccountNotFound"
    assert await world.error("ContactCard/copy", fromAccountId=world.id, create={}) == "invalidArguments"


async def test_the_limits_have_messages(tmp_path: Path) -> None:
    limits = ContactLimits(
        books_max=1, cards_max=1, card_max_bytes=500, picture_max_bytes=60, pictures_max_bytes=50
    )
    async with jmap_world(tmp_path, contacts=limits, get_max=1) as world:
        book = await default_book(world)
        answer = await world.call("AddressBook/set", create={"b": {"name": "b"}})
        assert answer["notCreated"]["b"]["description"] == "an account has at most 1 address books"
        assert (await refused(world, notes={"n": {"note": "x" * 500}}))["type"] == "tooLarge"
        photo = {"m": {"kind": "photo", "uri": "data:," + "%89PNG%0D%0A%1A%0A" + "x" * 53}}
        assert (await refused(world, media=photo))["type"] == "tooLarge"
        photo["m"]["uri"] = photo["m"]["uri"][:-3]
        assert (await refused(world, media=photo))["type"] == "overQuota"
        await create(world)
        error = await refused(world)
        assert (error["type"], error["description"][:31]) == ("overQuota", "an account has at most 1 cards ")
        assert await world.error("ContactCard/get", ids=["C1", "C2"]) == "requestTooLarge"
        cards = {str(n): {"addressBookIds": {book: True}} for n in range(3)}
        assert len((await world.call("ContactCard/set", create=cards))["notCreated"]) == 3


async def test_pictures(world: JmapWorld) -> None:
    encoded = base64.b64encode(PNG).decode()
    uploaded = await world.call("Blob/upload", create={"b": {"data": [{"data:asBase64": encoded}]}})
    blob = uploaded["created"]["b"]["id"]
    made = await create(world, media={"m": {"kind": "photo", "blobId": blob}})
    photo = made["media"]["m"]
    assert (photo["mediaType"], photo["blobId"][0]) == ("image/png", "K")
    got = await world.call("Blob/get", ids=[photo["blobId"]], properties=["data:asBase64", "size"])
    assert got["list"] == [{"id": photo["blobId"], "data:asBase64": encoded, "size": len(PNG)}]
    found = await world.call("Blob/lookup", ids=[photo["blobId"]], typeNames=["ContactCard", "Email"])
    assert found["list"][0]["matchedIds"] == {"ContactCard": [made["id"]], "Email": []}
    # the same by a data: URI, and by the blob of the other card
    again = await create(world, media={"m": {"kind": "photo", "uri": f"data:image/x;base64,{encoded}"}})
    assert again["media"]["m"] == photo
    third = await create(world, media={"m": {"kind": "logo", "blobId": photo["blobId"]}})
    await world.call("ContactCard/set", destroy=[made["id"], again["id"]])
    assert (await world.call("Blob/get", ids=[photo["blobId"]]))["list"]
    await world.call("ContactCard/set", update={third["id"]: {"media/m": None}})
    assert (await world.call("Blob/get", ids=[photo["blobId"]]))["notFound"] == [photo["blobId"]]
    # one that is elsewhere stays a link
    link = {"m": {"kind": "photo", "uri": "https://x.test/p.png"}}
    elsewhere = await create(world, media=link)
    [card] = (await world.call("ContactCard/get", ids=[elsewhere["id"]]))["list"]
    assert card["media"] == link


async def test_queries(world: JmapWorld) -> None:
    zhang = await create(
        world,
        uid="z",
        name={"components": [{"kind": "surname", "value": "张"}, {"kind": "given", "value": "伟"}]},
    )
    world.clock.move(60)
    anna = await create(
        world,
        uid="a",
        name={"components": [{"kind": "given", "value": "Anna"}, {"kind": "surname", "value": "Li"}]},
        emails={"e": {"address": "anna@corp.example", "label": "Büro"}},
        phones={"p": {"number": "010-1234"}},
        nicknames={"n": {"name": "Nan"}},
        organizations={"o": {"name": "Corp", "units": [{"name": "Sales"}]}},
        onlineServices={"s": {"service": "Mastodon", "user": "@anna"}},
        addresses={"a": {"components": [{"kind": "locality", "value": "北京"}], "full": "北京市"}},
        notes={"n": {"note": "likes tea"}},
    )
    group = await create(world, uid="g", kind="group", name={"full": "Friends"}, members={"z": True})
    z, a, g = (one["id"] for one in (zhang, anna, group))

    async def ids(filter_: Any = None, **more: Any) -> list[str]:
        found: list[str] = (await world.call("ContactCard/query", filter=filter_, **more))["ids"]
        return found

    for filter_, expected in (
        (None, [z, a, g]),
        ({}, [z, a, g]),
        ({"inAddressBook": await default_book(world)}, [z, a, g]),
        ({"inAddressBook": "B99"}, []),
        ({"uid": "a"}, [a]),
        ({"hasMember": "z"}, [g]),
        ({"kind": "group"}, [g]),
        ({"kind": "individual"}, [z, a]),
        ({"createdBefore": anna["created"]}, [z]),
        ({"createdAfter": anna["created"]}, [a, g]),
        ({"updatedBefore": "2000-01-01T00:00:00Z"}, []),
        ({"updatedAfter": zhang["updated"]}, [z, a, g]),
        ({"text": "zw"}, [z]),
        ({"text": "tea corp"}, [a]),
        ({"name": "zhang w"}, [z]),
        ({"name": "corp"}, []),
        ({"name": "frie"}, [g]),
        ({"name/given": "wei"}, [z]),
        ({"name/given": "zhang"}, []),
        ({"name/surname": "张"}, [z]),
        ({"name/surname": "li"}, [a]),
        ({"name/surname2": "li"}, []),
        ({"nickname": "nan"}, [a]),
        ({"organization": "sales"}, [a]),
        ({"email": "buro"}, [a]),
        ({"email": "corp.example"}, [a]),
        ({"phone": "101234"}, [a]),
        ({"onlineService": "mastodon"}, [a]),
        ({"address": "京市"}, [a]),
        ({"note": '"likes tea"'}, [a]),
        ({"note": '"tea likes"'}, []),
        ({"text": "anna", "kind": "group"}, []),
        ({"operator": "OR", "conditions": [{"uid": "z"}, {"uid": "a"}]}, [z, a]),
        ({"operator": "NOT", "conditions": [{"uid": "z"}, {"uid": "a"}]}, [g]),
        ({"complete": "a"}, [a]),
        ({"complete": "f"}, [g]),
        ({"complete": "z"}, []),  # it has no address
    ):
        assert await ids(filter_) == expected, filter_
    for order, expected in (
        ([{"property": "created", "isAscending": False}], [a, g, z]),
        ([{"property": "name/surname"}], [g, a, z]),
        ([{"property": "name/given", "isAscending": False}], [z, g, a]),
        ([{"property": "name/surname2"}, {"property": "updated"}], [z, a, g]),
    ):
        assert await ids(sort=order) == expected, order
    answer = await world.call("ContactCard/query", position=1, limit=1, calculateTotal=True)
    assert (answer["ids"], answer["total"], answer["position"]) == ([a], 3, 1)
    assert await ids(anchor=g, anchorOffset=-1, limit=1) == [a]
    for filter_, kind in (
        ({"colour": "red"}, "unsupportedFilter"),
        ({"text": 1}, "invalidArguments"),
        ({"createdAfter": "now"}, "invalidArguments"),
        ({"operator": "XOR", "conditions": []}, "invalidArguments"),
        ({"operator": "OR", "conditions": [{}] * 300}, None),
        ({"operator": "OR", "conditions": [{"uid": "x"}] * 300}, "unsupportedFilter"),
    ):
        if kind:
            assert await world.error("ContactCard/query", filter=filter_) == kind
    assert await world.error("ContactCard/query", sort=[{"property": "size"}]) == "unsupportedSort"
    # what is ours needs its capability
    call = ["ContactCard/query", {"accountId": world.id, "filter": {"complete": "a"}}, "0"]
    answer = await world.request(call, using=["urn:ietf:params:jmap:core", CONTACTS])
    assert answer["methodResponses"][0][1]["type"] == "unsupportedFilter"


async def test_query_changes(world: JmapWorld) -> None:
    one = (await create(world, name={"full": "Anna"}))["id"]
    query = await world.call("ContactCard/query", filter={"name": "anna"})
    assert query["canCalculateChanges"] is True
    two = (await create(world, name={"full": "Anna B"}))["id"]
    other = (await create(world, name={"full": "Cem"}))["id"]
    await world.call("ContactCard/set", update={one: {"name": {"full": "Bert"}}})
    told = await world.call(
        "ContactCard/queryChanges", filter={"name": "anna"}, sinceQueryState=query["queryState"]
    )
    assert (told["added"], one in told["removed"], other) == ([{"id": two, "index": 0}], True, other)
    by_use = [{"property": "uses", "isAscending": False}]
    assert (await world.call("ContactCard/query", sort=by_use))["canCalculateChanges"] is False
    error = await world.error("ContactCard/queryChanges", sort=by_use, sinceQueryState=query["queryState"])
    assert error == "cannotCalculateChanges"


async def test_many_cards_and_changes_in_pieces(world: JmapWorld) -> None:
    book = await default_book(world)
    cards = {f"c{n}": {"addressBookIds": {book: True}, "name": {"full": f"Nr {n}"}} for n in range(450)}
    answer = await world.call("ContactCard/set", create=cards)
    assert len(answer["created"]) == 450
    state, found, more = answer["oldState"], [], True
    while more:
        told = await world.call("ContactCard/changes", sinceState=state, maxChanges=100)
        assert len(told["created"]) <= 100
        found += told["created"]
        state, more = told["newState"], told["hasMoreChanges"]
    assert sorted(found) == sorted(one["id"] for one in answer["created"].values())
    assert state == answer["newState"]
    done = await world.call("ContactCard/set", destroy=found)
    assert len(done["destroyed"]) == 450


async def test_changes_are_pushed(world: JmapWorld) -> None:
    feed = PushFeed(world.store)
    before = await world.store.emails.modseq(world.account.id)
    await default_book(world)
    modseq, types = await feed.changed(world.account.id, before)
    assert types == {"AddressBook"}
    made = await create(world)
    modseq, types = await feed.changed(world.account.id, modseq)
    assert types == {"ContactCard"}
    await world.call("ContactCard/set", destroy=[made["id"]])
    _, types = await feed.changed(world.account.id, modseq)
    assert types == {"ContactCard"}
    feed.close()


async def test_vcards_are_parsed_and_given_out(world: JmapWorld) -> None:
    encoded = base64.b64encode(PNG).decode()
    text = f"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:u\r\nFN:张伟\r\nPHOTO:data:image/png;base64\\,{encoded}\r\nEND:VCARD\r\n"
    blobs = {
        "a": {"data": [{"data:asText": text + text.replace("UID:u\r\n", "")}]},
        "b": {"data": [{"data:asText": "nothing"}]},
    }
    made = (await world.call("Blob/upload", create=blobs))["created"]
    a, b = made["a"]["id"], made["b"]["id"]
    answer = await world.call("ContactCard/parse", blobIds=[a, b, "U99"])
    assert (answer["notParsable"], answer["notFound"]) == ([b], ["U99"])
    first, second = answer["parsed"][a]
    assert first["uid"] == "u"
    assert second["uid"].startswith("urn:uuid:")
    for card in (first, second):
        await create(world, **card)
    for version in ("3.0", "4.0"):
        file = await world.call("ContactCard/export", version=version)
        assert file["type"] == "text/vcard"
        again = await world.call("ContactCard/parse", blobIds=[file["blobId"]])
        for card, before in zip(again["parsed"][file["blobId"]], (first, second), strict=True):
            assert card["media"] == {"m1": {"kind": "photo", "uri": f"data:image/png;base64,{encoded}"}}
            assert (card["uid"], card["name"]) == (before["uid"], before["name"])
    only = await world.call("ContactCard/export", ids=["C99"])
    assert only["size"] == 0
    assert (await world.call("ContactCard/export", addressBookId="B99"))["size"] == 0
