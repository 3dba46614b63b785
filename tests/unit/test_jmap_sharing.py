"""Accounts of others over JMAP: what is shared is there, what is not is not, whatever is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.rights import ALL, EXPUNGE, parse_rights
from posthouse.core.scope import READ, Scope
from posthouse.services.grant import Grant, of_password
from posthouse.services.rights import WHOLE
from posthouse.sessions.jmap.capability import (
    CONTACTS,
    CORE,
    MAIL,
    OWNER,
    PRINCIPALS,
    QUOTA,
    RULES,
    SETTINGS,
    SIEVE,
    SUBMISSION,
    TEAM,
    WEBMAIL,
    session_object,
)
from posthouse.sessions.jmap.share_with import BITS
from posthouse.storage.rows import Account
from posthouse.storage.share_notice import KEPT
from tests.storage.fixtures import make_account, message
from tests.unit.jmap_world import JmapWorld, jmap_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[JmapWorld]:
    """The world's account is the owner; `guest` looks at it."""
    async with jmap_world(tmp_path) as made:
        yield made


async def guest(world: JmapWorld, local: str = "wang") -> JmapWorld:
    account: Account = await make_account(world.store, local)
    other = JmapWorld(world.store, account, world.services.limits)
    other.grant = of_password(account)
    return other


async def share(world: JmapWorld, to: JmapWorld, rights: str, *names: str) -> None:
    bits = parse_rights(rights)
    for name in names or ("",):
        box = (await world.store.mailboxes.get(world.account.id, name)).id if name else WHOLE
        await world.store.acls.set(
            world.account.id, box, to.account.id, negative=False, change=("=", bits), entries_max=100
        )


async def accounts(world: JmapWorld) -> dict[str, Any]:
    found: dict[str, Any] = (await session_object(world.services, world.grant, "https://x.test"))["accounts"]
    return found


async def test_nothing_is_shared_by_itself(world: JmapWorld) -> None:
    wang = await guest(world)
    assert list(await accounts(wang)) == [wang.id]
    assert await wang.error("Mailbox/get", accountId=world.id) == "accountNotFound"
    assert await wang.error("Mailbox/get", accountId="A999") == "accountNotFound"
    assert await wang.error("Email/copy", fromAccountId=world.id, create={}) == "fromAccountNotFound"


async def test_one_mailbox_that_may_be_read_is_all_there_is(world: JmapWorld) -> None:
    wang = await guest(world)
    seen, hidden = await world.put(message(1), "Archive"), await world.put(message(2), "INBOX")
    await share(world, wang, "lr", "Archive")
    state = (await wang.request(["Core/echo", {}, "c"]))["sessionState"]
    found = (await accounts(wang))[world.id]
    assert (found["isPersonal"], found["isReadOnly"]) == (False, True)
    assert set(found["accountCapabilities"]) == {CORE, MAIL, OWNER, WEBMAIL}
    boxes = await wang.call("Mailbox/get", accountId=world.id)
    assert [one["name"] for one in boxes["list"]] == ["Archive"]
    assert boxes["list"][0]["myRights"]["mayReadItems"]
    assert not boxes["list"][0]["myRights"]["mayAddItems"]
    assert (await wang.call("Email/query", accountId=world.id))["ids"] == [seen]
    got = await wang.call("Email/get", accountId=world.id, ids=[seen, hidden])
    assert [one["id"] for one in got["list"]] == [seen]
    assert got["notFound"] == [hidden]
    mine = {"filter": {"inMailbox": await world.box("INBOX")}}
    assert (await wang.call("Email/query", accountId=world.id, **mine))["ids"] == []
    changes = await wang.call("Email/changes", accountId=world.id, sinceState="0")
    assert hidden not in str(changes)
    for name, arguments in {
        "Email/set": {"destroy": [seen]},
        "Email/import": {"emails": {}},
        "Mailbox/set": {"create": {"x": {"name": "new"}}},
    }.items():
        assert await wang.error(name, accountId=world.id, **arguments) == "accountReadOnly"
    for name in ("Quota/get", "VacationResponse/get", "SieveScript/get", "AddressBook/get", "Identity/get"):
        assert await wang.error(name, accountId=world.id) == "accountNotSupportedByMethod"
    await share(world, wang, "", "Archive")
    assert await wang.error("Mailbox/get", accountId=world.id) == "accountNotFound"
    assert (await wang.request(["Core/echo", {}, "c"]))["sessionState"] != state


