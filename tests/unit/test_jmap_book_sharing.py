"""Address books of others over JMAP: what is given is there, what is not is not (RFC 9610, RFC 9670)."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from posthouse.core.scope import READ, Scope
from posthouse.http.jmap.events import EventStream, push_accounts
from posthouse.services.grant import Grant, of_password
from posthouse.services.push_feed import PushFeed
from posthouse.sessions.jmap.capability import CONTACTS, CORE, OWNER, PEOPLE, session_object
from posthouse.sessions.jmap.push_types import TYPES, own_types
from tests.storage.fixtures import make_account, message
from tests.unit.jmap_world import JmapWorld, jmap_world

ALL = {"mayRead": True, "mayWrite": True, "mayShare": True, "mayDelete": True}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[JmapWorld]:
    """The world's account owns the books."""
    async with jmap_world(tmp_path) as made:
        yield made


async def guest(world: JmapWorld, local: str = "wang") -> JmapWorld:
    account = await make_account(world.store, local)
    other = JmapWorld(world.store, account, world.services.limits)
    other.grant = of_password(account)
    return other


async def book(world: JmapWorld, name: str = "Family") -> str:
    made = await world.call("AddressBook/set", create={"b": {"name": name}})
    number: str = made["created"]["b"]["id"]
    return number


async def card(world: JmapWorld, *books: str, name: str = "Wei", **more: Any) -> str:
    record = {"name": {"full": name}, "addressBookIds": dict.fromkeys(books, True), **more}
    made = await world.call("ContactCard/set", create={"c": record})
    number: str = made["created"]["c"]["id"]
    return number


async def give(world: JmapWorld, to: JmapWorld, number: str, **rights: bool) -> dict[str, Any]:
    patch = {f"shareWith/P{to.account.id}": rights or None}
    done: dict[str, Any] = await world.call("AddressBook/set", update={number: patch})
    return done


async def account_of(world: JmapWorld, viewer: JmapWorld) -> dict[str, Any] | None:
    found = (await session_object(world.services, viewer.grant, "https://x.test"))["accounts"]
    one: dict[str, Any] | None = found.get(world.id)
    return one


async def test_a_book_that_is_given_is_all_there_is(world: JmapWorld) -> None:
    wang = await guest(world)
    family, private = await book(world), await book(world, "Private")
    seen, hidden = await card(world, family), await card(world, private, name="Hidden")
    both = await card(world, family, private, name="Both")
    assert await account_of(world, wang) is None
    assert await wang.error("AddressBook/get", accountId=world.id) == "accountNotFound"
    state = (await wang.request(["Core/echo", {}, "c"]))["sessionState"]
    await give(world, wang, family, mayRead=True)
    assert (await wang.request(["Core/echo", {}, "c"]))["sessionState"] != state
    found = await account_of(world, wang)
    assert found is not None
    assert (found["isReadOnly"], found["isPersonal"]) == (True, False)
    assert set(found["accountCapabilities"]) == {CORE, CONTACTS, OWNER, PEOPLE}
    assert found["accountCapabilities"][CONTACTS]["mayCreateAddressBook"] is False
    [shown] = (await wang.call("AddressBook/get", accountId=world.id))["list"]
    assert shown["id"] == family
    assert shown["myRights"] == {"mayRead": True, "mayWrite": False, "mayShare": False, "mayDelete": False}
    assert (shown["shareWith"], shown["isSubscribed"]) == (None, False)
    got = await wang.call("ContactCard/get", accountId=world.id, ids=[seen, hidden, both])
    assert ([one["id"] for one in got["list"]], got["notFound"]) == ([seen, both], [hidden])
    assert [one["addressBookIds"] for one in got["list"]] == [{family: True}] * 2
    assert len((await wang.call("ContactCard/get", accountId=world.id))["list"]) == 2
    for filter_ in (
        None,
        {"text": "hidden"},
        {"inAddressBook": private},
        {"operator": "NOT", "conditions": []},
    ):
        result = await wang.call("ContactCard/query", accountId=world.id, filter=filter_, calculateTotal=True)
        assert hidden not in result["ids"]
        assert result["total"] == len(result["ids"])
    for name in ("Mailbox/get", "Email/query", "Quota/get", "VacationResponse/get", "SieveScript/get"):
        assert await wang.error(name, accountId=world.id) == "accountNotSupportedByMethod"
    assert await wang.error("ContactCard/set", accountId=world.id, destroy=[seen]) == "accountReadOnly"
    await give(world, wang, family)
    assert await wang.error("ContactCard/get", accountId=world.id) == "accountNotFound"


