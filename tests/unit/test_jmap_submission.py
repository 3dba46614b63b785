"""Identity, EmailSubmission, VacationResponse, Quota."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from posthouse.core.scope import READ, WRITE, Scope
from posthouse.services.grant import Grant, of_password
from posthouse.services.notice import Report, Subject
from posthouse.services.notice import compose as compose_notice
from posthouse.sessions.jmap import api
from posthouse.sessions.jmap.capability import CAPABILITIES
from posthouse.storage.rows import Alias, Attempt, JournalLine
from tests.storage.fixtures import DOMAIN, make_account, message
from tests.unit.jmap_world import JmapWorld, jmap_world

ME = f"li@{DOMAIN}"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[JmapWorld]:
    async with jmap_world(tmp_path) as opened:
        yield opened


async def draft(world: JmapWorld, **more: Any) -> str:
    record = {
        "mailboxIds": {await world.box("Drafts"): True},
        "keywords": {"$draft": True},
        "from": [{"email": ME}],
        "to": [{"email": "zhang@qq.test"}],
        "bcc": [{"email": f"wang@{DOMAIN}"}],
        "subject": "hi",
        "bodyValues": {"1": {"value": "text"}},
        "textBody": [{"partId": "1"}],
        **more,
    }
    made = await world.call("Email/set", create={"k": record})
    return str(made["created"]["k"]["id"])


async def identity(world: JmapWorld) -> str:
    return str((await world.call("Identity/get"))["list"][0]["id"])


async def submit(world: JmapWorld, email: str, **more: Any) -> Any:
    record = {"identityId": await identity(world), "emailId": email, **more.pop("record", {})}
    return await world.call("EmailSubmission/set", create={"s": record}, **more)


async def test_identities(world: JmapWorld) -> None:
    await world.store.directory.put_alias(Alias(f"boss@{DOMAIN}", (ME,)))
    [own] = (await world.call("Identity/get"))["list"]
    assert (own["email"], own["name"], own["mayDelete"]) == (ME, "李四", False)
    made = await world.call(
        "Identity/set",
        create={
            "a": {"email": f"boss@{DOMAIN}", "name": "Boss", "bcc": [{"email": ME, "name": None}]},
            "b": {"email": "other@qq.test"},
            "c": {"email": "nonsense"},
            "d": {"email": ME, "mayDelete": True},
        },
        update={own["id"]: {"textSignature": "-- \n李", "email": "x@y.z"}},
        destroy=[own["id"]],
    )
    assert list(made["created"]) == ["a"]
    assert {key: one["type"] for key, one in made["notCreated"].items()} == {
        "b": "forbiddenFrom", "c": "invalidProperties", "d": "invalidProperties",
    }  # fmt: skip
    assert made["notDestroyed"][own["id"]]["type"] == "forbidden"
    state = made["newState"]
    boss = made["created"]["a"]["id"]
    done = await world.call("Identity/set", update={own["id"]: {"textSignature": "-- "}}, destroy=[boss])
    assert (list(done["updated"]), done["destroyed"]) == ([own["id"]], [boss])
    changes = await world.call("Identity/changes", sinceState=state)
    assert (changes["updated"], changes["destroyed"]) == ([own["id"]], [boss])


async def test_an_account_has_its_identity_whatever_comes_meanwhile(
    world: JmapWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = world.store.objects
    put, letters = objects.put, iter(range(3))

    async def late(*args: Any, **kwargs: Any) -> Any:
        if (number := next(letters, None)) is not None:
            await world.put(message(number))  # the account has another modseq now
        return await put(*args, **kwargs)

    monkeypatch.setattr(objects, "put", late)
    [own] = (await world.call("Identity/get"))["list"]
    assert own["email"] == ME
    assert next(letters, None) is None


async def test_a_draft_is_sent(world: JmapWorld) -> None:
    wang = await make_account(world.store, "wang")
    email = await draft(world)
    drafts, sent = await world.box("Drafts"), await world.box("Sent")
    response = await world.request(
        ["Identity/get", {"accountId": world.id, "ids": None}, "0"],
        [
            "EmailSubmission/set",
            {
                "accountId": world.id,
                "create": {"s": {"identityId": await identity(world), "emailId": email}},
                "onSuccessUpdateEmail": {
                    "#s": {f"mailboxIds/{drafts}": None, f"mailboxIds/{sent}": True, "keywords/$draft": None}
                },
            },
            "1",
        ],
    )
    _, [_, done, _], [implied, answer, call] = response["methodResponses"]
    assert (implied, call, answer["updated"]) == ("Email/set", "1", {email: None})
    told = done["created"]["s"]
    assert told["undoStatus"] == "final"
    assert told["deliveryStatus"]["zhang@qq.test"]["delivered"] == "queued"
    assert told["deliveryStatus"][f"wang@{DOMAIN}"]["delivered"] == "yes"
    assert told["envelope"]["mailFrom"] == {"email": ME, "parameters": None}
    [got] = (await world.call("Email/get", ids=[email], properties=["mailboxIds", "keywords"]))["list"]
    assert (got["mailboxIds"], got["keywords"]) == ({sent: True}, {})
    [entry] = await world.store.queue.entries()
    content = await world.store.contents.read(entry.blob)
    assert isinstance(content, bytes)
    assert b"\r\nBcc:" not in content
    inbox = await world.store.mailboxes.get(wang.id, "INBOX")
    assert inbox.messages == 1
    refused = await world.call("EmailSubmission/set", update={told["id"]: {"undoStatus": "canceled"}})
    assert refused["notUpdated"][told["id"]]["type"] == "cannotUnsend"
    arguments = {"accountId": world.id, "destroy": [told["id"]], "onSuccessDestroyEmail": [told["id"]]}
    response = await world.request(["EmailSubmission/set", arguments, "0"])
    assert response["methodResponses"][0][1]["destroyed"] == [told["id"]]
    assert response["methodResponses"][1][1]["destroyed"] == [email]
    assert (await world.call("Email/get", ids=[email]))["notFound"] == [email]


async def told_of(world: JmapWorld, state: str, *submissions: str) -> str:
    """EmailSubmission/changes tells of these, as changed; the new state."""
    found = await world.call("EmailSubmission/changes", sinceState=state)
    assert (found["created"], found["updated"], found["destroyed"]) == ([], [*submissions], [])
    return str(found["newState"])


async def test_what_becomes_of_a_letter_is_told(world: JmapWorld) -> None:
    made = (await submit(world, await draft(world, bcc=None)))["created"]["s"]
    await submit(world, await draft(world, bcc=None))
    state = (await world.call("EmailSubmission/get", ids=[]))["state"]
    [job, _] = await world.store.queue.lease("w1", world.clock.now(), lease_s=60, limit=10)
    [one] = job.entry.recipients
    status = "250 2.0.0 taken"
    attempt = Attempt(one.id, "delivered", world.clock.now(), status, "mx.qq.test")
    line = JournalLine(
        world.clock.now(), "delivered", {"recipient": one.address, "status": status, "tls": "TLSv1.3"}
    )
    await world.store.queue.report([attempt], [(job.entry.trace, line)])
    await told_of(world, state, made["id"])
    [got] = (await world.call("EmailSubmission/get", ids=[made["id"]]))["list"]
    assert got["deliveryStatus"][one.address] == {
        "smtpReply": status, "delivered": "unknown", "displayed": "unknown"
    }  # fmt: skip


@pytest.mark.parametrize(("language", "word"), [("en", "switched off"), ("zh", "停用"), (None, "停用")])
async def test_who_may_not_send_is_told_why(world: JmapWorld, language: str | None, word: str) -> None:
    email, mine = await draft(world, bcc=None), await identity(world)
    world.grant = of_password(replace(world.account, own_protocols=("http", "imap")))
    calls = [
        ["EmailSubmission/set", {"accountId": world.id, "create": {"s": {"emailId": email, "identityId": mine}}}, "0"],
        ["MDN/send", {"accountId": world.id, "identityId": mine, "send": {"m": {"forEmailId": email}}}, "1"],
        ["Invitation/reply", {"accountId": world.id, "blobId": email, "answer": "accepted"}, "2"],
    ]  # fmt: skip
    body = msgspec.json.encode({"using": list(CAPABILITIES), "methodCalls": calls})
    response, _ = await api.run(world.services, world.grant, body, language)
    sent, receipt, reply = [result for _, result, _ in response["methodResponses"]]
    for refused in (sent["notCreated"]["s"], receipt["notSent"]["m"], reply):
        assert refused["type"] == "forbiddenToSend"
        assert word in refused["description"]
    assert await world.store.queue.entries() == []


async def test_where_a_domain_closes_submission_people_send_by_the_webmail(world: JmapWorld) -> None:
    email = await draft(world, bcc=None)
    world.grant = of_password(replace(world.account, protocols=("http", "imap")))
    assert "s" in (await submit(world, email))["created"]


async def test_what_comes_back_about_a_submission_is_found(world: JmapWorld) -> None:
    email = await draft(world, bcc=None)
    made = (await submit(world, email))["created"]["s"]
    assert (made["dsnBlobIds"], made["mdnBlobIds"]) == ([], [])
    state = (await world.call("EmailSubmission/get", ids=[]))["state"]
    [sent] = (await world.call("Email/get", ids=[email], properties=["messageId"]))["list"]
    about = sent["messageId"][0]
    header = f"Message-ID: <{about}>\r\nSubject: hi\r\n\r\n".encode()
    subject = Subject("mx.example.test", ME, "t1", 0.0)
    report = Report("zhang@qq.test", "failed", "5.1.1")
    bounce = await world.put(compose_notice(subject, "failed", [report], header, at=0.0, trace="t2"))
    answer = f"In-Reply-To: <{about}>\r\n"
    state = await told_of(world, state, made["id"])
    await world.put(message(7, headers=answer))
    state = await told_of(world, state)
    receipt = (
        f"From: zhang@qq.test\r\nMessage-ID: <r@qq.test>\r\n{answer}MIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=disposition-notification;\r\n boundary=r\r\n\r\n"
        "--r\r\n\r\nread\r\n--r\r\nContent-Type: message/disposition-notification\r\n\r\n"
        "Final-Recipient: rfc822; Zhang@qq.test\r\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--r--\r\n"
    )
    seen = await world.put(receipt.encode())
    await told_of(world, state, made["id"])
    [got] = (await world.call("EmailSubmission/get", ids=[made["id"]]))["list"]
    assert (got["dsnBlobIds"], got["mdnBlobIds"]) == ([bounce], [seen])
    assert got["deliveryStatus"]["zhang@qq.test"]["displayed"] == "yes"
    [thread] = (await world.call("Thread/get", ids=[got["threadId"]]))["list"]
    assert {email, bounce, seen} < set(thread["emailIds"])


async def test_what_is_held_can_be_undone(world: JmapWorld) -> None:
    wang = await make_account(world.store, "wang")
    email = await draft(world)
    envelope = {
        "mailFrom": {"email": ME, "parameters": {"holdfor": "60"}},
        "rcptTo": [{"email": f"wang@{DOMAIN}", "parameters": None}, {"email": "a@qq.test"}],
    }
    made = (await submit(world, email, record={"envelope": envelope}))["created"]["s"]
    assert made["undoStatus"] == "pending"
    assert (await world.store.mailboxes.get(wang.id, "INBOX")).messages == 0
    pending = await world.call("EmailSubmission/query", filter={"undoStatus": "pending"})
    assert pending["ids"] == [made["id"]]
    done = await world.call("EmailSubmission/set", update={made["id"]: {"undoStatus": "canceled"}})
    assert done["updated"] == {made["id"]: None}
    [got] = (await world.call("EmailSubmission/get", ids=[made["id"]]))["list"]
    assert got["undoStatus"] == "canceled"
    assert await world.store.queue.entries() == []
    later = (await submit(world, email, record={"envelope": envelope}))["created"]["s"]
    world.clock.move(61)
    [got] = (await world.call("EmailSubmission/get", ids=[later["id"]]))["list"]
    assert got["undoStatus"] == "final"
    changes = await world.call(
        "EmailSubmission/queryChanges",
        sinceQueryState=pending["queryState"],
        filter={"undoStatus": "canceled"},
    )
    assert [one["id"] for one in changes["added"]] == [made["id"]]


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ({"identityId": "I999"}, "invalidProperties"),
        ({"emailId": "M999"}, "invalidProperties"),
        ({"sendAt": "2030-01-01T00:00:00Z"}, "invalidProperties"),
        ({"envelope": {"mailFrom": {"email": ME}, "rcptTo": []}}, "noRecipients"),
        ({"envelope": {"mailFrom": {"email": ME}, "rcptTo": [{"email": "x"}, {"email": f"no@{DOMAIN}"}]}},
         "invalidRecipients"),
        ({"envelope": {"mailFrom": {"email": "x@qq.test"}, "rcptTo": [{"email": "a@qq.test"}]}}, "forbiddenMailFrom"),
        ({"envelope": {"mailFrom": {"email": ME, "parameters": {"HOLDFOR": "x"}}, "rcptTo": [{"email": "a@b.c"}]}},
         "invalidProperties"),
        ({"envelope": {"mailFrom": {"email": ME}, "rcptTo": [{"email": "a@b.c", "parameters": {"X": "y"}}]}},
         "invalidProperties"),
        ({"envelope": "x"}, "invalidProperties"),
    ],
)  # fmt: skip
async def test_submissions_that_are_refused(world: JmapWorld, record: dict[str, Any], kind: str) -> None:
    answer = await submit(world, await draft(world), record=record)
    assert answer["notCreated"]["s"]["type"] == kind
    assert (await world.call("EmailSubmission/get"))["list"] == []
    assert await world.store.queue.entries() == []


async def test_more_refusals(tmp_path: Path) -> None:
    async with jmap_world(tmp_path, recipients_max=1) as world:
        both = await submit(world, await draft(world))
        assert both["notCreated"]["s"] | {"description": ""} == {
            "type": "tooManyRecipients", "description": "", "maxRecipients": 1,
        }  # fmt: skip
        other = await draft(world, **{"from": [{"email": "x@qq.test"}], "bcc": None})
        assert (await submit(world, other))["notCreated"]["s"]["type"] == "forbiddenFrom"
        nobody = await draft(world, **{"from": None})
        assert (await submit(world, nobody))["notCreated"]["s"]["type"] == "invalidEmail"
        world.grant = Grant(world.account, "app", Scope(("http",), actions=READ | WRITE))
        assert await world.error("EmailSubmission/set") == "forbidden"


async def test_vacation_reaches_the_rules(world: JmapWorld) -> None:
    [one] = (await world.call("VacationResponse/get"))["list"]
    assert (one["id"], one["isEnabled"]) == ("singleton", False)
    done = await world.call(
        "VacationResponse/set",
        create={"a": {}},
        destroy=["singleton"],
    )
    assert done["notCreated"]["a"]["type"] == done["notDestroyed"]["singleton"]["type"] == "singleton"
    done = await world.call(
        "VacationResponse/set", update={"singleton": {"isEnabled": True, "textBody": "不在"}}
    )
    assert done["updated"] == {"singleton": None}
    [script] = await world.store.scripts.of_account(world.account.id)
    assert (script.active, "不在" in script.content) == (True, True)
    await world.call("VacationResponse/set", update={"singleton": {"isEnabled": False}})
    [script] = await world.store.scripts.of_account(world.account.id)
    assert "不在" not in script.content
    assert (await world.call("VacationResponse/get"))["list"][0]["textBody"] == "不在"
    wrong = await world.call("VacationResponse/set", update={"singleton": {"toDate": "tomorrow"}})
    assert wrong["notUpdated"]["singleton"]["properties"] == ["toDate"]


async def test_quotas(world: JmapWorld) -> None:
    assert (await world.call("Quota/get"))["list"] == []
    await world.store.directory.update_account(world.account.id, {"quota_bytes": 1000})
    [one] = (await world.call("Quota/get"))["list"]
    assert (one["resourceType"], one["hardLimit"], one["used"], one["scope"]) == (
        "octets",
        1000,
        0,
        "account",
    )
    assert (await world.call("Quota/query", filter={"type": "Mail"}))["ids"] == ["octets"]
    assert (await world.call("Quota/query", filter={"type": "Contact"}))["ids"] == []
    assert await world.error("Quota/query", filter={"x": "y"}) == "unsupportedFilter"
    state = (await world.call("Quota/get"))["state"]
    await world.letters(1)
    changes = await world.call("Quota/changes", sinceState=state)
    assert (changes["updated"], changes["updatedProperties"]) == (["octets"], ["used"])
    full = await world.call(
        "Email/set", create={"a": {"mailboxIds": {await world.box("INBOX"): True}, "subject": "x" * 2000}}
    )
    assert full["notCreated"]["a"]["type"] == "overQuota"


async def test_what_looks_like_a_header_in_the_text_is_none(world: JmapWorld) -> None:
    """A letter that quotes another one goes to those that its own header names, and to nobody else."""
    await make_account(world.store, "wang")
    quoted = "See below.\n\nFrom: boss@qq.test\nTo: victim@qq.test\nBcc: spy@qq.test\nSender: x@qq.test\n"
    done = await submit(world, await draft(world, bodyValues={"1": {"value": quoted}}))
    assert done["notCreated"] is None
    envelope = (await world.call("EmailSubmission/get", ids=None))["list"][0]["envelope"]
    assert envelope["mailFrom"]["email"] == ME
    assert [one["email"] for one in envelope["rcptTo"]] == ["zhang@qq.test", f"wang@{DOMAIN}"]


async def test_when_a_letter_came_is_not_told_by_its_text(world: JmapWorld) -> None:
    text = b"Subject: x\r\n\r\nReceived: from a by b; Mon, 01 Jan 2001 10:00:00 +0000\r\n"
    one = {"blobId": await world.put(text), "mailboxIds": {await world.box("INBOX"): True}}
    made = (await world.call("Email/import", emails={"i": one}))["created"]["i"]
    [email] = (await world.call("Email/get", ids=[made["id"]], properties=["receivedAt"]))["list"]
    assert not email["receivedAt"].startswith("2001")
