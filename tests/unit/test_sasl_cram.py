"""CRAM-MD5: RFC 2195, HMAC-MD5 from kept states, and that nothing of it is there unless it was switched on."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from posthouse.core import cram
from posthouse.core.scram import ScramKey, ScramKeys
from posthouse.services.accounts import Accounts
from posthouse.services.signin import SignIn
from posthouse.wire.sasl import (
    Challenge,
    ClientExchange,
    Credentials,
    Failure,
    Lookup,
    Proof,
    Reason,
    ServerExchange,
)
from posthouse.wire.sasl.cram import CramClient
from tests.unit.service_world import CHEAP_HASH, open_world
from tests.unit.sign_in_place import LI, PASSWORD, PROTOCOLS, Place, open_place


def test_the_example_of_the_rfc() -> None:
    """RFC 2195 §2."""
    challenge = b"<1896.697170952@postoffice.reston.mci.net>"
    digest = b"b913a602c7eda7a495b4e6e7334d3890"
    assert cram.answer(*cram.derive("tanstaaftanstaaf"), challenge) == digest
    client = CramClient(Credentials("", "tim", "tanstaaftanstaaf"))
    assert client.respond(challenge) == b"tim " + digest


@given(st.text(min_size=1, max_size=90), st.binary(max_size=200))
def test_kept_states_give_the_hmac_of_the_password(password: str, challenge: bytes) -> None:
    if any("\ud800" <= one <= "\udfff" for one in password):
        return
    known = hmac.digest(password.encode(), challenge, "md5").hex().encode()
    assert cram.answer(*cram.derive(password), challenge) == known


def exchange(answer: bytes, password: str = "secret") -> object:
    server = ServerExchange("CRAM-MD5", b"a" * 24)
    begun = server.start(None)
    assert begun == Challenge(b"<" + b"a" * 24 + b"@posthouse>")
    step = server._mechanism.respond(answer)
    if not isinstance(step, Lookup):
        return step
    return server.resume(
        ScramKeys(b"", 0, [ScramKey(b"\0" * 16, b"\0" * 16), ScramKey(*cram.derive(password))])
    )


def test_both_sides() -> None:
    said = CramClient(Credentials("", "li li@post.test", "secret")).respond(b"<" + b"a" * 24 + b"@posthouse>")
    assert said is not None
    assert exchange(said) == Proof("CRAM-MD5", "li li@post.test", "", 1)
    assert exchange(said, "other") == Proof("CRAM-MD5", "li li@post.test", "", None)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"li",
        b"li ",
        b" " + b"0" * 32,
        b"li " + b"A" * 32,
        b"li " + b"0" * 31,
        b"l\0i " + b"0" * 32,
        b"\xff " + b"0" * 32,
        b"l" * 1025 + b" " + b"0" * 32,
    ],
)
def test_what_is_no_answer(answer: bytes) -> None:
    assert exchange(answer) == Failure(Reason.BAD_MESSAGE)


def test_nothing_can_be_said_before_the_challenge() -> None:
    for initial in (b"=", b"bGkgMDAw"):
        assert ServerExchange("CRAM-MD5", b"nonce").start(initial) == Failure(Reason.BAD_MESSAGE)


def test_a_client_takes_it_only_where_there_is_nothing_else() -> None:
    given_ = Credentials("", "li", "secret")
    for names, chosen in (
        (("CRAM-MD5", "PLAIN"), "PLAIN"),
        (("CRAM-MD5", "LOGIN"), "LOGIN"),
        (("CRAM-MD5", "DIGEST-MD5"), "CRAM-MD5"),
    ):
        found = ClientExchange.choose(names, given_, b"nonce")
        assert found is not None
        assert found.name == chosen
    assert ClientExchange.choose(["CRAM-MD5"], given_, token=True) is None


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path) as place:
        place.signin.close()
        place.signin = SignIn(
            place.world.store, place.world.clock, replace(CHEAP_HASH, cram_md5=True), sleep=place._sleep
        )
        yield place


async def cram_records(place: Place) -> list[str]:
    found = await place.world.store.credentials.of_account((await place.account()).id)
    return [record for one in found for record in one.scram if record.startswith("CRAM-MD5$")]


async def test_keys_are_made_at_the_next_sign_in_and_open_every_protocol(place: Place) -> None:
    assert await cram_records(place) == []
    wrong = await place.connect("imap").authenticate("CRAM-MD5", LI, PASSWORD)
    assert wrong.startswith("a NO [AUTHENTICATIONFAILED]")
    assert "a OK" in await place.connect("imap").authenticate("PLAIN", LI, PASSWORD)
    await place.signin.settled()
    [record] = await cram_records(place)
    assert PASSWORD not in record
    app = await place.app("phone", protocols=("imap",))
    for protocol, ok in (("imap", "a OK"), ("pop3", "+OK"), ("submission", "235")):
        assert (await place.connect(protocol).authenticate("CRAM-MD5", LI, PASSWORD)).startswith(ok)
        opened = (await place.connect(protocol).authenticate("CRAM-MD5", LI, app)).startswith(ok)
        assert opened is (protocol == "imap")
        for name, secret in ((LI, "wrong"), ("nobody@post.test", PASSWORD), ("no address", "x")):
            said = await place.connect(protocol).authenticate("CRAM-MD5", name, secret)
            assert said.startswith(("a NO [AUTHENTICATIONFAILED]", "-ERR [AUTH]", "535 5.7.8"))
        place.world.clock.move(700)


async def test_switched_off_it_is_not_there_and_its_keys_go(place: Place) -> None:
    await place.connect("imap").authenticate("PLAIN", LI, PASSWORD)
    await place.signin.settled()
    assert len(await cram_records(place)) == 1
    place.signin.close()
    place.signin = SignIn(place.world.store, place.world.clock, CHEAP_HASH, sleep=place._sleep)
    for protocol, ask in (
        ("imap", b"a CAPABILITY\r\n"),
        ("pop3", b"CAPA\r\n"),
        ("submission", b"EHLO c\r\n"),
    ):
        client = place.connect(protocol)
        assert b"CRAM-MD5" not in await client.say(ask)
        begin = b"a AUTHENTICATE CRAM-MD5\r\n" if protocol == "imap" else b"AUTH CRAM-MD5\r\n"
        assert (await client.say(begin)).startswith((b"a NO [CANNOT]", b"-ERR", b"504 "))
    await place.connect("imap").authenticate("PLAIN", LI, PASSWORD)
    await place.signin.settled()
    assert await cram_records(place) == []


async def test_a_new_password_has_its_key_sealed_and_the_old_one_opens_nothing(tmp_path: Path) -> None:
    settings = replace(CHEAP_HASH, cram_md5=True, hashing=replace(CHEAP_HASH.hashing, pepper=b"p" * 32))
    async with open_world(tmp_path) as world:
        accounts = Accounts(world.store, world.clock, settings)
        account = await accounts.create_account(LI, PASSWORD)
        [kept] = await world.store.credentials.of_account(account.id)
        [record] = [one for one in kept.scram if one.startswith("CRAM-MD5$")]
        assert record.startswith("CRAM-MD5$0:$!")  # sealed
        place = Place(world)
        place.signin.close()
        place.signin = SignIn(world.store, world.clock, settings, sleep=place._sleep)
        assert "a OK" in await place.connect("imap").authenticate("CRAM-MD5", LI, PASSWORD)
        await accounts.update_account(LI, password="another one")
        assert "a NO" in await place.connect("imap").authenticate("CRAM-MD5", LI, PASSWORD)
        assert "a OK" in await place.connect("imap").authenticate("CRAM-MD5", LI, "another one")
        await place.close()


async def test_two_steps_close_it_to_the_password(place: Place) -> None:
    await place.connect("imap").authenticate("PLAIN", LI, PASSWORD)
    await place.signin.settled()
    await place.world.store.directory.update_account((await place.account()).id, {"two_step": True})
    for protocol in PROTOCOLS:
        said = await place.connect(protocol).authenticate("CRAM-MD5", LI, PASSWORD)
        assert said.startswith(("a NO [AUTHENTICATIONFAILED]", "-ERR [AUTH]", "535 5.7.8"))
