"""Rules and ForwardingAddress: the active script as people click it together, tried before it is kept."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.scope import READ, Scope
from posthouse.services.grant import Grant
from posthouse.services.scripts import Scripts
from posthouse.sessions.jmap.forwarding import SENT_MAX, WRONG_MAX
from tests.unit.jmap_world import JmapWorld, jmap_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[JmapWorld]:
    async with jmap_world(tmp_path) as world:
        yield world


def rule(name: str, **fields: Any) -> dict[str, Any]:
    condition = {"field": "from", "relation": "contains", "value": name}
    return {
        "name": name,
        "conditions": [condition],
        "actions": [{"kind": "flag", "value": "\\Seen"}],
    } | fields


def mail(sender: str, subject: str, body: str = "hello", more: str = "") -> bytes:
    head = f"Return-Path: <{sender}>\nFrom: {sender}\nTo: li@example.org\nSubject: {subject}\n{more}"
    return f"{head}\n{body}\n".replace("\n", "\r\n").encode()


async def change(world: JmapWorld, **patch: Any) -> Any:
    answer = await world.call("Rules/set", update={"singleton": patch})
    return (answer["notUpdated"] or {}).get("singleton")


async def current(world: JmapWorld) -> dict[str, Any]:
    [one] = (await world.call("Rules/get", ids=None))["list"]
    return dict(one)


async def test_rules_are_the_active_script(world: JmapWorld) -> None:
    assert (await current(world))["rules"] == []
    assert await change(world, rules=[rule("bank"), rule("news", enabled=False)]) is None
    one = await current(world)
    assert [(r["name"], r["enabled"]) for r in one["rules"]] == [("bank", True), ("news", False)]
    active = await world.store.scripts.active(world.account.id)
    assert active is not None
    assert (one["text"], one["byHand"]) == (active.content, False)
    assert await change(world, rules=[]) is None
    assert (await current(world))["rules"] == []


async def test_a_mailbox_keeps_its_rule_when_it_is_renamed(world: JmapWorld) -> None:
    box = await world.box("Archive") if await _has(world, "Archive") else await world.box("归档")
    actions = [{"kind": "file", "value": "old", "mailbox": box}]
    assert await change(world, rules=[rule("bank", actions=actions)]) is None
    [action] = (await current(world))["rules"][0]["actions"]
    await world.call("Mailbox/set", update={box: {"name": "Renamed"}})
    [after] = (await current(world))["rules"][0]["actions"]
    assert (action["mailbox"], after["value"]) == (box, "Renamed")
    await world.put(mail("bank@x.test", "bill"))
    answer = await world.call("Rules/apply", mailboxId=await world.box("INBOX"))
    assert (answer["done"], answer["changed"], answer["left"]) == (1, 1, 0)
    found = await world.call("Email/query", filter={"inMailbox": box})
    assert len(found["ids"]) == 1


async def _has(world: JmapWorld, name: str) -> bool:
    return name in {one.name for one in await world.store.mailboxes.list(world.account.id)}


async def test_what_was_written_by_hand_stays(world: JmapWorld) -> None:
    scripts = Scripts(world.store, world.clock)
    await change(world, rules=[rule("bank")])
    await scripts.put(world.account.id, "mine", 'require "fileinto"; fileinto "x";')
    await scripts.activate(world.account.id, "mine")
    one = await current(world)
    assert (one["byHand"], one["rules"], one["forwarding"]) == (True, [], None)
    refused = await change(world, rules=[rule("x")])
    assert refused["type"] == "forbidden"
    assert await change(world, byHand=False) is None
    one = await current(world)
    assert ([r["name"] for r in one["rules"]], one["byHand"]) == (["bank"], False)
    assert "fileinto" in (await scripts.get(world.account.id, "mine")).content


@pytest.mark.parametrize(
    "rules",
    [
        "x",
        [{"name": 5}],
        [{"name": "nothing"}],
        [rule("x", actions=[{"kind": "explode"}])],
        [rule("x", conditions=[{"field": "size", "relation": "over", "value": "big"}])],
        [rule("x", conditions=[{"field": "spam", "relation": "is", "value": "no"}])],
        [rule("x", actions=[{"kind": "file", "value": "a", "mailbox": 'F1" :create "b'}])],
        [rule("x")] * 201,
        [rule("x" * 5000)],
        [rule("x", actions=[{"kind": "flag", "value": "x"}] * 51)],
        [rule("x", actions=[{"kind": "forward", "value": "nobody"}])],
    ],
)
async def test_what_is_no_rule(world: JmapWorld, rules: Any) -> None:
    assert (await change(world, rules=rules))["type"] == "invalidProperties"
    assert await world.store.scripts.active(world.account.id) is None


async def test_rules_are_tried_on_letters_that_came(world: JmapWorld) -> None:
    bill = await world.put(mail("bank@x.test", "bill"), date=2.0)
    file = await world.put(mail("wang@x.test", "file", more="Content-Disposition: attachment\n"), date=1.0)
    await world.put(mail("wang@x.test", "plain"), date=3.0)
    rules = [
        rule(
            "bank",
            actions=[{"kind": "file", "value": "Bills"}, {"kind": "flag", "value": "\\Flagged"}],
            stop=True,
        ),
        rule("off", enabled=False),
        rule(
            "files",
            conditions=[{"field": "attachment", "relation": "is", "value": "yes"}],
            actions=[{"kind": "also", "value": "Files"}],
        ),
    ]
    answer = await world.call("Rules/try", rules=rules)
    assert answer["tried"] == 3
    assert [(one["emailId"], one["matched"]) for one in answer["list"]] == [(bill, [0]), (file, [2])]
    first, second = answer["list"]
    assert first["actions"] == [{"kind": "file", "mailbox": "Bills", "role": None, "flags": ["\\Flagged"]}]
    assert [one["kind"] for one in second["actions"]] == ["file", "keep"]
    assert first["why"]
    assert await world.store.scripts.active(world.account.id) is None
    assert not await _has(world, "Bills")
    limited = await world.call("Rules/try", rules=rules, limit=1)
    assert (limited["tried"], limited["list"]) == (1, [])


async def test_scripts_are_tried_too_and_faults_explained(world: JmapWorld) -> None:
    bill = await world.put(mail("bank@x.test", "bill"))
    answer = await world.call("Rules/try", script='if header :contains "from" "bank" { discard; }')
    assert [(one["emailId"], one["actions"]) for one in answer["list"]] == [(bill, [{"kind": "discard"}])]
    response = await world.request(["Rules/try", {"accountId": world.id, "script": "keep;\nkep;"}, "c"])
    [(name, error, _)] = response["methodResponses"]
    assert (name, error["type"], error["line"]) == ("error", "invalidSieve", 2)
    assert error["description"].startswith("第 2 行")


async def test_rules_are_applied_a_part_at_a_time(world: JmapWorld) -> None:
    for number in range(5):
        await world.put(mail("bank@x.test" if number % 2 else "wang@x.test", str(number)))
    inbox = await world.box("INBOX")
    rules = [rule("bank", actions=[{"kind": "file", "value": "Bills"}])]
    first = await world.call("Rules/apply", rules=rules, mailboxId=inbox, limit=2)
    assert (first["done"], first["changed"], first["left"]) == (2, 1, 3)
    rest = await world.call("Rules/apply", rules=rules, mailboxId=inbox, after=first["after"])
    assert (rest["done"], rest["changed"], rest["left"]) == (3, 1, 0)
    found = await world.call("Email/query", filter={"inMailbox": await world.box("Bills")})
    assert len(found["ids"]) == 2
    assert await world.error("Rules/apply", rules=rules, mailboxId="F999") == "invalidArguments"


async def test_whoever_may_not_do_all_may_not_touch_rules(world: JmapWorld) -> None:
    world.grant = Grant(world.account, "app", Scope(("http",), READ))
    for name, more in (
        ("Rules/get", {}),
        ("Rules/set", {}),
        ("Rules/try", {}),
        ("Rules/apply", {"mailboxId": "F1"}),
        ("ForwardingAddress/get", {}),
        ("ForwardingAddress/set", {}),
    ):
        assert await world.error(name, **more) == "forbidden"


# --- forwarding ---


async def code_sent(world: JmapWorld) -> str:
    """From the newest letter that waits for another host, or lies with a neighbour."""
    entries = await world.store.queue.entries()
    content = await world.store.contents.read(entries[-1].blob)
    assert isinstance(content, bytes)
    body = content.partition(b"\r\n\r\n")[2]
    text = base64.b64decode(body).decode() if b"base64" in content else body.decode()
    found = re.search(r"^ +(\d{4}) (\d{4})$", text.replace("\r", ""), re.MULTILINE)
    assert found is not None, text
    return found[1] + found[2]


async def add(world: JmapWorld, email: str) -> Any:
    return await world.call("ForwardingAddress/set", create={"a": {"email": email}})


async def test_mail_goes_only_where_somebody_agreed(world: JmapWorld) -> None:
    forwarding = {"addresses": ["me@far.test"], "keep": True}
    refused = await change(world, forwarding=forwarding)
    assert (refused["type"], refused["addresses"]) == ("addressNotConfirmed", ["me@far.test"])
    made = (await add(world, "me@far.test"))["created"]["a"]
    assert made["confirmedAt"] is None
    assert (await change(world, forwarding=forwarding))["type"] == "addressNotConfirmed"
    code = await code_sent(world)
    wrong = await world.call("ForwardingAddress/set", update={made["id"]: {"code": "00000000"}})
    assert wrong["notUpdated"][made["id"]]["type"] == "wrongCode"
    answer = await world.call(
        "ForwardingAddress/set", update={made["id"]: {"code": f"{code[:4]} {code[4:]}"}}
    )
    assert answer["updated"] == {made["id"]: None}
    assert await change(world, forwarding=forwarding) is None
    assert (await current(world))["forwarding"] == forwarding
    assert (
        await change(world, rules=[rule("x", actions=[{"kind": "forward", "value": "ME@far.test"}])]) is None
    )
    # What is forwarded already goes on, what is new is asked.
    await world.call("ForwardingAddress/set", destroy=[made["id"]])
    assert await change(world, rules=[]) is None
    other = {"addresses": ["me@far.test", "you@far.test"]}
    assert (await change(world, forwarding=other))["addresses"] == ["you@far.test"]
    assert await change(world, forwarding=None) is None
    assert (await change(world, forwarding=forwarding))["type"] == "addressNotConfirmed"


async def test_codes_are_not_guessed(world: JmapWorld) -> None:
    made = (await add(world, "me@far.test"))["created"]["a"]
    code = await code_sent(world)
    for _ in range(WRONG_MAX):
        await world.call("ForwardingAddress/set", update={made["id"]: {"code": "1"}})
    late = await world.call("ForwardingAddress/set", update={made["id"]: {"code": code}})
    assert late["notUpdated"][made["id"]]["type"] == "codeExpired"
    again = await world.call("ForwardingAddress/set", update={made["id"]: {"code": ""}})
    assert again["updated"] == {made["id"]: None}
    world.clock.move(4 * 86400)
    late = await world.call("ForwardingAddress/set", update={made["id"]: {"code": await code_sent(world)}})
    assert late["notUpdated"][made["id"]]["type"] == "codeExpired"


async def test_nobody_is_flooded_with_codes(world: JmapWorld) -> None:
    for number in range(SENT_MAX):
        made = (await add(world, f"me{number}@far.test"))["created"]["a"]
        await world.call("ForwardingAddress/set", destroy=[made["id"]])
    refused = await add(world, "me@far.test")
    assert refused["notCreated"]["a"]["type"] == "rateLimit"


@pytest.mark.parametrize("email", ["", "x", "a@b@c", "li@example.org", 5])
async def test_where_nothing_can_be_forwarded(world: JmapWorld, email: Any) -> None:
    email = world.account.address if email == "li@example.org" else email
    assert (await add(world, email))["notCreated"]["a"]["type"] == "invalidProperties"
