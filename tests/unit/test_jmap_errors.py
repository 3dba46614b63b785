"""Every error type of RFC 8620, RFC 8621 and friends is provoked: those of calls here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from posthouse.core.errors import (
    BadToken,
    Forbidden,
    NotApproved,
    SignInFailed,
    StorageFull,
    Unavailable,
    Uncertain,
)
from posthouse.core.rights import parse_rights
from posthouse.http.dav.routes import _failure as dav_failure
from posthouse.http.jmap.answer import refusal as jmap_refusal
from posthouse.services.grant import of_password
from tests.storage.fixtures import make_account, message
from tests.unit.jmap_world import JmapWorld, jmap_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[JmapWorld]:
    async with jmap_world(tmp_path, get_max=4, set_max=3) as made:
        yield made


NONE_OF: dict[str, Any] = {"operator": "NOT", "conditions": []}
BAD_FILTERS: list[tuple[str, dict[str, Any]]] = [
    ("unsupportedFilter", {"nonsense": 1}),
    ("unsupportedFilter", {"operator": "NOT", "conditions": [NONE_OF] * 300}),
    ("invalidArguments", {"operator": ["AND"], "conditions": []}),
    ("invalidArguments", {"operator": "AND", "conditions": {}}),
    ("invalidArguments", {"operator": "AND", "conditions": [1]}),
    ("invalidArguments", {"operator": "AND", "conditions": [], "more": 1}),
]
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("unknownMethod", "Email/frobnicate", {}),
    ("invalidArguments", "Email/get", {"ids": "M1"}),
    ("invalidArguments", "Email/get", {"ids": [], "properties": ["nonsense"]}),
    ("invalidArguments", "Email/get", {"ids": [], "frob": 1}),
    ("requestTooLarge", "Email/get", {"ids": [], "properties": [f"header:X{n}" for n in range(201)]}),
    ("requestTooLarge", "Email/get", {"ids": [], "properties": [f"header:{'x' * 16_000}"]}),
    ("requestTooLarge", "Email/get", {"ids": [], "bodyProperties": [f"header:X{n}" for n in range(41)]}),
    ("requestTooLarge", "Email/parse", {"blobIds": [], "bodyProperties": [f"header:X{n}" for n in range(41)]}),
    ("invalidArguments", "Mailbox/query", {"filter": {"operator": "XOR", "conditions": []}}),
    ("invalidArguments", "Blob/copy", {"fromAccountId": "A1"}),
    ("invalidResultReference", "Email/get", {"#ids": {"resultOf": "none", "name": "Email/query", "path": "/ids"}}),
    ("accountNotFound", "Email/get", {"accountId": "A999", "ids": []}),
    ("accountNotFound", "ContactCard/get", {"accountId": "nonsense", "ids": []}),
    ("fromAccountNotFound", "Email/copy", {"fromAccountId": "A999", "create": {}}),
    ("fromAccountNotFound", "ContactCard/copy", {"fromAccountId": "A999", "create": {}}),
    ("fromAccountNotFound", "Blob/copy", {"fromAccountId": "A999", "blobIds": []}),
    ("requestTooLarge", "Email/get", {"ids": ["M1", "M2", "M3", "M4", "M5"]}),
    ("requestTooLarge", "ContactCard/get", {"ids": ["C1", "C2", "C3", "C4", "C5"]}),
    ("requestTooLarge", "Email/set", {"destroy": ["M1", "M2", "M3", "M4"]}),
    ("requestTooLarge", "AddressBook/set", {"destroy": ["B1", "B2", "B3", "B4"]}),
    ("requestTooLarge", "Blob/copy", {"fromAccountId": "A1", "blobIds": ["U1", "U2", "U3", "U4"]}),
    *[("stateMismatch", f"{kind}/set", {"ifInState": "99999"}) for kind in (
        "Email", "Mailbox", "AddressBook", "ContactCard", "Identity", "VacationResponse", "SieveScript",
        "EmailSubmission", "ShareNotification", "Settings",
    )],
    *[("cannotCalculateChanges", f"{kind}/changes", {"sinceState": "no-state"}) for kind in (
        "Email", "Mailbox", "Thread", "AddressBook", "ContactCard", "Identity", "EmailSubmission", "Principal",
        "ShareNotification", "Quota", "VacationResponse",
    )],
    *[("cannotCalculateChanges", f"{kind}/queryChanges", {"sinceQueryState": "no-state"}) for kind in (
        "Email", "Mailbox", "ContactCard", "EmailSubmission", "Principal", "ShareNotification",
    )],
    *[("anchorNotFound", f"{kind}/query", {"anchor": "nothing"}) for kind in (
        "Email", "Mailbox", "ContactCard", "EmailSubmission", "Principal", "ShareNotification", "Quota", "SieveScript",
    )],
    *[("unsupportedSort", f"{kind}/query", {"sort": [{"property": "nonsense"}]}) for kind in (
        "Email", "Mailbox", "ContactCard", "EmailSubmission", "Principal", "ShareNotification", "Quota", "SieveScript",
    )],
    *[(error, f"{kind}/query", {"filter": filter_}) for error, filter_ in BAD_FILTERS for kind in (
        "Email", "Mailbox", "ContactCard", "EmailSubmission", "Principal", "ShareNotification", "Quota", "SieveScript",
    )],
    ("unsupportedSort", "ContactCard/query", {"sort": [{"property": "created", "collation": "i;klingon"}]}),
    ("unknownDataType", "Blob/lookup", {"ids": [], "typeNames": ["Nonsense"]}),
]  # fmt: skip


@pytest.mark.parametrize(("error", "method", "arguments"), CALLS)
async def test_errors_of_calls(world: JmapWorld, error: str, method: str, arguments: dict[str, Any]) -> None:
    assert await world.error(method, **arguments) == error


@pytest.mark.parametrize(
    "part", [{"partId": ["t"]}, {"partId": {}}, {"blobId": 0}, {"blobId": True}, {"blobId": {}}]
)
async def test_a_part_is_named_by_a_string(world: JmapWorld, part: dict[str, Any]) -> None:
    record = {"mailboxIds": {await world.box("INBOX"): True}, "attachments": [{"type": "text/plain", **part}]}
    refused = (await world.call("Email/set", create={"c": record}))["notCreated"]["c"]
    assert (refused["type"], refused["properties"]) == (
        "invalidProperties",
        [f"bodyStructure/{next(iter(part))}"],
    )


async def test_too_many_changes(world: JmapWorld) -> None:
    state = (await world.call("Email/query"))["queryState"]
    cards = (await world.call("ContactCard/query"))["queryState"]
    for number in range(3):
        await world.put(message(number))
        [book] = (await world.call("AddressBook/get"))["list"]
        await world.call("ContactCard/set", create={"c": {"addressBookIds": {book["id"]: True}}})
    for method, since in (("Email", state), ("ContactCard", cards)):
        arguments = {"sinceQueryState": since, "maxChanges": 1}
        assert await world.error(f"{method}/queryChanges", **arguments) == "tooManyChanges"


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (Unavailable("x"), "serverUnavailable"),
        (StorageFull("x"), "serverUnavailable"),
        (Uncertain("x"), "serverPartialFail"),
        (RuntimeError("secret of ours"), "serverFail"),
    ],
)
async def test_faults_of_the_store(
    world: JmapWorld, monkeypatch: pytest.MonkeyPatch, raised: Exception, error: str
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(world.store.contacts, "books", fails)
    response = await world.request(
        ["AddressBook/get", {"accountId": world.id}, "c"], ["Core/echo", {"a": 1}, "d"]
    )
    (name, told, _), (echo, _, _) = response["methodResponses"]
    assert (name, told["type"], echo) == ("error", error, "Core/echo")
    assert "secret" not in str(told)


async def test_errors_about_accounts_of_others(world: JmapWorld) -> None:
    account = await make_account(world.store, "wang")
    wang = JmapWorld(world.store, account, world.services.limits)
    wang.grant = of_password(account)
    box = await world.store.mailboxes.get(world.account.id, "Archive")
    [book] = (await world.call("AddressBook/get"))["list"]
    letter = await world.put(message(1), "Archive")

    async def share(rights: str) -> None:
        change = ("=", parse_rights(rights))
        await world.store.acls.set(
            world.account.id, box.id, account.id, negative=False, change=change, entries_max=9
        )

    await share("lr")
    copy = {"fromAccountId": world.id, "create": {}}
    assert await wang.error("ContactCard/copy", **copy) == "fromAccountNotSupportedByMethod"
    assert await wang.error("ContactCard/get", accountId=world.id) == "accountNotSupportedByMethod"
    assert await wang.error("Email/set", accountId=world.id) == "accountReadOnly"
    assert (
        await wang.error("Blob/copy", accountId=world.id, fromAccountId=wang.id, blobIds=[])
        == "accountReadOnly"
    )
    # RFC 8620 §6.3: what may be seen is copied, by the name of a new blob
    copied = await wang.call("Blob/copy", fromAccountId=world.id, blobIds=[letter, "M999", "nonsense"])
    assert {key: one["type"] for key, one in copied["notCopied"].items()} == {
        "M999": "notFound",
        "nonsense": "notFound",
    }
    emails = {"e": {"blobId": copied["copied"][letter], "mailboxIds": {await wang.box("INBOX"): True}}}
    assert "e" in (await wang.call("Email/import", emails=emails))["created"]
    await share("")
    await world.call("AddressBook/set", update={book["id"]: {f"shareWith/P{account.id}": {"mayRead": True}}})
    assert await wang.error("Email/copy", **copy) == "fromAccountNotSupportedByMethod"
    assert await wang.error("Email/get", accountId=world.id) == "accountNotSupportedByMethod"
    assert await wang.error("ContactCard/set", accountId=world.id) == "accountReadOnly"


def test_a_token_that_is_no_good_is_told_apart_from_a_password() -> None:
    """RFC 6750 §3.1: so that the client gets another one by itself."""
    told = jmap_refusal(BadToken("x"))
    assert told.status_code == 401
    assert told.headers["www-authenticate"].endswith('Bearer realm="JMAP", error="invalid_token"')
    assert "error=" not in jmap_refusal(SignInFailed("x")).headers["www-authenticate"]


@pytest.mark.parametrize("refusal", [jmap_refusal, dav_failure])
def test_who_waits_for_approval_is_told_so(refusal: Callable[[Exception], Response]) -> None:
    assert b"approve it by the letter" in bytes(refusal(NotApproved("x")).body)
    assert b"approve" not in bytes(refusal(Forbidden("x")).body)
