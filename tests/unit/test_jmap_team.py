"""Claims, notes and presence of teams over JMAP: who may do what, what everybody is told, what stays inside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.rights import parse_rights
from posthouse.core.scope import READ, Scope
from posthouse.services.grant import Grant, of_password
from posthouse.services.presence import GOOD_S, MINUTE_S, OF_ONE_MAX, WORDS_MAX, Presence
from posthouse.services.push_feed import PushFeed
from posthouse.services.rights import WHOLE
from posthouse.services.team_work import keyword_of
from posthouse.sessions.jmap.capability import TEAM, session_object
from posthouse.wire.jmap.ids import ACCOUNT, format_id
from tests.storage.fixtures import deliver_one, make_account, message, open_backend, rows
from tests.unit.jmap_world import JmapLimits, JmapWorld

PEOPLE = {
    "li": "lrswipkxtea",
    "wang": "lrswipkxtea",
    "own": "lrswipkxtea",  # signs in with something that may only read
    "reader": "lr",
    "folder": "",  # has the INBOX alone
    "stranger": "",
}


class Team:
    """One world for each person; `id` and `thread` are the team's."""

    def __init__(self, people: dict[str, JmapWorld], account: Any, letter: str, thread: str) -> None:
        self.people, self.account, self.letter, self.thread = people, account, letter, thread
        self.id = format_id(ACCOUNT, account.id)

    async def call(self, who: str, name: str, **arguments: Any) -> Any:
        return await self.people[who].call(name, accountId=self.id, **arguments)

    async def outcome(self, who: str, name: str, **arguments: Any) -> str:
        """What became of the one record, or of the call: "" or the type of the error."""
        arguments.setdefault("accountId", self.id)
        response = await self.people[who].request([name, arguments, "c"])
        [(answered, result, _)] = response["methodResponses"]
        if answered == "error":
            return str(result["type"])
        for refused in ("notCreated", "notUpdated", "notDestroyed"):
            for error in (result.get(refused) or {}).values():
                return str(error["type"])
        return ""

    def person(self, who: str) -> str:
        return format_id("P", self.people[who].account.id)

    async def claim(self, who: str, **patch: Any) -> str:
        return await self.outcome(who, "Claim/set", update={self.thread: patch})

    async def holder(self, who: str = "reader") -> str | None:
        found = (await self.call(who, "Claim/get", ids=[self.thread]))["list"]
        return found[0]["holderEmail"] if found else None

    async def write(self, who: str, text: str, *mentions: str) -> Any:
        record = {"threadId": self.thread, "text": text, "mentions": [self.person(one) for one in mentions]}
        return (await self.call(who, "TeamNote/set", create={"n": record}))["created"]["n"]

    async def notes(self, who: str = "reader") -> list[str]:
        found = await self.call(who, "TeamNote/get", threadIds=[self.thread])
        return [one["text"] for one in found["list"]]


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[Team]:
    async with open_backend(tmp_path) as store:
        account = await make_account(store, "support", team=True)
        inbox = await store.mailboxes.get(account.id, "INBOX")
        people = {}
        presence = None
        for name, rights in PEOPLE.items():
            person = await make_account(store, name, name=name.title(), password="x")
            world = people[name] = JmapWorld(store, person, JmapLimits())
            world.services.presence = presence = presence or world.services.presence
            box, bits = (WHOLE, rights) if rights else (inbox.id, "lr")
            if name != "stranger":
                change = ("=", parse_rights(bits))
                await store.acls.set(account.id, box, person.id, negative=False, change=change, entries_max=9)
        own = people["own"]
        own.grant = Grant(own.account, "password", Scope(own.grant.scope.protocols, READ, ()))
        placed = await deliver_one(store, message(1), *[_copy(account, inbox)])
        letter = f"M{placed[0].message}"
        found = await people["li"].call("Email/get", accountId=format_id(ACCOUNT, account.id), ids=[letter])
        yield Team(people, account, letter, found["list"][0]["threadId"])


def _copy(account: Any, box: Any) -> Any:
    from tests.storage.fixtures import LocalCopy  # noqa: PLC0415

    return LocalCopy(account.id, box.id)


NONE = "accountNotSupportedByMethod"
GONE = "accountNotFound"
READS = {"li": "", "own": "", "reader": "", "folder": NONE, "stranger": GONE}
CHANGES = {"li": "", "own": "accountReadOnly", "reader": "accountReadOnly", "folder": NONE, "stranger": GONE}