async def test_the_owner_sees_with_whom_and_whoever_is_given_it_is_told(world: JmapWorld) -> None:
    wang = await guest(world)
    family = await book(world)
    before = (await world.call("AddressBook/get"))["state"]
    rights = {"mayRead": True, "mayWrite": True}
    done = await world.call(
        "AddressBook/set", update={family: {"shareWith": {f"P{wang.account.id}": rights}}}
    )
    assert done["updated"] == {family: None}
    [shown] = (await world.call("AddressBook/get", ids=[family]))["list"]
    assert shown["shareWith"] == {f"P{wang.account.id}": {**dict.fromkeys(ALL, False), **rights}}
    assert shown["myRights"] == ALL
    assert family in (await world.call("AddressBook/changes", sinceState=before))["updated"]
    [told] = (await wang.call("ShareNotification/get"))["list"]
    assert (told["objectType"], told["objectAccountId"], told["objectId"]) == (
        "AddressBook",
        world.id,
        family,
    )
    assert (told["oldRights"], told["newRights"], told["name"]) == (
        None,
        {**dict.fromkeys(ALL, False), **rights},
        "Family",
    )
    assert told["changedBy"]["email"] == world.account.address
    query = await wang.call("ShareNotification/query", filter={"objectType": "AddressBook"})
    assert query["ids"] == [told["id"]]
    await world.call("AddressBook/set", update={family: {"shareWith": None}})
    notes = (await wang.call("ShareNotification/get"))["list"]
    assert [one["newRights"] for one in notes][-1] is None
    # one that is made already shared
    made = await world.call(
        "AddressBook/set",
        create={"b": {"name": "Team", "shareWith": {f"P{wang.account.id}": {"mayRead": True}}}},
    )
    assert made["created"]["b"]["id"] in str(await wang.call("AddressBook/get", accountId=world.id))


CHANGES: dict[str, tuple[str, str, dict[str, Any]]] = {
    # what is tried: (right it takes, method, arguments; FAMILY, SECOND, CARD stand for ids)
    "make": ("mayWrite", "ContactCard/set", {"create": {"c": {"addressBookIds": {"FAMILY": True}}}}),
    "change": ("mayWrite", "ContactCard/set", {"update": {"CARD": {"notes": {"n": {"note": "x"}}}}}),
    "move out": ("mayWrite", "ContactCard/set", {"update": {"CARD": {
        "addressBookIds/FAMILY": None, "addressBookIds/SECOND": True}}}),
    "put into another": ("mayWrite", "ContactCard/set", {"update": {"OTHER": {"addressBookIds/FAMILY": True}}}),
    "remove": ("mayWrite", "ContactCard/set", {"destroy": ["CARD"]}),
    "copy": ("mayWrite", "ContactCard/copy", {"fromAccountId": "HOME", "create": {"c": {
        "id": "OWN", "addressBookIds": {"FAMILY": True}}}}),
    "rename": ("mayDelete", "AddressBook/set", {"update": {"FAMILY": {"name": "x"}}}),
    "sort": ("mayDelete", "AddressBook/set", {"update": {"FAMILY": {"sortOrder": 9}}}),
    "destroy": ("mayDelete", "AddressBook/set", {"destroy": ["EMPTY"]}),
    "share": ("mayShare", "AddressBook/set", {"update": {"FAMILY": {"shareWith/PTHIRD": {"mayRead": True}}}}),
    "subscribe": ("mayRead", "AddressBook/set", {"update": {"FAMILY": {"isSubscribed": True}}}),
}  # fmt: skip
"""Each right of RFC 9610 §2 and each method that it is about."""


@pytest.mark.parametrize("what", CHANGES)
async def test_each_change_takes_its_right(world: JmapWorld, what: str) -> None:
    right, method, arguments = CHANGES[what]
    wang, third = await guest(world), await guest(world, "third")
    family, second, empty = await book(world), await book(world, "Second"), await book(world, "Empty")
    mine = (await wang.call("AddressBook/get"))["list"][0]["id"]
    table = {
        "FAMILY": family, "SECOND": second, "EMPTY": empty, "CARD": await card(world, family), "HOME": wang.id,
        "OTHER": await card(world, second), "OWN": await card(wang, mine), "PTHIRD": f"P{third.account.id}",
    }  # fmt: skip

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {"/".join([table.get(x, x) for x in k.split("/")]): filled(v) for k, v in value.items()}
        if isinstance(value, list):
            return [filled(one) for one in value]
        return table.get(value, value) if isinstance(value, str) else value

    async def tried(rights: dict[str, bool]) -> Any:
        for one in (family, empty):
            await give(world, wang, one, **rights)
        await give(world, wang, second, **ALL)
        return await wang.call(method, accountId=world.id, **filled(arguments))

    if right != "mayRead":
        failed = await tried({name: name != right for name in ALL})
        [error] = [one for name in failed if name.startswith("not") and (one := failed[name])]
        assert [one["type"] for one in error.values()] == ["forbidden"], failed
    done = await tried({name: name in ("mayRead", right) for name in ALL})
    assert not [name for name in done if name.startswith("not") and done[name]], done
    assert done.get("created") or done.get("updated") or done.get("destroyed")


