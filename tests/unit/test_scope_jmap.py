"""A credential for one folder, and every method of JMAP: what lies outside is not read, not changed, and not told.

Each method has rows of arguments that aim at what is hidden.  A row is asked twice, with the ids of hidden things and
with ids that nobody has: the two answers have to be the same.  A method without a row fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from posthouse.core.scope import ALL, READ, SEND, WRITE, Scope
from posthouse.services.grant import Grant
from posthouse.sessions.jmap.table import METHODS, is_whole
from posthouse.storage.email_rows import StoredObject
from tests.unit.jmap_world import JmapWorld, jmap_world

WORD: Final = "xyzzy"
"""In everything that lies outside of the folder."""
ABSENT: Final = 100_000
ROWS: dict[str, list[dict[str, Any]]] = {
    "Mailbox/get": [{}, {"ids": ["<box>"]}],
    "Mailbox/changes": [{"sinceState": "<since>"}],
    "Mailbox/query": [{}, {"filter": {"parentId": "<box>"}}, {"filter": {"name": WORD}, "calculateTotal": True}],
    "Mailbox/queryChanges": [{"sinceQueryState": "<since>"}],
    "Mailbox/set": [
        {"update": {"<box>": {"name": "Mine"}}},
        {"destroy": ["<box>"], "onDestroyRemoveEmails": True},
        {"create": {"n": {"name": "n", "parentId": "<box>"}}},
        {"update": {"<work>": {"parentId": "<box>"}}},
    ],
    "Thread/get": [{"ids": ["<thread>"]}],
    "Thread/changes": [{"sinceState": "<since>"}],
    "Email/get": [
        {"ids": ["<email>", "<inbox>"]},
        {"ids": ["<email>"], "properties": ["bodyValues", "preview"], "fetchAllBodyValues": True},
    ],
    "Email/changes": [{"sinceState": "<since>"}],
    "Email/query": [
        {"calculateTotal": True},
        {"filter": {"inMailbox": "<box>"}, "calculateTotal": True},
        {"filter": {"inMailboxOtherThan": ["<work>"]}, "calculateTotal": True},
        {"filter": {"operator": "NOT", "conditions": [{"inMailbox": "<box>"}]}, "calculateTotal": True},
        {"filter": {"text": WORD}, "calculateTotal": True},
        {"filter": {"someInThreadHaveKeyword": WORD}},
        {"filter": {"noneInThreadHaveKeyword": WORD}},
        {"filter": {"allInThreadHaveKeyword": "$seen"}},
        {"sort": [{"property": "someInThreadHaveKeyword", "keyword": WORD}]},
        {"anchor": "<email>"},
    ],
    "Email/queryChanges": [
        {"sinceQueryState": "<since>", "calculateTotal": True},
        {"sinceQueryState": "<since>", "collapseThreads": True},
        {"sinceQueryState": "<since>", "filter": {"inMailbox": "<box>"}},
    ],
    "Email/set": [
        {"update": {"<email>": {"keywords/$flagged": True}}},
        {"update": {"<email>": {"mailboxIds": {"<work>": True}}}},
        {"update": {"<visible>": {"mailboxIds": {"<box>": True}}}},
        {"destroy": ["<email>", "<inbox>"]},
        {"create": {"n": {"mailboxIds": {"<box>": True}, "subject": "n"}}},
        *({
            "create": {
                "n": {"mailboxIds": {"<work>": True}, "attachments": [{"blobId": blob, "type": "message/rfc822"}]}
            }
        }
        for blob in ("<email>", "<upload>", "<theirs>")),
    ],
    "Email/copy": [{"fromAccountId": "<account>", "create": {"n": {"id": "<email>", "mailboxIds": {"<work>": True}}}}],
    "Email/import": [
        *(
            {"emails": {"n": {"blobId": blob, "mailboxIds": {"<work>": True}}}}
            for blob in ("<email>", "<upload>", "<theirs>")
        ),
        {"emails": {"n": {"blobId": "<visible>", "mailboxIds": {"<box>": True}}}},
    ],
    "Email/parse": [{"blobIds": ["<email>", "<inbox>", "<upload>", "<theirs>"]}],
    "SearchSnippet/get": [{"emailIds": ["<email>", "<inbox>"], "filter": {"text": WORD}}],
    "Identity/get": [{}],
    "Identity/changes": [{"sinceState": "<since>"}],
    "EmailSubmission/get": [{}, {"ids": ["<submission>"]}],
    "EmailSubmission/changes": [{"sinceState": "<since>"}],
    "EmailSubmission/query": [{"calculateTotal": True}, {"filter": {"emailIds": ["<email>"]}, "calculateTotal": True}],
    "EmailSubmission/queryChanges": [{"sinceQueryState": "<since>"}],
    "EmailSubmission/set": [
        {"create": {"s": {"identityId": "<identity>", "emailId": "<email>"}}},
        {"update": {"<submission>": {"undoStatus": "canceled"}}},
        {"destroy": ["<submission>"]},
        {"onSuccessDestroyEmail": ["<submission>"], "update": {"<submission>": {"undoStatus": "canceled"}}},
    ],
    "CalendarEvent/parse": [{"blobIds": ["<email>", "<upload>", "<theirs>"]}],
    "Invitation/reply": [
        {"blobId": blob, "status": "accepted", "identityId": "<identity>"} for blob in ("<email>", "<upload>")
    ],
    "MDN/send": [{"identityId": "<identity>", "send": {"m": {"forEmailId": "<email>", "disposition": {
        "actionMode": "manual-action", "sendingMode": "mdn-sent-manually", "type": "displayed"}}}}],
    "MDN/parse": [{"blobIds": ["<email>", "<upload>", "<theirs>"]}],
    "Journey/get": [{"ids": ["<email>", "<inbox>"]}],
    "File/sign": [{"blobIds": ["<email>", "<upload>", "<theirs>"], "emailIds": ["<inbox>"]}],
    "Snooze/get": [{}, {"ids": ["<email>"]}],
    "Snooze/set": [
        {"create": {"n": {"emailId": "<email>", "until": "2030-01-01T00:00:00Z"}}},
        {"destroy": ["<email>"]},
        {"update": {"<email>": {"until": "2030-01-01T00:00:00Z"}}},
    ],
    "Picture/sign": [{"urls": ["https://example.test/x.png"]}],
    "Blob/upload": [{"create": {"n": {"data": [{"blobId": blob}]}}} for blob in ("<email>", "<upload>", "<theirs>")],
    "Blob/get": [{"ids": ["<email>", "<inbox>", "<upload>", "<theirs>"], "properties": ["data:asText", "size"]}],
    "Blob/copy": [{"fromAccountId": "<account>", "blobIds": ["<email>", "<inbox>", "<upload>", "<theirs>"]}],
    "Blob/lookup": [
        {"ids": ["<email>"], "typeNames": ["Mailbox", "Thread", "Email"]},
        {"ids": ["<both>"], "typeNames": ["Mailbox"]},
    ],
    "Quota/get": [{}],
    "Quota/changes": [{"sinceState": "<since>"}],
    "Quota/query": [{}],
    "Quota/queryChanges": [{"sinceQueryState": "<since>"}],
    "Core/echo": [{"id": "<email>"}],
    "PushSubscription/get": [{}],
    "PushSubscription/set": [{"destroy": ["<submission>"]}],
}  # fmt: skip
ALL_ROWS: Final = [(name, row) for name, rows in ROWS.items() for row in rows]
NOT_OF_ACCOUNTS: Final = ("Core/echo", "PushSubscription/get", "PushSubscription/set")


def letter(name: str, subject: str, *, after: str = "") -> bytes:
    lines = [f"From: {subject} <{name}@b.test>", "To: li@example.test", f"Message-ID: <{name}@x>"]
    if after:
        lines += [f"In-Reply-To: <{after}@x>", f"References: <{after}@x>"]
    lines += ["Disposition-Notification-To: a@b.test", f"Subject: {subject}", "", f"about {subject}", ""]
    return "\r\n".join(lines).encode()


class Hidden:
    """`ids`: what stands for `<name>` in a row."""

    def __init__(self, world: JmapWorld) -> None:
        self.world = world
        self.ids: dict[str, str] = {"account": world.id}
        self.hidden = ("box", "email", "inbox", "thread", "submission", "upload", "theirs")

    async def fill(self) -> None:
        world, known = self.world, self.ids
        made = await world.call("Mailbox/set", create={"w": {"name": "Work"}, "s": {"name": WORD}})
        known["work"], known["box"] = made["created"]["w"]["id"], made["created"]["s"]["id"]
        # One thread reaches from the hidden folder into the visible one, and one email lies in both.
        known["email"] = await world.put(letter("h", WORD), WORD)
        known["visible"] = await world.put(letter("v", "Re: work", after="h"), "Work")
        known["inbox"] = await world.put(letter("i", WORD))
        known["thread"] = "T" + known["inbox"][1:]
        known["both"] = await world.put(letter("b", "both"), "Work", WORD)
        known["identity"] = (await world.call("Identity/get"))["list"][0]["id"]
        await world.call("Email/set", update={known["email"]: {f"keywords/{WORD}": True}})
        value = msgspec.json.encode(
            {
                "identity": 1, "email": int(known["email"][1:]), "thread": int(known["email"][1:]), "trace": "t",
                "envelope": {"mailFrom": {"email": "li@example.test"}, "rcptTo": [{"email": f"{WORD}@b.test"}]},
                "send_at": 2e9,
            }
        )  # fmt: skip
        put = await world.store.objects.put(world.account.id, [StoredObject("EmailSubmission", 0, value)])
        known["submission"] = f"S{put.ids[0]}"
        # What the person is about to send, and what another program for the same folder uploaded.
        for name, maker in (("upload", ""), ("theirs", "app 2")):
            draft = world.store.contents.draft(letter("u", WORD))
            made = await world.store.uploads.add(
                world.account.id, draft, "message/rfc822", maker=maker, bytes_max=1 << 20, count_max=99
            )
            known[name] = f"U{made.id}"
        await world.call("AddressBook/get")  # which makes the first one
        known["since"] = "1"
        self.modseq = await world.store.emails.modseq(world.account.id)

    async def disturb(self) -> str:
        """Something happens outside of the folder, and nothing in it; the state before."""
        world, since = self.world, str(await self.world.store.emails.modseq(self.world.account.id))
        gone = await world.put(letter("g", WORD), WORD)
        await world.call("Email/set", update={self.ids["inbox"]: {"keywords/$seen": True}})
        await world.call("Email/set", destroy=[gone])
        made = await world.call("Mailbox/set", create={"n": {"name": f"{WORD}2"}})
        await world.call("Mailbox/set", update={made["created"]["n"]["id"]: {"name": f"{WORD}3"}})
        return since

    def asked(self, row: dict[str, Any], since: str, *, absent: bool) -> dict[str, Any]:
        text = json.dumps(row).replace("<since>", since)
        for name, value in self.ids.items():
            if absent and name in self.hidden:
                value = f"{value[0]}{int(value[1:]) + ABSENT}"
            text = text.replace(f"<{name}>", value)
        found: dict[str, Any] = json.loads(text)
        return found

    async def outside(self) -> list[Any]:
        """What is stored outside of the folder."""
        store, account = self.world.store, self.world.account.id
        rows = await store.mailboxes.list(account)
        boxes = [(one.id, one.name, one.messages, one.unseen) for one in rows if one.name != "Work"]
        numbers = [int(self.ids[name][1:]) for name in ("email", "inbox", "both")]
        read = await store.emails.get(account, numbers, ("size",))
        work = int(self.ids["work"][1:])
        places = {n: [p for p in read.places.get(n, ()) if p[0] != work] for n in numbers}
        _, submissions = await store.objects.get(account, "EmailSubmission")
        return [boxes, places, [(one.id, one.value) for one in submissions]]


@pytest.fixture
async def hidden(tmp_path: Path) -> AsyncIterator[Hidden]:
    async with jmap_world(tmp_path) as world:
        found = Hidden(world)
        await found.fill()
        yield found


def narrow(world: JmapWorld, actions: int = ALL) -> None:
    world.grant = Grant(world.account, "app", Scope(("http",), actions, ("Work",)), "reader", "1")


def test_every_method_has_a_row() -> None:
    assert {name for name, method in METHODS.items() if not is_whole(name, method)} == set(ROWS)


async def ask(world: JmapWorld, name: str, arguments: dict[str, Any]) -> Any:
    if name not in NOT_OF_ACCOUNTS:
        arguments = {"accountId": world.id, **arguments}
    [[answered, answer, _], *implied] = (await world.request([name, arguments, "c"]))["methodResponses"]
    return answered, {**answer, **({"implied": implied} if implied else {})}


def same_form(text: str, hidden: Hidden) -> str:
    """Hidden ids and those that nobody has by one name; states, and what either run made, by another."""
    for name in hidden.hidden:
        value = hidden.ids[name]
        text = re.sub(rf"\b({value[0]}{int(value[1:]) + ABSENT}|{value})\b", f"<{name}>", text)
    text = re.sub(r'"((?:old|new)?(?:State|QueryState|state|queryState))": "[^"]*"', r'"\1": ""', text)
    return re.sub(r"\b[MTGU]\d+\b", "<made>", text) if '"created": {' in text else text


async def test_what_is_hidden_is_as_if_it_were_not_there(hidden: Hidden) -> None:
    world = hidden.world
    since = await hidden.disturb()
    before = await hidden.outside()
    narrow(world)
    for name, row in ALL_ROWS:
        there, absent = [
            json.dumps(await ask(world, name, hidden.asked(row, since, absent=absent)), ensure_ascii=False)
            for absent in (False, True)
        ]
        form = same_form(there, hidden)
        assert form == same_form(absent, hidden), (name, row)
        assert WORD not in there or name == "Core/echo", (name, row, there)
        if not any(f"<{one}>" in json.dumps(row) for one in hidden.hidden):
            assert not any(f"<{one}>" in form for one in hidden.hidden), (name, row, there)
        assert await hidden.outside() == before, (name, row)


async def test_uploads_belong_to_the_credential_that_made_them(hidden: Hidden) -> None:
    """A credential for a folder uses what it uploaded itself; whoever sees the whole account sees that too."""
    world = hidden.world
    whole = world.grant
    narrow(world)
    made = await world.call("Blob/upload", create={"n": {"data": [{"data:asText": "mine"}]}})
    blob = made["created"]["n"]["id"]
    for grant, seen in (
        (world.grant, True),
        (whole, True),
        (msgspec.structs.replace(world.grant, id="3", name="other"), False),
        (msgspec.structs.replace(world.grant, kind="token"), False),
    ):
        world.grant = grant
        found = await world.call("Blob/get", ids=[blob], properties=["data:asText"])
        assert [one["data:asText"] for one in found["list"]] == ["mine"] * seen, grant


async def test_what_happens_elsewhere_is_no_news(hidden: Hidden) -> None:
    world = hidden.world
    since = await hidden.disturb()
    narrow(world)
    told = [name for name in ROWS if name.lower().endswith("changes") and name != "Quota/changes"]
    assert len(told) > 8
    for name, row in [pair for pair in ALL_ROWS if pair[0] in told]:
        _, answer = await ask(world, name, hidden.asked(row, since, absent=False))
        for part in ("created", "updated", "destroyed", "removed", "added"):
            assert not answer.get(part), (name, row, answer)


async def test_counts_of_threads_leave_out_what_lies_elsewhere(hidden: Hidden) -> None:
    """Of the thread that reaches into the folder the email here is read, and the hidden one is not."""
    world = hidden.world
    await world.call("Email/set", update={hidden.ids["visible"]: {"keywords/$seen": True}})
    [whole] = (await world.call("Mailbox/get", ids=[hidden.ids["work"]]))["list"]
    narrow(world)
    [seen] = (await world.call("Mailbox/get", ids=[hidden.ids["work"]]))["list"]
    assert (whole["unreadThreads"], seen["unreadThreads"]) == (2, 1)
    assert (whole["totalThreads"], seen["totalThreads"]) == (2, 2)


async def test_what_is_about_the_whole_account_is_closed(hidden: Hidden) -> None:
    narrow(hidden.world)
    for name in [name for name, method in METHODS.items() if is_whole(name, method)]:
        answered, problem = await ask(hidden.world, name, {})
        assert (answered, problem["type"]) == ("error", "forbidden"), name


CHANGING: Final = re.compile(r"/(set|copy|import|upload|send|reply|apply)$")
PERSONAL: Final = ("PushSubscription/set",)
"""What a device that only reads needs for itself."""


@pytest.mark.parametrize("actions", [READ, WRITE, SEND, READ | SEND])
async def test_actions(hidden: Hidden, actions: int) -> None:
    """Without reading nothing is read; without writing and sending nothing is changed."""
    world = hidden.world
    world.grant = Grant(world.account, "app", Scope(("http",), actions))
    before, modseq = await hidden.outside(), await world.store.emails.modseq(world.account.id)
    for name, row in [*ALL_ROWS, *((one, {}) for one in METHODS.keys() - ROWS.keys())]:
        answered, answer = await ask(world, name, hidden.asked(row, "1", absent=actions & SEND))
        if not actions & READ and name != "Core/echo":
            assert (answered, answer.get("type")) == ("error", "forbidden"), (name, row, answer)
        elif CHANGING.search(name) and name not in PERSONAL:
            done = [
                part for part in ("created", "updated", "destroyed", "sent", "copied") if answer.get(part)
            ]
            assert not done, (name, row, answer)
        assert await world.store.emails.modseq(world.account.id) == modseq, (name, row, answer)
    assert await hidden.outside() == before