@pytest.mark.parametrize("who", READS)
async def test_who_may_do_what(team: Team, who: str) -> None:
    note = await team.write("wang", "of wang")
    for name, arguments in {
        "Claim/get": {"ids": None},
        "Claim/changes": {"sinceState": "0"},
        "TeamMember/get": {"ids": None},
        "TeamNote/get": {"threadIds": [team.thread]},
        "TeamNote/changes": {"sinceState": "0"},
        "Presence/get": {"threadIds": None},
        "Presence/set": {"threadId": team.thread, "state": "reading"},
    }.items():
        assert await team.outcome(who, name, **arguments) == READS[who], name
    created = {"threadId": team.thread, "text": "text"}
    assert await team.outcome(who, "TeamNote/set", create={"n": created}) == CHANGES[who]
    # What is somebody else's stays so.
    theirs = CHANGES[who] or "forbidden"
    assert await team.outcome(who, "TeamNote/set", update={note["id"]: {"text": "mine"}}) == theirs
    assert await team.outcome(who, "TeamNote/set", destroy=[note["id"]]) == theirs
    claimed = await team.claim(who, holder=team.person(who))
    assert claimed == ("forbidden" if CHANGES[who] == "accountReadOnly" else CHANGES[who])
    assert "of wang" in await team.notes()


async def test_the_capability_is_told_to_members_alone(team: Team) -> None:
    for who, there in {"li": True, "reader": True, "folder": False}.items():
        world = team.people[who]
        session = await session_object(world.services, world.grant, "https://x.test")
        assert (TEAM in session["accounts"][team.id]["accountCapabilities"]) is there
        assert await team.outcome(who, "Claim/get", accountId=world.id) == NONE
    li = team.people["li"]
    change = ("=", parse_rights("lrswipkxtea"))
    await li.store.acls.set(li.account.id, WHOLE, team.people["wang"].account.id, negative=False, change=change,
                            entries_max=9)  # fmt: skip
    assert await team.outcome("wang", "Claim/get", accountId=li.id) == NONE


async def test_an_app_password_for_a_folder_is_no_member(team: Team) -> None:
    li = team.people["li"]
    whole = of_password(li.account)
    folders = ("Shared/support@example.test/INBOX",)
    li.grant = Grant(li.account, "app", Scope(whole.scope.protocols, whole.scope.actions, folders))
    assert await team.outcome("li", "Claim/get", ids=None) == NONE


async def test_one_wins_and_the_other_is_told_who(team: Team) -> None:
    done = await asyncio.gather(*(team.claim(who, holder=team.person(who)) for who in ("li", "wang")))
    assert sorted(done) == ["", "alreadyClaimed"]
    winner = ("li", "wang")[done.index("")]
    loser = ({"li", "wang"} - {winner}).pop()
    refused = await team.call(loser, "Claim/set", update={team.thread: {"holder": team.person(loser)}})
    claim = refused["notUpdated"][team.thread]["claim"]
    assert (claim["holder"], claim["holderName"]) == (team.person(winner), winner.title())
    assert claim["at"]
    # Handed over by who has it, taken over by who says from whom, given back by whoever has it.
    assert await team.claim(loser, holder=None) == "alreadyClaimed"
    assert await team.claim(winner, holder=team.person(loser)) == ""
    assert await team.claim(winner, holder=team.person(winner), **{"from": team.person(loser)}) == ""
    assert await team.claim(winner, holder=team.person("reader")) == "forbidden"
    assert await team.claim(winner, holder=team.person("stranger")) == "forbidden"
    assert await team.claim(winner, holder="P999") == "notFound"
    assert await team.holder() == f"{winner}@example.test"
    assert await team.outcome(winner, "Claim/set", destroy=[team.thread]) == ""
    assert await team.holder() is None
    assert await team.outcome("li", "Claim/set", update={"T999": {"holder": team.person("li")}}) == "notFound"
    for patch in ({"holder": 1}, {}, {"holder": None, "at": "x"}):
        assert await team.claim("li", **patch) == "invalidProperties"


