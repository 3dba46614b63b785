"""Journey/get: the way of an email, told to the account that has it and to nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from posthouse.services.letter import Envelope, Origin, Recipient
from posthouse.storage.rows import JournalLine, LocalCopy
from tests.storage.fixtures import deliver_one, make_account
from tests.unit.jmap_world import JmapWorld, jmap_world
from tests.unit.service_world import address

AT = 1_700_000_000.0
RECEIVED = {
    "listener": "smtp", "protocol": "ESMTPS", "helo": "mx.bank.test", "ip": "192.0.2.7",
    "tls": "TLSv1.3 TLS_AES_256_GCM_SHA384", "account": "", "sender": "news@bank.test", "recipients": 3,
    "connection": "c1",
}  # fmt: skip
DMARC_PASS = {
    "dmarc": {"result": "pass", "domain": "bank.test"},
    "spf": {"result": "pass"},
    "dkim": [],
    "decision": "accept",
}
DMARC_FAIL = {"dmarc": {"result": "fail", "domain": "bank.test"}, "spf": {}, "dkim": [], "decision": "junk"}
SIGNED = {"dmarc": {"result": "none"}, "spf": {}, "dkim": [{"result": "pass", "domain": "mail.bank.test"}]}
STRANGER = {
    "dmarc": {"result": "none"},
    "spf": {"result": "pass"},
    "dkim": [{"result": "pass", "domain": "evil.test"}],
}


def letter(
    trace: str, *, author: str = "news@bank.test", message_id: str = "<1@bank.test>", above: str = ""
) -> bytes:
    return (
        f"{above}Return-Path: <news@bank.test>\r\nAuthentication-Results: mail.example.test;\r\n\tdmarc=pass\r\n"
        f"Received: from mx.bank.test ([192.0.2.7])\r\n\tby mail.example.test (Posthouse)\r\n\t(using TLSv1.3 x)\r\n"
        f"\twith ESMTPS id {trace};\r\n\tFri, 1 Nov 2024 00:00:00 +0000\r\n"
        f"From: {author}\r\nMessage-ID: {message_id}\r\nSubject: s\r\n\r\nbody\r\n"
    ).encode()


async def arrive(
    world: JmapWorld,
    trace: str,
    checks: dict[str, Any] | None,
    *,
    others: tuple[str, ...] = (),
    **changes: Any,
) -> str:
    inbox = await world.store.mailboxes.get(world.account.id, "INBOX")
    told = [{"address": "li@example.test", "accounts": [world.account.address]}]
    told += [{"address": other, "accounts": [other]} for other in others]
    lines = [JournalLine(AT, "received", RECEIVED | changes.pop("received", {}))]
    if checks is not None:
        lines.append(JournalLine(AT + 1, "authenticated", checks))
    decisions = [f"{world.account.address}: keep", *(f"{other}: fileinto x" for other in others)]
    lines += [
        JournalLine(AT + 1, "resolved", {"recipients": told}),
        JournalLine(AT + 1, "ruled", {"decisions": decisions}),
        JournalLine(AT + 1, "stored", {"size": 1, "copies": 1 + len(others), "message_id": "1@bank.test"}),
        JournalLine(AT + 2, "queued", {"recipients": ["hidden@else.test"]}),
    ]
    data = changes.pop("data", letter(trace, **changes))
    copy = LocalCopy(world.account.id, inbox.id, date=AT)
    [placed] = await deliver_one(world.store, data, copy, trace=trace, journal=lines)
    return f"M{placed.message}"


async def journey(world: JmapWorld, email: str, **more: Any) -> dict[str, Any]:
    [found] = (await world.call("Journey/get", ids=[email], **more))["list"]
    return dict(found)


@pytest.mark.parametrize(
    ("checks", "author", "result"),
    [
        (DMARC_PASS, "news@bank.test", "verified"),
        (DMARC_FAIL, "news@bank.test", "forged"),
        (SIGNED, "news@bank.test", "signed"),
        (STRANGER, "news@bank.test", "unproven"),
        (SIGNED, "a@bank.test, b@evil.test", "unproven"),
        (None, "news@bank.test", "unproven"),
    ],
)
async def test_the_verdict_is_the_one_that_was_stored(
    tmp_path: Path, checks: dict[str, Any] | None, author: str, result: str
) -> None:
    async with jmap_world(tmp_path) as world:
        email = await arrive(world, "abc", checks, author=author)
        assert (await journey(world, email))["verdict"]["result"] == result


async def test_fields_that_somebody_wrote_prove_nothing(tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        await arrive(world, "abc", DMARC_PASS)
        later = await arrive(world, "abe", DMARC_FAIL)  # of the same Message-ID, in the same second
        assert (await journey(world, later))["verdict"]["result"] == "forged"
        # The same fields, Message-ID and trace, appended at another time; and behind a field of somebody else's.
        appended = await world.put(letter("abc"), date=AT + 60)
        assert (await journey(world, appended))["verdict"]["result"] == "unknown"
        foreign = await world.put(letter("nope", message_id="<2@bank.test>", above="X: y\r\n"), date=AT)
        found = await journey(world, foreign)
        assert (found["verdict"]["result"], found["legs"]) == ("unknown", [])


async def test_what_came_is_told_without_other_recipients(tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        email = await arrive(world, "abc", DMARC_PASS, others=("secret@example.test",))
        found = await journey(world, email, language="zh")
        [leg] = found["legs"]
        assert (leg["direction"], leg["isThisCopy"]) == ("received", True)
        assert [step["step"] for step in leg["steps"]] == [
            "received",
            "authenticated",
            "resolved",
            "ruled",
            "stored",
        ]
        assert leg["steps"][0]["facts"]["tls"] == "TLSv1.3 TLS_AES_256_GCM_SHA384"
        assert "DMARC 通过" in leg["steps"][1]["text"]
        assert "secret" not in str(leg)
        assert "hidden" not in str(leg)
        assert "1 个收件人" in leg["steps"][0]["text"]


async def test_where_a_colleague_sits_is_not_told(tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        await make_account(world.store, "zhang")
        handed = {
            "account": "zhang@example.test",
            "ip": "198.51.100.9",
            "helo": "laptop",
            "sender": "zhang@example.test",
        }
        mine = await arrive(
            world, "abc", None, received=handed, author="zhang@example.test", message_id="<a@x>"
        )
        found = await journey(world, mine)
        assert found["verdict"] == {"result": "account", "domain": "example.test", "checks": None}
        assert "198.51" not in str(found)
        assert "laptop" not in str(found)
        forged = await arrive(
            world, "abd", None, received=handed, author="boss@example.test", message_id="<b@x>"
        )
        assert (await journey(world, forged))["verdict"]["result"] == "forged"


async def test_nobody_reads_the_way_of_a_letter_of_others(tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        other = await make_account(world.store, "zhang")
        inbox = await world.store.mailboxes.get(other.id, "INBOX")
        lines = [
            JournalLine(AT, "received", RECEIVED),
            JournalLine(AT, "resolved", {"recipients": [{"address": "z", "accounts": [other.address]}]}),
        ]
        await deliver_one(
            world.store, letter("abc"), LocalCopy(other.id, inbox.id, date=AT), trace="abc", journal=lines
        )
        forged = await world.put(letter("abc"), date=AT)
        found = await journey(world, forged)
        assert (found["verdict"]["result"], found["legs"]) == ("unknown", [])
        gone = await world.call("Journey/get", ids=["M9999", "T1"])
        assert (gone["list"], gone["notFound"]) == ([], ["M9999", "T1"])
        assert await world.error("Journey/get", ids=[f"M{n}" for n in range(1, 102)]) == "requestTooLarge"


async def test_what_was_sent_tells_how_far_it_got(tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        me = world.account.address
        recipients = ["a@else.test", "list@example.test", "b@else.test", "nobody@example.test"]
        lines = [
            JournalLine(AT, "received", RECEIVED | {"account": me, "sender": me}),
            JournalLine(AT, "resolved", {"recipients": [
                {"address": "a@else.test", "remote": ["a@else.test"]},
                {"address": "list@example.test", "remote": ["member@far.test"], "by": ["alias"]},
                {"address": "b@else.test", "remote": ["b@else.test"]},
                {"address": "nobody@example.test", "error": "NotFound"}]}),
            JournalLine(AT, "stored", {"size": 9, "copies": 0, "message_id": "1@bank.test"}),
            JournalLine(AT, "queued", {"recipients": ["a@else.test", "member@far.test", "b@else.test"]}),
            JournalLine(AT + 1, "delivered", {
                "recipient": "a@else.test", "destination": "else.test", "remote": "mx.else.test",
                "status": "250 2.0.0 ok", "attempt": 1, "tls": "TLSv1.3 x", "signed": "example.test"}),
            JournalLine(AT + 1, "deferred", {
                "recipient": "member@far.test", "destination": "far.test", "remote": "mx.far.test",
                "status": "451 4.4.1 later", "attempt": 1, "next_attempt": AT + 900}),
            JournalLine(AT + 2, "failed", {
                "recipient": "b@else.test", "destination": "else.test", "remote": "mx.else.test",
                "status": "550 5.1.1 no such user", "attempt": 1}),
        ]  # fmt: skip
        await deliver_one(world.store, letter("abc", author=me), trace="abc", journal=lines)
        copy = await world.put(letter("zzz", author=me), "Sent", date=AT + 5)
        found = await journey(world, copy)
        [leg] = found["legs"]
        assert (leg["direction"], leg["isThisCopy"]) == ("sent", False)
        states = {one["address"]: (one["state"], bool(one["why"]), one["tls"]) for one in leg["recipients"]}
        assert states == {
            "a@else.test": ("delivered", False, "TLSv1.3 x"),
            "list@example.test": ("deferred", True, ""),
            "b@else.test": ("failed", True, ""),
            "nobody@example.test": ("refused", False, ""),
        }
        assert list(states) == recipients
        assert "member@" not in str(leg)
        assert leg["recipients"][1]["nextAttempt"] == "2023-11-14T22:28:20Z"


async def test_a_letter_through_the_house(tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        incoming = world.delivery.receive(
            Envelope(address("wang@qq.test"), [Recipient(address(world.account.address))]),
            Origin("smtp", "ESMTPS", "192.0.2.1", "mx.qq.test", tls="TLSv1.3 TLS_AES_128_GCM_SHA256"),
        )
        incoming.write(b"From: wang@qq.test\r\nMessage-ID: <real@qq.test>\r\n\r\nhello\r\n")
        await incoming.finish()
        email = (await world.call("Email/query"))["ids"][0]
        found = await journey(world, email)
        assert found["verdict"]["result"] == "unproven"
        assert [step["step"] for step in found["legs"][0]["steps"]] == ["received", "resolved", "stored"]
        assert "mx.qq.test" in found["legs"][0]["steps"][0]["text"]
