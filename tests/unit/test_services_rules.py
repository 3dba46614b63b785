"""What recipients' rules do to a letter on its way into the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from posthouse.core.address import parse_address
from posthouse.core.errors import Refused
from posthouse.services.accounts import Accounts
from posthouse.services.redirects import KIND as FORWARDING
from posthouse.services.redirects import Forwarding
from posthouse.services.refile import refile
from posthouse.services.scripts import Scripts
from posthouse.services.srs import AGE_MAX_DAYS, Srs
from posthouse.sieve import ScriptError, compile_script
from posthouse.sieve.text import explain
from posthouse.storage.email_rows import StoredObject
from posthouse.storage.rows import Account, Alias, Mailbox, SieveScript
from tests.unit.service_world import LETTER, World, open_world, parse, smtp_origin


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        yield world


async def rule(world: World, account: Account, script: str, name: str = "rules") -> None:
    await world.store.scripts.put(SieveScript(account.id, name, script), count_max=9)
    await world.store.scripts.activate(account.id, name)


async def box(world: World, account: Account, name: str) -> Mailbox:
    return await world.store.mailboxes.get(account.id, name)


async def counts(world: World, account: Account) -> dict[str, int]:
    return {one.name: one.messages for one in await world.store.mailboxes.list(account.id) if one.messages}


async def decisions(world: World, trace: str) -> list[str]:
    lines = await world.store.journal.by_trace(trace)
    return next(line.facts["decisions"] for line in lines if line.step == "ruled")


async def test_filing_with_flags_into_a_mailbox_that_is_made(world: World) -> None:
    li = await world.account("li")
    script = 'require ["fileinto", "mailbox", "imap4flags"];'
    await rule(world, li, script + 'fileinto :create :flags ["\\\\Seen", "$Work"] "项目/甲"; keep;')
    receipt = await world.send(LETTER, "li@post.test")
    assert receipt.outcomes[0].error is None
    assert await counts(world, li) == {"INBOX": 1, "项目/甲": 1}
    mailbox = await box(world, li, "项目/甲")
    assert mailbox.subscribed
    assert mailbox.unseen == 0
    assert await world.store.messages.keywords(li.id) == ("$Work",)
    assert await decisions(world, receipt.trace) == ["li@post.test: fileinto 项目/甲, keep"]


async def test_a_missing_mailbox_is_the_inbox(world: World) -> None:
    li = await world.account("li")
    await rule(world, li, 'require "fileinto"; fileinto "Nowhere";')
    await world.send(LETTER, "li@post.test")
    assert await counts(world, li) == {"INBOX": 1}


async def test_filing_by_role(world: World) -> None:
    li = await world.account("li")
    await rule(world, li, 'require ["fileinto", "special-use"]; fileinto :specialuse "\\\\Junk" "x";')
    await world.send(LETTER, "li@post.test")
    junk = next(one for one in await world.store.mailboxes.list(li.id) if one.role == "junk")
    assert await counts(world, li) == {junk.name: 1}


async def test_what_is_discarded_is_in_the_journal_only(world: World) -> None:
    li = await world.account("li")
    await rule(world, li, "discard;")
    receipt = await world.send(LETTER, "li@post.test")
    assert receipt.outcomes[0].error is None
    assert await counts(world, li) == {}
    assert await decisions(world, receipt.trace) == ["li@post.test: discard"]


async def test_others_are_not_touched(world: World) -> None:
    li, zhao = await world.account("li"), await world.account("zhao")
    await rule(world, li, "discard;")
    await world.send(LETTER, "li@post.test", "zhao@post.test")
    assert await counts(world, li) == {}
    assert await counts(world, zhao) == {"INBOX": 1}


async def test_a_single_recipient_refuses_at_once(world: World) -> None:
    li = await world.account("li")
    await rule(world, li, 'require "ereject"; ereject "no thanks";')
    with pytest.raises(Refused) as caught:
        await world.send(LETTER, "li@post.test")
    assert caught.value.text == "no thanks"


async def test_one_of_two_recipients_refuses_by_a_notice(world: World) -> None:
    li, zhao, sender = await world.account("li"), await world.account("zhao"), await world.account("sender")
    await rule(world, li, 'require "reject"; reject "no thanks";')
    await world.send(LETTER, "li@post.test", "zhao@post.test", sender="sender@post.test")
    assert await counts(world, zhao) == {"INBOX": 1}
    (notice,) = await world.inbox(sender)
    assert b"no thanks" in notice
    assert b"Diagnostic-Code: smtp; 550 5.7.1 no thanks" in notice


async def test_one_of_an_alias_refuses_by_a_notice(world: World) -> None:
    li, zhao, sender = await world.account("li"), await world.account("zhao"), await world.account("sender")
    await world.store.directory.put_alias(Alias("all@post.test", ("li@post.test", "zhao@post.test")))
    await rule(world, li, 'require "reject"; reject "no thanks";')
    await world.send(LETTER, "all@post.test", sender="sender@post.test")
    assert await counts(world, zhao) == {"INBOX": 1}
    assert len(await world.inbox(sender)) == 1


async def test_a_fault_keeps_the_letter(world: World) -> None:
    li = await world.account("li")
    await rule(world, li, 'require "reject"; keep; reject "x";')
    receipt = await world.send(LETTER, "li@post.test")
    assert await counts(world, li) == {"INBOX": 1}
    assert await decisions(world, receipt.trace) == ["li@post.test: keep, (line 1: conflict)"]


async def test_a_script_that_cannot_be_read_keeps_the_letter(world: World) -> None:
    li = await world.account("li")
    await rule(world, li, "no script")
    await world.send(LETTER, "li@post.test")
    assert await counts(world, li) == {"INBOX": 1}


async def test_a_changed_script_is_used_at_once(world: World) -> None:
    li = await world.account("li")
    await rule(world, li, "discard;")
    await world.send(LETTER, "li@post.test")
    await rule(world, li, "keep;")
    await world.send(LETTER, "li@post.test")
    await world.store.scripts.activate(li.id, None)
    await world.send(LETTER, "li@post.test")
    assert await counts(world, li) == {"INBOX": 2}


async def test_accounts_without_rules_cost_no_read(world: World) -> None:
    await world.account("li")
    await world.send(LETTER, "li@post.test")
    asked = []
    scripts = world.store.scripts

    class Counting:
        async def active(self, account: object) -> object:
            asked.append(account)
            return await scripts.active(account)  # type: ignore[arg-type]

    world.store.scripts = Counting()  # type: ignore[assignment]
    await world.send(LETTER, "li@post.test")
    world.store.scripts = scripts
    assert asked == []


# --- redirects ---


async def test_redirect_to_a_stranger_rewrites_the_sender(world: World) -> None:
    li = await world.account("li")
    await rule(world, li, 'require "copy"; redirect :copy "friend@far.test";')
    receipt = await world.send(LETTER, "li@post.test")
    (entry,) = await world.store.queue.entries()
    assert [one.address for one in entry.recipients] == ["friend@far.test"]
    assert entry.sender.startswith("SRS0=")
    assert entry.sender.endswith("=remote.test=a@post.test")
    assert entry.account == li.id
    assert entry.trace == receipt.trace
    assert await counts(world, li) == {"INBOX": 1}
    resolution = await world.delivery.resolver.resolve(parse_address(entry.sender))
    assert [str(one) for one in resolution.remote] == ["a@remote.test"]


async def test_redirect_keeps_our_own_and_null_senders(world: World) -> None:
    li, _ = await world.account("li"), await world.account("zhang")
    await rule(world, li, 'redirect "friend@far.test";')
    await world.send(LETTER, "li@post.test", sender="zhang@post.test")
    await world.send(LETTER, "li@post.test", sender=None)
    assert sorted(one.sender for one in await world.store.queue.entries()) == ["", "zhang@post.test"]


async def test_redirects_inside_end_where_they_were_before(world: World) -> None:
    li, zhao = await world.account("li"), await world.account("zhao")
    await rule(world, li, 'redirect "zhao@post.test";')
    await rule(world, zhao, 'redirect "li@post.test"; keep;')
    await world.send(LETTER, "li@post.test")
    assert await counts(world, li) == {}
    assert await counts(world, zhao) == {"INBOX": 1}


CONFIRMED = msgspec.json.encode(Forwarding("Friend@far.test", confirmed_at=1.0))


@pytest.mark.parametrize(
    ("policy", "target", "confirmed", "said"),
    [
        ("any", "friend@far.test", False, ""),
        ("confirmed", "friend@far.test", False, "is outside and not confirmed"),
        ("confirmed", "friend@far.test", True, ""),
        ("confirmed", "zhao@post.test", False, ""),
        ("inside", "friend@far.test", True, "is outside"),
        ("inside", "zhao@post.test", False, ""),
    ],
)
async def test_the_domain_says_where_to_mail_is_sent_on(
    world: World, policy: str, target: str, *, confirmed: bool, said: str
) -> None:
    """Whatever door the script came through, and be the address made while it runs."""
    li = await world.account("li")
    await world.account("zhao")
    await Accounts(world.store, world.clock).update_domain("post.test", redirects=policy)
    if confirmed:
        await world.store.objects.put(li.id, [StoredObject(FORWARDING, 0, CONFIRMED)])
    user, _, host = target.partition("@")
    script = f'require "variables"; set "at" "{host}"; redirect "{user}@${{at}}";'
    assert compile_script(script).redirects() == []
    await rule(world, li, script)
    receipt = await world.send(LETTER, "li@post.test")
    queued = [one.address for entry in await world.store.queue.entries() for one in entry.recipients]
    assert queued == ([target] if host == "far.test" and not said else [])
    assert (await counts(world, li)) == ({"INBOX": 1} if said else {})
    told = f", keep ({target} {said})" if said else ""
    assert f"li@post.test: redirect {target}{told}" in await decisions(world, receipt.trace)


async def test_whoever_puts_a_script_hears_of_it_at_once(world: World) -> None:
    li = await world.account("li")
    scripts = Scripts(world.store, world.clock)
    text = 'if header "subject" "x" {\n redirect "friend@far.test"; }'
    await scripts.put(li.id, "old", text)
    await Accounts(world.store, world.clock).update_domain("post.test", redirects="confirmed")
    with pytest.raises(ScriptError) as caught:
        await scripts.put(li.id, "new", text)
    assert (caught.value.key, caught.value.line) == ("redirect.confirmed", 2)
    assert "friend@far.test" in explain(caught.value, "en")
    assert "转发" in explain(caught.value, "zh")
    await scripts.put(li.id, "old", text + "\nkeep;")  # what was there can still be edited
    with pytest.raises(ScriptError):
        await scripts.activate(li.id, "old")
    await world.store.objects.put(li.id, [StoredObject(FORWARDING, 0, CONFIRMED)])
    await scripts.activate(li.id, "old")
    await Accounts(world.store, world.clock).update_domain("post.test", redirects="inside")
    with pytest.raises(ScriptError) as caught:
        await scripts.put(li.id, "new", text)
    assert caught.value.key == "redirect.inside"


async def test_a_redirect_to_nobody_keeps_the_letter(world: World) -> None:
    li = await world.account("li")
    await rule(world, li, 'redirect "nobody@post.test";')
    await world.send(LETTER, "li@post.test")
    assert await counts(world, li) == {"INBOX": 1}


# --- changed headers ---


@pytest.mark.parametrize("size", [10, 300_000])
async def test_each_has_the_header_its_rules_made(world: World, size: int) -> None:
    li, zhao = await world.account("li"), await world.account("zhao")
    await rule(world, li, 'require "editheader"; addheader "X-Mine" "yes"; deleteheader "Subject";')
    letter = LETTER + b"x" * 70 + b"\r\n" + b"y" * 60 + b"\r\n" * (size // 2)
    await world.send(letter, "li@post.test", "zhao@post.test")
    (mine,), (theirs,) = await world.inbox(li), await world.inbox(zhao)
    assert parse(mine)["X-Mine"] == "yes"
    assert parse(mine)["Subject"] is None
    assert parse(theirs)["X-Mine"] is None
    assert mine.endswith(letter.partition(b"\r\n\r\n")[2])
    assert theirs.endswith(letter)


# --- answers ---

TO_LI = LETTER.replace(b"a@remote.test", b"zhang@post.test")


async def test_one_vacation_answer_in_a_week(world: World) -> None:
    li, zhang = await world.account("li", name="李四"), await world.account("zhang")
    await rule(world, li, 'require ["vacation", "fcc"]; vacation :fcc "Sent" :subject "不在" "我不在。";')
    for _ in range(2):
        await world.send(TO_LI, "li@post.test", sender="zhang@post.test")
    (answer,) = await world.inbox(zhang)
    message = parse(answer)
    assert message["Subject"] == "不在"
    assert message["From"] == "李四 <li@post.test>"
    assert message["To"] == "zhang@post.test"
    assert message["Auto-Submitted"] == "auto-replied (vacation)"
    assert message["In-Reply-To"] == "<m1@remote.test>"
    assert message["Return-Path"] == "<>"
    assert message.get_content().strip() == "我不在。"
    assert (await counts(world, li))["INBOX"] == 2
    world.clock.move(7 * 86400 + 1)
    await world.send(TO_LI, "li@post.test", sender="zhang@post.test")
    assert len(await world.inbox(zhang)) == 2


async def test_two_who_are_away_do_not_answer_each_other_for_ever(world: World) -> None:
    li, zhang = await world.account("li"), await world.account("zhang")
    for one in (li, zhang):
        await rule(world, one, 'require "vacation"; vacation "away";')
    await world.send(TO_LI, "li@post.test", sender="zhang@post.test")
    assert len(await world.inbox(zhang)) == 1
    assert len(await world.inbox(li)) == 1


async def test_a_vacation_answer_as_an_entity(world: World) -> None:
    li, zhang = await world.account("li"), await world.account("zhang")
    text = "Content-Type: text/html\\n\\n<b>away</b>\\n".replace("\\n", "\n")
    await rule(world, li, f'require "vacation"; vacation :mime "{text}";')
    await world.send(TO_LI, "li@post.test", sender="zhang@post.test")
    message = parse((await world.inbox(zhang))[0])
    assert message.get_content_type() == "text/html"
    assert message.get_content().strip() == "<b>away</b>"
    assert message["Subject"] == "Auto: hello"
    assert message["References"] == message["In-Reply-To"] == "<m1@remote.test>"


async def test_a_letter_whose_id_is_none_is_answered(world: World) -> None:
    li, zhang = await world.account("li"), await world.account("zhang")
    await rule(world, li, 'require "vacation"; vacation "away";')
    await world.send(TO_LI.replace(b"<m1@", b"<\xff\xe9@"), "li@post.test", sender="zhang@post.test")
    message = parse((await world.inbox(zhang))[0])
    assert message["In-Reply-To"] is None
    assert message["References"] is None


async def test_notices(world: World) -> None:
    li, zhang = await world.account("li"), await world.account("zhang")
    await rule(world, li, 'require "enotify"; notify :importance "1" "mailto:zhang@post.test";')
    await world.send(LETTER, "li@post.test")
    message = parse((await world.inbox(zhang))[0])
    assert message["Importance"] == "high"
    assert "hello" in message.get_content()
    assert message["Auto-Submitted"].startswith("auto-notified")


async def test_duplicates_are_remembered_once_the_letter_is_stored(world: World) -> None:
    li = await world.account("li")
    await rule(world, li, 'require "duplicate"; if duplicate { discard; }')
    for _ in range(3):
        await world.send(LETTER, "li@post.test")
    assert await counts(world, li) == {"INBOX": 1}


async def test_what_scripts_can_know_of_the_way(world: World) -> None:
    li = await world.account("li")
    test = 'allof (environment "remote-ip" "192.0.2.7", envelope "to" "li+x@post.test", envelope "from" "a@remote.test"'
    await rule(world, li, f'require ["environment", "envelope"]; if {test}) {{ discard; }}')
    await world.send(LETTER, "li+x@post.test", origin=smtp_origin())
    assert await counts(world, li) == {}


async def test_included_scripts(world: World) -> None:
    li = await world.account("li")
    await world.store.scripts.put(SieveScript(li.id, "inner", "discard;"), count_max=9)
    await rule(world, li, 'require "include"; include "inner";')
    await world.send(LETTER, "li@post.test")
    assert await counts(world, li) == {}


# --- sender rewriting ---


async def test_addresses_that_lead_back(world: World) -> None:
    srs = Srs(world.store.directory, world.clock)
    once = await srs.forward("Joe.X@far.test", "li@post.test")
    assert str(await srs.back(parse_address(once))) == "Joe.X@far.test"
    assert str(await srs.back(parse_address(once.lower()))) == "joe.x@far.test"
    tampered = once.replace("far.test", "evil.test")
    assert await srs.back(parse_address(tampered)) is None
    world.clock.move((AGE_MAX_DAYS + 1) * 86400)
    assert await srs.back(parse_address(once)) is None


@pytest.mark.parametrize("sender", ['"a b@c"@far.test', '"x\\"y"@far.test', "张=三@far.test"])
async def test_odd_senders_are_led_back_to(world: World, sender: str) -> None:
    srs = Srs(world.store.directory, world.clock)
    once = parse_address(await srs.forward(sender, "li@post.test"))
    assert once.domain == "post.test"
    assert str(await srs.back(once)) == sender
    assert await srs.back(parse_address("SRS0=张三=ab=far.test=joe@post.test")) is None


async def test_a_second_forwarder_does_not_lengthen_them(world: World) -> None:
    srs = Srs(world.store.directory, world.clock)
    first = "SRS0=abcd=ef=far.test=joe@first.test"
    second = await srs.forward(first, "li@post.test")
    assert second.startswith("SRS1=")
    assert str(await srs.back(parse_address(second))) == first
    third = await srs.forward(second.replace("post.test", "other.test"), "li@post.test")
    assert str(await srs.back(parse_address(third))) == first
    assert abs(len(third) - len(second)) < 3


# --- mail that is stored already ---


async def test_rules_for_stored_mail(world: World) -> None:
    li = await world.account("li")
    for number, subject in enumerate(("bill", "spam", "flag", "both", "out")):
        letter = LETTER.replace(b"hello", subject.encode()).replace(b"<m1", b"<m%d" % number)
        await world.send(letter, "li@post.test")
    script = compile_script(
        'require ["fileinto", "mailbox", "imap4flags", "copy", "reject"];'
        'if header "subject" "bill" { fileinto :create :flags "$Bill" "Bills"; }'
        'elsif header "subject" "spam" { discard; }'
        'elsif header "subject" "flag" { keep :flags "\\\\Flagged"; }'
        'elsif header "subject" "both" { fileinto :copy :create "Bills"; }'
        'else { redirect "far@far.test"; }'
    )
    rules, inbox = world.delivery.rules, await box(world, li, "INBOX")
    assert rules is not None
    dry = [one.targets async for one in refile(rules, li, inbox, script, dry=True)]
    assert dry == [["Bills"], [], ["INBOX"], ["Bills", "INBOX"], ["INBOX"]]
    assert await counts(world, li) == {"INBOX": 5}
    done = [one.targets async for one in refile(rules, li, inbox, script, dry=False)]
    assert done == dry
    assert await counts(world, li) == {"INBOX": 3, "Bills": 2}
    assert await world.store.messages.keywords(li.id) == ("$Bill",)
    assert await world.store.queue.entries() == []
