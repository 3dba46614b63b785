"""The pages of the installation are a client of its authorization server like no other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.core.errors import Invalid, ScopeExceeded
from posthouse.services.oauth.clients import WEBMAIL
from tests.unit.oauth_world import ISSUER, LI, OAuthWorld, answer_of, open_oauth, request

PAGE = f"{ISSUER}/mail/"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[OAuthWorld]:
    async with open_oauth(tmp_path) as opened:
        yield opened


def asked(**changes: str) -> dict[str, str]:
    wanted = {"client_id": WEBMAIL, "redirect_uri": PAGE, "scope": "jmap offline_access"}
    return request(**(wanted | changes))


async def test_whoever_signs_in_is_not_asked_whether_to_trust_it(world: OAuthWorld) -> None:
    browser = world.browser()
    await browser.open("/oauth/authorize", **asked())
    back = answer_of(await browser.sign_in())
    assert browser.headers["location"].startswith(PAGE + "?")
    answer = await world.exchange(back["code"], "v" * 43, client_id=WEBMAIL, redirect_uri=PAGE)
    issued = answer.json()
    assert issued["refresh_token"]
    grant = await world.check(issued["access_token"], "http")
    assert grant.account.address == LI
    with pytest.raises(ScopeExceeded):
        await world.check(issued["access_token"], "imap")


@pytest.mark.parametrize(
    "redirect", ["https://evil.test/mail/", f"{ISSUER}/mail", f"{ISSUER}/mail/?x", f"{ISSUER}/"]
)
async def test_it_lives_at_one_address(world: OAuthWorld, redirect: str) -> None:
    browser = world.browser()
    await browser.open("/oauth/authorize", **asked(redirect_uri=redirect))
    assert browser.status == 400


async def test_it_gets_no_more_than_its_pages_need(world: OAuthWorld) -> None:
    browser = world.browser()
    answer = answer_of(await browser.open("/oauth/authorize", **asked(scope="smtp")))
    assert answer["error"] == "invalid_scope"


async def test_nobody_else_takes_its_name(world: OAuthWorld) -> None:
    with pytest.raises(Invalid):
        await world.server.clients.add(WEBMAIL, "Evil", redirects=("https://evil.test/",))


async def test_whoever_signs_out_leaves_the_browser_to_the_next_one(world: OAuthWorld) -> None:
    """A new window of the same browser is asked for a password; no other site, and no other program, ends a visit."""
    browser = world.browser()
    await browser.open("/oauth/authorize", **asked())
    back = answer_of(await browser.sign_in())
    answer = await world.exchange(back["code"], "v" * 43, client_id=WEBMAIL, redirect_uri=PAGE)
    fields = {"client_id": WEBMAIL, "token": answer.json()["refresh_token"]}

    async def stays(headers: dict[str, str], **changes: str) -> bool:
        await browser.http.post("/oauth/revoke", data=fields | changes, headers=headers)
        return (await browser.open("/oauth/authorize", **asked())).status_code == 303

    own = {"origin": ISSUER, "sec-fetch-site": "same-origin"}
    await world.add_client("other")
    assert await stays({"origin": "https://evil.test", "sec-fetch-site": "cross-site"})
    assert await stays({"sec-fetch-site": "cross-site"})
    assert await stays(own, client_id="other")
    assert not await stays(own)
    assert 'name="password"' in browser.page