async def test_mailboxes_below_are_not_shared_with_the_one_above(world: JmapWorld) -> None:
    wang = await guest(world)
    await world.call("Mailbox/set", create={"x": {"name": "private", "parentId": await world.box("Archive")}})
    await share(world, wang, "lr", "Archive")
    await share(world, wang, "", "Archive/private")
    boxes = await wang.call("Mailbox/get", accountId=world.id)
    assert [one["name"] for one in boxes["list"]] == ["Archive"]


CHANGES: dict[str, tuple[str, str, dict[str, Any]]] = {
    # what is tried: (rights it takes, method, arguments; ARCHIVE, CHILD, LETTER, OTHER stand for ids)
    "put in": ("i", "Email/set", {"create": {"c": {"mailboxIds": {"ARCHIVE": True}}}}),
    "put in, seen": ("is", "Email/set", {"create": {"c": {
        "mailboxIds": {"ARCHIVE": True}, "keywords": {"$seen": True}}}}),
    "put in, a draft": ("iw", "Email/set", {"create": {"c": {
        "mailboxIds": {"ARCHIVE": True}, "keywords": {"$draft": True}}}}),
    "import": ("i", "Email/import", {"emails": {"c": {"blobId": "LETTER", "mailboxIds": {"ARCHIVE": True}}}}),
    "import, flagged": ("iw", "Email/import", {"emails": {"c": {
        "blobId": "LETTER", "mailboxIds": {"ARCHIVE": True}, "keywords": {"$flagged": True}}}}),
    "copy": ("i", "Email/copy", {"fromAccountId": "HOME", "create": {"c": {
        "id": "OWN", "mailboxIds": {"ARCHIVE": True}}}}),
    "copy, seen": ("is", "Email/copy", {"fromAccountId": "HOME", "create": {"c": {
        "id": "OWN", "mailboxIds": {"ARCHIVE": True}, "keywords": {"$seen": True}}}}),
    "see": ("s", "Email/set", {"update": {"LETTER": {"keywords/$seen": True}}}),
    "flag": ("w", "Email/set", {"update": {"LETTER": {"keywords/$flagged": True}}}),
    "unflag": ("w", "Email/set", {"update": {"LETTER": {"keywords/work": None}}}),
    "new keyword": ("w", "Email/set", {"update": {"LETTER": {"keywords/brand-new": True}}}),
    "see and flag": ("sw", "Email/set", {"update": {"LETTER": {"keywords": {"$seen": True}}}}),
    "see, by the whole": ("s", "Email/set", {"update": {"LETTER": {"keywords": {"$seen": True, "work": True}}}}),
    "move": ("ite", "Email/set", {"update": {"LETTER": {"mailboxIds": {"CHILD": True}}}}),
    "move, by patch": ("ite", "Email/set", {"update": {"LETTER": {
        "mailboxIds/ARCHIVE": None, "mailboxIds/CHILD": True}}}),
    "put into another as well": ("i", "Email/set", {"update": {"LETTER": {"mailboxIds/CHILD": True}}}),
    "destroy": ("te", "Email/set", {"destroy": ["LETTER"]}),
    "make a mailbox": ("k", "Mailbox/set", {"create": {"c": {"name": "new", "parentId": "ARCHIVE"}}}),
    "rename": ("x", "Mailbox/set", {"update": {"CHILD": {"name": "other"}}}),
    "sort": ("x", "Mailbox/set", {"update": {"CHILD": {"sortOrder": 7}}}),
    "nest": ("kx", "Mailbox/set", {"update": {"SECOND": {"parentId": "CHILD"}}}),
    "remove": ("x", "Mailbox/set", {"destroy": ["SECOND"]}),
    "remove with emails": ("xte", "Mailbox/set", {"destroy": ["CHILD"], "onDestroyRemoveEmails": True}),
}  # fmt: skip
"""Each right of RFC 8621 §2 and each method that it is about."""