async def test_claims_are_keywords_that_filters_know_and_nobody_sets(team: Team) -> None:
    assert await team.claim("li", holder=team.person("li")) == ""
    mine = "$claimed:li@example.test"
    for condition, found in (
        ({"hasKeyword": mine}, [team.letter]),
        ({"notKeyword": "$claimed"}, []),
        ({"hasKeyword": "$claimed:wang@example.test"}, []),
    ):
        assert (await team.call("wang", "Email/query", filter=condition))["ids"] == found
    for name in ("$claimed", mine):
        patch = {team.letter: {f"keywords/{name}": None}}
        assert await team.outcome("wang", "Email/set", update=patch) == "invalidProperties"
    await team.call("wang", "Email/set", update={team.letter: {"keywords": {"$seen": True}}})
    [email] = (await team.call("wang", "Email/get", ids=[team.letter]))["list"]
    assert set(email["keywords"]) == {"$claimed", mine, "$seen"}


async def test_changes_and_push_tell_of_everything(team: Team) -> None:
    feed = PushFeed(team.people["li"].store)
    told: set[str] = set()
    try:
        _, stop = await feed.listen(team.account.id, lambda _, types: told.update(types))
        state = (await team.call("li", "Claim/get", ids=[]))["state"]
        await team.claim("li", holder=team.person("li"))
        note = await team.write("li", "x")
        await team.people["li"].services.presence.say(
            team.account.id, 1, team.people["li"].account.id, "writing"
        )
        for _ in range(100):
            if {"Claim", "TeamNote", "Presence"} <= told:
                break
            await asyncio.sleep(0.01)
        assert {"Claim", "TeamNote", "Presence", "Email"} <= told
        stop()
        assert {"Claim", "TeamNote"} <= (await feed.changed(team.account.id, int(state)))[1]
    finally:
        feed.close()
    changes = await team.call("li", "Claim/changes", sinceState=state)
    assert changes["created"] == [team.thread]
    assert (await team.call("li", "TeamNote/changes", sinceState=state))["created"] == [note["id"]]
    later = changes["newState"]
    await team.outcome("li", "Claim/set", destroy=[team.thread])
    await team.outcome("li", "TeamNote/set", destroy=[note["id"]])
    assert (await team.call("li", "Claim/changes", sinceState=later))["destroyed"] == [team.thread]
    assert (await team.call("li", "TeamNote/changes", sinceState=later))["destroyed"] == [note["id"]]
    assert (await team.call("li", "Claim/changes", sinceState=state, maxChanges=1))["created"] == []


async def test_notes_are_for_members_and_nothing_else(team: Team) -> None:
    note = await team.write("li", "the secret word", "wang", "stranger", "li")
    assert note["isMine"]
    shown = await team.call("wang", "TeamNote/get", ids=[note["id"], "N999"])
    assert shown["notFound"] == ["N999"]
    [one] = shown["list"]
    assert (one["authorName"], one["text"], one["isMine"]) == ("Li", "the secret word", False)
    assert one["mentions"] == [team.person("wang"), team.person("li")]
    await team.call("li", "TeamNote/set", update={note["id"]: {"text": "the secret word!"}})
    assert await team.notes() == ["the secret word!"]
    # No way of mail leads to it: the letter, its thread, searches, the journal of changes.
    li = team.people["li"]
    for name, arguments in {
        "Email/get": {"ids": [team.letter], "fetchAllBodyValues": True},
        "Email/query": {"filter": {"text": "secret"}},
        "Thread/get": {"ids": [team.thread]},
        "Journey/get": {"ids": [team.letter]},
        "Email/changes": {"sinceState": "0"},
    }.items():
        assert "secret" not in str(await team.call("li", name, **arguments)), name
    assert "secret" not in str(await li.store.audit.recent(20))
    for text in ("", " \n", "x" * 16_385):
        bad = {"threadId": team.thread, "text": text}
        assert await team.outcome("li", "TeamNote/set", create={"n": bad}) == "invalidProperties"
    for bad in ({"threadId": "x", "text": "x"}, {"threadId": team.thread, "text": "x", "mentions": ["x"]},
                {"threadId": team.thread, "text": "x", "author": "P1"}):  # fmt: skip
        assert await team.outcome("li", "TeamNote/set", create={"n": bad}) == "invalidProperties"
    assert await team.outcome("li", "TeamNote/get", ids=None) == "requestTooLarge"


