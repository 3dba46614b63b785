"""Signing in elsewhere for a migration, at the provider's own page: codes, tokens, and what may come of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from posthouse.client import device_grant, imap_source
from posthouse.client.device_grant import office365
from posthouse.client.imap_source import Preset, Way
from posthouse.core.errors import Forbidden, Invalid, Unavailable
from posthouse.services.migrations import Migrations
from tests.unit.api_world import Program, open_api
from tests.unit.imap_elsewhere import Elsewhere, elsewhere
from tests.unit.oauth_elsewhere import OAuthElsewhere, oauth_elsewhere
from tests.unit.oauth_world import LI
from tests.unit.test_migrations import MovingWorld, letter

USER = "li@office.test"


@pytest.fixture
def provider() -> Iterator[OAuthElsewhere]:
    with oauth_elsewhere(USER) as found:
        yield found


@pytest.fixture
async def there(tmp_path: Path, provider: OAuthElsewhere) -> AsyncIterator[Elsewhere]:
    async with elsewhere(tmp_path) as found:
        found.folders["INBOX"] = [letter(f"i{number}") for number in range(5)]
        found.tokens = provider.access
        yield found


@pytest.fixture
async def moving(
    tmp_path: Path, there: Elsewhere, provider: OAuthElsewhere, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[MovingWorld, Program]]:
    monkeypatch.setitem(imap_source.PRESETS, "office365", Preset("127.0.0.1", there.port))
    with ThreadPoolExecutor(4) as pool:
        async with open_api(tmp_path / "world") as world:
            found = MovingWorld(world, there, Way(lambda _: True, pool))
            found.settings.clients["office365"] = provider.client()
            world.api.migrations = Migrations(world.store, world.clock, found.settings)
            yield found, await world.program()


def source(granted: str, **more: Any) -> dict[str, Any]:
    return {"provider": "office365", "user": USER, "password": granted, "signed_in": True, **more}


async def signed_in(page: Program, provider: OAuthElsewhere) -> str:
    begun = await page.do("POST", "/self/migration-sign-in", provider="office365")
    provider.said = ""
    found = await page.do("POST", "/self/migration-sign-in/poll", handle=begun["handle"])
    granted: str = found["granted"]
    assert granted
    return granted


async def test_somebody_signs_in_over_there_and_moves(
    moving: tuple[MovingWorld, Program], provider: OAuthElsewhere
) -> None:
    world, page = moving
    assert (await page.get("/self/migration-sign-in"))["items"] == [{"provider": "office365"}]
    begun = await page.do("POST", "/self/migration-sign-in", provider="office365")
    assert (begun["code"], begun["interval"], begun["expires_in"]) == ("ABCD-EFGH", 1, 900)
    assert "secret-half" not in str(begun)
    handle = begun["handle"]
    assert (await page.do("POST", "/self/migration-sign-in/poll", handle=handle))["granted"] == ""
    provider.said = "slow_down"
    slow = await page.do("POST", "/self/migration-sign-in/poll", handle=handle)
    assert slow == {"granted": "", "slower": True}
    granted = await signed_in(page, provider)
    assert "refresh" not in granted
    assert "access" not in granted
    asked = await page.do("POST", "/self/migrations/check", **source(granted))
    assert [(one["name"], one["letters"]) for one in asked["items"]] == [("INBOX", 5), ("Sent Messages", 0)]
    made = await page.do("POST", "/self/migrations", **source(granted, folders=["INBOX"]))
    assert made["signed_in"]
    [sealed] = await world.secrets()
    assert sealed
    assert sealed != granted
    await world.finished()
    found = await page.get(f"/self/migrations/{made['id']}")
    assert (found["state"], found["error"], found["needs_password"]) == ("done", "", True)
    assert await world.letters("inbox") == 5
    assert await world.secrets() == [""]
    assert all("access-" not in str(values) for _, values in provider.asked)
    # Again, with a new sign-in; a password is none.
    number = made["id"]
    assert await page.refused("PATCH", f"/self/migrations/{number}", wish="run", password="x") == "invalid"
    again = await signed_in(page, provider)
    await page.do("PATCH", f"/self/migrations/{number}", wish="run", password=again)
    await world.finished()
    assert (await page.get(f"/self/migrations/{number}"))["state"] == "done"


async def test_a_grant_that_was_taken_back_ends_it(
    moving: tuple[MovingWorld, Program], provider: OAuthElsewhere
) -> None:
    world, page = moving
    granted = await signed_in(page, provider)
    made = await page.do("POST", "/self/migrations", **source(granted))
    provider.refresh = "another"
    await world.finished()
    found = await page.get(f"/self/migrations/{made['id']}")
    assert (found["state"], found["error"]) == ("failed", "sign-in")
    assert "(the grant is good no more); sign in again" in found["detail"]
    page.http.headers["accept-language"] = "zh"
    found = await page.get(f"/self/migrations/{made['id']}")
    assert "没有同意（它说：the grant is good no more）；请重新登录，或改用授权码" in found["detail"]
    assert await page.refused("POST", "/self/migrations/check", **source(granted)) == "migration-sign-in"


async def test_what_was_granted_is_of_no_use_to_others(
    moving: tuple[MovingWorld, Program], provider: OAuthElsewhere
) -> None:
    world, page = moving
    granted = await signed_in(page, provider)
    number = (await world.world.world.accounts.account(LI)).id
    assert world.world.api.migrations is not None
    signing = world.world.api.migrations._sign_in
    assert await signing.refresh_token(number, "office365", granted) == provider.refresh
    for account, where, text in (
        (number + 1, "office365", granted),
        (number, "gmail", granted),
        (number, "office365", granted[:-8] + "AAAAAAA="),
        (number, "office365", "%"),
        (number, "office365", ""),
    ):
        with pytest.raises(Invalid):
            await signing.refresh_token(type(number)(account), where, text)
    handle = (await page.do("POST", "/self/migration-sign-in", provider="office365"))["handle"]
    assert await page.refused("POST", "/self/migrations/check", **source(handle)) == "migration-address"
    wrong = await page.refused("POST", "/self/migration-sign-in/poll", handle=granted)
    assert wrong == "migration-address"


@pytest.mark.parametrize("said", ["access_denied", "expired_token", "bad_verification_code"])
async def test_a_refusal_over_there_is_told(
    moving: tuple[MovingWorld, Program], provider: OAuthElsewhere, said: str
) -> None:
    _, page = moving
    handle = (await page.do("POST", "/self/migration-sign-in", provider="office365"))["handle"]
    provider.said = said
    refused = await page.refused("POST", "/self/migration-sign-in/poll", handle=handle)
    assert refused == "migration-sign-in"


async def test_who_is_not_configured_is_not_asked(moving: tuple[MovingWorld, Program]) -> None:
    _, page = moving
    assert await page.refused("POST", "/self/migration-sign-in", provider="gmail") == "migration-address"


@pytest.mark.parametrize(
    "odd", [b"", b"<html>", b"[1]", b'"x"', b"{}", b'{"access_token":7}', b"{" * 100_000]
)
async def test_answers_that_are_none(provider: OAuthElsewhere, odd: bytes) -> None:
    provider.odd = odd
    for asked in (
        device_grant.begin(provider.client()),
        device_grant.poll(provider.client(), "secret-half"),
        device_grant.renewed(provider.client(), "refresh-1"),
    ):
        with pytest.raises((Forbidden, Unavailable)):
            await asked


async def test_a_provider_that_does_not_know_us_says_so_in_one_line(provider: OAuthElsewhere) -> None:
    client = device_grant.DeviceClient("nobody", provider.client().device_url, "", "imap")
    with pytest.raises(Forbidden, match=r"did not agree \(AADSTS700016: not found Trace: 1\); sign in"):
        await device_grant.begin(client)


async def test_who_waits_asks_less_often_and_ends_with_the_code(provider: OAuthElsewhere) -> None:
    client = provider.client()
    codes = await device_grant.begin(client)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            provider.said = ""

    provider.said = "slow_down"
    assert (await device_grant.waited(client, codes, sleep)).access == "access-0"
    assert slept == [1, 6, 11]
    provider.said = "authorization_pending"
    with pytest.raises(Forbidden, match="run out"):
        await device_grant.waited(client, structs.replace(codes, life_s=3), sleep)


def test_the_addresses_of_microsoft() -> None:
    found = office365("id", "organizations")
    assert found.device_url == "https://login.microsoftonline.com/organizations/oauth2/v2.0/devicecode"
    assert found.token_url == "https://login.microsoftonline.com/organizations/oauth2/v2.0/token"
    assert found.scope.split() == ["https://outlook.office.com/IMAP.AccessAsUser.All", "offline_access"]
