"""Submission and LMTP: sign-in, whose address may be used, header fixes, holding, one reply per recipient."""

from __future__ import annotations

import pytest

from posthouse.core import errors
from posthouse.core.errors import MailError
from posthouse.core.ids import AccountId, MailboxId
from posthouse.core.rights import ALL, POST
from posthouse.sessions.smtp import SmtpSettings
from posthouse.storage.rows import Account, RightsEntry
from posthouse.wire.sasl import encode_base64
from tests.unit.smtp_world import ENVELOPE, HELLO, LI, ZHAO, Client, World

PLAIN = b"AUTH PLAIN " + encode_base64(b"\0li@163.test\0posthouse-demo") + b"\r\n"
WRONG = b"AUTH PLAIN " + encode_base64(b"\0li@163.test\0guess") + b"\r\n"
OWN = b"MAIL FROM:<li@163.test>\r\nRCPT TO:<zhang@qq.test>\r\n"
LETTER = b"From: li@163.test\r\nTo: zhang@qq.test\r\nBcc: wang@qq.test\r\nSubject: x\r\n\r\nbody\r\n"


async def signed_in(world: World) -> Client:
    client = world.connect("submission", tls=True)
    assert (await client.codes(HELLO + PLAIN))[-1] == "235 2.7.0"
    return client


async def test_nothing_without_signing_in() -> None:
    client = World().connect("submission", tls=True)
    said = await client.say(HELLO)
    assert "250-AUTH SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN\r\n" in said
    assert "FUTURERELEASE 2592000 1970-" in said
    assert await client.codes(OWN) == ["530 5.7.0", "503 5.5.1"]
    clear = World().connect("submission")
    assert "AUTH" not in await clear.say(HELLO)
    assert "STARTTLS" in await clear.say(OWN)
    assert await clear.codes(PLAIN) == ["538 5.7.11"]
    assert clear.session.account is None


async def test_clear_text_sign_in_on_a_test_listener() -> None:
    client = World().connect("submission", clear_text_auth=True)
    assert (await client.codes(HELLO + PLAIN))[-1] == "235 2.7.0"


async def test_login_and_cancel() -> None:
    client = World().connect("submissions", tls=True)
    await client.say(HELLO)
    assert await client.say(b"AUTH LOGIN\r\n") == "334 VXNlcm5hbWU6\r\n"
    assert await client.say(b"*\r\n") == "501 5.7.0 Sign-in cancelled; send AUTH to begin anew\r\n"
    assert await client.say(b"AUTH PLAIN\r\n") == "334 \r\n"
    assert await client.codes(b"!!\r\n") == ["501 5.5.2"]
    assert await client.codes(b"AUTH PLAIN AAAA\r\n") == ["501 5.5.2"]
    assert await client.codes(b"AUTH CRAM-MD5\r\n") == ["504 5.5.4"]
    dialogue = (
        b"AUTH LOGIN\r\n"
        + encode_base64(b"li@163.test")
        + b"\r\n"
        + encode_base64(b"posthouse-demo")
        + b"\r\n"
    )
    assert (await client.codes(dialogue))[-1] == "235 2.7.0"
    assert await client.codes(PLAIN) == ["503 5.5.1"]
    assert "AUTH" not in await client.say(HELLO)


async def test_failed_sign_ins_end_the_connection() -> None:
    world = World(SmtpSettings(sign_ins_max=3))
    client = world.connect("submission", tls=True)
    codes = await client.codes(HELLO + WRONG * 4)
    assert codes[1:] == ["535 5.7.8", "535 5.7.8", "421 4.7.0"]
    assert client.peer.closed


