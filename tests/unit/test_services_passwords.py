"""Hashes of passwords: the pepper, what other systems made, and that both become ours at sign-in."""

from __future__ import annotations

import asyncio
import base64
import ctypes
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from posthouse.core import scram
from posthouse.core.errors import Invalid, SignInFailed, Unavailable
from posthouse.services import foreign_hashes
from posthouse.services.accounts import Accounts
from posthouse.services.foreign_hashes import normal_hash
from posthouse.services.grant import Origin
from posthouse.services.passwords import HashSettings, Passwords, read_pepper, write_pepper
from posthouse.services.signin import SignIn, SignInSettings
from tests.unit.service_world import CHEAP_HASH, World, open_world

CHEAP = HashSettings(memory_kib=8, time_cost=1)
PEPPERED = replace(CHEAP, pepper=b"p" * 32)
SSHA = base64.b64encode(hashlib.sha1(b"secret" + b"salt").digest() + b"salt").decode()
SSHA512 = base64.b64encode(hashlib.sha512(b"secret" + b"salty").digest() + b"salty").decode()
PASSLIB = base64.b64encode(hashlib.pbkdf2_hmac("sha256", b"secret", b"saltsaltsalt", 1000)).decode()
# The password of each is "secret".
KNOWN = {
    "ssha": "{SSHA}" + SSHA,
    "ssha512": "{SSHA512.b64}" + SSHA512,
    "sha": "{SHA}" + base64.b64encode(hashlib.sha1(b"secret").digest()).decode(),
    "passlib": "$pbkdf2-sha256$1000$" + "c2FsdHNhbHRzYWx0" + "$" + PASSLIB.replace("+", ".").rstrip("="),
    "django": "pbkdf2_sha256$1000$saltsaltsalt$" + PASSLIB,
}


def made_by_crypt(setting: str) -> str:
    """By the system's crypt(3), with a setting of ours: what `mkpasswd` would write."""
    answer = foreign_hashes._load()(b"secret", setting.encode(), ctypes.create_string_buffer(32768))
    assert answer is not None
    return answer.decode()


KNOWN["md5"] = made_by_crypt("$1$abcdefgh$")
KNOWN["sha256"] = made_by_crypt("$5$saltstring$")
KNOWN["sha512"] = "{SHA512-CRYPT}" + made_by_crypt("$6$rounds=1000$saltstring$")
KNOWN["bcrypt"] = "{BLF-CRYPT}" + made_by_crypt("$2y$04$abcdefghijklmnopqrstuu")
KNOWN["yescrypt"] = made_by_crypt("$y$j75$abcdefghijklmnop")


def test_the_published_vectors() -> None:
    # The specification of SHA-crypt, and the test vector of crypt_blowfish.
    sha512 = (
        "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
    )
    assert foreign_hashes.matches(normal_hash(sha512), "Hello world!")
    assert foreign_hashes.matches("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U")
    assert not foreign_hashes.matches("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*V")


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_hashes_of_other_systems_are_read(name: str) -> None:
    stored = normal_hash(KNOWN[name])
    ours = Passwords(CHEAP)
    assert ours.matches(stored, "secret")
    for wrong in ("Secret", "", "密码"):
        assert not ours.matches(stored, wrong)
    assert not ours.is_current(stored)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "{PLAIN}secret",
        "$6$rounds=999999999$salt$" + "a" * 86,
        "$2b$20$" + "a" * 53,
        "$pbkdf2-sha256$99999999$YWFh$YWFh",
        "$pbkdf2-sha256$0$YWFh$YWFh",
        "{SSHA}YWFh",
        "{SHA}" + SSHA,
        "$9$x$y",
        "*",
        "!$6$locked",
        "pbkdf2_sha256$1000$salt$!!!",
    ],
)
def test_what_is_not_taken(text: str) -> None:
    with pytest.raises(Invalid):
        normal_hash(text)
    assert not foreign_hashes.matches(text, "secret")


def test_the_pepper() -> None:
    plain, peppered, other = (
        Passwords(settings) for settings in (CHEAP, PEPPERED, replace(CHEAP, pepper=b"q" * 32))
    )
    stored = peppered.hash("secret")
    assert stored.startswith("$pepper$")
    assert peppered.matches(stored, "secret")
    assert not peppered.matches(stored, "wrong")
    assert peppered.is_current(stored)
    for without in (plain, other):
        with pytest.raises(Unavailable, match=r"restore the file|pepper_file"):
            without.matches(stored, "secret")
        assert not without.is_current(stored)
    assert peppered.matches(plain.hash("secret"), "secret")  # one from before there was a pepper
    assert not peppered.is_current(plain.hash("secret"))
    assert not Passwords(HashSettings(memory_kib=16, time_cost=1)).is_current(plain.hash("secret"))
    assert not peppered.matches("", "secret")


