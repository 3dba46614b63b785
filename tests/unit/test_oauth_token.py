"""Refresh tokens, audiences, scopes, devices, introspection, revocation, registration; and what thieves try."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from posthouse.core.errors import BadToken, Exists, Forbidden, Invalid, ScopeExceeded, SignInFailed
from posthouse.core.scope import ALL, READ, SEND, WRITE
from posthouse.services.oauth.clients import DEVICE
from posthouse.services.oauth.errors import OAuthError
from posthouse.services.oauth.scope import parse_scope
from tests.unit.oauth_world import APP, ISSUER, LI, OAuthWorld, open_oauth, request


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[OAuthWorld]:
    async with open_oauth(tmp_path) as opened:
        yield opened


# --- refresh ---


async def test_refreshing_replaces_the_refresh_token(world: OAuthWorld) -> None:
    issued = await world.issued()
    seen = {issued["refresh_token"]}
    for _ in range(3):
        world.clock.move(3500)
        renewed = (await world.refresh(issued["refresh_token"])).json()
        assert renewed["refresh_token"] not in seen
        seen.add(renewed["refresh_token"])
        await world.check(renewed["access_token"])
        issued = renewed
    world.clock.move(3601)
    with pytest.raises(BadToken):
        await world.check(issued["access_token"])
    assert (await world.refresh(issued["refresh_token"])).status_code == 200


async def test_a_stolen_refresh_token_ends_the_whole_family(world: OAuthWorld) -> None:
    issued = await world.issued()
    stolen = issued["refresh_token"]
    owners = (await world.refresh(stolen)).json()
    later = (await world.refresh(owners["refresh_token"])).json()
    answer = await world.refresh(stolen)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert "revoked" in answer.json()["error_description"]
    for token in (issued["access_token"], owners["access_token"], later["access_token"]):
        with pytest.raises(SignInFailed):
            await world.check(token)
    assert (await world.refresh(later["refresh_token"])).json()["error"] == "invalid_grant"
    assert await world.store.tokens.grants() == []


async def test_refresh_tokens_are_one_clients_and_cannot_be_made(world: OAuthWorld) -> None:
    await world.add_client("other")
    token = (await world.issued())["refresh_token"]
    assert (await world.refresh(token, client_id="other")).json()["error"] == "invalid_grant"
    data = bytearray(base64.urlsafe_b64decode(token[4:]))
    for position in (7, 11, 20, 40):
        forged = data.copy()
        forged[position] ^= 1
        text = "phr_" + base64.urlsafe_b64encode(bytes(forged)).decode()
        assert (await world.refresh(text)).json()["error"] == "invalid_grant"
    for text in ("", "phr_", "phr_" + "A" * 5000, "phr_!!!", "phr_\u00e4", token[:-1]):
        assert (await world.refresh(text)).json()["error"] in ("invalid_grant", "invalid_request")
    assert (await world.refresh(token)).status_code == 200  # none of it did harm


async def test_an_unused_grant_ends_and_a_closed_account_opens_nothing(world: OAuthWorld) -> None:
    issued = await world.issued()
    await world.world.accounts.update_account(LI, enabled=False)
    with pytest.raises(SignInFailed):
        await world.check(issued["access_token"])
    assert (await world.refresh(issued["refresh_token"])).json()["error"] == "invalid_grant"
    await world.world.accounts.update_account(LI, enabled=True)
    await world.check(issued["access_token"])
    world.clock.move(91 * 86400)
    assert (await world.refresh(issued["refresh_token"])).json()["error"] == "invalid_grant"


# --- scope and audience ---


async def test_a_refresh_may_ask_for_less_and_never_for_more(world: OAuthWorld) -> None:
    issued = await world.issued(scope="imap smtp")
    less = (await world.refresh(issued["refresh_token"], scope="imap:read imap:folder:INBOX/Work")).json()
    grant = await world.check(less["access_token"])
    assert (grant.scope.actions, grant.scope.folders) == (READ, ("INBOX/Work",))
    with pytest.raises(ScopeExceeded):
        await world.check(less["access_token"], "submission")
    more = await world.refresh(less["refresh_token"], scope="imap pop")
    assert more.json()["error"] == "invalid_scope"
    assert (await world.refresh(less["refresh_token"])).json()["scope"] == "imap smtp"


async def test_pop_asks_for_reading_and_submission_for_sending(world: OAuthWorld) -> None:
    token = (await world.issued(scope="pop:read imap:read"))["access_token"]
    assert (await world.check(token, "pop3")).scope.actions == READ
    with pytest.raises(ScopeExceeded):
        await world.check(token, "submission")
    await world.world.accounts.update_account(LI, protocols=("imap",))
    with pytest.raises(Forbidden):
        await world.check(token, "pop3")


@pytest.mark.parametrize(
    ("resource", "opens"),
    [
        (ISSUER, ("imap", "submission")),
        ("imap://mail.post.test", ("imap",)),
        ("smtp://mail.post.test", ("submission",)),
        ("https://crm.test/", ()),
    ],
)
async def test_a_token_opens_what_it_was_asked_for(
    world: OAuthWorld, resource: str, opens: tuple[str, ...]
) -> None:
    token = (await world.issued(resource=resource))["access_token"]
    for protocol in ("imap", "submission"):
        if protocol in opens:
            await world.check(token, protocol)
        else:
            with pytest.raises(SignInFailed):
                await world.check(token, protocol)


async def test_the_audience_may_be_narrowed_later_and_not_widened(world: OAuthWorld) -> None:
    code, verifier = await world.code()
    issued = (await world.exchange(code, verifier, resource="imap://mail.post.test")).json()
    with pytest.raises(SignInFailed):
        await world.check(issued["access_token"], "submission")
    renewed = (await world.refresh(issued["refresh_token"], resource="smtp://mail.post.test")).json()
    await world.check(renewed["access_token"], "submission")
    wider = await world.refresh(renewed["refresh_token"], resource="https://crm.test/")
    assert wider.json()["error"] == "invalid_target"


async def test_what_is_no_token_of_ours_is_refused(world: OAuthWorld) -> None:
    issued = await world.issued(scope="openid email imap")
    claims = {"iss": ISSUER, "sub": "1", "email": LI, "scope": "imap", "exp": 1 << 40}
    none = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "none"}, claims)
    )
    public = json.dumps((await world.server.keys.public())["keys"][0]).encode()
    confused = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(public))
    for token in (
        issued["id_token"],
        issued["refresh_token"],
        none + ".",
        confused,
        issued["access_token"][:-1],
        issued["access_token"] + "A",
        issued["access_token"].upper(),
        "",
        "pha_",
        "pha_" + "x" * 10_000,
    ):
        with pytest.raises(SignInFailed):
            await world.check(token)
    assert world.naps  # refusals count as failed sign-ins do


async def test_a_use_is_noted(world: OAuthWorld) -> None:
    token = (await world.issued())["access_token"]
    await world.check(token)
    while not (await world.store.tokens.grants())[0].used_protocol:
        await world.store.tokens.used(0, 0.0, "", "", "")  # behind it in the writer's line
    [grant] = await world.store.tokens.grants()
    assert (grant.used_ip, grant.used_protocol) == ("192.0.2.9", "imap")


@pytest.mark.parametrize(
    ("text", "canonical", "actions", "folders"),
    [
        ("imap", "imap", ALL, ()),
        ("imap imap:read", "imap:read", READ, ()),
        ("imap:read imap", "imap:read", READ, ()),
        ("imap:write", "imap:write", READ | WRITE, ()),
        ("imap:read imap:write", "imap:write", READ | WRITE, ()),
        ("imap:folder:Work%20mail", "imap imap:folder:Work%20mail", ALL, ("Work mail",)),
        (
            "imap:folder:inbox/%E5%B7%A5%E4%BD%9C",
            "imap imap:folder:INBOX/%E5%B7%A5%E4%BD%9C",
            ALL,
            ("INBOX/工作",),
        ),
        (
            "imap:read imap:folder:A imap:folder:B imap:folder:A",
            "imap:read imap:folder:A imap:folder:B",
            READ,
            ("A", "B"),
        ),
    ],
)
def test_the_language_of_scopes(text: str, canonical: str, actions: int, folders: tuple[str, ...]) -> None:
    parsed = parse_scope(text)
    assert str(parsed) == canonical
    assert parse_scope(canonical) == parsed
    scope = parsed.for_protocol("imap")
    assert (scope.actions, scope.folders, scope.protocols) == (actions, folders, ("imap",))
    assert parse_scope("jmap:read jmap:send").for_protocol("http").actions == READ | SEND
    assert parse_scope("jmap:write jmap:send jmap:read").for_protocol("http").actions == ALL


@pytest.mark.parametrize(
    "text",
    [
        "root",
        "imap:",
        "imap:delete",
        "smtp:read",
        "pop:folder:INBOX",
        "imap:folder:",
        "imap:folder:%FF",
        "imap:folder:a//b",
        "imap:folder:/a",
        "imap:folder:%00",
        "imap  smtp",
        " imap",
        "imap\tsmtp",
        'imap "',
        "imap\\",
        "x" * 3000,
        " ".join(f"imap:folder:f{n}" for n in range(21)),
    ],
)
def test_scopes_that_are_none(text: str) -> None:
    with pytest.raises(OAuthError) as caught:
        parse_scope(text)
    assert caught.value.code == "invalid_scope"


WORDS = [
    "imap",
    "imap:read",
    "imap:write",
    "imap:folder:A",
    "imap:folder:A/B",
    "imap:folder:C",
    "smtp",
    "pop:read",
]


@given(st.lists(st.sampled_from(WORDS)), st.lists(st.sampled_from(WORDS)))
def test_what_is_within_opens_nothing_more(one: list[str], other: list[str]) -> None:
    less, more = parse_scope(" ".join(dict.fromkeys(one))), parse_scope(" ".join(dict.fromkeys(other)))
    assert less.within(less)
    if not less.within(more):
        return
    for protocol in ("imap", "pop3", "submission"):
        small, large = less.for_protocol(protocol), more.for_protocol(protocol)
        if protocol in small.protocols:
            assert protocol in large.protocols
            assert large.allows(small.actions)
            assert all(
                large.covers(name) for name in ("A", "A/B", "A/B/C", "C", "D", "INBOX") if small.covers(name)
            )


# --- clients ---


async def test_clients_say_once_who_they_are(world: OAuthWorld) -> None:
    secret = await world.add_client("web", confidential=True)
    code, verifier = await world.code(client_id="web")
    values = {
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": verifier,
        "redirect_uri": APP,
    }
    for fields in (
        {"client_id": "web"},
        {"client_id": "web", "client_secret": "wrong"},
        {"auth": ("web", "wrong")},
        {"auth": ("web", secret), "client_secret": secret},
        {"auth": ("web", secret), "client_id": "app"},
        {"client_id": "app", "client_secret": secret},
        {"client_id": "unknown"},
        {"headers": {"authorization": "Basic !!!"}},
        {},
    ):
        answer = await world.post("/oauth/token", **values, **fields)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), fields
        assert ("www-authenticate" in answer.headers) is ("auth" in fields or "headers" in fields)
    assert (await world.post("/oauth/token", **values, auth=("web", secret))).status_code == 200
    for _ in range(20):
        await world.post("/oauth/token", client_id="web", client_secret="guess", ip="192.0.2.66")
    answer = await world.post("/oauth/token", client_id="web", client_secret=secret, ip="192.0.2.66")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


async def test_the_token_endpoint_takes_forms_only(world: OAuthWorld) -> None:
    async with world.client() as client:
        for body in (
            {"json": {"grant_type": "refresh_token"}},
            {"content": b"x" * 20_000, "headers": {"content-type": "application/x-www-form-urlencoded"}},
            {
                "content": b"client_id=app&client_id=app",
                "headers": {"content-type": "application/x-www-form-urlencoded"},
            },
            {
                "content": b"&".join(b"a%d=1" % n for n in range(99)),
                "headers": {"content-type": "application/x-www-form-urlencoded"},
            },
            {"content": b"client_id=\xff", "headers": {"content-type": "application/x-www-form-urlencoded"}},
        ):
            answer = await client.post("/oauth/token", **body)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        assert (await client.get("/oauth/token")).status_code == 405
    answer = await world.post(
        "/oauth/token", client_id="app", grant_type="password", username=LI, password="x"
    )
    assert answer.json()["error"] == "unsupported_grant_type"


async def test_clients_are_looked_at_before_they_are_taken(world: OAuthWorld) -> None:
    add = world.server.clients.add
    for arguments in (("bad id", "n"), ("posthouse-cli", "n"), ("x", ""), ("x", "n\n"), ("x", "n" * 81)):
        with pytest.raises(Invalid):
            await add(*arguments, redirects=(APP,))
    for options in ({}, {"redirects": (APP,) * 11}, {"redirects": (APP,), "grants": ("password",)}):
        with pytest.raises(Invalid):
            await add("x", "n", **options)
    with pytest.raises(OAuthError):
        await add("x", "n", redirects=(APP,), scope="root")
    with pytest.raises(Exists):
        await add("app", "n", redirects=(APP,))


# --- introspection and revocation ---


async def test_introspection_is_for_clients_with_a_secret(world: OAuthWorld) -> None:
    secret = await world.add_client("crm", confidential=True)
    token = (await world.issued(resource="https://crm.test/"))["access_token"]

    async def ask(token: str) -> dict[str, Any]:
        return (await world.post("/oauth/introspect", token=token, auth=("crm", secret))).json()

    found = await ask(token)
    assert (found["active"], found["username"], found["aud"]) == (True, LI, ["https://crm.test/"])
    assert found["scope"] == "imap smtp"
    assert await ask("pha_unknown") == {"active": False}
    await world.world.accounts.update_account(LI, enabled=False)
    assert await ask(token) == {"active": False}
    await world.world.accounts.update_account(LI, enabled=True)
    world.clock.move(3601)
    assert await ask(token) == {"active": False}
    assert (await world.post("/oauth/introspect", token=token, client_id="app")).status_code == 401


async def test_revoking_works_at_once_and_for_ones_own_only(world: OAuthWorld) -> None:
    await world.add_client("other")
    issued = await world.issued()
    for token in (issued["access_token"], issued["refresh_token"], "unknown"):
        assert (await world.post("/oauth/revoke", token=token, client_id="other")).status_code == 200
    await world.check(issued["access_token"])
    await world.post("/oauth/revoke", token=issued["access_token"], client_id="app")
    with pytest.raises(SignInFailed):
        await world.check(issued["access_token"])
    renewed = (await world.refresh(issued["refresh_token"])).json()
    await world.post("/oauth/revoke", token=renewed["refresh_token"], client_id="app")
    with pytest.raises(SignInFailed):
        await world.check(renewed["access_token"])
    assert (await world.refresh(renewed["refresh_token"])).json()["error"] == "invalid_grant"


# --- devices ---


async def start_device(world: OAuthWorld, **fields: str) -> dict[str, Any]:
    answer = await world.post("/oauth/device_authorization", client_id="posthouse-cli", **fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def poll(world: OAuthWorld, codes: dict[str, Any], **fields: str) -> dict[str, Any]:
    values = {"client_id": "posthouse-cli", "device_code": codes["device_code"]} | fields
    return (await world.post("/oauth/token", grant_type=DEVICE, **values)).json()


async def test_a_device_gets_its_token_when_its_person_agrees(world: OAuthWorld) -> None:
    codes = await start_device(world, scope="imap:read")
    assert (codes["expires_in"], codes["interval"]) == (900, 5)
    assert codes["verification_uri_complete"] == f"{ISSUER}/oauth/device?user_code={codes['user_code']}"
    assert (await poll(world, codes))["error"] == "authorization_pending"
    browser = world.browser(ip="198.51.100.1")
    await browser.open("/oauth/device", user_code=codes["user_code"])
    assert 'name="password"' in browser.page
    await browser.sign_in()
    assert codes["user_code"] in browser.page  # filled in, and not taken yet
    assert "Allow access?" not in browser.page
    await browser.submit(user_code=codes["user_code"].lower().replace("-", " "))
    assert "posthouse device-login" in browser.page
    assert "read your mail, without changing it" in browser.page
    assert "it is a trick" in browser.page
    assert codes["user_code"] in browser.page
    world.clock.move(6)
    assert (await poll(world, codes))["error"] == "authorization_pending"
    await browser.submit(answer="allow")
    assert "Done" in browser.page
    world.clock.move(6)
    issued = await poll(world, codes)
    assert (await world.check(issued["access_token"])).scope.actions == READ
    again = await poll(world, codes)
    assert again["error"] in ("slow_down", "invalid_grant")


async def test_a_hasty_device_is_slowed_down(world: OAuthWorld) -> None:
    codes = await start_device(world)
    found = []
    for wait in (0, 1, 6, 16, 10, 22):
        world.clock.move(wait)
        found.append((await poll(world, codes))["error"])
    assert found == [
        "authorization_pending",
        "slow_down",  # 10 s from here
        "slow_down",  # 15
        "authorization_pending",
        "slow_down",  # 20
        "authorization_pending",
    ]


async def test_a_person_can_refuse_a_device_and_codes_end(world: OAuthWorld) -> None:
    codes = await start_device(world)
    browser = world.browser(language="zh")
    await browser.open("/oauth/device")
    await browser.sign_in()
    await browser.submit(user_code=codes["user_code"])
    assert "那是骗局" in browser.page
    await browser.submit(answer="deny")
    assert "已拒绝" in browser.page
    assert (await poll(world, codes))["error"] == "access_denied"
    late = await start_device(world)
    world.clock.move(901)
    assert (await poll(world, late))["error"] == "expired_token"
    await browser.open("/oauth/device")
    await browser.submit(user_code=late["user_code"])
    assert browser.status == 404
    assert (await poll(world, late, client_id="app"))["error"] in ("expired_token", "invalid_grant")
    assert (await poll(world, {"device_code": "phd_x"}))["error"] == "expired_token"


async def test_user_codes_cannot_be_guessed(world: OAuthWorld) -> None:
    codes = await start_device(world)
    browser = world.browser()
    await browser.open("/oauth/device")
    await browser.sign_in()
    for guess in ("BCDF-GHJK", "", "AEIOU", "x" * 50, "<b>") * 2:
        await browser.submit(user_code=guess)
        assert browser.status == 404
        assert "<b>" not in browser.page
    await browser.submit(user_code=codes["user_code"])
    assert browser.status == 429
    assert "try again in 10 minutes" in browser.page
    # The same person from elsewhere is the same person.
    other = world.browser(ip="203.0.113.9")
    await other.open("/oauth/device")
    await other.sign_in()
    await other.submit(user_code=codes["user_code"])
    assert other.status == 429
    world.clock.move(601)
    await other.submit(user_code=codes["user_code"])
    assert "Allow access?" in other.page


async def test_an_answer_belongs_to_the_code_that_was_shown(world: OAuthWorld) -> None:
    mine, thiefs = await start_device(world), await start_device(world)
    browser = world.browser()
    await browser.open("/oauth/device")
    await browser.sign_in()
    await browser.submit(user_code=mine["user_code"])
    await browser.submit(answer="allow", user_code=thiefs["user_code"])
    assert browser.status == 403
    assert (await poll(world, thiefs))["error"] == "authorization_pending"


async def test_only_some_clients_are_devices_and_only_so_many_wait(tmp_path: Path) -> None:
    async with open_oauth(tmp_path, waiting_max=3) as world:
        await world.server.clients.add("web", "Web", redirects=(APP,), grants=("authorization_code",))
        answer = await world.post("/oauth/device_authorization", client_id="web")
        assert answer.json()["error"] == "unauthorized_client"
        for _ in range(3):
            await start_device(world)
        answer = await world.post("/oauth/device_authorization", client_id="posthouse-cli")
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
        for _ in range(20):
            answer = await world.post(
                "/oauth/device_authorization", client_id="posthouse-cli", ip="192.0.2.77"
            )
        answer = await world.post("/oauth/device_authorization", client_id="posthouse-cli", ip="192.0.2.77")
        assert answer.status_code == 429


# --- registration ---


async def test_programs_register_themselves_only_where_they_may(world: OAuthWorld, tmp_path: Path) -> None:
    async with world.client() as client:
        assert (await client.post("/oauth/register", json={})).status_code == 404
        assert "registration_endpoint" not in (await client.get("/.well-known/openid-configuration")).json()


@pytest.mark.parametrize(
    "data", [b'{"x":' + b"[" * 5000, b'{"client_name":"\xff"}'], ids=["nested", "no UTF-8"]
)
async def test_registrations_that_cannot_be_read(tmp_path: Path, data: bytes) -> None:
    async with open_oauth(tmp_path, registration=True) as world, world.client() as client:
        answer = await client.post("/oauth/register", content=data)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


async def test_registration(tmp_path: Path) -> None:
    async with open_oauth(tmp_path, registration=True, registered_max=2) as world, world.client() as client:
        asked = {
            "redirect_uris": ["http://127.0.0.1/"],
            "client_name": "New",
            "token_endpoint_auth_method": "none",
        }
        made = await client.post("/oauth/register", json=asked | {"scope": "imap"})
        assert made.status_code == 201
        new = made.json()
        assert "client_secret" not in new
        assert "urn:ietf:params:oauth:grant-type:device_code" not in new["grant_types"]
        browser = world.browser()
        where = {"client_id": new["client_id"], "redirect_uri": "http://127.0.0.1:7/", "scope": "imap"}
        await browser.open("/oauth/authorize", **request(**where))
        await browser.sign_in()
        assert "registered itself" in browser.page
        await browser.open("/oauth/authorize", **request(**(where | {"scope": "root"})))
        assert (browser.status, "location" in browser.headers) == (400, False)
        assert "invalid_scope" in browser.page
        for change, error in (
            ({"redirect_uris": []}, "invalid_redirect_uri"),
            ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
            ({"client_name": "x" * 200}, "invalid_client_metadata"),
            ({"client_name": 5}, "invalid_client_metadata"),
            ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
            ({"scope": "root"}, "invalid_scope"),
        ):
            answer = await client.post("/oauth/register", json=asked | change)
            assert (answer.status_code, answer.json()["error"]) == (400, error)
        with_secret = await client.post("/oauth/register", json={"redirect_uris": [APP]})
        assert with_secret.json()["client_secret"].startswith("phs_")
        token = (await world.issued())["access_token"]
        auth = (with_secret.json()["client_id"], with_secret.json()["client_secret"])
        assert (await world.post("/oauth/introspect", token=token, auth=auth)).json() == {"active": False}
        full = await client.post("/oauth/register", json=asked)
        assert full.status_code == 503
        assert (await client.post("/oauth/register", json=asked)).status_code == 503
        assert (await client.post("/oauth/register", json=asked)).status_code == 429