async def test_what_is_in_a_hidden_book_stays_there(world: JmapWorld) -> None:
    wang = await guest(world)
    family, private = await book(world), await book(world, "Private")
    both = await card(world, family, private)
    await give(world, wang, family, mayRead=True, mayWrite=True)
    refused = await wang.call("ContactCard/set", accountId=world.id, destroy=[both])
    assert refused["notDestroyed"][both]["type"] == "forbidden"
    gone = {both: {"addressBookIds": {private: True}}}
    refused = await wang.call("ContactCard/set", accountId=world.id, update=gone)
    assert refused["notUpdated"][both]["type"] == "invalidProperties"
    await wang.call("ContactCard/set", accountId=world.id, update={both: {"notes": {"n": {"note": "x"}}}})
    [now] = (await world.call("ContactCard/get", ids=[both]))["list"]
    assert now["addressBookIds"] == {family: True, private: True}
    # nobody gives more than one has
    third = await guest(world, "third")
    await give(world, wang, family, mayRead=True, mayShare=True)
    patch = {family: {f"shareWith/P{third.account.id}": {"mayRead": True, "mayDelete": True}}}
    refused = await wang.call("AddressBook/set", accountId=world.id, update=patch)
    assert refused["notUpdated"][family]["type"] == "forbidden"
    made = await wang.call("AddressBook/set", accountId=world.id, create={"x": {"name": "mine"}})
    assert made["notCreated"]["x"]["type"] == "forbidden"


async def test_changes_of_what_may_be_seen(world: JmapWorld) -> None:
    wang = await guest(world)
    family, private = await book(world), await book(world, "Private")
    await give(world, wang, family, mayRead=True)
    state = (await wang.call("ContactCard/get", accountId=world.id))["state"]
    books = (await wang.call("AddressBook/get", accountId=world.id))["state"]
    query = (await wang.call("ContactCard/query", accountId=world.id))["queryState"]
    new, hidden = await card(world, family), await card(world, private)
    changes = await wang.call("ContactCard/changes", accountId=world.id, sinceState=state)
    assert (changes["created"], changes["updated"], changes["destroyed"]) == ([new], [], [])
    asked = await wang.call("ContactCard/queryChanges", accountId=world.id, sinceQueryState=query)
    assert [one["id"] for one in asked["added"]] == [new]
    await world.call("ContactCard/set", update={new: {"addressBookIds": {private: True}}})
    changes = await wang.call("ContactCard/changes", accountId=world.id, sinceState=changes["newState"])
    assert (changes["updated"], changes["destroyed"]) == ([], [new])
    assert hidden not in str(changes)
    # what is given later, or taken back, is no change of cards: all of them are to be fetched anew
    await give(world, wang, private, mayRead=True)
    arguments = {"accountId": world.id, "sinceState": changes["newState"]}
    assert await wang.error("ContactCard/changes", **arguments) == "cannotCalculateChanges"
    told = await wang.call("AddressBook/changes", accountId=world.id, sinceState=books)
    assert told["created"] == [private]
    await give(world, wang, private)
    later = await wang.call("AddressBook/changes", accountId=world.id, sinceState=told["newState"])
    assert (later["created"], later["destroyed"]) == ([], [private])
    await world.call("AddressBook/set", destroy=[family], onDestroyRemoveContents=True)
    assert await wang.error("AddressBook/get", accountId=world.id) == "accountNotFound"