async def test_who_is_mentioned_finds_it_in_the_own_account(team: Team) -> None:
    await team.write("li", "@Wang look", "wang")
    wang = team.people["wang"]
    [mention] = (await wang.call("Mention/get", ids=None))["list"]
    assert (mention["accountId"], mention["threadId"]) == (team.id, team.thread)
    assert mention["byName"] == "Li"
    assert await team.outcome("wang", "Mention/get", ids=None) == NONE
    assert await team.outcome("wang", "Mention/set", accountId=wang.id, create={"x": {}}) == "forbidden"
    assert (
        await team.outcome("wang", "Mention/set", accountId=wang.id, update={mention["id"]: {}})
        == "forbidden"
    )
    state = (await wang.call("Mention/get", ids=[]))["state"]
    assert await team.outcome("wang", "Mention/set", accountId=wang.id, destroy=[mention["id"]]) == ""
    assert (await wang.call("Mention/changes", sinceState=state))["destroyed"] == [mention["id"]]
    await team.write("li", "again", "wang")
    await wang.store.acls.set(team.account.id, WHOLE, wang.account.id, negative=False, change=("=", 0),
                              entries_max=9)  # fmt: skip
    assert (await wang.call("Mention/get", ids=None))["list"] == []


async def test_who_is_there_is_told_for_a_while(team: Team) -> None:
    assert (await team.call("li", "Presence/set", threadId=team.thread, state="writing"))["goodSeconds"] == 45
    await asyncio.sleep(0)
    [seen] = (await team.call("wang", "Presence/get"))["list"]
    assert (seen["threadId"], seen["name"], seen["state"]) == (team.thread, "Li", "writing")
    assert (await team.call("li", "Presence/get"))["list"] == []
    assert (await team.call("wang", "Presence/get", threadIds=["T999"]))["list"] == []
    await team.call("li", "Presence/set", threadId=team.thread, state=None)
    assert (await team.call("wang", "Presence/get"))["list"] == []
    await team.call("li", "Presence/set", threadId=team.thread, state="reading")
    for world in team.people.values():
        world.clock.move(GOOD_S)
    assert (await team.call("wang", "Presence/get"))["list"] == []
    assert await team.outcome("li", "Presence/set", threadId="T999", state="reading") == "invalidArguments"


async def test_what_is_remembered_of_presence_is_bounded_and_reaches_every_worker(team: Team) -> None:
    li = team.people["li"]
    here = li.services.presence
    there = Presence(li.store, li.clock)
    for n in range(OF_ONE_MAX + 5):
        await here.say(team.account.id, n, li.account.id, "reading")
    for one in (here, there):
        assert len(one.here(team.account.id)) == OF_ONE_MAX
    for n in range(OF_ONE_MAX + 5):
        await there.say(team.account.id, n, li.account.id, "")
    assert here.here(team.account.id) == []
    assert not here._teams
    there.close()


async def test_who_says_too_much_is_not_passed_on(team: Team) -> None:
    li, told = team.people["li"], []
    presence = li.services.presence
    stop = li.store.hints.subscribe(lambda hint: told.append(hint) if hint.kind == "presence" else None)
    for n in range(WORDS_MAX + 10):
        await presence.say(team.account.id, 1, li.account.id, ("reading", "writing")[n % 2])
    assert len(told) == WORDS_MAX
    li.clock.move(MINUTE_S)
    await presence.say(team.account.id, 1, li.account.id, "reading")
    assert len(told) == WORDS_MAX + 1
    stop()


async def test_what_shared_accounts_offer_now(team: Team) -> None:
    """Snooze, journey and links to files, as the rights allow."""
    until = "2030-01-01T00:00:00Z"
    for who, refused in {"li": "", "reader": "accountReadOnly", "folder": "accountReadOnly"}.items():
        assert await team.outcome(who, "Journey/get", ids=[team.letter]) == ""
        signed = await team.call(who, "File/sign", emailIds=[team.letter, "M999"])
        assert list(signed["emails"]) == [team.letter]
        assert await team.outcome(who, "Snooze/set", update={team.letter: {"until": until}}) == refused
        for name in ("WebmailItem/get", "Picture/sign"):
            assert await team.outcome(who, name, **({"urls": []} if "Pic" in name else {"ids": None})) == NONE
    hidden = await team.people["li"].store.mailboxes.get(team.account.id, "Archive")
    placed = await deliver_one(team.people["li"].store, message(2), _copy(team.account, hidden))
    await team.call("li", "Snooze/set", update={f"M{placed[0].message}": {"until": until}})
    assert len((await team.call("li", "Snooze/get"))["list"]) == 2
    assert [one["id"] for one in (await team.call("folder", "Snooze/get"))["list"]] == [team.letter]
    assert (await team.call("folder", "Journey/get", ids=[f"M{placed[0].message}"]))["list"] == []


