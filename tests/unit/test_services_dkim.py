"""Signing keys from their making to their end, and outgoing mail signed where its bytes are final."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.client.resolver import Resolver, StaticZone
from posthouse.core.errors import NotFound
from posthouse.mailauth.dkim_sign import load_signing_key
from posthouse.services.dkim import DkimKeys, PublicKey
from posthouse.services.dkim_watch import DkimWatch
from posthouse.services.letter import Envelope
from posthouse.services.signing import Signer
from posthouse.storage.content_ports import Content
from tests.unit.mailauth_world import verified
from tests.unit.service_world import LETTER, World, address, open_world, smtp_origin


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        world.keys = DkimKeys(world.store, world.clock)  # type: ignore[attr-defined]
        yield world


def keys_of(world: World) -> DkimKeys:
    keys = world.keys  # type: ignore[attr-defined]
    assert isinstance(keys, DkimKeys)
    return keys


def zone(keys: list[PublicKey]) -> str:
    return "test. IN SOA a. b. 1 2 3 4 5\n" + "".join(
        f'{key.name}. IN TXT "{key.record[:200]}" "{key.record[200:]}"\n' for key in keys
    )


def dns_of(keys: list[PublicKey]) -> Resolver:
    return Resolver(static=StaticZone(zone(keys)))


def states(keys: list[PublicKey]) -> list[tuple[str, str]]:
    return [(key.selector, key.state) for key in keys]


async def test_a_pair_waits_for_dns_then_signs_then_is_replaced(world: World) -> None:
    keys = keys_of(world)
    assert await keys.listed("post.test") == []
    made = await keys.rotate("POST.test")
    assert states(made) == [("ph20260921r", "next"), ("ph20260921e", "next")]
    assert await keys.rotate("post.test") == made  # asked again: nothing more
    assert await keys.signing("post.test") == ()
    watch = DkimWatch(world.store, keys, dns_of([]))
    assert await watch.look() == {}
    assert await DkimWatch(world.store, keys, dns_of(made[:1])).look() == {"post.test": ["ph20260921r"]}
    assert await keys.activate_published("post.test", dns_of(made)) == ["ph20260921e"]
    assert [key.selector for key in await keys.signing("post.test")] == ["ph20260921r", "ph20260921e"]
    second = await keys.rotate("post.test", now=True)
    assert states(second) == [
        ("ph20260921r", "retired"),
        ("ph20260921e", "retired"),
        ("ph20260921r2", "active"),
        ("ph20260921e2", "active"),
    ]
    with pytest.raises(NotFound):  # a retired key cannot sign any more
        await keys.private_pem("post.test", "ph20260921r")
    world.clock.move(15 * 86400)
    assert [key.state for key in await keys.rotate("post.test")] == ["active", "active", "next", "next"]


async def test_keys_are_of_domains_that_exist(world: World) -> None:
    with pytest.raises(NotFound, match="domain add"):
        await keys_of(world).rotate("far.test")
    with pytest.raises(NotFound, match="dkim list"):
        await keys_of(world).private_pem("post.test", "x")


async def test_keys_go_with_their_domain(world: World) -> None:
    await keys_of(world).rotate("post.test", now=True)
    await world.accounts.delete_domain("post.test")
    assert await keys_of(world).listed("post.test") == []
    await world.accounts.create_domain("post.test")


async def test_a_key_in_dns_that_is_another_one_does_not_count(world: World) -> None:
    keys = keys_of(world)
    rsa, ed25519 = await keys.rotate("post.test")
    swapped = PublicKey(**{name: getattr(rsa, name) for name in rsa.__struct_fields__})
    swapped.record = ed25519.record
    assert await keys.activate_published("post.test", dns_of([swapped])) == []


async def test_export_gives_the_key_that_signs(world: World) -> None:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )

    keys = keys_of(world)
    (rsa, _) = await keys.rotate("post.test", now=True)
    key = load_pem_private_key(await keys.private_pem("post.test", rsa.selector), None)
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    assert (
        load_signing_key("x", der).key.public_key() == (await keys.signing("post.test"))[0].key.public_key()
    )


def signer(world: World) -> Signer:
    return Signer(keys_of(world), world.clock, "mx.post.test")


async def records(world: World) -> dict[tuple[str, str], list[str]]:
    return {(key.name, "TXT"): [key.record] for key in await keys_of(world).listed("post.test")}


async def test_who_may_have_what_signed(world: World) -> None:
    await keys_of(world).rotate("post.test", now=True)
    await world.accounts.create_domain("other.test")
    await keys_of(world).rotate("other.test", now=True)
    li = await world.account("li")
    chosen = signer(world).signer_for

    async def of(author: str, sender: str | None, **origin: object) -> str:
        relayed = bool(origin.pop("relayed", False))
        envelope = Envelope(None if sender is None else address(sender), [])
        header = f"From: {author}\r\n\r\n".encode()
        return await chosen(header, envelope, smtp_origin(**origin), relayed=relayed)

    assert await of("li@post.test", "li@post.test", account=li) == "post.test"
    assert await of("li@sub.post.test", "li@sub.post.test", account=li) == "post.test"
    assert await of("li@other.test", "li@post.test", account=li) == "post.test"  # not as another one's domain
    assert await of("li@other.test", "li@other.test", account=li) == "other.test"  # an alias of the account
    assert await of("x@far.test", None, account=li) == "post.test"
    assert await of("MAILER-DAEMON@mx.post.test", None, listener="internal") == "post.test"
    assert await of("shop@other.test", "x@far.test", relayed=True) == "other.test"
    assert await of("x@far.test", "x@far.test", relayed=True) == ""
    assert await of("li@post.test", "li@post.test") == ""  # from outside: whoever says so
    assert await of("li@post.test", None, listener="queue") == ""


async def test_what_is_queued_knows_who_signs_it(world: World) -> None:
    world.delivery.signer = signer(world)
    await keys_of(world).rotate("post.test", now=True)
    li = await world.account("li")
    letter = LETTER.replace(b"a@remote.test", b"li@post.test")
    await world.send(letter, "x@far.test", sender="li@post.test", origin=smtp_origin(account=li))
    await world.send(letter, "y@far.test", sender="li@post.test")
    assert [entry.sign_as for entry in await world.store.queue.entries()] == ["post.test", ""]


class Pieces:
    """Content as the store gives a long one."""

    def __init__(self, data: bytes, piece: int) -> None:
        self.data = data
        self.piece = piece

    @property
    def size(self) -> int:
        return len(self.data)

    async def chunks(self, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        for at in range(start, len(self.data), self.piece):
            yield self.data[at : at + self.piece]


LONG = LETTER + b"".join(b"line %d  of a long letter \r\n" % n for n in range(9_000))


@pytest.mark.parametrize(
    "content",
    [LETTER, LONG, Pieces(LONG, 10_000), Pieces(LETTER, 7)],
    ids=["short", "long", "pieces", "bits"],
)
async def test_signatures_verify(world: World, content: Content) -> None:
    await keys_of(world).rotate("post.test", now=True)
    skip = 0
    if isinstance(content, bytes):
        content, skip = b"Return-Path: <>\r\n" + content, 17
    fields = await signer(world).fields("post.test", content, skip)
    plain = content[skip:] if isinstance(content, bytes) else content.data  # type: ignore[union-attr]
    assert [one.result for one in verified(fields + plain, await records(world))] == ["pass", "pass"]


async def test_a_signature_serves_all_destinations_until_the_keys_change(world: World) -> None:
    made = signer(world)
    assert await made.fields("post.test", LETTER, 0, blob=1) == b""
    await keys_of(world).rotate("post.test", now=True)
    first = await made.fields("post.test", LETTER, 0, blob=1)
    world.clock.move(60)
    assert await made.fields("post.test", LETTER, 0, blob=1) is first
    assert await made.fields("post.test", LETTER, 0) != first
    for number in range(2, 400):
        await made.fields("post.test", b"x", 0, blob=number)
    assert len(made._made) == 256
    await keys_of(world).rotate("post.test", now=True)
    assert await made.fields("post.test", LETTER, 0, blob=1) != first
