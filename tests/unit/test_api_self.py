"""The HTTP API for one's own account: what is the same for all operations, then each subject."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from posthouse.client.imap_source import Way
from posthouse.client.post import is_public
from posthouse.core import totp
from posthouse.http.api.table import OPERATIONS
from posthouse.services.grant import Origin
from posthouse.services.migrations import Migrations, MigrationSettings
from posthouse.storage.access import HELD, KNOWN
from posthouse.storage.rows import AuditEntry
from tests.unit.api_world import ApiWorld, Program, open_api
from tests.unit.authenticator import Authenticator
from tests.unit.oauth_world import ISSUER, LI, PASSWORD

HOUR = 3600.0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ApiWorld]:
    async with open_api(tmp_path) as opened:
        yield opened


async def later(world: ApiWorld) -> Program:
    """Somebody who signed in a while ago."""
    page = await world.program()
    world.clock.move(1200)
    return page


async def audit(world: ApiWorld) -> list[AuditEntry]:
    return [one for one in await world.store.audit.recent(50) if one.action == "api"]


# --- who asks ---


async def test_a_token_is_needed_and_has_to_be_for_this(world: ApiWorld) -> None:
    nobody = world.with_token("")
    assert await nobody.refused("GET", "/self") == "no-credentials"
    assert nobody.headers["www-authenticate"].startswith("Bearer")
    wrong = world.with_token("pha_" + "x" * 43)
    assert await wrong.refused("GET", "/self") == "invalid-token"
    assert 'error="invalid_token"' in wrong.headers["www-authenticate"]
    mail = await world.program(scope="jmap")
    assert await mail.refused("GET", "/self") == "insufficient-scope"
    assert mail.problem["scope"] == "account"
    assert 'scope="account"' in mail.headers["www-authenticate"]


async def test_a_password_or_a_cookie_opens_nothing(world: ApiWorld) -> None:
    page = world.with_token("")
    basic = base64.b64encode(f"{LI}:{PASSWORD}".encode()).decode()
    page.http.headers["authorization"] = f"Basic {basic}"
    assert await page.refused("GET", "/self") == "no-credentials"
    browser = world.browser()
    await browser.open("/oauth/authorize", **_asked())
    await browser.sign_in()
    answer = await browser.http.get("/api/v1/self")
    assert answer.status_code == 401


def _asked() -> dict[str, str]:
    from tests.unit.oauth_world import request  # noqa: PLC0415

    return request(client_id="posthouse-webmail", redirect_uri=f"{ISSUER}/mail/", scope="account")


async def test_tokens_do_not_cross_a_network_in_the_clear(world: ApiWorld) -> None:
    page = await world.program()
    page.http.base_url = "http://mail.post.test/api/v1"
    assert await page.refused("GET", "/self") == "in-clear"


async def test_problems_speak_both_languages_and_say_what_to_do(world: ApiWorld) -> None:
    chinese = world.with_token("", language="zh-CN,zh;q=0.9,en;q=0.5")
    await chinese.refused("GET", "/self")
    assert chinese.headers["content-language"] == "zh"
    assert "令牌" in chinese.problem["detail"]
    english = world.with_token("", language="en-GB")
    await english.refused("GET", "/self")
    assert "access token" in english.problem["detail"]
    assert await chinese.get("/problems/reauthenticate")
    assert await chinese.refused("GET", "/problems/none") == "not-found"


async def test_strangers_who_ask_much_have_to_wait(world: ApiWorld) -> None:
    nobody = world.with_token("")
    for _ in range(60):
        assert await nobody.refused("GET", "/self") == "no-credentials"
    assert await nobody.refused("GET", "/self") == "busy"
    assert int(nobody.headers["retry-after"]) <= 61
    other = world.with_token("", ip="192.0.2.77")
    assert await other.refused("GET", "/self") == "no-credentials"


async def test_a_closed_account_has_no_tokens(world: ApiWorld) -> None:
    page = await world.program()
    await world.world.accounts.update_account(LI, enabled=False)
    assert await page.refused("GET", "/self") == "invalid-token"


async def test_pages_that_are_switched_off_are_off_here_too(world: ApiWorld) -> None:
    page = await world.program()
    await world.world.accounts.update_account(LI, protocols=["imap"])
    assert await page.refused("GET", "/self") == "forbidden"


# --- what is asked ---


async def test_other_methods_and_addresses_are_refused_by_name(world: ApiWorld) -> None:
    page = await world.program()
    assert await page.refused("TRACE", "/self") == "method"
    assert page.headers["allow"] == "GET, PATCH"
    assert await page.refused("GET", "/nothing/here") == "not-found"
    assert await page.refused("DELETE", "/self/app-passwords/notanumber") == "not-found"
    assert await page.refused("DELETE", "/self/app-passwords/99999999999999999999999") == "not-found"


async def test_bodies_and_parameters_are_checked(world: ApiWorld) -> None:
    page = await world.program()
    assert await page.refused("PATCH", "/self", nmae="x") == "invalid"
    assert "nmae" in page.problem["reason"]
    assert await page.refused("PATCH", "/self", language="fr") == "invalid"
    assert page.problem["at"] == "/language"
    for options, name in (
        ({"content": b"{", "headers": {"content-type": "application/json"}}, "malformed"),
        ({"content": b"[" * 60_000, "headers": {"content-type": "application/json"}}, "invalid"),
        ({"content": b'{"name": "x"}', "headers": {"content-type": "text/plain"}}, "media-type"),
        ({"content": b" " * 70_000, "headers": {"content-type": "application/json"}}, "too-large"),
    ):
        found = await page.ask("PATCH", "/self", **options)
        assert found["type"].endswith(name), found
    for query in ("limit=0", "limit=abc", "limt=1", "limit=1&limit=2"):
        found = await page.ask("GET", f"/self/sign-ins?{query}")
        assert page.status in (400, 422), query
    await page.ask("GET", "/self?x=1")
    assert page.status == 422


async def test_two_at_once_do_not_overwrite_each_other(world: ApiWorld) -> None:
    page = await world.program()
    await page.get("/self")
    seen = page.headers["etag"]
    await page.ask("GET", "/self", headers={"if-none-match": seen})
    assert page.status == 304
    await page.ask("PATCH", "/self", json={"name": "李四"}, headers={"if-match": seen})
    assert page.status == 200
    await page.do("PATCH", "/self", name="李五")
    found = await page.ask("PATCH", "/self", json={"name": "李六"}, headers={"if-match": seen})
    assert page.status == 412, found
    assert (await page.get("/self"))["name"] == "李五"


async def test_changes_are_in_the_audit_log_without_secrets(world: ApiWorld) -> None:
    page = await world.program()
    await page.do("PATCH", "/self", name="李")
    await page.do("PUT", "/self/password", current_password=PASSWORD, new_password="a longer one")
    await page.refused("PATCH", "/self", name="x" * 300)
    first, second = await audit(world)
    assert (first.actor, first.account) == (LI, LI)
    assert first.facts == {"operation": "changeSelf", "name": "李", "ip": "192.0.2.1"}
    assert second.facts["operation"] == "changePassword"
    assert "longer" not in str(second.facts)


# --- a sign-in of a moment ago ---


async def test_what_opens_the_account_needs_a_fresh_sign_in(world: ApiWorld) -> None:
    page = await later(world)
    assert await page.refused("POST", "/self/app-passwords", name="phone") == "reauthenticate"
    assert page.status == 401
    assert "insufficient_user_authentication" in page.headers["www-authenticate"]
    assert await page.refused("POST", "/self/reauthenticate", password="wrong") == "wrong-secret"
    assert await page.refused("POST", "/self/reauthenticate") == "media-type"
    assert await page.refused("POST", "/self/reauthenticate", code="1") == "invalid"
    await page.prove()
    await page.do("POST", "/self/app-passwords", name="phone")
    world.clock.move(601)
    assert await page.refused("POST", "/self/app-passwords", name="tablet") == "reauthenticate"


async def test_a_proof_is_good_with_its_token_only(world: ApiWorld) -> None:
    page, other = await world.program(), await later(world)
    await page.prove()
    other.http.headers["posthouse-proof"] = page.http.headers["posthouse-proof"]
    assert await other.refused("POST", "/self/app-passwords", name="phone") == "reauthenticate"
    for forged in ("", "x", "x" * 600, "eA=="):
        other.http.headers["posthouse-proof"] = forged
        assert await other.refused("POST", "/self/app-passwords", name="phone") == "reauthenticate"
    await world.world.accounts.update_account(LI, password="another one")
    assert await page.refused("POST", "/self/app-passwords", name="phone") == "reauthenticate"


async def test_an_app_password_is_no_proof(world: ApiWorld) -> None:
    page = await world.program()
    made = await page.do("POST", "/self/app-passwords", name="phone")
    world.clock.move(1200)
    assert await page.refused("POST", "/self/reauthenticate", password=made["password"]) == "wrong-secret"


async def test_with_two_steps_a_proof_takes_both(world: ApiWorld) -> None:
    page = await world.program()
    key, codes = await switch_on(world, page)
    world.clock.move(1200)
    assert await page.refused("POST", "/self/reauthenticate", password=PASSWORD) == "second-step"
    assert page.problem["methods"] == ["totp", "recovery"]
    assert (
        await page.refused("POST", "/self/reauthenticate", password=PASSWORD, code="000000") == "wrong-secret"
    )
    await page.prove(code=code(world, key))
    world.clock.move(1200)
    await page.prove(code=codes[0])
    assert (await page.get("/self/two-step"))["recovery_codes"] == 9


async def test_a_passkey_proves_by_itself(world: ApiWorld) -> None:
    page = await world.program()
    device = await add_passkey(page, "laptop")
    world.clock.move(1200)
    options = (await page.do("POST", "/self/reauthenticate/passkey"))["options"]
    proof = (await page.do("POST", "/self/reauthenticate", passkey=device.get(options)))["proof"]
    page.http.headers["posthouse-proof"] = proof
    await page.do("POST", "/self/app-passwords", name="phone")
    wang = await world.program("wang@post.test")
    options = (await wang.do("POST", "/self/reauthenticate/passkey"))["options"]
    assert await wang.refused("POST", "/self/reauthenticate", passkey=device.get(options)) == "wrong-secret"


# --- passwords ---


async def test_the_password_is_changed_with_the_old_one(world: ApiWorld) -> None:
    page, other = await world.program(), await world.program()
    change = {"current_password": "wrong", "new_password": "a longer one"}
    assert await page.refused("PUT", "/self/password", **change) == "wrong-secret"
    change["current_password"] = PASSWORD
    assert (
        await page.refused("PUT", "/self/password", **(change | {"new_password": "short"}))
        == "password-short"
    )
    assert await page.do("PUT", "/self/password", **change, end_others=True) == {"ended": 1}
    assert await other.refused("GET", "/self") == "invalid-token"
    await page.get("/self")
    await world.signin.check_password(LI, "a longer one", Origin("imap", "c", "192.0.2.1"))


async def test_app_passwords(world: ApiWorld) -> None:
    page = await world.program()
    made = await page.do(
        "POST",
        "/self/app-passwords",
        name="phone",
        protocols=["imap"],
        actions=["read"],
        folders=["Work"],
        networks=["192.0.2.0/24"],
        expires_at="2036-01-01T00:00:00Z",
    )
    assert page.headers["location"] == f"/api/v1/self/app-passwords/{made['app_password']['id']}"
    grant = await world.signin.check_password(LI, made["password"], Origin("imap", "c", "192.0.2.1"))
    assert grant.kind == "app"
    assert grant.scope.folders == ("Work",)
    [one] = (await page.get("/self/app-passwords"))["items"]
    assert (one["name"], one["protocols"], one["expires_at"]) == ("phone", ["imap"], "2036-01-01T00:00:00Z")
    assert await page.refused("POST", "/self/app-passwords", name="phone") == "exists"
    assert await page.refused("POST", "/self/app-passwords", name="tv", protocols=["http"]) == "invalid"
    assert page.problem["at"] == "/protocols/0"
    past = "2020-01-01T00:00:00Z"
    assert await page.refused("POST", "/self/app-passwords", name="tv", expires_at=past) == "invalid"
    await page.do("DELETE", f"/self/app-passwords/{one['id']}")
    assert await page.refused("DELETE", f"/self/app-passwords/{one['id']}") == "not-found"
    assert (await page.get("/self/app-passwords"))["items"] == []


async def test_nobody_reaches_what_is_anothers(world: ApiWorld) -> None:
    """Every object by its number, by every operation that takes one."""
    li, wang = await world.program(), await world.program("wang@post.test")
    made = await li.do("POST", "/self/app-passwords", name="phone")
    await add_passkey(li, "laptop")
    await world.signin.settled()
    device = (await world.store.access.devices((await world.world.accounts.account(LI)).id))[0].id
    grant = (await li.get("/self/grants"))["items"][0]["id"]
    await world.api.sessions.begin(await world.world.accounts.account(LI), "password", "192.0.2.1", "x")
    session = (await li.get("/self/sessions"))["items"][0]["id"]
    token = (await li.do("POST", "/self/tokens", name="x", scope="account"))["info"]["id"]
    passkey = (await li.get("/self/passkeys"))["items"][0]["id"]
    settings = MigrationSettings(Way(is_public, ThreadPoolExecutor(1)))
    world.api.migrations = Migrations(world.store, world.clock, settings)
    migration = (await li.do("POST", "/self/migrations", user="li", password="x", provider="qq"))["id"]
    numbers = {
        "/self/migrations/{id}": migration,
        "/self/app-passwords/{id}": made["app_password"]["id"],
        "/self/passkeys/{id}": passkey,
        "/self/devices/{id}/approve": device,
        "/self/devices/{id}/block": device,
        "/self/devices/{id}": device,
        "/self/grants/{id}": grant,
        "/self/sessions/{id}": session,
        "/self/tokens/{id}": token,
    }
    with_number = [one for one in OPERATIONS if "{id}" in one.path and one.path.startswith("/self")]
    assert {one.path for one in with_number} == set(numbers)
    for one in with_number:
        path = one.path.replace("{id}", str(numbers[one.path]))
        body = {"wish": "pause"} if "migrations" in path else {"name": "mine"}
        body = body if one.method == "PATCH" else {}
        assert await wang.refused(one.method, path, **body) == "not-found", one.name
        if one.path != "/self/grants/{id}" and not body and one.method != "GET":
            assert await li.ask(one.method, path) is None, one.name


# --- second step ---


def code(world: ApiWorld, key: bytes) -> str:
    return totp.hotp(key, int(world.clock.now() // totp.STEP_S))


async def switch_on(world: ApiWorld, page: Program) -> tuple[bytes, list[str]]:
    made = await page.do("POST", "/self/two-step/totp")
    key = base64.b32decode(made["secret"])
    codes = (await page.do("POST", "/self/two-step/totp/confirm", code=code(world, key)))["codes"]
    world.clock.move(60)
    return key, codes


async def add_passkey(page: Program, name: str) -> Authenticator:
    device = Authenticator(ISSUER)
    options = (await page.do("POST", "/self/passkeys/options"))["options"]
    await page.do("POST", "/self/passkeys", name=name, passkey=device.create(options))
    return device


async def test_an_authenticator_is_added_and_taken_away(world: ApiWorld) -> None:
    page = await world.program()
    assert not (await page.get("/self/two-step"))["on"]
    made = await page.do("POST", "/self/two-step/totp")
    assert made["uri"].startswith("otpauth://totp/")
    assert len(made["qr"]) == len(made["qr"][0])
    assert set("".join(made["qr"])) == {"0", "1"}
    assert await page.refused("POST", "/self/two-step/totp/confirm", code="000000") == "wrong-secret"
    _, codes = await switch_on(world, page)
    assert len(codes) == 10
    state = await page.get("/self/two-step")
    assert (state["on"], state["totp"], state["recovery_codes"]) == (True, True, 10)
    assert await page.refused("POST", "/self/two-step/totp") == "conflict"
    again = (await page.do("POST", "/self/two-step/recovery-codes"))["codes"]
    assert not set(again) & set(codes)
    await page.do("DELETE", "/self/two-step")
    assert not (await page.get("/self/two-step"))["on"]
    assert await page.refused("POST", "/self/two-step/recovery-codes") == "not-found"


async def test_where_a_second_step_is_required_the_last_one_stays(world: ApiWorld) -> None:
    page = await world.program()
    await add_passkey(page, "laptop")
    await world.world.accounts.update_domain("post.test", two_step="required")
    [key] = (await page.get("/self/passkeys"))["items"]
    assert await page.refused("DELETE", f"/self/passkeys/{key['id']}") == "last-factor"
    assert await page.refused("DELETE", "/self/two-step") == "last-factor"
    await add_passkey(page, "phone")
    assert await page.refused("PATCH", f"/self/passkeys/{key['id']}", name="phone") == "exists"
    assert (await page.do("PATCH", f"/self/passkeys/{key['id']}", name="work"))["name"] == "work"
    key = next(one for one in (await page.get("/self/passkeys"))["items"] if one["name"] == "work")
    assert await page.refused("PATCH", "/self/passkeys/99999", name="x") == "not-found"
    await page.do("DELETE", f"/self/passkeys/{key['id']}")


# --- devices, grants, sessions, storage ---


async def test_a_device_that_waits_is_approved_here(world: ApiWorld) -> None:
    page = await world.program()
    await page.get("/self")
    await world.signin.settled()
    await page.do("PUT", "/self/device-policy", new_device="hold", second_address="li@elsewhere.test")
    other = world.with_token(page.token, ip="198.51.100.7")
    assert await other.refused("GET", "/self") == "held"
    waiting = (await page.get("/self/devices", state=HELD))["items"]
    assert [one["network"] for one in waiting] == ["198.51.100.0/24"]
    await page.do("POST", f"/self/devices/{waiting[0]['id']}/approve")
    assert (await other.get("/self"))["address"] == LI
    await page.do("POST", f"/self/devices/{waiting[0]['id']}/block")
    assert await other.refused("GET", "/self") == "held"
    await page.do("DELETE", f"/self/devices/{waiting[0]['id']}")
    assert all(one["state"] == KNOWN for one in (await page.get("/self/devices"))["items"])


async def test_sign_ins_come_in_pages(world: ApiWorld) -> None:
    page = await world.program()
    for number in range(5):
        await world.signin.check_password(LI, PASSWORD, Origin("imap", "c", f"203.0.{number}.1"))
    await world.signin.settled()
    first = await page.get("/self/sign-ins", limit=2)
    assert len(first["items"]) == 2
    rest = await page.get("/self/sign-ins", limit=500, after=first["next"])
    assert rest["next"] == ""
    seen = [one["ip"] for one in first["items"] + rest["items"]]
    assert len(seen) == len(set(seen)) == 6


async def test_grants_are_listed_and_taken_back(world: ApiWorld) -> None:
    page, other = await world.program(), await world.program()
    found = (await page.get("/self/grants"))["items"]
    assert [one["current"] for one in found].count(True) == 1
    assert all(one["ours"] and one["client_name"] == "Posthouse" for one in found)
    assert await page.do("POST", "/self/grants/revoke-others") == {"ended": 1}
    assert await other.refused("GET", "/self") == "invalid-token"
    mine = (await page.get("/self/grants"))["items"][0]["id"]
    await page.do("DELETE", f"/self/grants/{mine}")
    assert await page.refused("GET", "/self") == "invalid-token"


async def test_browsers_are_signed_out(world: ApiWorld) -> None:
    page = await world.program()
    account = await world.world.accounts.account(LI)
    for name in ("Firefox", "Chrome"):
        await world.api.sessions.begin(account, "password", "192.0.2.1", name)
    found = (await page.get("/self/sessions"))["items"]
    assert sorted(one["client"] for one in found) == ["Chrome", "Firefox"]
    assert await page.do("POST", "/self/sessions/end-all") == {"ended": 2}


async def test_storage_use_by_folder(world: ApiWorld) -> None:
    await world.world.send(b"Subject: x\r\n\r\n" + b"y" * 1000, LI)
    found = await (await world.program()).get("/self/storage")
    assert found["used_messages"] == 1
    assert found["folders"][0]["name"] == "INBOX"
    assert found["folders"][0]["bytes"] == found["used_bytes"] > 1000
