"""CalendarEvent/parse and Invitation/reply on a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.scope import READ, WRITE, Scope
from posthouse.services.grant import Grant
from tests.storage.fixtures import DOMAIN, make_account
from tests.unit.jmap_world import JmapWorld, jmap_world
from tests.unit.test_events import EXCHANGE


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[JmapWorld]:
    async with jmap_world(tmp_path) as opened:
        await make_account(opened.store, "wang")
        yield opened


def invitation(**changes: str) -> str:
    text = EXCHANGE.replace("wang@corp.example", f"wang@{DOMAIN}")
    for old, new in changes.items():
        text = text.replace(old.replace("_", ":"), new)
    return text


async def upload(world: JmapWorld, text: str) -> str:
    made = await world.call(
        "Blob/upload", create={"b": {"data": [{"data:asText": text}], "type": "text/calendar"}}
    )
    return str(made["created"]["b"]["id"])


async def parse(world: JmapWorld, blob: str) -> Any:
    [event] = (await world.call("CalendarEvent/parse", blobIds=[blob]))["parsed"][blob]
    return event


async def letters_of(world: JmapWorld, local: str) -> list[bytes]:
    account = await world.store.directory.account_by_address(f"{local}@{DOMAIN}")
    assert account is not None
    inbox = await world.store.mailboxes.get(account.id, "INBOX")
    found = []
    async for chunk in world.store.messages.fetch(account.id, inbox.id, [(1, 999)], ("content",)):
        found += [row[0] for row in chunk]
    return found


async def test_an_answer_names_the_letter_of_the_invitation(world: JmapWorld) -> None:
    """RFC 5322 §3.6.4: the organizer's program puts it into the conversation."""
    head = f"From: wang@{DOMAIN}\r\nMessage-ID: <asked@{DOMAIN}>\r\nReferences: <first@{DOMAIN}>\r\n"
    body = (
        "MIME-Version: 1.0\r\nContent-Type: text/calendar; charset=utf-8; method=REQUEST\r\n\r\n"
        + invitation()
    )
    email = await world.put((head + body).encode())
    [got] = (await world.call("Email/get", ids=[email], properties=["bodyStructure"]))["list"]
    await world.call("Invitation/reply", blobId=got["bodyStructure"]["blobId"], answer="accepted")
    [letter] = await letters_of(world, "wang")
    head = letter.partition(b"\r\n\r\n")[0].decode()
    assert f"\r\nIn-Reply-To: <asked@{DOMAIN}>\r\n" in head
    assert f"\r\nReferences: <first@{DOMAIN}> <asked@{DOMAIN}>\r\n" in head.replace("\r\n ", " ")
    # what was uploaded came in no letter
    await world.call("Invitation/reply", blobId=await upload(world, invitation()), answer="declined")
    assert b"In-Reply-To" not in (await letters_of(world, "wang"))[1]


async def test_an_invitation_is_shown_and_answered(world: JmapWorld) -> None:
    blob = await upload(world, invitation())
    event = await parse(world, blob)
    assert (event["title"], event["timeZone"]) == ("每周例会", "Asia/Shanghai")
    state = {"participantId": "attendee1", "canReply": True, "answered": None, "invited": 3}
    assert event["posthouse:invitation"] == state
    told = await world.call("Invitation/reply", blobId=blob, answer="accepted", comment="好的")
    assert (told["to"], told["as"], told["uid"]) == (f"wang@{DOMAIN}", f"li@{DOMAIN}", event["uid"])
    [letter] = await letters_of(world, "wang")
    assert b"method=REPLY" in letter
    assert b"From: =?" in letter
    # the organizer's side reads it
    world.account = await world.store.directory.account_by_address(f"wang@{DOMAIN}")  # type: ignore[assignment]
    other = JmapWorld(world.store, world.account, world.services.limits)
    [email] = (await other.call("Email/query"))["ids"]
    [got] = (await other.call("Email/get", ids=[email], properties=["subject", "bodyStructure", "preview"]))[
        "list"
    ]
    assert got["subject"] == "已接受：每周例会"
    assert "李四 已接受邀请" in got["preview"]
    words, answer = got["bodyStructure"]["subParts"]
    assert (words["type"], answer["type"]) == ("text/plain", "text/calendar")
    reply = await parse(other, answer["blobId"])
    assert reply["method"] == "reply"
    assert reply["participants"]["attendee1"]["participationStatus"] == "accepted"
    assert reply["posthouse:invitation"]["canReply"] is False