async def test_acting_for_somebody_else_is_refused() -> None:
    client = World().connect("submission", tls=True)
    as_zhao = b"AUTH PLAIN " + encode_base64(b"zhao@163.test\0li@163.test\0posthouse-demo") + b"\r\n"
    assert (await client.codes(HELLO + as_zhao))[-1] == "535 5.7.8"
    as_self = b"AUTH PLAIN " + encode_base64(b"LI@163.test\0li@163.test\0posthouse-demo") + b"\r\n"
    assert await client.codes(as_self) == ["235 2.7.0"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.Unavailable(), "454 4.7.0"),
        (errors.Forbidden(), "535 5.7.1"),
        (errors.StorageFull(), "454 4.7.0"),
    ],
)
async def test_sign_in_that_cannot_be_judged(error: MailError, code: str) -> None:
    world = World()
    world.accounts.failure = error
    client = world.connect("submission", tls=True)
    assert (await client.codes(HELLO + PLAIN))[-1] == code


async def test_a_submitted_letter_is_fixed_and_queued() -> None:
    world = World()
    client = await signed_in(world)
    codes = await client.codes(OWN + b"DATA\r\n" + LETTER + b".\r\n")
    assert codes == ["250 2.1.0", "250 2.1.5", "354 Send", "250 2.0.0"]
    assert b"Bcc" not in world.letter
    assert b"\r\nDate: " in world.letter
    assert b"\r\nMessage-ID: <" in world.letter
    assert b"with ESMTPSA id" in world.letter.replace(b"\r\n\t", b" ")
    (delivery,) = world.store.delivered
    assert [recipient.address for recipient in delivery.queue[0].recipients] == ["zhang@qq.test"]


@pytest.mark.parametrize(
    ("declared", "body", "queued"),
    [
        (b"", b"plain", "7BIT"),
        (b"", "驿站".encode(), "8BITMIME"),
        (b" BODY=8BITMIME", b"plain", "8BITMIME"),
        (b" BODY=7BIT", b"\xff", "8BITMIME"),
    ],
)
async def test_the_body_type_that_travels_on_is_true(declared: bytes, body: bytes, queued: str) -> None:
    world = World()
    client = await signed_in(world)
    sender = b"MAIL FROM:<li@163.test>" + declared + b"\r\nRCPT TO:<zhang@qq.test>\r\n"
    await client.say(sender + b"DATA\r\nFrom: li@163.test\r\n\r\n" + body + b"\r\n.\r\n")
    (delivery,) = world.store.delivered
    assert delivery.queue[0].body == queued


async def test_the_clients_address_can_be_left_out() -> None:
    world = World(hide_client_address=True)
    client = await signed_in(world)
    await client.say(OWN + b"DATA\r\n" + LETTER + b".\r\n")
    assert b"192.0.2.1" not in world.letter
    assert b"qq.test (" not in world.letter


async def test_the_sender_must_be_an_address_of_the_account() -> None:
    client = await signed_in(World())
    codes = await client.codes(
        b"MAIL FROM:<zhao@163.test>\r\nMAIL FROM:<x@qq.test>\r\nMAIL FROM:<all@163.test>\r\nRSET\r\nMAIL FROM:<>\r\n"
    )
    assert codes == ["553 5.7.1", "553 5.7.1", "250 2.1.0", "250 2.0.0", "250 2.1.0"]


async def test_a_full_mailbox_is_final_for_people_and_a_forward_is_told() -> None:
    client = await signed_in(World())
    codes = await client.codes(b"MAIL FROM:<>\r\nRCPT TO:<full@163.test>\r\nRCPT TO:<away@163.test>\r\n")
    assert codes == ["250 2.1.0", "552 5.2.2", "251 2.1.5"]


async def test_future_release() -> None:
    world = World()
    client = await signed_in(world)
    assert await client.codes(b"MAIL FROM:<> HOLDFOR=99999999\r\n") == ["501 5.5.4"]
    codes = await client.codes(
        b"MAIL FROM:<li@163.test> HOLDFOR=3600\r\nRCPT TO:<zhang@qq.test>\r\nDATA\r\n" + LETTER + b".\r\n"
    )
    assert codes[-1] == "250 2.0.0"
    (delivery,) = world.store.delivered
    assert delivery.queue[0].not_before == world.clock.now() + 3600
    until = b"MAIL FROM:<li@163.test> HOLDUNTIL=1970-01-13T00:00:00Z\r\n"
    assert await client.codes(until) == ["250 2.1.0"]
    assert client.session.current.envelope.not_before == 12 * 86400