def test_the_file_of_the_pepper(tmp_path: Path) -> None:
    path = tmp_path / "pepper"
    write_pepper(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(read_pepper(path)) == 32
    with pytest.raises(FileExistsError):
        write_pepper(path)
    path.chmod(0o640)
    with pytest.raises(Invalid, match="chmod 600"):
        read_pepper(path)
    path.chmod(0o600)
    for text in ("00" * 31, "xyz", ""):
        path.write_text(text)
        with pytest.raises(Invalid):
            read_pepper(path)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        await world.account("li")
        yield world


@pytest.mark.parametrize("name", ["bcrypt", "sha512", "ssha", "django"])
async def test_an_imported_password_becomes_ours_at_sign_in(world: World, name: str) -> None:
    account = await world.accounts.create_account("wang@post.test", None)
    await world.accounts.update_account("wang@post.test", password_hash=KNOWN[name])
    sign = SignIn(world.store, world.clock, CHEAP_HASH)
    origin = Origin("imap", "c1", "127.0.0.1")
    claim = await sign.scram_claim("wang@post.test", "SCRAM-SHA-256", origin)
    assert claim.credentials == []  # there are no keys before the password was seen
    with pytest.raises(SignInFailed):
        await sign.check_password("wang@post.test", "wrong", origin)
    assert await sign.check_password("wang@post.test", "secret", origin)
    await sign.settled()
    kept = await world.accounts.account("wang@post.test")
    assert (kept.password or "").startswith("$argon2id$")
    claim = await sign.scram_claim("wang@post.test", "SCRAM-SHA-256", origin)
    assert [one.kind for one in claim.credentials] == ["password"]
    assert await sign.check_password("wang@post.test", "secret", origin)
    assert account.id == kept.id
    sign.close()


async def test_hashes_from_before_the_pepper_get_it_at_sign_in(world: World) -> None:
    settings = replace(CHEAP_HASH, hashing=PEPPERED)
    sign = SignIn(world.store, world.clock, settings)
    origin = Origin("imap", "c1", "127.0.0.1")
    assert await sign.check_password("li@post.test", "correct horse", origin)
    await sign.settled()
    kept = (await world.accounts.account("li@post.test")).password or ""
    assert kept.startswith("$pepper$")
    assert await sign.check_password("li@post.test", "correct horse", origin)
    claim = await sign.scram_claim("li@post.test", "SCRAM-SHA-256", origin)
    assert [one.kind for one in claim.credentials] == ["password"]
    assert all(
        "$!" in record for record in claim.credentials[0].scram
    )  # sealed; a list of keys can be searched
    mine = scram.derive("SCRAM-SHA-256", "correct horse", claim.keys.salt, claim.keys.iterations)
    assert mine in claim.keys.keys
    blind = SignIn(world.store, world.clock, CHEAP_HASH)
    assert (await blind.scram_claim("li@post.test", "SCRAM-SHA-256", origin)).credentials == []
    blind.close()
    await Accounts(world.store, world.clock, settings).update_account(
        "li@post.test", password="another horse"
    )
    lost = SignIn(world.store, world.clock, CHEAP_HASH)
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context["message"]))
    for _ in range(2):
        with pytest.raises(Unavailable, match="pepper_file"):
            await lost.check_password("li@post.test", "another horse", origin)
    assert len(told) == 1  # in the log, once
    assert "restore the file" in told[0]
    for one in (sign, lost):
        await one.settled()
        one.close()


async def test_a_password_changed_meanwhile_is_not_undone_by_an_upgrade(world: World) -> None:
    account = await world.accounts.account("li@post.test")
    old = account.password or ""
    await world.accounts.update_account("li@post.test", password="another horse")
    assert not await world.store.credentials.rehash(account.id, old, "x")
    sign = SignIn(world.store, world.clock, replace(CHEAP_HASH, hashing=PEPPERED))
    await sign._upgrade(account, "correct horse")
    with pytest.raises(SignInFailed):
        await sign.check_password("li@post.test", "correct horse", Origin("imap", "c1", "127.0.0.1"))
    await sign.settled()
    sign.close()


def test_the_settings_of_sign_in_are_those_of_owasp() -> None:
    assert SignInSettings().hashing == HashSettings(19 * 1024, 2, 1)