async def test_cards_are_copied_with_their_pictures(world: JmapWorld) -> None:
    wang = await guest(world)
    family = await book(world)
    png = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(64)).decode()
    photo = await card(world, family, media={"m": {"kind": "photo", "uri": png}})
    await give(world, wang, family, mayRead=True)
    mine = (await wang.call("AddressBook/get"))["list"][0]["id"]
    create = {"c": {"id": photo, "addressBookIds": {mine: True}}}
    copied = await wang.request(
        ["ContactCard/copy", {"accountId": wang.id, "fromAccountId": world.id, "create": create,
                              "onSuccessDestroyOriginal": True}, "c"],
    )  # fmt: skip
    [(name, done, _), (failed, refused, _)] = copied["methodResponses"]
    assert (name, failed, refused["type"]) == ("ContactCard/copy", "error", "accountReadOnly")
    [got] = (await wang.call("ContactCard/get", ids=[done["created"]["c"]["id"]]))["list"]
    assert got["media"]["m"]["mediaType"] == "image/png"
    again = await wang.call("ContactCard/copy", fromAccountId=world.id, create=create)
    assert again["notCreated"]["c"]["type"] == "alreadyExists"
    assert await wang.error("ContactCard/copy", fromAccountId="A99", create={}) == "fromAccountNotFound"
    missing = {"c": {"id": "C99", "addressBookIds": {mine: True}}}
    none = await wang.call("ContactCard/copy", fromAccountId=world.id, create=missing)
    assert none["notCreated"]["c"]["type"] == "notFound"


async def test_a_narrow_credential_has_no_books_of_others(world: JmapWorld) -> None:
    wang = await guest(world)
    family = await book(world)
    await give(world, wang, family, **ALL)
    wang.grant = Grant(wang.account, "app", Scope(("http",), folders=("INBOX",)))
    assert await account_of(world, wang) is None
    wang.grant = Grant(wang.account, "app", Scope(("http",), READ))
    [shown] = (await wang.call("AddressBook/get", accountId=world.id))["list"]
    assert shown["myRights"] == {"mayRead": True, "mayWrite": False, "mayShare": False, "mayDelete": False}
    refused = await wang.call("AddressBook/set", accountId=world.id, update={family: {"isSubscribed": True}})
    assert refused["notUpdated"][family]["type"] == "forbidden"


async def test_members_of_a_team_have_what_is_given_to_it(world: JmapWorld) -> None:
    """And with an account goes what it gave and was given."""
    wang = await guest(world)
    team = await make_account(world.store, "team", team=True)
    await world.store.acls.set(
        team.id,
        0,
        wang.account.id,
        negative=False,
        change=("=", 3),
        entries_max=9,  # type: ignore[arg-type]
    )
    family = await book(world)
    await world.call("AddressBook/set", update={family: {f"shareWith/P{team.id}": {"mayRead": True}}})
    [shown] = (await wang.call("AddressBook/get", accountId=world.id))["list"]
    assert shown["id"] == family
    await wang.call("AddressBook/set", accountId=world.id, update={family: {"isSubscribed": True}})
    await world.store.directory.delete_account(team.id)
    assert await wang.error("AddressBook/get", accountId=world.id) == "accountNotFound"


async def test_push_tells_what_can_be_got_and_nothing_else(world: JmapWorld) -> None:
    wang = await guest(world)
    mine, theirs = wang.account.id, world.account.id
    every = frozenset(TYPES)
    assert await push_accounts(wang.services, wang.grant, every) == {mine: every}
    family = await book(world)
    await give(world, wang, family, mayRead=True)
    books = frozenset(("AddressBook", "ContactCard"))
    assert await push_accounts(wang.services, wang.grant, every) == {mine: every, theirs: books}
    only_mail = frozenset(("Email", "Mailbox"))
    assert await push_accounts(wang.services, wang.grant, only_mail) == {mine: only_mail}

    feed = PushFeed(world.store)
    stream = EventStream(feed, await push_accounts(wang.services, wang.grant, every))
    said = stream.events(Request({"type": "http", "headers": []}), once=False, ping_s=0)
    assert (await anext(said)).startswith(b": hello\n")
    await world.put(message(1))  # nothing of hers
    await card(world, family)
    told = b""
    async with asyncio.timeout(20):
        while b"ContactCard" not in told:
            told = await anext(said)
            assert b'"Email' not in told
            assert b"Quota" not in told
    await said.aclose()
    feed.close()

    box = await world.box("Archive")
    rights = {"mayReadItems": True}
    done = await world.call("Mailbox/set", update={box: {f"shareWith/P{mine}": rights}})
    assert done["updated"] == {box: None}
    told_of = (await push_accounts(wang.services, wang.grant, every))[theirs]
    assert told_of == books | {"Mailbox", "Thread", "Email", "EmailDelivery", "Snooze"}


async def test_a_credential_for_some_mailboxes_is_told_of_mail(world: JmapWorld) -> None:
    narrow = Grant(world.account, "app_password", Scope(("jmap",), folders=("Archive",)))
    told_of = own_types(narrow)
    assert told_of >= {"Mailbox", "Email", "EmailDelivery", "Thread", "Quota"}
    assert not told_of & {
        "ContactCard",
        "AddressBook",
        "VacationResponse",
        "Settings",
        "WebmailItem",
        "Claim",
    }