async def test_what_was_answered_is_remembered(world: JmapWorld) -> None:
    blob = await upload(world, invitation())
    await world.call("Invitation/reply", blobId=blob, answer="accepted")
    await world.call("Invitation/reply", blobId=blob, answer="declined")
    answered = (await parse(world, blob))["posthouse:invitation"]["answered"]
    assert (answered["answer"], answered["isCurrent"]) == ("declined", True)
    newer = await upload(world, invitation(SEQUENCE_2="SEQUENCE:3"))
    assert (await parse(world, newer))["posthouse:invitation"]["answered"]["isCurrent"] is False
    assert len(await letters_of(world, "wang")) == 2


async def test_a_sequence_that_is_no_number_counts_as_none(world: JmapWorld) -> None:
    blob = await upload(world, invitation(SEQUENCE_2="SEQUENCE:²"))
    await world.call("Invitation/reply", blobId=blob, answer="accepted")
    assert len(await letters_of(world, "wang")) == 1


async def test_what_cannot_be_answered(world: JmapWorld) -> None:
    for text, kind in (
        (invitation(METHOD_REQUEST="METHOD:CANCEL"), "invalidArguments"),
        (invitation(**{f"wang@{DOMAIN}": "nobody"}), "noOrganizer"),
        (invitation(**{f"wang@{DOMAIN}": f"none@{DOMAIN}"}), "invalidRecipients"),
        ("no calendar", "invalidArguments"),
        ("BEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR\n", "invalidArguments"),
    ):
        blob = await upload(world, text)
        assert await world.error("Invitation/reply", blobId=blob, answer="accepted") == kind, text
    blob = await upload(world, invitation())
    assert await world.error("Invitation/reply", blobId="U99", answer="accepted") == "blobNotFound"
    assert await world.error("Invitation/reply", blobId=blob, answer="perhaps") == "invalidArguments"
    assert (
        await world.error("Invitation/reply", blobId=blob, answer="accepted", uid="x") == "invalidArguments"
    )
    assert (
        await world.error("Invitation/reply", blobId=blob, answer="accepted", identityId="I99")
        == "invalidArguments"
    )
    long = "x" * 3000
    assert (
        await world.error("Invitation/reply", blobId=blob, answer="accepted", comment=long)
        == "invalidArguments"
    )
    world.grant = Grant(world.account, "app", Scope(("http",), READ | WRITE))
    assert await world.error("Invitation/reply", blobId=blob, answer="accepted") == "forbidden"
    answer = await world.call("CalendarEvent/parse", blobIds=[blob, "U99"])
    assert answer["notFound"] == ["U99"]
    assert await letters_of(world, "wang") == []


async def test_the_organizer_does_not_answer(world: JmapWorld) -> None:
    own = invitation(**{f"wang@{DOMAIN}": f"li@{DOMAIN}"})
    event = await parse(world, await upload(world, own))
    assert event["posthouse:invitation"]["canReply"] is False
    [bad] = (await world.call("CalendarEvent/parse", blobIds=[await upload(world, "x")]))["notParsable"]
    assert bad.startswith("U")


async def test_of_a_crowd_the_first_are_listed_and_all_are_counted(world: JmapWorld) -> None:
    crowd = "".join(f"ATTENDEE:mailto:p{number}@x.test\n" for number in range(10_000))
    text = invitation().replace("DESCRIPTION;", f"{crowd}DESCRIPTION;", 1)
    event = await parse(world, await upload(world, text))
    assert len(event["participants"]) == 501
    assert event["posthouse:invitation"]["invited"] == 10_003
