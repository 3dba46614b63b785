"""The methods of mail on a real store: what they answer, and that they agree with IMAP's view of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.errors import MailError
from posthouse.core.flags import DELETED, SEEN
from posthouse.core.scope import READ, Scope
from posthouse.services.grant import Grant
from posthouse.sessions.jmap.arguments import Arguments
from posthouse.sessions.jmap.outcome import TABLE, method_error, set_error
from posthouse.sessions.jmap.table import METHODS
from posthouse.wire.jmap.body import BODY_PROPERTIES
from posthouse.wire.jmap.error import RequestProblem
from tests.storage.fixtures import ALL, make_account, message, rows
from tests.unit.jmap_world import JmapWorld, jmap_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[JmapWorld]:
    async with jmap_world(tmp_path) as opened:
        yield opened


def classes(kind: type[MailError]) -> list[type[MailError]]:
    return [kind, *(one for sub in kind.__subclasses__() for one in classes(sub))]


@pytest.mark.parametrize("cls", classes(MailError)[1:])
def test_every_domain_error_has_an_answer(cls: type[MailError]) -> None:
    if not cls.__module__.startswith("posthouse.core"):
        return
    assert cls in TABLE or any(base in TABLE for base in cls.__mro__)
    assert method_error(cls()).description
    assert set_error(cls()).description


# --- Core ---


async def test_echo_and_order(world: JmapWorld) -> None:
    answer = await world.request(["Core/echo", {"a": [1, None]}, "x"], ["Nope/get", {}, "y"])
    assert answer["methodResponses"][0] == ["Core/echo", {"a": [1, None]}, "x"]
    assert answer["methodResponses"][1][1]["type"] == "unknownMethod"
    assert "createdIds" not in answer


async def test_a_method_needs_its_capability(world: JmapWorld) -> None:
    answer = await world.request(
        ["Mailbox/get", {"accountId": world.id}, "0"], using=["urn:ietf:params:jmap:core"]
    )
    assert answer["methodResponses"][0][1]["type"] == "unknownMethod"
    with pytest.raises(RequestProblem):
        await world.request(using=["urn:nothing"])


async def test_the_limits_have_errors(tmp_path: Path) -> None:
    async with jmap_world(tmp_path, get_max=2, set_max=2, calls_max=2, query_max=1) as world:
        ids = await world.letters(3)
        for name in ("Email/get", "Thread/get", "Mailbox/get"):
            assert await world.error(name, ids=["M1", "M2", "M3"]) == "requestTooLarge"
        assert await world.error("Email/get") == "requestTooLarge"
        assert await world.error("Email/set", destroy=ids) == "requestTooLarge"
        assert (
            await world.error("Mailbox/set", create={str(n): {"name": "x"} for n in range(3)})
            == "requestTooLarge"
        )
        answer = await world.call("Email/query", limit=5)
        assert (len(answer["ids"]), answer["limit"]) == (1, 1)
        with pytest.raises(RequestProblem) as caught:
            await world.request(*[["Core/echo", {}, str(n)] for n in range(3)])
        assert caught.value.limit == "maxCallsInRequest"


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, method in METHODS.items()
        if method.arguments and issubclass(method.arguments, Arguments)
    ],
)
async def test_what_belongs_to_others_is_not_there(world: JmapWorld, name: str) -> None:
    """Ids of another account in every argument of every method."""
    other = await make_account(world.store, "wang")
    inbox = await world.store.mailboxes.get(other.id, "INBOX")
    from tests.storage.fixtures import deliver  # noqa: PLC0415

    await deliver(world.store, inbox, message(1))
    email, box, thread = "M1", f"F{inbox.id}", "T1"
    before = await world.store.emails.modseq(other.id)
    assert await world.error(name, accountId=f"A{other.id}") == "accountNotFound"
    kind = name.partition("/")[0]
    mine = {"Email": email, "Mailbox": box, "Thread": thread}.get(kind, email)
    for arguments in (
        {"ids": [mine]},
        {"destroy": [mine]},
        {"update": {mine: {"keywords/$seen": True}}},
        {"update": {mine: {"name": "x"}}},
        {"create": {"a": {"mailboxIds": {box: True}, "parentId": box, "name": "x"}}},
        {"create": {"a": {"bodyStructure": {"blobId": email}, "mailboxIds": {box: True}}}},
        {"filter": {"inMailbox": box}},
        {"blobIds": [email]},
        {"emails": {"a": {"blobId": email, "mailboxIds": {box: True}}}},
        {"emailIds": [email]},
    ):
        response = await world.request([name, {"accountId": world.id, **arguments}, "0"])
        answer = response["methodResponses"][0][1]
        assert not any(
            answer.get(key) for key in ("list", "destroyed", "updated", "created", "ids", "parsed")
        ), answer
    assert await world.store.emails.modseq(other.id) == before


# --- Mailbox ---


async def test_mailboxes_are_made_moved_and_removed(world: JmapWorld) -> None:
    made = await world.call(
        "Mailbox/set",
        create={
            "child": {"name": "B", "parentId": "#parent"},
            "parent": {"name": "A", "sortOrder": 7, "isSubscribed": True},
            "again": {"name": "Sent"},
            "role": {"name": "X", "role": "sent"},
            "slash": {"name": "a/b"},
            "none": {"name": "y", "parentId": "F99"},
            "odd": {"name": "z", "totalEmails": 1},
        },
    )
    assert set(made["created"]) == {"parent", "child"}
    wrong = {key: error.get("properties") for key, error in made["notCreated"].items()}
    assert wrong == {
        "again": ["name"], "role": ["role"], "slash": ["name"], "none": ["parentId"], "odd": ["totalEmails"],
    }  # fmt: skip
    parent, child = made["created"]["parent"]["id"], made["created"]["child"]["id"]
    got = (await world.call("Mailbox/get", ids=[parent, child]))["list"]
    assert [(one["name"], one["parentId"], one["sortOrder"], one["isSubscribed"]) for one in got] == [
        ("A", None, 7, True),
        ("B", parent, 10, False),
    ]
    state = made["newState"]
    changed = await world.call(
        "Mailbox/set",
        update={child: {"parentId": None, "name": "C"}, parent: {"role": "important"}},
        destroy=["F99"],
    )
    assert changed["updated"] == {child: None}
    assert changed["notUpdated"][parent]["properties"] == ["role"]
    assert changed["notDestroyed"]["F99"]["type"] == "notFound"
    assert (await world.store.mailboxes.by_id(world.account.id, int(child[1:]))).name == "C"  # type: ignore[arg-type]
    changes = await world.call("Mailbox/changes", sinceState=state)
    assert (changes["updated"], changes["updatedProperties"]) == ([child], None)
    inbox = await world.box("INBOX")
    refused = await world.call("Mailbox/set", update={inbox: {"name": "In"}}, destroy=[inbox])
    assert refused["notUpdated"][inbox]["type"] == "willDestroy"
    assert refused["notDestroyed"][inbox]["type"] == "forbidden"
    await world.put(message(1), "A")
    gone = await world.call("Mailbox/set", destroy=[parent, child])
    assert gone["notDestroyed"][parent]["type"] == "mailboxHasEmail"
    assert gone["destroyed"] == [child]
    gone = await world.call("Mailbox/set", destroy=[parent], onDestroyRemoveEmails=True)
    assert gone["destroyed"] == [parent]


async def test_a_mailbox_with_others_in_it(world: JmapWorld) -> None:
    made = await world.call("Mailbox/set", create={"a": {"name": "A"}, "b": {"name": "B", "parentId": "#a"}})
    a, b = made["created"]["a"]["id"], made["created"]["b"]["id"]
    assert (await world.call("Mailbox/set", destroy=[a]))["notDestroyed"][a]["type"] == "mailboxHasChild"
    assert (await world.call("Mailbox/set", update={a: {"parentId": b}}))["notUpdated"][a]["properties"] == [
        "parentId"
    ]
    assert (await world.call("Mailbox/set", destroy=[a, b]))["destroyed"] == [b, a]


async def test_mailbox_queries(world: JmapWorld) -> None:
    await world.call("Mailbox/set", create={"a": {"name": "Zoo"}, "b": {"name": "Ape", "parentId": "#a"}})

    async def names(**arguments: Any) -> list[str]:
        found = await world.call("Mailbox/query", **arguments)
        got = await world.call("Mailbox/get", ids=found["ids"], properties=["name"])
        return [one["name"] for one in got["list"]]

    by_name = [{"property": "name"}]
    assert (await names(sort=by_name))[:2] == ["Ape", "Archive"]
    assert (await names(sort=by_name, sortAsTree=True))[-2:] == ["Zoo", "Ape"]
    assert await names(filter={"hasAnyRole": False}) == ["Zoo", "Ape"]
    assert await names(filter={"parentId": None, "hasAnyRole": False}) == ["Zoo"]
    assert await names(filter={"name": "ap"}, filterAsTree=True) == []
    assert await names(filter={"operator": "NOT", "conditions": [{"hasAnyRole": True}, {"name": "z"}]}) == [
        "Ape"
    ]
    assert await names(filter={"role": "inbox"}) == ["INBOX"]
    for arguments, error in (
        ({"filter": {"x": 1}}, "unsupportedFilter"),
        ({"filter": {"name": 1}}, "invalidArguments"),
        ({"filter": {"operator": "XOR", "conditions": []}}, "invalidArguments"),
        ({"sort": [{"property": "x"}]}, "unsupportedSort"),
        ({"sort": [{"property": "name", "collation": "i;none"}]}, "unsupportedSort"),
        ({"anchor": "F99"}, "anchorNotFound"),
        ({"limit": -1}, "invalidArguments"),
    ):
        assert await world.error("Mailbox/query", **arguments) == error


async def test_mailbox_counts_follow_changes(world: JmapWorld) -> None:
    inbox, trash = await world.box("INBOX"), await world.box("Trash")

    async def counts(box: str) -> tuple[int, ...]:
        [one] = (await world.call("Mailbox/get", ids=[box]))["list"]
        return one["totalEmails"], one["unreadEmails"], one["totalThreads"], one["unreadThreads"]

    first = await world.put(message(1), "INBOX")
    assert await counts(inbox) == (1, 1, 1, 1)
    reply = await world.put(message(2, headers="In-Reply-To: <1@qq.test>\r\n"), "INBOX", "Trash")
    assert await counts(inbox) == (2, 2, 1, 1)
    await world.call("Email/set", update={first: {"keywords/$seen": True}, reply: {"keywords/$draft": True}})
    assert await counts(inbox) == (2, 0, 1, 0)
    await world.call("Email/set", update={reply: {"keywords": {}, f"mailboxIds/{inbox}": None}})
    assert await counts(inbox) == (1, 0, 1, 0)
    assert await counts(trash) == (1, 1, 1, 1)
    box = await world.store.mailboxes.get(world.account.id, "INBOX")
    await world.store.messages.store_flags(world.account.id, box.id, ALL, add=DELETED)
    assert await counts(inbox) == (0, 0, 0, 0)


# --- Email ---


async def test_email_get_errors(world: JmapWorld) -> None:
    [one] = await world.letters(1)
    assert await world.error("Email/get", ids=[one], properties=["nothing"]) == "invalidArguments"
    assert await world.error("Email/get", ids=[one], bodyProperties=["nothing"]) == "invalidArguments"
    assert await world.error("Email/get", ids=[one], properties=["header:Date:asText"]) == "invalidArguments"
    assert await world.error("Email/get", ids="x") == "invalidArguments"
    got = await world.call("Email/get", ids=[one, "M999", "bad", one])
    assert (len(got["list"]), got["notFound"]) == (1, ["M999", "bad"])


async def test_body_values_are_cut(world: JmapWorld) -> None:
    head = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    one = await world.put(head.encode() + "你好世界\r\nx".encode())
    got = await world.call(
        "Email/get", ids=[one], properties=["bodyValues"], fetchAllBodyValues=True, maxBodyValueBytes=7
    )
    assert got["list"][0]["bodyValues"] == {
        "1": {"value": "你好", "isEncodingProblem": False, "isTruncated": True}
    }
    broken = await world.put(head.encode().replace(b"utf-8", b"x-nothing") + b"\xff\xfe")
    got = await world.call("Email/get", ids=[broken], properties=["bodyValues"], fetchTextBodyValues=True)
    assert got["list"][0]["bodyValues"]["1"]["isEncodingProblem"] is True


NO_TEXT = (
    b"Message-ID: <\xff\xe9@x>", b"References: <\xff@x>", b"From: \xff <\xff@x>", b"Subject: \xff",
    b"Content-ID: <\xff>", b"Date: \xff", b"\xff: x",
    b"Content-Type: text/\xff; charset=\xff; name=\xff", b"Content-Type: \xff/plain", b"Content-Language: \xff, zh",
    b"Content-Disposition: \xff; filename=\xff", b"Content-Location: \xff", b"Content-Transfer-Encoding: \xff",
)  # fmt: skip


@pytest.mark.parametrize("field", NO_TEXT)
async def test_bytes_of_a_header_that_are_no_text(world: JmapWorld, field: bytes) -> None:
    """RFC 7493 §2.1: JSON holds no half of a surrogate pair; RFC 8621 §4.1: what cannot be decoded is replaced."""
    email = await world.put(field + b"\r\nX: y\r\n\r\nhi")
    parts = [*BODY_PROPERTIES, "headers"]
    whole = await world.call("Email/get", ids=[email], bodyProperties=parts, fetchAllBodyValues=True)
    some = await world.call(
        "Email/get", ids=[email], properties=["bodyStructure", "headers"], bodyProperties=parts
    )
    for found in (whole, some):
        assert [one["id"] for one in found["list"]] == [email]
        assert "\udcff" not in str(found)


async def test_windows_of_queries(world: JmapWorld) -> None:
    ids = (await world.letters(6))[::-1]

    async def query(**arguments: Any) -> list[str]:
        found: list[str] = (await world.call("Email/query", **arguments))["ids"]
        return found

    assert await query() == ids
    assert await query(limit=2) == ids[:2]
    assert await query(position=4) == ids[4:]
    assert await query(position=9) == []
    assert await query(position=-2) == ids[-2:]
    assert await query(position=-20, limit=1) == ids[:1]
    assert await query(anchor=ids[3], limit=2) == ids[3:5]
    assert await query(anchor=ids[3], anchorOffset=-2, limit=2) == ids[1:3]
    assert await query(anchor=ids[0], anchorOffset=-5) == ids
    assert await query(sort=[{"property": "receivedAt"}]) == ids[::-1]
    assert await world.error("Email/query", anchor="M99") == "anchorNotFound"
    assert await world.error("Email/query", sort=[{"property": "hasKeyword"}]) == "invalidArguments"
    assert await world.error("Email/query", filter={"before": "2020"}) == "invalidArguments"
    deep: Any = {"hasAttachment": True}
    for _ in range(20):
        deep = {"operator": "AND", "conditions": [deep] * 1}
    assert await query(filter=deep) == []
    wide = {"operator": "OR", "conditions": [{"hasAttachment": True}] * 300}
    assert await world.error("Email/query", filter=wide) == "unsupportedFilter"
    got = await world.call(
        "Email/query", limit=1, calculateTotal=True, filter={"inMailbox": await world.box("INBOX")}
    )
    assert got["total"] == 6


async def test_every_filter(world: JmapWorld) -> None:
    inbox, archive = await world.box("INBOX"), await world.box("Archive")
    plain = await world.put(message(1, subject="红色 apple pie"), date=1000.0, flags=SEEN)
    other = await world.put(
        message(2, headers="X-Special: yes\r\nCc: boss@corp.test\r\n"), "Archive", date=2000.0
    )
    mime = (
        b"From: a@b.c\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nhello \r\n"
        b"--x\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\nx\r\n--x--\r\n"
    )
    filed = await world.put(mime, date=3000.0)
    for condition, expected in (
        ({"inMailbox": inbox}, {plain, filed}),
        ({"inMailboxOtherThan": [inbox]}, {other}),
        ({"inMailboxOtherThan": [inbox, archive]}, set()),
        ({"before": "1970-01-01T00:33:20Z"}, {plain}),
        ({"after": "1970-01-01T00:33:20Z"}, {other, filed}),
        ({"minSize": 100_000}, set()),
        ({"maxSize": 100_000}, {plain, other, filed}),
        ({"hasKeyword": "$seen"}, {plain}),
        ({"notKeyword": "$seen"}, {other, filed}),
        ({"hasKeyword": "nobody"}, set()),
        ({"allInThreadHaveKeyword": "$seen"}, {plain}),
        ({"someInThreadHaveKeyword": "$seen"}, {plain}),
        ({"noneInThreadHaveKeyword": "$seen"}, {other, filed}),
        ({"hasAttachment": True}, {filed}),
        ({"text": "红色"}, {plain}),
        ({"text": "pie APPLE"}, {plain}),
        ({"text": '"pie apple"'}, set()),
        ({"from": "zhang"}, {plain, other}),
        ({"to": "li@"}, {plain, other}),
        ({"cc": "boss"}, {other}),
        ({"bcc": "boss"}, set()),
        ({"subject": "apple"}, {plain}),
        ({"body": "hello"}, {filed}),
        ({"header": ["x-special"]}, {other}),
        ({"header": ["X-Special", "YES"]}, {other}),
        ({"header": ["X-Special", "no"]}, set()),
        ({"operator": "AND", "conditions": [{"inMailbox": inbox}, {"subject": "apple"}]}, {plain}),
        ({"operator": "NOT", "conditions": [{"subject": "apple"}, {"hasAttachment": True}]}, {other}),
        ({}, {plain, other, filed}),
    ):
        assert set((await world.call("Email/query", filter=condition))["ids"]) == expected, condition


async def test_snapshots_of_changes(world: JmapWorld) -> None:
    ids = await world.letters(4)
    state = (await world.call("Email/get", ids=[]))["state"]
    query = await world.call("Email/query", filter={"notKeyword": "$seen"})
    await world.call("Email/set", update={ids[0]: {"keywords/$seen": True}}, destroy=[ids[1]])
    new = await world.put(message(9), date=1_000_002.5)
    changes = await world.call("Email/changes", sinceState=state)
    assert (changes["created"], changes["updated"], changes["destroyed"]) == ([new], [ids[0]], [ids[1]])
    first = await world.call("Email/changes", sinceState=state, maxChanges=1)
    assert first["hasMoreChanges"] is True
    rest = await world.call("Email/changes", sinceState=first["newState"])
    assert (rest["created"], rest["hasMoreChanges"]) == ([new], False)
    difference = await world.call(
        "Email/queryChanges",
        sinceQueryState=query["queryState"],
        filter={"notKeyword": "$seen"},
        calculateTotal=True,
    )
    kept = [one for one in query["ids"] if one not in difference["removed"]]
    for added in difference["added"]:
        kept.insert(added["index"], added["id"])
    assert (
        kept
        == (await world.call("Email/query", filter={"notKeyword": "$seen"}))["ids"]
        == [ids[3], new, ids[2]]
    )
    assert difference["total"] == 3
    assert (
        await world.error("Email/queryChanges", sinceQueryState=query["queryState"], maxChanges=1)
        == "tooManyChanges"
    )
    for wrong in ("x", "99999", "1.", "", "9" * 50):
        for name in ("Email/changes", "Thread/changes", "Mailbox/changes"):
            assert await world.error(name, sinceState=wrong) == "cannotCalculateChanges"


async def test_a_change_goes_to_every_placement(world: JmapWorld) -> None:
    one = await world.put(message(1), "INBOX", "Archive")
    await world.call("Email/set", update={one: {"keywords": {"$seen": True, "Red": True}}})
    for name in ("INBOX", "Archive"):
        box = await world.store.mailboxes.get(world.account.id, name)
        [(flags,)] = await rows(world.store, box, "flags")
        assert flags & SEEN
    got = await world.call("Email/get", ids=[one], properties=["keywords", "mailboxIds"])
    assert got["list"][0]["keywords"] == {"$seen": True, "red": True}
    assert len(got["list"][0]["mailboxIds"]) == 2


@pytest.mark.parametrize(
    ("patch", "kind"),
    [
        ({"subject": "x"}, "invalidProperties"),
        ({"keywords/a b": True}, "invalidProperties"),
        ({"keywords/x": False}, "invalidProperties"),
        ({"keywords": {"x": False}}, "invalidProperties"),
        ({"keywords": {}, "keywords/x": True}, "invalidPatch"),
        ({"mailboxIds": {}}, "invalidProperties"),
        ({"mailboxIds/F99": True}, "invalidProperties"),
        ({"mailboxIds": {"F1": True}, "mailboxIds/F2": True}, "invalidPatch"),
        ({"keywords": {f"k{n}": True for n in range(101)}}, "tooManyKeywords"),
    ],
)
async def test_patches_that_are_refused(world: JmapWorld, patch: dict[str, Any], kind: str) -> None:
    [one] = await world.letters(1)
    answer = await world.call("Email/set", update={one: patch})
    assert answer["notUpdated"][one]["type"] == kind
    assert answer["newState"] == answer["oldState"]


async def test_an_email_is_in_so_many_mailboxes(tmp_path: Path) -> None:
    async with jmap_world(tmp_path, mailboxes_of_email_max=2) as world:
        inbox, archive, drafts = [await world.box(name) for name in ("INBOX", "Archive", "Drafts")]
        one = await world.put(message(1), "INBOX", "Archive")
        all_three = {"mailboxIds": {inbox: True, archive: True, drafts: True}}
        for patch in ({f"mailboxIds/{drafts}": True}, all_three):
            refused = await world.call("Email/set", update={one: patch}, create={"k": all_three})
            assert refused["notUpdated"][one]["type"] == "tooManyMailboxes"
            assert refused["notCreated"]["k"]["type"] == "tooManyMailboxes"
        moved = {f"mailboxIds/{drafts}": True, f"mailboxIds/{inbox}": None}
        assert one in (await world.call("Email/set", update={one: moved}))["updated"]


async def test_import_and_parse(world: JmapWorld) -> None:
    inbox = await world.box("INBOX")
    whole = await world.put(message(1))
    inner = b"Subject: outer\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n" + message(
        7, subject="inner"
    )
    outer = await world.put(inner)
    [part] = (await world.call("Email/get", ids=[outer], properties=["attachments"]))["list"][0][
        "attachments"
    ]
    parsed = await world.call(
        "Email/parse", blobIds=[part["blobId"], "M99"], properties=["subject", "bodyStructure"]
    )
    assert parsed["parsed"][part["blobId"]]["subject"] == "inner 7"
    assert parsed["notFound"] == ["M99"]
    deep = parsed["parsed"][part["blobId"]]["bodyStructure"]["blobId"]
    assert (await world.call("Email/parse", blobIds=[deep]))["notParsable"] == [deep]
    imported = await world.call(
        "Email/import",
        emails={
            "a": {"blobId": part["blobId"], "mailboxIds": {inbox: True}, "keywords": {"$seen": True}},
            "b": {"blobId": "M99", "mailboxIds": {inbox: True}},
            "c": {"blobId": whole, "mailboxIds": {}},
            "d": {"blobId": deep, "mailboxIds": {inbox: True}},
        },
    )
    assert list(imported["created"]) == ["a"]
    assert {key: error["type"] for key, error in imported["notCreated"].items()} == {
        "b": "invalidProperties", "c": "invalidProperties", "d": "invalidEmail",
    }  # fmt: skip
    got = await world.call(
        "Email/get", ids=[imported["created"]["a"]["id"]], properties=["subject", "keywords"]
    )
    assert (got["list"][0]["subject"], got["list"][0]["keywords"]) == ("inner 7", {"$seen": True})
    assert await world.error("Email/import", emails={}, ifInState="0") == "stateMismatch"


async def test_creation_ids_reach_through_a_request(world: JmapWorld) -> None:
    response = await world.request(
        ["Mailbox/set", {"accountId": world.id, "create": {"box": {"name": "New"}}}, "0"],
        [
            "Email/set",
            {"accountId": world.id, "create": {"mail": {"mailboxIds": {"#box": True}, "subject": "x"}}},
            "1",
        ],
        ["Email/set", {"accountId": world.id, "update": {"#mail": {"keywords/$seen": True}}}, "2"],
        [
            "Email/get",
            {"accountId": world.id, "ids": ["#mail"], "properties": ["keywords", "mailboxIds"]},
            "3",
        ],
        createdIds={},
    )
    [got] = response["methodResponses"][3][1]["list"]
    assert got["keywords"] == {"$seen": True}
    assert got["mailboxIds"] == {response["createdIds"]["box"]: True}


async def test_a_credential_for_one_folder(world: JmapWorld) -> None:
    inbox, archive = await world.box("INBOX"), await world.box("Archive")
    both, one = await world.put(message(1), "INBOX", "Archive"), await world.put(message(2))
    world.grant = Grant(world.account, "app", Scope(("http",), folders=("Archive",)))
    assert [box["id"] for box in (await world.call("Mailbox/get"))["list"]] == [archive]
    assert (await world.call("Email/query"))["ids"] == [both]
    got = await world.call("Email/get", ids=[both, one], properties=["mailboxIds"])
    assert (got["list"], got["notFound"]) == ([{"id": both, "mailboxIds": {archive: True}}], [one])
    refused = await world.call(
        "Email/set", update={both: {f"mailboxIds/{inbox}": True}, one: {"keywords": {}}}, destroy=[both]
    )
    assert refused["notUpdated"] is not None
    assert refused["updated"] is None
    world.grant = Grant(world.account, "app", Scope(("http",), actions=READ))
    assert await world.error("Email/set", destroy=[one]) == "forbidden"
    assert await world.error("Mailbox/set", create={}) == "forbidden"
