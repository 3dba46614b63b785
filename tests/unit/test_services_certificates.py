"""Whose a client certificate is: by the addresses in it, by what was registered; and what is nobody's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509

from posthouse.core.errors import Exists, Invalid, SignInFailed
from posthouse.services.certificates import read_file, try_read
from posthouse.services.grant import Grant, Origin
from posthouse.wire.sasl import ClientExchange, Credentials, Failure, Reason, ServerExchange
from tests.unit.client_certificates import UTF8_MAILBOX, client_certificate, utf8_mailbox
from tests.unit.service_world import START
from tests.unit.sign_in_place import LI, Place, open_place

ORIGIN = Origin("imap", "c1", "192.0.2.1")
LATER = START + 3600


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path) as place:
        await place.world.account("wang")
        yield place


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ((), ()),
        (("li@post.test",), ("li@post.test",)),
        (("Li@POST.test", "li@post.test", "wang@post.test"), ("li@post.test", "wang@post.test")),
        ((utf8_mailbox("no address"), utf8_mailbox("@post.test"), utf8_mailbox("li@")), ()),
        # What a careless reader would end at the NUL.
        (("li@post.test\0.evil.test",), ()),
        ((x509.DNSName("post.test"), x509.UniformResourceIdentifier("mailto:li@post.test")), ()),
        ((utf8_mailbox("李@post.test"),), ("李@post.test",)),
        ((x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\x0c\x01x"),), ()),
    ],
)
def test_the_addresses_of_a_certificate(names: tuple[str, ...], found: tuple[str, ...]) -> None:
    certificate = try_read(client_certificate(*names, ends_at=LATER))
    assert certificate is not None
    assert certificate.addresses == found


@pytest.mark.parametrize("der", [b"\x16\x01x", b"\x04\x00", b"\x0c\x01\xff"])
def test_a_damaged_mailbox_makes_it_nobody_s(der: bytes) -> None:
    name = x509.OtherName(UTF8_MAILBOX, der)
    assert try_read(client_certificate("li@post.test", name, ends_at=LATER)) is None


def test_what_is_no_certificate() -> None:
    assert try_read(b"") is None
    assert try_read(client_certificate(LI, ends_at=LATER)[:-1]) is None
    for data in (b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"text"):
        with pytest.raises(Invalid):
            read_file(data)


async def opens(place: Place, certificate: bytes, username: str = "", protocol: str = "imap") -> Grant | None:
    try:
        origin = Origin(protocol, "c1", "192.0.2.1")
        return await place.signin.check_certificate(certificate, username, origin)
    except SignInFailed:
        return None


async def test_whom_it_names_and_whom_the_client_asks_for(place: Place) -> None:
    one = client_certificate(LI, ends_at=LATER)
    both = client_certificate(LI, "wang@post.test", "stranger@elsewhere.test", ends_at=LATER)
    for certificate, username, account in (
        (one, "", LI),
        (one, "LI@post.test", LI),
        (one, "wang@post.test", None),
        (one, "nobody@post.test", None),
        (one, "no address", None),
        (both, "", None),  # of two accounts: the client has to say
        (both, "wang@post.test", "wang@post.test"),
        (both, "stranger@elsewhere.test", None),
        (client_certificate("stranger@elsewhere.test", ends_at=LATER), "", None),
        (client_certificate(ends_at=LATER), LI, None),
        (client_certificate(LI, ends_at=START), "", None),
        (client_certificate(LI, begins_at=START + 1, ends_at=LATER), "", None),
        (b"damaged", LI, None),
    ):
        grant = await opens(place, certificate, username)
        assert (grant and grant.account.address) == account, username
        if grant:
            assert (grant.kind, grant.id, grant.expires_at) == ("certificate", "", LATER)


async def test_nobody_signs_in_as_a_team(place: Place) -> None:
    await place.world.accounts.create_account("team@post.test", None, team=True)
    assert await opens(place, client_certificate("team@post.test", ends_at=LATER)) is None
    der = client_certificate(ends_at=LATER)
    with pytest.raises(Invalid):
        await place.signin.credentials.register("team@post.test", "x", read_file(der))


async def test_what_is_registered_narrows_what_it_names(place: Place) -> None:
    """Who registers a certificate for reading does not mean that the address in it opens the rest."""
    der = client_certificate(LI, ends_at=LATER)
    credentials = place.signin.credentials
    await credentials.register(LI, "reader", read_file(der), protocols=("imap",), actions=("read",))
    grant = await opens(place, der)
    assert grant is not None
    assert (grant.name, grant.scope.protocols, grant.scope.actions) == ("reader", ("imap",), 1)
    assert await opens(place, der, protocol="submission") is None
    assert await opens(place, der, "wang@post.test") is None
    await place.signin.settled()
    [kept] = await credentials.certificates(LI)
    assert (kept.used_ip, kept.used_protocol, kept.expires_at) == ("192.0.2.1", "imap", LATER)


async def test_one_of_two_accounts_is_chosen_by_name(place: Place) -> None:
    der = client_certificate(ends_at=LATER)
    for address in (LI, "wang@post.test"):
        await place.signin.credentials.register(address, "shared", read_file(der))
    assert await opens(place, der) is None
    grant = await opens(place, der, "wang@post.test")
    assert grant is not None
    assert grant.account.address == "wang@post.test"
    await place.signin.credentials.revoke(LI, "shared", "certificate")
    assert await opens(place, der) is not None  # of one account now
    await place.signin.credentials.revoke("wang@post.test", "shared", "certificate")
    assert await opens(place, der, "wang@post.test") is None


async def test_what_cannot_be_registered(place: Place) -> None:
    der = client_certificate(ends_at=LATER)
    await place.signin.credentials.register(LI, "laptop", read_file(der))
    with pytest.raises(Exists):
        await place.signin.credentials.register(LI, "again", read_file(der))
    for name, certificate in (
        ("", client_certificate(LI, ends_at=LATER)),
        ("over", client_certificate(ends_at=START)),
    ):
        with pytest.raises(Invalid):
            await place.signin.credentials.register(LI, name, read_file(certificate))


async def test_external_is_announced_and_taken_only_with_a_certificate(place: Place) -> None:
    for protocol, ask in (
        ("imap", b"a CAPABILITY\r\n"),
        ("pop3", b"CAPA\r\n"),
        ("submission", b"EHLO c.test\r\n"),
    ):
        with_one = place.connect(protocol, certificate=client_certificate(LI, ends_at=LATER))
        assert b"EXTERNAL" in await with_one.say(ask)
        without = place.connect(protocol)
        assert b"EXTERNAL" not in await without.say(ask)
        begin = b"a AUTHENTICATE EXTERNAL =\r\n" if protocol == "imap" else b"AUTH EXTERNAL =\r\n"
        assert (await without.say(begin)).startswith((b"a NO [CANNOT]", b"-ERR", b"504 "))


async def test_failures_count_as_those_of_passwords_do(place: Place) -> None:
    for number in range(40):
        certificate = client_certificate(LI, ends_at=LATER + number)
        assert await opens(place, certificate, "wang@post.test") is None
        if number > 28:
            break
    bans = await place.world.store.access.bans()
    assert ("address", "192.0.2.1") in {(ban.kind, ban.subject) for ban in bans}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"=", ""),
        (b"", ""),
        (b"bGlAcG9zdC50ZXN0", "li@post.test"),
        (b"bGkA", Reason.BAD_MESSAGE),
        (b"/w==", Reason.BAD_MESSAGE),
        (b"QUFB" * 400, Reason.TOO_LONG),
        (b"*!", Reason.BAD_BASE64),
    ],
)
def test_the_message_of_external(line: bytes, found: str | Reason) -> None:
    """RFC 4422 §A.1."""
    step = ServerExchange("EXTERNAL").start(line)
    if isinstance(found, Reason):
        assert step == Failure(found)
    else:
        assert getattr(step, "username", None) == found


def test_both_sides_of_external() -> None:
    for name, sent in (("", b"="), ("li@post.test", b"bGlAcG9zdC50ZXN0")):
        client = ClientExchange("EXTERNAL", Credentials("EXTERNAL", "", "", name))
        assert client.initial() == sent
        assert client.receive(b"") is None
    # A client that was not told to use a certificate does not choose it by itself.
    chosen = ClientExchange.choose(["EXTERNAL", "PLAIN"], Credentials("", "u", "p"))
    assert chosen is not None
    assert chosen.name == "PLAIN"