LHLO = b"LHLO mx.test\r\n"


async def test_lmtp_answers_for_each_recipient() -> None:
    world = World()
    client = world.connect("lmtp")
    assert await client.codes(b"EHLO x.test\r\nHELO x.test\r\n") == ["500 5.5.1", "500 5.5.1"]
    await client.say(LHLO)
    world.store.late[ZHAO.id] = "OverQuota"
    codes = await client.codes(
        ENVELOPE + b"RCPT TO:<nobody@163.test>\r\nRCPT TO:<zhao@163.test>\r\nRCPT TO:<x@example.org>\r\n"
    )
    assert codes == ["250 2.1.0", "250 2.1.5", "550 5.1.1", "250 2.1.5", "550 5.7.1"]
    said = await client.say(b"DATA\r\n" + LETTER + b".\r\n")
    lines = said.splitlines()[1:]
    assert lines[0] == "250 2.0.0 <li@163.test> Delivered as trace0001"
    assert lines[1].startswith("452 4.2.2 <zhao@163.test> The mailbox is full")
    assert len(lines) == 2
    assert b"with LMTP id" in world.letter.replace(b"\r\n\t", b" ")


async def test_lmtp_refuses_for_each_recipient() -> None:
    world = World()
    world.store.failure = errors.StorageFull()
    client = world.connect("lmtp")
    await client.say(LHLO + ENVELOPE + b"RCPT TO:<zhao@163.test>\r\nDATA\r\n")
    said = (await client.say(LETTER + b".\r\n")).splitlines()
    assert [line[:9] for line in said] == ["452 4.3.1"] * 2
    await client.say(ENVELOPE + b"DATA\r\n")
    assert await client.codes(b"bare\nLF\r\n.\r\n") == ["550 5.6.11"]


async def test_lmtp_is_for_final_delivery_only() -> None:
    world = World(relay_networks=("192.0.2.",))
    client = world.connect("lmtp")
    codes = await client.codes(LHLO + b"MAIL FROM:<>\r\nRCPT TO:<x@example.org>\r\n")
    assert codes[-1] == "551 5.7.1"
    relay = world.connect("smtp")
    assert (await relay.codes(HELLO + b"MAIL FROM:<>\r\nRCPT TO:<x@example.org>\r\n"))[-1] == "250 2.1.5"


async def test_help_fits_the_mode() -> None:
    assert "LHLO MAIL" in await World().connect("lmtp").say(b"HELP\r\n")
    assert "AUTH" in await World().connect("submission").say(b"HELP\r\n")
    assert "AUTH" not in await World().connect("smtp").say(b"HELP\r\n")


async def test_members_of_a_team_send_as_the_team() -> None:
    """RFC 4314 §2.1: with the right to post; the journal has both addresses."""
    world = World()
    team = Account(id=AccountId(9), address="help@163.test", team=True)
    world.store.known[team.address] = team
    client = await signed_in(world)

    def grant(to: AccountId, rights: int) -> None:
        entry = RightsEntry(team.id, MailboxId(0), to, negative=False, rights=rights)
        world.store.grants[LI.id, team.id] = [entry]

    mail = b"MAIL FROM:<help@163.test>\r\n"
    assert await client.codes(mail) == ["553 5.7.1"]
    grant(LI.id, ALL & ~POST)
    assert await client.codes(mail) == ["553 5.7.1"]
    grant(AccountId(0), ALL)  # what everybody may do is no leave to speak for the team
    assert await client.codes(mail) == ["553 5.7.1"]
    grant(LI.id, POST)
    letter = LETTER.replace(b"li@163.test", b"help@163.test")
    codes = await client.codes(mail + b"RCPT TO:<zhang@qq.test>\r\nDATA\r\n" + letter + b".\r\n")
    assert codes[-1] == "250 2.0.0"
    assert b"Sender:" not in world.letter
    facts = world.store.delivered[0].journal[0].facts
    assert (facts["account"], facts["sender"]) == ("li@163.test", "help@163.test")