@pytest.mark.parametrize("what", CHANGES)
async def test_each_change_takes_its_rights(world: JmapWorld, what: str) -> None:
    letters, method, arguments = CHANGES[what]
    needed = [one for one in ("i", "te", "s", "w", "k", "x") if one[0] in letters]
    for missing in needed:
        wang, table = await _changing(world, "lr" + "".join(set("itswkxe") - set(missing)))
        failed = await wang.call(method, accountId=world.id, **_filled(arguments, table))
        [error] = [one for name in failed if name.startswith("not") and (one := failed[name])]
        assert [one["type"] for one in error.values()] == ["forbidden"], (what, missing, failed)
        assert [failed.get(name) for name in ("created", "updated", "destroyed") if failed.get(name)] == []
    wang, table = await _changing(world, "lr" + letters)
    done = await wang.call(method, accountId=world.id, **_filled(arguments, table))
    assert not [name for name in done if name.startswith("not") and done[name]], (what, done)
    assert done.get("created") or done.get("updated") or done.get("destroyed")


async def _changing(world: JmapWorld, rights: str) -> tuple[JmapWorld, dict[str, str]]:
    """Somebody with these rights, and what the words of a call stand for."""
    count = len(await world.store.directory.accounts())
    wang = await guest(world, f"wang{count}")
    letter = await world.put(message(count), "Archive", keywords=("work",))
    archive = await world.box("Archive")
    made = await world.call(
        "Mailbox/set", create={n: {"name": f"{n}{count}", "parentId": archive} for n in ("child", "second")}
    )
    child = made["created"]["child"]["id"]
    await world.call("Email/set", create={"e": {"mailboxIds": {child: True}}})
    names = ("Archive", f"Archive/child{count}", f"Archive/second{count}")
    await share(world, wang, rights, *names)
    table = {
        "ARCHIVE": archive, "CHILD": child, "SECOND": made["created"]["second"]["id"], "LETTER": letter,
        "OWN": await wang.put(message(count + 500)), "HOME": wang.id,
    }  # fmt: skip
    return wang, table