@pytest.mark.parametrize(
    ("address", "keyword"),
    [
        ("li@example.test", "$Claimed:li@example.test"),
        ('"a b"@example.test', "$Claimed:=22a=20b=22@example.test"),
        ("李@例.test", "$Claimed:=E6=9D=8E@=E4=BE=8B.test"),
        ("a=41@example.test", "$Claimed:a=3D41@example.test"),
    ],
)
def test_keywords_of_holders_are_atoms(address: str, keyword: str) -> None:
    assert keyword_of(address) == keyword


async def test_who_may_send_as_a_team_has_an_identity_for_it_as_long(team: Team) -> None:
    wang = team.people["wang"]
    mine = (await wang.call("Identity/get", ids=None))["list"]
    assert [(one["email"], one["mayDelete"]) for one in mine] == [
        ("wang@example.test", False),
        ("support@example.test", False),
    ]
    theirs = mine[1]["id"]
    assert await team.outcome("wang", "Identity/set", accountId=wang.id, destroy=[theirs]) == "forbidden"
    changed = await wang.call("Identity/set", update={theirs: {"name": "Support", "textSignature": "s"}})
    assert changed["updated"] == {theirs: None}
    # Sent from the own account: From is the team; on behalf, Sender says who.
    sent = [await _sent(wang, theirs, "support@example.test"), await _sent(wang, theirs, "wang@example.test")]
    assert b"\r\nSender:" not in sent[0]
    assert b"\r\nSender: wang@example.test\r\n" in sent[1]
    for content in sent:
        assert b"From: support@example.test\r\n" in content
    for who in ("own", "reader", "folder", "stranger"):
        identities = (await team.people[who].call("Identity/get", ids=None))["list"]
        assert [one["email"] for one in identities] == [f"{who}@example.test"]
    change = ("=", parse_rights("lrswikxtea"))
    await wang.store.acls.set(
        team.account.id, WHOLE, wang.account.id, negative=False, change=change, entries_max=9
    )
    assert [one["email"] for one in (await wang.call("Identity/get", ids=None))["list"]] == [
        "wang@example.test"
    ]


async def test_the_journal_says_who_acted_in_the_account_of_the_team(team: Team) -> None:
    boxes = (await team.call("li", "Mailbox/get"))["list"]
    drafts = next(one["id"] for one in boxes if one["role"] == "drafts")
    email = await _draft(team.people["li"], drafts, team.id, "support@example.test")
    identity = (await team.call("li", "Identity/get"))["list"][0]["id"]
    done = await team.call(
        "li", "EmailSubmission/set", create={"s": {"identityId": identity, "emailId": email}}
    )
    assert done["created"]
    _, line = (await team.people["li"].store.journal.recent(50))[0]
    assert (line.facts["account"], line.facts["by"]) == ("support@example.test", "li@example.test")


async def _draft(world: JmapWorld, box: str, account: str, sender: str) -> str:
    record = {
        "mailboxIds": {box: True},
        "from": [{"email": sender}],
        "to": [{"email": "li@example.test"}],
        "subject": "answer",
        "bodyValues": {"1": {"value": "text"}},
        "textBody": [{"partId": "1"}],
    }
    made = await world.call("Email/set", accountId=account, create={"k": record})
    return str(made["created"]["k"]["id"])


async def _sent(world: JmapWorld, identity: str, mail_from: str) -> bytes:
    """The letter as it came to its recipient."""
    email = await _draft(world, await world.box("Drafts"), world.id, "support@example.test")
    envelope = {"mailFrom": {"email": mail_from}, "rcptTo": [{"email": "li@example.test"}]}
    record = {"identityId": identity, "emailId": email, "envelope": envelope}
    done = await world.call("EmailSubmission/set", create={"s": record})
    assert done["created"], done
    li = await world.store.directory.account_by_address("li@example.test")
    assert li is not None
    inbox = await world.store.mailboxes.get(li.id, "INBOX")
    [*_, (content,)] = await rows(world.store, inbox, "content")
    return bytes(content)
