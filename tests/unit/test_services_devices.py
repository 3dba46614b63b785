"""New devices, the list of sign-ins, bans: what is noticed, what is held, who is kept out and who never is."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from posthouse.core.errors import Invalid, NotApproved, NotFound, SignInFailed, Unavailable
from posthouse.services.alerts import Alerts
from posthouse.services.bans import BanSettings, network_of, normal_subject
from posthouse.services.countries import Countries
from posthouse.services.devices import APPROVAL_S, HELD_MAX, TRAVEL_S
from posthouse.services.grant import Grant, Origin
from posthouse.services.signin import SignIn
from posthouse.storage.access import BLOCKED, HELD, KNOWN, Ban, Device
from posthouse.storage.email_rows import StoredObject
from posthouse.storage.rows import Account
from tests.unit.service_world import CHEAP_HASH, World, open_world

PASSWORD = "correct horse"
LI = "li@post.test"
HOME = Origin("imap", "c1", "192.0.2.1", "Thunderbird 140")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        await world.account("li")
        await world.account("wang")
        yield world


class Sign:
    def __init__(self, world: World, bans: BanSettings | None = None, url: str = "https://mail.test") -> None:
        self.world = world
        settings = replace(CHEAP_HASH, bans=bans or BanSettings())
        self.service = SignIn(world.store, world.clock, settings, sleep=self._sleep)
        self.service.devices.alerts = Alerts(world.delivery, world.clock, "mx.test", url)

    async def _sleep(self, _seconds: float) -> None: ...

    async def __call__(self, origin: Origin = HOME, password: str = PASSWORD, name: str = LI) -> Grant:
        try:
            return await self.service.check_password(name, password, origin)
        finally:
            await self.service.settled()

    async def policy(self, **changes: Any) -> Account:
        return await self.world.accounts.update_account(LI, **changes)

    async def account(self) -> Account:
        return await self.world.accounts.account(LI)

    async def devices(self) -> list[Device]:
        return await self.world.store.access.devices((await self.account()).id)

    async def outcomes(self) -> list[str]:
        found = await self.world.store.access.sign_ins((await self.account()).id)
        return [one.outcome for one in reversed(found)]


@pytest.fixture
async def sign(world: World) -> AsyncIterator[Sign]:
    sign = Sign(world)
    yield sign
    sign.service.close()


def at(ip: str, **changes: Any) -> Origin:
    return replace(HOME, peer_ip=ip, **changes)


# --- devices ---


async def test_a_device_is_noticed_once(world: World, sign: Sign) -> None:
    for _ in range(3):
        await sign()
    [device] = await sign.devices()
    assert (device.state, device.network, device.client) == (KNOWN, "192.0.2.0/24", "Thunderbird 140")
    assert await sign.outcomes() == ["new"]  # the others came within a minute
    world.clock.move(61)
    await sign(at("192.0.2.77"))  # the same network
    assert await sign.outcomes() == ["new", "ok"]
    [device] = await sign.devices()
    assert device.used_ip == "192.0.2.77"
    assert await world.letters("li") == []  # the policy is off


@pytest.mark.parametrize(
    "other",
    [at("198.51.100.1"), at("192.0.2.1", client="K-9"), at("192.0.2.1", protocol="pop3"), at("2001:db8::1")],
    ids=["network", "program", "protocol", "IPv6"],
)
async def test_what_makes_a_device_another(sign: Sign, other: Origin) -> None:
    await sign()
    await sign(other)
    assert len(await sign.devices()) == 2


async def test_another_credential_is_another_device(sign: Sign) -> None:
    await sign()
    _, text = await sign.service.credentials.add(LI, "phone")
    await sign(password=text)
    assert [(one.kind, one.name) for one in await sign.devices()] == [("password", ""), ("app", "phone")]


async def test_notify_tells_the_account_in_its_language(world: World, sign: Sign) -> None:
    await sign.policy(new_device="notify", language="en")
    await sign()
    await sign()
    [letter] = await world.letters("li")
    assert letter["Subject"] == "New sign-in: Thunderbird 140"
    assert letter["Auto-Submitted"] == "auto-generated"
    text = letter.get_content()
    assert "192.0.2.1" in text
    assert "posthouse device block li@post.test 1" in text
    assert "https://" not in text
    await sign.policy(language="zh")
    await sign(at("198.51.100.1"))
    assert "新设备登录" in (await world.letters("li"))[1]["Subject"]


async def test_hold_waits_for_a_link_that_works_once(world: World, sign: Sign) -> None:
    await sign.policy(new_device="hold", second_address="wang@post.test")
    for _ in range(2):
        with pytest.raises(NotApproved):
            await sign()
    with pytest.raises(SignInFailed):
        await sign(password="wrong")
    assert await sign.outcomes() == ["held", "held", "wrong"]
    [own], [second] = await world.letters("li"), await world.letters("wang")
    assert "https://" not in own.get_content()  # whoever holds the password may read it somewhere else
    link = re.search(r"https://mail\.test/auth/device\?t=(\S+)", second.get_content())
    assert link is not None
    assert (await sign.service.devices.held_by(link[1])).state == HELD  # looking changes nothing
    await sign.service.devices.decide(link[1], allow=True)
    assert await sign()
    for use in (sign.service.devices.held_by, lambda text: sign.service.devices.decide(text, allow=False)):
        with pytest.raises(NotFound):
            await use(link[1])
    assert await sign()


async def test_a_thief_with_many_networks_fills_nothing(world: World, sign: Sign) -> None:
    await sign.policy(new_device="hold", second_address="wang@post.test")
    for number in range(HELD_MAX + 5):
        with pytest.raises(NotApproved):
            await sign(at(f"203.0.{number}.1"))
    assert len(await sign.devices()) == HELD_MAX
    assert len(await world.letters("wang")) == HELD_MAX


async def test_forged_and_old_approvals(world: World, sign: Sign) -> None:
    await sign.policy(new_device="hold")
    with pytest.raises(NotApproved):
        await sign()
    [device] = await sign.devices()
    good = await sign.service.devices.approval(device)
    head, _, signature = good.rpartition(".")
    wang = await world.accounts.account("wang@post.test")
    for bad in (
        "",
        "...",
        "x",
        good[:-1],
        head,
        f"{wang.id}.{device.id}.99999999999.{signature}",
        good + "é",
    ):
        with pytest.raises(NotFound):
            await sign.service.devices.held_by(bad)
    world.clock.move(APPROVAL_S)
    with pytest.raises(NotFound):
        await sign.service.devices.held_by(good)


async def test_an_approval_covers_the_other_protocols_of_one_program(sign: Sign) -> None:
    await sign.policy(new_device="hold")
    for origin in (HOME, at("192.0.2.1", protocol="submission"), at("198.51.100.1")):
        with pytest.raises(NotApproved):
            await sign(origin)
    account = await sign.account()
    assert await sign.service.devices.set_state(account.id, [1], KNOWN) == 2
    assert [one.state for one in await sign.devices()] == [KNOWN, KNOWN, HELD]
    assert await sign()


async def test_a_blocked_device_stays_out_whatever_the_policy(sign: Sign) -> None:
    await sign()
    account = await sign.account()
    await sign.service.devices.set_state(account.id, [1], BLOCKED)
    with pytest.raises(NotApproved):
        await sign()
    assert await sign.outcomes() == ["new", "refused"]
    await sign.service.devices.set_state(account.id, [1], None)
    assert await sign()


async def test_devices_known_before_are_not_held(sign: Sign) -> None:
    await sign()
    await sign.policy(new_device="hold")
    assert await sign()
    with pytest.raises(NotApproved):
        await sign(at("198.51.100.1"))


@pytest.mark.parametrize(
    ("language", "zone", "told"),
    [
        ("zh", "", "时间：2026-01-01 16:30（UTC，格林尼治时间）"),
        ("zh", "Asia/Shanghai", "时间：2026-01-02 00:30（Asia/Shanghai，UTC+8）"),
        ("en", "", "Time: 2026-01-01 16:30 (UTC, Greenwich time)"),
        ("en", "Asia/Kolkata", "Time: 2026-01-01 22:00 (Asia/Kolkata, UTC+5:30)"),
        ("en", "America/New_York", "Time: 2026-01-01 11:30 (America/New_York, UTC-5)"),
        ("en", "Mars/Olympus", "Time: 2026-01-01 16:30 (UTC, Greenwich time)"),
    ],
)
async def test_a_letter_tells_the_time_of_its_reader(
    world: World, sign: Sign, language: str, zone: str, told: str
) -> None:
    account = await sign.policy(new_device="notify", language=language)
    if zone:
        value = msgspec.json.encode({"timeZone": zone})
        await world.store.objects.put(account.id, [StoredObject("Settings", 0, value)])
    world.clock.move(1767285000 - world.clock.now())
    await sign()
    await sign(at("198.51.100.1"))
    assert told in (await world.letters("li"))[0].get_content()


async def test_impossible_travel_is_told(world: World, sign: Sign) -> None:
    lines = [["192.0.2.0", "192.0.2.255", "cn"], ["198.51.100.0", "198.51.100.255", "BR"]]
    sign.service.devices.country_of = Countries(lines).country_of
    await sign()
    await sign(at("198.51.100.1"))
    world.clock.move(TRAVEL_S + 60)
    await sign(at("192.0.2.1", client="K-9"))
    assert await sign.outcomes() == ["new", "travel", "new"]
    [letter] = await world.letters("li")
    assert "BR" in letter.get_content()
    assert "CN" in letter.get_content()


def test_countries() -> None:
    table = Countries(
        [["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "DE"], ["10.0.0.0", "10.0.0.9", "US"]]
    )
    found = [
        table.country_of(ip)
        for ip in ("10.0.0.9", "10.0.0.10", "9.9.9.9", "2001:db8::1", "::ffff:10.0.0.1", "", "x")
    ]
    assert found == ["US", "", "", "DE", "US", "", ""]
    for line in (["10.0.0.0", "10.0.0.9"], ["10.0.0.0", "::1", "US"], ["a", "b", "US"]):
        with pytest.raises(Invalid):
            Countries([line])


# --- bans ---


async def test_guessing_ends_in_a_ban_that_every_worker_knows(world: World) -> None:
    sign, other = (Sign(world, BanSettings(failures_max=5)) for _ in range(2))
    for number in range(5):
        with pytest.raises(SignInFailed):
            await sign(at("203.0.113.1"), f"guess{number}")
    [ban] = await world.store.access.bans()
    assert (ban.kind, ban.subject, ban.expires_at - ban.created_at) == ("address", "203.0.113.1", 600.0)
    for worker in (sign, other):
        with pytest.raises(Unavailable):
            await worker(at("203.0.113.1"))  # even with the right password, so nobody can find it this way
        assert await worker()
    world.clock.move(601)
    assert await other(at("203.0.113.1"))
    for number in range(5):
        with pytest.raises(SignInFailed):
            await other(at("203.0.113.9"), f"guess{number}")
    for one in (sign, other):
        one.service.close()


async def test_each_ban_of_a_day_is_twice_as_long(world: World) -> None:
    sign = Sign(world, BanSettings(failures_max=2, ban_max_s=2000.0))
    for expected in (600.0, 1200.0, 2000.0):
        for number in range(2):
            with pytest.raises(SignInFailed):
                await sign(at("203.0.113.1"), f"guess{number}", "nobody@post.test")
        [ban] = await world.store.access.bans()
        assert ban.expires_at - ban.created_at == expected
        world.clock.move(expected + 1)
    sign.service.close()


async def test_a_program_that_repeats_an_old_password_is_no_guesser(world: World) -> None:
    sign = Sign(world, BanSettings(failures_max=3))
    for _ in range(20):
        with pytest.raises(SignInFailed):
            await sign(at("203.0.113.1"), "old password")
    assert await world.store.access.bans() == []
    sign.service.close()


async def test_a_known_device_is_never_locked_out(world: World) -> None:
    sign = Sign(world, BanSettings(failures_max=3, account_failures_max=5))
    await sign()
    for number in range(8):  # from everywhere, at one account
        with pytest.raises((SignInFailed, Unavailable)):
            await sign(at(f"203.0.113.{number}"), f"guess{number}")
    for number in range(3):  # by somebody behind the same router
        with pytest.raises(SignInFailed):
            await sign(HOME, f"guess{number}", "wang@post.test")
    kinds = [(ban.kind, ban.subject) for ban in await world.store.access.bans()]
    assert kinds == [("account", LI), ("address", "192.0.2.1")]
    with pytest.raises(Unavailable):
        await sign(at("198.51.100.1"))
    with pytest.raises(Unavailable):
        await sign(HOME, name="wang@post.test")
    assert await sign()
    sign.service.close()


async def test_a_network_is_banned_when_many_of_it_guess(world: World) -> None:
    sign = Sign(world, BanSettings(network_failures_max=6, account_failures_max=99))
    for number in range(6):
        with pytest.raises(SignInFailed):
            await sign(at(f"203.0.113.{number % 3}"), f"guess{number}")
    assert [ban.subject for ban in await world.store.access.bans()] == ["203.0.113.0/24"]
    with pytest.raises(Unavailable):
        await sign(at("203.0.113.200"))
    sign.service.close()


async def test_loopback_is_never_banned(world: World) -> None:
    sign = Sign(world, BanSettings(failures_max=3, network_failures_max=3))
    for number in range(9):
        with pytest.raises(SignInFailed):
            await sign(at("127.0.0.1"), f"guess{number}")
    assert [ban.kind for ban in await world.store.access.bans()] == []
    assert await sign(at("127.0.0.1"))
    sign.service.close()


@pytest.mark.parametrize("name", [LI, "nobody@post.test", "no address"])
async def test_a_ban_tells_nothing_of_who_exists(world: World, name: str) -> None:
    sign = Sign(world, BanSettings(account_failures_max=4))
    seen = []
    for number in range(6):
        with pytest.raises((SignInFailed, Unavailable)) as raised:
            await sign(at(f"203.0.{number}.1"), f"guess{number}", name)
        seen.append(raised.type)
    assert seen == [SignInFailed] * 4 + [Unavailable] * 2
    sign.service.close()


async def test_a_ban_by_hand_holds_until_it_is_lifted(world: World, sign: Sign) -> None:
    for kind, subject in (("account", LI), ("network", "203.0.0.0/16"), ("address", "203.0.113.1")):
        await world.store.access.ban(Ban(kind, normal_subject(kind, subject), "", 1.0, 0.0))
        with pytest.raises(Unavailable):
            await sign(at("203.0.113.1"))
        await world.store.access.lift(kind, normal_subject(kind, subject))
        assert await sign(at(f"198.51.{len(kind)}.1"))


def test_subjects() -> None:
    assert normal_subject("address", "2001:db8::5") == "2001:db8::"
    assert normal_subject("account", "Li@POST.test") == LI
    assert network_of("2001:db8:1:2::3") == "2001:db8:1::/48"
    assert network_of("::ffff:192.0.2.9") == "192.0.2.0/24"
    assert network_of("") == ""
    assert network_of("127.9.9.9") == network_of("::1") == "127.0.0.0/8"  # one machine
    for kind, subject in (("address", "x"), ("network", "192.0.2.0/99"), ("account", "x")):
        with pytest.raises(Invalid):
            normal_subject(kind, subject)