def _filled(value: Any, table: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            "/".join([table.get(part, part) for part in key.split("/")]): _filled(one, table)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [_filled(one, table) for one in value]
    return table.get(value, value) if isinstance(value, str) else value


async def test_the_rights_are_told_as_they_are(world: JmapWorld) -> None:
    wang = await guest(world)
    await share(world, wang, "lr", "INBOX")
    assert (await accounts(wang))[world.id]["isReadOnly"]
    await share(world, wang, "lrsi", "Archive")
    found = (await accounts(wang))[world.id]
    assert not found["isReadOnly"]
    assert not found["accountCapabilities"][MAIL]["mayCreateTopLevelMailbox"]
    assert set(found["accountCapabilities"]) == {CORE, MAIL, OWNER, WEBMAIL}
    boxes = (await wang.call("Mailbox/get", accountId=world.id))["list"]
    told = {one["name"]: {name for name, given in one["myRights"].items() if given} for one in boxes}
    assert told["Archive"] == {"mayReadItems", "maySetSeen", "mayAddItems"}
    assert [rights for name, rights in told.items() if name != "Archive"] == [{"mayReadItems"}]
    refused = await wang.call("Mailbox/set", accountId=world.id, create={"t": {"name": "top"}})
    assert refused["notCreated"]["t"]["type"] == "forbidden"
    assert parse_rights("e") == EXPUNGE


async def test_keywords_take_the_right_on_every_mailbox_of_an_email(world: JmapWorld) -> None:
    """RFC 8621 §2: also on those that are hidden; what changes nothing takes none."""
    wang = await guest(world)
    await share(world, wang, "lrswtei", "Archive")
    both = await world.put(message(1), "Archive", "INBOX", keywords=("work",))
    update = {both: {"keywords/$flagged": True}}
    refused = await wang.call("Email/set", accountId=world.id, update=update)
    assert refused["notUpdated"][both]["type"] == "forbidden"
    same = {both: {"keywords": {"work": True}, "mailboxIds": {await world.box("Archive"): True}}}
    assert both in (await wang.call("Email/set", accountId=world.id, update=same))["updated"]
    gone = await wang.call("Email/set", accountId=world.id, destroy=[both])
    assert gone["notDestroyed"][both]["type"] == "forbidden"
    assert len((await world.call("Email/get", ids=[both]))["list"][0]["mailboxIds"]) == 2
    # the owner's registry of keywords is not filled by who may set none
    await share(world, wang, "lrs", "Archive")
    await wang.call("Email/set", accountId=world.id, update={both: {"keywords/spam-of-names": True}})
    assert "spam-of-names" not in await world.store.messages.keywords(world.account.id)


async def test_everybody_subscribes_for_oneself(world: JmapWorld) -> None:
    wang = await guest(world)
    await share(world, wang, "lrs", "Archive")
    box = await world.box("Archive")
    was = (await world.call("Mailbox/get", ids=[box]))["list"][0]["isSubscribed"]
    for wanted in (True, False):
        await wang.call("Mailbox/set", accountId=world.id, update={box: {"isSubscribed": wanted}})
        [seen] = (await wang.call("Mailbox/get", accountId=world.id, ids=[box]))["list"]
        assert seen["isSubscribed"] is wanted
        name = f"Other Users/{world.account.address}/Archive"
        assert (name in await world.store.mailboxes.subscriptions(wang.account.id)) is wanted
    assert (await world.call("Mailbox/get", ids=[box]))["list"][0]["isSubscribed"] is was


async def test_a_member_works_in_a_team_and_the_audit_log_says_who(world: JmapWorld) -> None:
    wang = await guest(world)
    await share(world, wang, "lrswipkxtea")
    letter = await world.put(message(1))
    found = (await accounts(wang))[world.id]
    assert not found["isReadOnly"]
    assert {CORE, MAIL, SUBMISSION, QUOTA, SIEVE, CONTACTS} <= set(found["accountCapabilities"])
    assert not {SETTINGS, RULES, TEAM} & set(found["accountCapabilities"])
    done = await wang.call(
        "Email/set", accountId=world.id, update={letter: {"keywords/$seen": True}}, destroy=["M999"]
    )
    assert done["updated"] == {letter: None}
    assert (await world.call("Email/get", ids=[letter]))["list"][0]["keywords"] == {"$seen": True}
    entries = [one for one in await world.store.audit.recent(10) if one.action == "jmap"]
    assert [(one.account, one.actor, one.facts) for one in entries] == [
        (world.account.address, wang.account.address, {"method": "Email/set", "updated": 1})
    ]
    identities = await wang.call("Identity/get", accountId=world.id)
    assert [one["email"] for one in identities["list"]] == [world.account.address]
    await share(world, wang, "lrswikxtea")
    assert await wang.error("Identity/get", accountId=world.id) == "accountNotSupportedByMethod"


async def test_letters_are_copied_between_accounts(world: JmapWorld) -> None:
    wang = await guest(world)
    await share(world, wang, "lrswipkxtea")
    letter = await world.put(message(7), keywords=("work",), date=1_000_000.0)
    box = await wang.box("INBOX")
    create = {"x": {"id": letter, "mailboxIds": {box: True}, "keywords": {"mine": True}}}
    response = await wang.request(
        ["Email/copy", {"accountId": wang.id, "fromAccountId": world.id, "create": create,
                        "onSuccessDestroyOriginal": True}, "c"],
        ["Email/get", {"accountId": wang.id, "ids": ["#x"], "properties": ["keywords", "receivedAt", "size"]}, "d"],
        createdIds={},
    )  # fmt: skip
    (copied, destroyed, got) = [(name, result) for name, result, _ in response["methodResponses"]]
    assert copied[0] == "Email/copy"
    assert copied[1]["fromAccountId"] == world.id
    assert set(copied[1]["created"]["x"]) == {"id", "blobId", "threadId", "size"}
    assert destroyed == ("Email/set", {**destroyed[1], "accountId": world.id, "destroyed": [letter]})
    (one,) = got[1]["list"]
    assert (one["keywords"], one["receivedAt"]) == ({"mine": True}, "1970-01-12T13:46:40Z")
    assert (await world.call("Email/get", ids=[letter]))["notFound"] == [letter]
    again = await wang.call("Email/copy", fromAccountId=world.id, create=create)
    assert again["notCreated"]["x"]["type"] == "notFound"
    wrong = {"y": {"id": letter, "mailboxIds": {"F999": True}}}
    assert "y" in (await wang.call("Email/copy", fromAccountId=world.id, create=wrong))["notCreated"]
    assert await wang.error("Email/copy", fromAccountId=wang.id, create={}) == "invalidArguments"
    stale = await wang.error("Email/copy", fromAccountId=world.id, create={}, ifFromInState="0")
    assert stale == "stateMismatch"


async def test_what_may_only_be_read_is_copied_and_stays(world: JmapWorld) -> None:
    wang = await guest(world)
    letter = await world.put(message(7), "Archive")
    await share(world, wang, "lr", "Archive")
    create = {"x": {"id": letter, "mailboxIds": {await wang.box("INBOX"): True}}}
    arguments = {
        "accountId": wang.id,
        "fromAccountId": world.id,
        "create": create,
        "onSuccessDestroyOriginal": True,
    }
    response = await wang.request(["Email/copy", arguments, "c"])
    (copied, refused) = [(name, result) for name, result, _ in response["methodResponses"]]
    assert copied[1]["created"]["x"]["id"] != letter
    assert (refused[0], refused[1]["type"]) == ("error", "accountReadOnly")
    assert (await world.call("Email/get", ids=[letter]))["notFound"] == []


async def test_a_narrow_credential_has_no_accounts_of_others(world: JmapWorld) -> None:
    wang = await guest(world)
    await share(world, wang, "lrswipkxtea")
    wang.grant = Grant(wang.account, "app", Scope(("http",), folders=("INBOX",)))
    assert list(await accounts(wang)) == [wang.id]
    assert await wang.error("Mailbox/get", accountId=world.id) == "accountNotFound"
    wang.grant = Grant(wang.account, "app", Scope(("http",), READ))
    assert (await accounts(wang))[world.id]["isReadOnly"]
    assert await wang.error("Email/set", accountId=world.id, destroy=[]) == "accountReadOnly"


async def test_closed_accounts_and_what_was_taken_away_are_gone(world: JmapWorld) -> None:
    wang = await guest(world)
    await share(world, wang, "lrswipkxtea")
    box = (await world.store.mailboxes.get(world.account.id, "Archive")).id
    await world.store.acls.set(
        world.account.id, box, wang.account.id, negative=True, change=("=", ALL), entries_max=100
    )
    names = [one["name"] for one in (await wang.call("Mailbox/get", accountId=world.id))["list"]]
    assert "INBOX" in str(names).upper()
    assert "Archive" not in names
    assert set((await accounts(wang))[world.id]["accountCapabilities"]) == {CORE, MAIL, OWNER, WEBMAIL}


# --- principals, shareWith, notifications (RFC 9670) ---


async def test_principals_are_people_and_teams_of_the_domain(world: JmapWorld) -> None:
    wang = await guest(world)
    await share(world, wang, "lr", "Archive")
    found = await wang.call("Principal/get")
    by_email = {one["email"]: one for one in found["list"]}
    own, other = by_email[wang.account.address], by_email[world.account.address]
    assert (own["type"], own["id"], list(own["accounts"])) == ("individual", f"P{wang.account.id}", [wang.id])
    assert list(other["accounts"]) == [world.id]
    assert (await world.call("Principal/get", ids=[own["id"]]))["list"][0]["accounts"] is None
    session = await session_object(wang.services, wang.grant, "https://x.test")
    mine = session["accounts"][wang.id]["accountCapabilities"]
    assert mine[PRINCIPALS] == {"currentUserPrincipalId": own["id"]}
    assert mine[OWNER] == {"accountIdForPrincipal": wang.id, "principalId": own["id"]}
    assert OWNER not in session["capabilities"]
    assert OWNER not in session["primaryAccounts"]
    for filter_, wanted in (
        ({"text": "WANG"}, [own["id"]]),
        ({"accountIds": [world.id]}, [other["id"]]),
        ({"type": "group"}, []),
        ({"operator": "NOT", "conditions": [{"email": "wang"}]}, [other["id"]]),
    ):
        assert (await wang.call("Principal/query", filter=filter_))["ids"] == wanted
    assert await wang.error("Principal/query", filter={"color": "red"}) == "unsupportedFilter"
    assert await wang.error("Principal/changes", sinceState="1") == "cannotCalculateChanges"
    refused = await wang.call("Principal/set", update={own["id"]: {"name": "x"}}, destroy=[other["id"]])
    assert refused["notUpdated"][own["id"]]["type"] == "forbidden"
    assert refused["notDestroyed"][other["id"]]["type"] == "forbidden"
    assert await wang.error("Principal/get", accountId=world.id) == "accountNotSupportedByMethod"


async def test_the_owner_shares_a_mailbox_and_takes_it_back(world: JmapWorld) -> None:
    wang = await guest(world)
    box, person = await world.box("Archive"), f"P{wang.account.id}"
    plain = await world.request(
        ["Mailbox/get", {"accountId": world.id, "ids": [box]}, "c"], using=[CORE, MAIL]
    )
    assert "shareWith" not in str(plain)
    assert (await world.call("Mailbox/get", ids=[box]))["list"][0]["shareWith"] is None
    rights = {"mayReadItems": True, "maySetSeen": True}
    done = await world.call("Mailbox/set", update={box: {"shareWith": {person: rights}}})
    assert done["updated"] == {box: None}
    shown = (await world.call("Mailbox/get", ids=[box], properties=["shareWith"]))["list"][0]["shareWith"]
    assert shown == {person: {**dict.fromkeys(BITS, False), **rights}}
    assert [one["name"] for one in (await wang.call("Mailbox/get", accountId=world.id))["list"]] == [
        "Archive"
    ]
    await world.call("Mailbox/set", update={box: {f"shareWith/{person}/maySetSeen": False}})
    assert not (await world.call("Mailbox/get", ids=[box]))["list"][0]["shareWith"][person]["maySetSeen"]
    # What IMAP granted beyond these rights stays when JMAP changes the entry.
    number = (await world.store.mailboxes.get(world.account.id, "Archive")).id
    await world.store.acls.set(
        world.account.id,
        number,
        wang.account.id,
        negative=False,
        change=("+", parse_rights("a")),
        entries_max=9,
    )
    await world.call("Mailbox/set", update={box: {f"shareWith/{person}/maySetKeywords": True}})
    [entry] = await world.store.acls.entries(world.account.id, number)
    assert entry.rights == parse_rights("lrwa")
    await world.call("Mailbox/set", update={box: {"shareWith": None}})
    assert (await world.call("Mailbox/get", ids=[box]))["list"][0]["shareWith"] is None
    assert await wang.error("Mailbox/get", accountId=world.id) == "accountNotFound"


@pytest.mark.parametrize(
    "patch",
    [
        {"shareWith": {"P999": {"mayReadItems": True}}},
        {"shareWith": {"P1": {"mayFly": True}}},
        {"shareWith": ["P1"]},
        {"shareWith/P2": {"mayReadItems": 1}},
        {"shareWith/P2/mayFly": True},
        {"shareWith/nobody/mayReadItems": True},
    ],
)
async def test_wrong_shares_change_nothing(world: JmapWorld, patch: dict[str, Any]) -> None:
    await guest(world)
    box = await world.box("Archive")
    done = await world.call("Mailbox/set", update={box: patch})
    assert done["notUpdated"][box]["type"] == "invalidProperties"
    assert (await world.call("Mailbox/get", ids=[box]))["list"][0]["shareWith"] is None


async def test_only_the_owner_shares(world: JmapWorld) -> None:
    wang = await guest(world)
    zhao = await guest(world, "zhao")
    await share(world, wang, "lrswipkxtea")
    box = await world.box("Archive")
    done = await wang.call(
        "Mailbox/set", accountId=world.id, update={box: {f"shareWith/P{zhao.account.id}/mayReadItems": True}}
    )
    assert done["notUpdated"][box]["type"] == "forbidden"
    assert (await wang.call("Mailbox/get", accountId=world.id, ids=[box]))["list"][0]["shareWith"] is None
    plain = {"accountId": world.id, "update": {box: {"shareWith": None}}}
    response = await world.request(["Mailbox/set", plain, "c"], using=[CORE, MAIL])
    assert response["methodResponses"][0][1]["notUpdated"][box]["type"] == "invalidProperties"


async def test_whoever_is_given_something_is_told(world: JmapWorld) -> None:
    wang = await guest(world)
    before = (await wang.call("ShareNotification/get"))["state"]
    box, person = await world.box("Archive"), f"P{wang.account.id}"
    await world.call("Mailbox/set", update={box: {f"shareWith/{person}/mayReadItems": True}})
    await world.call("Mailbox/set", update={box: {"shareWith": None}})
    first, second = (await wang.call("ShareNotification/get"))["list"]
    assert first["changedBy"]["email"] == world.account.address
    assert first["changedBy"]["principalId"] == f"P{world.account.id}"
    assert (first["objectType"], first["objectAccountId"], first["objectId"]) == ("Mailbox", world.id, box)
    assert (first["oldRights"], first["newRights"]["mayReadItems"], first["name"]) == (None, True, "Archive")
    assert second["newRights"] is None
    changes = await wang.call("ShareNotification/changes", sinceState=before)
    assert changes["created"] == [first["id"], second["id"]]
    newest = await wang.call("ShareNotification/query", sort=[{"property": "created", "isAscending": False}])
    assert len(newest["ids"]) == 2
    assert (await wang.call("ShareNotification/query", filter={"objectAccountId": "A9"}))["ids"] == []
    assert await wang.error("ShareNotification/query", filter={"after": "yesterday"}) == "invalidArguments"
    state = newest["queryState"]
    done = await wang.call(
        "ShareNotification/set", create={"x": {}}, update={second["id"]: {"name": "y"}}, destroy=[first["id"]]
    )
    assert done["destroyed"] == [first["id"]]
    assert done["notCreated"]["x"]["type"] == done["notUpdated"][second["id"]]["type"] == "forbidden"
    removed = await wang.call("ShareNotification/queryChanges", sinceQueryState=state)
    assert first["id"] in removed["removed"]
    assert (await world.call("ShareNotification/get"))["list"] == []


async def test_old_notifications_give_way(world: JmapWorld) -> None:
    wang = await guest(world)
    box = (await world.store.mailboxes.get(world.account.id, "Archive")).id
    for n in range(KEPT + 20):
        await world.store.acls.set(
            world.account.id, box, wang.account.id, negative=False,
            change=("+-"[n % 2], parse_rights("lr")), entries_max=9,
        )  # fmt: skip
    assert len((await wang.call("ShareNotification/get"))["list"]) == KEPT


async def test_who_writes_for_somebody_has_an_identity_for_it(world: JmapWorld) -> None:
    """Delegation of a person, not of a team: no claims, no notes, but letters in its name."""
    wang = await guest(world)
    await share(world, wang, "lrswipkxtea")
    found = (await accounts(wang))[world.id]["accountCapabilities"]
    assert SUBMISSION in found
    assert TEAM not in found
    emails = [one["email"] for one in (await wang.call("Identity/get"))["list"]]
    assert emails == [wang.account.address, world.account.address]
    await share(world, wang, "lrswikxtea")
    assert [one["email"] for one in (await wang.call("Identity/get"))["list"]] == [wang.account.address]
