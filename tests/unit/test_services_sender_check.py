"""Mail from outside on a real store: verdicts in header and journal, what they lead to, and what is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.client.resolver import Resolver, ResolverSettings, StaticZone
from posthouse.core.dns import FAILED, NO_DATA, NO_NAME, Answer, Question
from posthouse.core.errors import Unauthenticated, Unverifiable
from posthouse.mailauth.dkim_sign import key_record
from posthouse.mailauth.results import parse_results
from posthouse.mailauth.verdict import DmarcVerdict, SpfVerdict
from posthouse.services.journal import tell
from posthouse.services.letter import Envelope
from posthouse.services.sender_check import Checked, CheckSettings, Evidence, SenderChecks, decide
from posthouse.sessions.smtp.errors import reply_for
from posthouse.storage.rows import JournalLine, SieveScript
from tests.unit.mailauth_world import signed, signing_key
from tests.unit.service_world import LETTER, START, World, address, open_world, parse, smtp_origin

KEY = signing_key("ed25519", "s1")
ZONE = f"""
test. IN SOA ns.test. x.test. 1 2 3 4 5
remote.test. IN TXT "v=spf1 ip4:192.0.2.7 -all exp=why.remote.test"
why.remote.test. IN TXT "Send by our own servers, not by %{{i}}"
s1._domainkey.remote.test. IN TXT "{key_record(KEY)}"
_dmarc.remote.test. IN TXT "v=DMARC1; p=reject"
soft.test. IN TXT "v=spf1 -all"
_dmarc.soft.test. IN TXT "v=DMARC1; p=quarantine"
plain.test. IN TXT "v=spf1 -all"
"""
ELSEWHERE = smtp_origin(peer_ip="198.51.100.9")


def checks(world: World, zone: str = ZONE, **settings: Any) -> SenderChecks:
    resolver = Resolver(ResolverSettings(("127.0.0.1:9",), 0.2), static=StaticZone(zone))
    return SenderChecks(resolver, world.clock, CheckSettings(authserv_id="mx.post.test", **settings))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        world.delivery.checks = checks(world)
        yield world


def letter_from(author: str) -> bytes:
    return LETTER.replace(b"a@remote.test", author.encode(), 1)


SIGNED = signed(LETTER, "remote.test", KEY, now=START)


def results(content: bytes) -> dict[str, str]:
    field = str(parse(content)["Authentication-Results"])
    read = parse_results(field)
    assert read is not None
    return {one.method: one.result for one in read.results}


async def stored(world: World, content: bytes = LETTER, role: str = "INBOX", **options: Any) -> bytes:
    account = await world.account("li")
    await world.send(content, "li@post.test", **options)
    (message,) = await mailbox(world, account, role)
    return message


async def mailbox(world: World, account: Any, name: str) -> list[bytes]:
    found = await world.store.mailboxes.get(account.id, name)
    rows = world.store.messages.fetch(account.id, found.id, [(1, 2**32 - 1)], ("content",))
    return [content async for chunk in rows for (content,) in chunk]


async def test_results_stand_on_top_and_the_rest_stays(world: World) -> None:
    message = await stored(world, SIGNED)
    lines = message.split(b"\r\n")
    assert lines[0] == b"Return-Path: <a@remote.test>"
    assert lines[1] == b"Authentication-Results: mx.post.test;"
    assert message.endswith(b"\r\n" + SIGNED)
    assert results(message) == {"dkim": "pass", "spf": "pass", "dmarc": "pass"}


async def test_the_verdict_and_its_evidence_are_in_the_journal(world: World) -> None:
    account = await world.account("li")
    receipt = await world.send(SIGNED, "li@post.test")
    lines = {line.step: line for line in await world.store.journal.by_trace(receipt.trace)}
    facts = lines["authenticated"].facts
    assert facts["decision"] == "accept"
    assert facts["dmarc"]["aligned"] == ["dkim", "spf"]
    assert any(line.startswith("_dmarc.remote.test TXT: v=DMARC1; p=reject") for line in facts["dns"])
    assert len(await world.inbox(account)) == 1
    english = tell(receipt.trace, lines["authenticated"], "en").text.splitlines()
    assert english[0] == (
        "Sender checked: SPF pass (remote.test) by ip4:192.0.2.7; DKIM pass (remote.test, selector s1); "
        "DMARC pass (remote.test, policy reject) by DKIM + SPF. Taken"
    )
    assert english[1].strip().startswith("DNS: ")
    chinese = tell(receipt.trace, lines["authenticated"], "zh").text
    assert (
        "核对发件人：SPF 通过（remote.test） 依据 ip4:192.0.2.7；DKIM 通过（remote.test，选择器 s1）"
        in chinese
    )


async def test_a_forgery_is_refused_with_a_reason_and_the_journal_keeps_it(world: World) -> None:
    account = await world.account("li")
    with pytest.raises(Unauthenticated) as caught:
        await world.send(LETTER, "li@post.test", origin=ELSEWHERE)
    assert await world.inbox(account) == []
    answer = reply_for(caught.value)
    assert (answer.code, answer.enhanced) == (550, "5.7.26")
    wire = answer.wire.decode()
    assert (
        "remote.test asks to refuse this: DMARC policy reject of remote.test; SPF fail (remote.test), DKIM none"
        in wire
    )
    assert "Send by our own servers, not by 198.51.100.9" in wire
    trace = caught.value.trace
    assert trace in wire
    assert [line.step for line in await world.store.journal.by_trace(trace)] == [
        "received",
        "authenticated",
        "refused",
    ]


async def test_a_signature_alone_is_enough_for_forwarded_mail(world: World) -> None:
    message = await stored(world, SIGNED, origin=ELSEWHERE)
    assert results(message) == {"dkim": "pass", "spf": "fail", "dmarc": "pass"}


async def test_quarantine_goes_to_junk_even_if_there_was_no_such_mailbox(world: World) -> None:
    account = await world.account("li")
    junk = next(one for one in await world.store.mailboxes.list(account.id) if one.role == "junk")
    await world.store.mailboxes.delete(account.id, junk.name)
    await world.send(letter_from("a@soft.test"), "li@post.test", sender="a@soft.test")
    assert await world.inbox(account) == []
    (message,) = await mailbox(world, account, "Junk")
    assert results(message)["dmarc"] == "fail"


@pytest.mark.parametrize(
    ("settings", "author", "place"),
    [
        ({"on_reject": "note"}, "a@remote.test", "INBOX"),
        ({"on_reject": "junk"}, "a@remote.test", "垃圾邮件"),
        ({"on_quarantine": "note"}, "a@soft.test", "INBOX"),
        ({"on_quarantine": "reject"}, "a@soft.test", None),
        ({}, "a@plain.test", "INBOX"),
        ({"on_spf_fail": "junk"}, "a@plain.test", "垃圾邮件"),
        ({"on_spf_fail": "reject"}, "a@plain.test", None),
        ({}, "a@far.example.invalid", "INBOX"),
    ],
)
async def test_what_follows_is_configured(
    world: World, settings: Any, author: str, place: str | None
) -> None:
    world.delivery.checks = checks(world, **settings)
    account = await world.account("li")
    send = world.send(letter_from(author), "li@post.test", sender=author, origin=ELSEWHERE)
    if place is None:
        with pytest.raises(Unauthenticated):
            await send
    else:
        await send
        assert len(await mailbox(world, account, place)) == 1


@pytest.mark.parametrize(
    ("script", "place"),
    [
        ("keep;", "垃圾邮件"),
        ('require "fileinto"; fileinto "INBOX";', "INBOX"),
        ('require "vacation"; vacation "away";', "垃圾邮件"),
        ('if header :contains "Authentication-Results" "dmarc=fail" { discard; }', None),
    ],
)
async def test_rules_have_the_last_word_and_answer_no_forgery(
    world: World, script: str, place: str | None
) -> None:
    account = await world.account("li")
    await world.store.scripts.put(SieveScript(account.id, "rules", script), count_max=9)
    await world.store.scripts.activate(account.id, "rules")
    content = letter_from("a@soft.test").replace(b"To: li@post.test", b"To: <li@post.test>")
    await world.send(content, "li@post.test", sender="a@soft.test")
    counts = {one.name: one.messages for one in await world.store.mailboxes.list(account.id) if one.messages}
    assert counts == ({} if place is None else {place: 1})
    assert await world.store.queue.entries() == []


async def test_silent_dns_is_no_rejection(world: World) -> None:
    message = await stored(world, letter_from("a@silent.example"), sender="a@silent.example")
    assert results(message) == {"dkim": "none", "spf": "temperror", "dmarc": "temperror"}
    world.delivery.checks = checks(world, on_temporary="defer")
    with pytest.raises(Unverifiable) as caught:
        await world.send(letter_from("a@silent.example"), "li@post.test", sender="a@silent.example")
    answer = reply_for(caught.value)
    assert (answer.code, answer.enhanced) == (451, "4.4.3")
    assert "silent.example" in answer.text


@pytest.mark.parametrize("temporary", ["accept", "defer"])
@pytest.mark.parametrize("dmarc", ["temperror", "permerror", "none", "pass", "fail"])
@pytest.mark.parametrize("spf", ["pass", "fail", "softfail", "none", "temperror", "permerror", "neutral"])
def test_no_temporary_or_permanent_error_ends_in_a_rejection(dmarc: str, spf: str, temporary: str) -> None:
    settings = CheckSettings(on_quarantine="reject", on_spf_fail="reject", on_temporary=temporary)
    action = "reject" if dmarc == "fail" else "none"
    decision = decide(Checked([], SpfVerdict(spf), DmarcVerdict(dmarc, action=action)), settings)
    if decision == "reject":
        assert dmarc == "fail" or (dmarc == "none" and spf == "fail")
    if dmarc == "pass":
        assert decision == "accept"
    if decision == "defer":
        assert temporary == "defer"


FORGED = b"Authentication-Results: mx.post.test; dkim=pass header.d=remote.test; dmarc=pass\r\n"
OTHERS = b"Authentication-Results: relay.test; spf=pass smtp.mailfrom=x\r\n"


@pytest.mark.parametrize("long", [False, True])
async def test_forged_results_go_others_stay_and_signatures_over_them_verify(
    world: World, long: bool
) -> None:
    body = b"line of a long letter\r\n" * 20_000 if long else b""
    content = FORGED + OTHERS + SIGNED
    if long:
        content = FORGED + OTHERS + signed(LETTER + body, "remote.test", KEY, now=START)
    message = await stored(world, content)
    if not isinstance(message, bytes):
        message = b"".join([chunk async for chunk in message.chunks()])
    assert message.count(b"Authentication-Results: mx.post.test") == 1
    assert FORGED not in message
    assert OTHERS in message
    assert results(message) == {"dkim": "pass", "spf": "pass", "dmarc": "pass"}
    assert message.endswith(LETTER + body)
    assert message.startswith(b"Return-Path: <a@remote.test>\r\nAuthentication-Results: mx.post.test;\r\n")


async def test_facts_of_a_long_letter_are_those_of_what_is_stored(world: World) -> None:
    account = await world.account("li")
    content = signed(LETTER + b"long\r\n" * 60_000, "remote.test", KEY, now=START)
    await world.send(content, "li@post.test")
    inbox = await world.store.mailboxes.get(account.id, "INBOX")
    columns = ("size", "header_size", "content")
    ((rows),) = [rows async for rows in world.store.messages.fetch(account.id, inbox.id, [(1, 1)], columns)]
    ((size, header_size, stored),) = rows
    whole = stored if isinstance(stored, bytes) else b"".join([chunk async for chunk in stored.chunks()])
    assert size == len(whole)
    assert whole[header_size:].startswith(b"Hello\r\nlong\r\n")


@pytest.mark.parametrize(
    "origin",
    [
        {"listener": "submission", "protocol": "ESMTPSA"},
        {"listener": "lmtp", "protocol": "LMTP"},
        {"listener": "internal", "protocol": "local"},
        {"listener": "queue", "protocol": "local"},
        {"peer_ip": "192.0.2.200"},
        {"peer_ip": "::ffff:192.0.2.200"},
        {"peer_ip": ""},
    ],
)
async def test_mail_that_is_not_from_outside_is_not_checked(world: World, origin: dict[str, str]) -> None:
    world.delivery.checks = checks(world, trusted_networks=("192.0.2.128/25", "2001:db8::/32"))
    assert not world.delivery.examines(smtp_origin(**origin))
    assert world.delivery.examines(smtp_origin(peer_ip="192.0.2.1"))
    message = await stored(world, LETTER, origin=smtp_origin(**origin))
    assert b"Authentication-Results" not in message


async def test_clients_that_may_relay_are_not_checked(tmp_path: Path) -> None:
    async with open_world(tmp_path, relay_networks=("192.0.2.0/24",)) as world:
        world.delivery.checks = checks(world)
        assert not world.delivery.examines(smtp_origin())
        assert world.delivery.examines(ELSEWHERE)


async def test_several_domains_in_from_are_judged_by_the_worst(world: World) -> None:
    await world.account("li")
    content = LETTER.replace(b"From: a@remote.test", b"From: x@far.invalid, a@remote.test")
    with pytest.raises(Unauthenticated):
        await world.send(content, "li@post.test", sender="x@far.invalid", origin=ELSEWHERE)


async def test_a_slow_dns_does_not_hold_mail_for_long(world: World) -> None:
    class Never:
        async def run(self, lookup: Any, evidence: Any) -> Any:
            await __import__("asyncio").Event().wait()

        async def ask(self, question: Any) -> Answer:
            return Answer((), FAILED)

    slow = SenderChecks(Never(), world.clock, CheckSettings(timeout_s=0.01))  # type: ignore[arg-type]
    checked = await slow.check(
        Envelope(address("a@remote.test"), []), smtp_origin(), LETTER, SIGNED, 0, trace="t"
    )
    assert (checked.spf.result, checked.dmarc.result, checked.decision) == (
        "temperror",
        "temperror",
        "accept",
    )


async def test_the_questions_are_asked_side_by_side(world: World) -> None:
    """A round of questions waits for DNS; what needs no other answer is in the first."""

    class Rounds(Resolver):
        def __init__(self) -> None:
            super().__init__(static=StaticZone(ZONE))
            self.asked_names: set[str] = set()
            self.rounds: list[set[str]] = []
            self.waiting: list[tuple[str, asyncio.Event]] = []

        def try_known(self, question: Question) -> Answer | None:
            return super().try_known(question) if question.name in self.asked_names else None

        async def ask(self, question: Question) -> Answer:
            event = asyncio.Event()
            self.waiting.append((question.name, event))
            await event.wait()
            self.asked_names.add(question.name)
            return super().try_known(question) or Answer((), FAILED)

    resolver = Rounds()
    slow = SenderChecks(resolver, world.clock, CheckSettings())
    end = SIGNED.index(b"\r\n\r\n") + 4
    task = asyncio.create_task(
        slow.check(
            Envelope(address("a@remote.test"), []), smtp_origin(), SIGNED[:end], SIGNED, end, trace="t"
        )
    )
    while not task.done():
        for _ in range(20):
            await asyncio.sleep(0)
        resolver.rounds.append({name for name, _ in resolver.waiting})
        waiting, resolver.waiting = resolver.waiting, []
        for _, event in waiting:
            event.set()
    first = {"remote.test", "_dmarc.remote.test", "s1._domainkey.remote.test"}
    assert [one for one in resolver.rounds if one] == [first]
    assert task.result().dmarc.result == "pass"


def test_evidence_is_short_and_one_line_per_answer() -> None:
    evidence = Evidence()
    key = "v=DKIM1; k=rsa; p=" + "A" * 200 + "B" * 192
    evidence(
        Question("s._domainkey.x.test", "TXT"), Answer((key, "forged\n  2026-01-01 Delivered"), secure=True)
    )
    evidence(Question("x.test", "MX"), Answer(((10, "a.x.test"), (20, "b.x.test"))))
    evidence(Question("y.test", "A"), Answer((), FAILED, reason="timeout"))
    evidence(Question("z.test", "TXT"), Answer((), NO_NAME, secure=True))
    evidence(Question("z.test", "A"), Answer((), NO_DATA))
    assert evidence.lines == [
        "s._domainkey.x.test TXT: v=DKIM1; k=rsa; p=AAAAAAAAAAAA...BBBBBBBBBBBB | forged 2026-01-01 Delivered (DNSSEC)",
        "x.test MX: 10 a.x.test | 20 b.x.test (no DNSSEC)",
        "y.test A: failed (timeout)",
        "z.test TXT: nxdomain (DNSSEC)",
        "z.test A: nodata (no DNSSEC)",
    ]
    for number in range(100):
        evidence(Question(f"n{number}.test", "TXT"), Answer(("x y " * 1000,)))
    assert sum(len(line) for line in evidence.lines) < 5000


def test_words_for_a_line_of_an_older_version() -> None:
    line = JournalLine(1.0, "authenticated", {"decision": "junk", "spf": {"result": "fail"}})
    assert "Goes to Junk" in tell("t", line, "en").text
