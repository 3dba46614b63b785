"""The authorization code: sign in, agree, exchange; and every known way to get one that is somebody else's."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from posthouse.core.errors import Invalid, ScopeExceeded, SignInFailed
from posthouse.services.oauth.clients import check_redirect, matches
from tests.unit.oauth_world import APP, ISSUER, LI, OAuthWorld, answer_of, open_oauth, request


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[OAuthWorld]:
    async with open_oauth(tmp_path) as opened:
        yield opened


async def test_a_person_signs_in_agrees_and_the_program_gets_tokens(world: OAuthWorld) -> None:
    browser = world.browser()
    await browser.open("/oauth/authorize", **request(state="a&b=c"))
    assert browser.status == 200
    assert "The app" in browser.page
    await browser.sign_in()
    assert "li@post.test" in browser.page
    assert "read, sort and delete your mail" in browser.page
    assert "app.test" in browser.page
    back = await browser.allow()
    assert browser.headers["location"].startswith(APP + "?")
    assert (back["state"], back["iss"]) == ("a&b=c", ISSUER)
    answer = await world.exchange(back["code"], "v" * 43)
    assert answer.headers["cache-control"] == "no-store"
    issued = answer.json()
    assert (issued["token_type"], issued["expires_in"], issued["scope"]) == ("Bearer", 3600, "imap smtp")
    for protocol in ("imap", "submission"):
        grant = await world.check(issued["access_token"], protocol)
        assert (grant.account.address, grant.kind, grant.name) == (LI, "token", "The app")
    with pytest.raises(ScopeExceeded):
        await world.check(issued["access_token"], "pop3")


async def test_the_reader_sees_it_in_chinese_and_can_refuse(world: OAuthWorld) -> None:
    browser = world.browser(language="zh-CN,en;q=0.5")
    await browser.open("/oauth/authorize", **request())
    assert '<html lang="zh-CN">' in browser.page
    assert "登录后继续前往 The app" in browser.page
    await browser.sign_in()
    assert "以您的名义发送邮件" in browser.page
    answer = answer_of(await browser.submit(answer="deny"))
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "st", ISSUER)
    await browser.open("/oauth/authorize", **request(ui_locales="en"))
    assert '<html lang="en">' in browser.page


async def test_pages_run_nothing_and_stand_in_no_frame(world: OAuthWorld) -> None:
    browser = world.browser()
    await browser.open("/oauth/authorize", **request())
    policy, cookie = browser.headers["content-security-policy"], browser.headers["set-cookie"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://app.test;" in policy
    assert (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; base-uri 'none'" in policy
    )
    # The one script there is asks for passkeys; the page is whole without it.
    assert re.findall("<script.*?</script>", browser.page) == [
        '<script src="/oauth/passkey.js" defer></script>'
    ]
    script = await browser.http.get("/oauth/passkey.js")
    assert (script.status_code, script.headers["x-content-type-options"]) == (200, "nosniff")
    times = await browser.http.get("/oauth/times.js")
    assert times.headers["content-type"].startswith("text/javascript")
    await browser.sign_in()
    assert "Allow access?" in browser.page
    assert "script" not in browser.headers["content-security-policy"] + browser.page
    assert browser.headers["x-frame-options"] == "DENY"
    assert browser.headers["cache-control"] == "no-store"
    assert cookie.startswith("__Host-posthouse=")
    assert {"httponly", "secure", "samesite=lax", "path=/"} <= {p.strip().lower() for p in cookie.split(";")}


async def test_markup_in_a_request_is_text(world: OAuthWorld) -> None:
    await world.server.clients.add("evil", "<script>alert(1)</script>", redirects=(APP,))
    browser = world.browser()
    await browser.open("/oauth/authorize", **request(client_id="evil", login_hint='"><img src=x>'))
    assert "<script>" not in browser.page
    assert "<img" not in browser.page
    await browser.open("/oauth/authorize", **request(client_id="<b>", ui_locales='"><b>'))
    assert "<b>" not in browser.page


async def test_a_wrong_password_says_the_same_as_no_account(world: OAuthWorld) -> None:
    browser = world.browser()
    await browser.open("/oauth/authorize", **request())
    pages = []
    for address, password in ((LI, "wrong"), ("nobody@post.test", "wrong")):
        assert (await browser.sign_in(address, password)).status_code == 403
        page = browser.page.replace(address, "").replace(browser.hidden()["ticket"], "")
        pages.append(re.sub('data-options="[^"]*"', "", page))  # a challenge, new each time
        assert "wrong" in browser.page
    assert pages[0] == pages[1]
    await browser.sign_in()
    assert browser.status == 200


async def test_app_passwords_do_not_open_the_page(world: OAuthWorld) -> None:
    _, text = await world.signin.credentials.add(LI, "phone")
    browser = world.browser()
    await browser.open("/oauth/authorize", **request())
    assert (await browser.sign_in(LI, text)).status_code == 403


# --- the code ---


async def test_a_code_used_twice_takes_the_tokens_back(world: OAuthWorld) -> None:
    code, verifier = await world.code()
    first = (await world.exchange(code, verifier)).json()
    await world.check(first["access_token"])
    world.clock.move(600)  # also long after the code was good
    await world.code()  # others come and go
    again = await world.exchange(code, verifier)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    with pytest.raises(SignInFailed):
        await world.check(first["access_token"])
    assert (await world.refresh(first["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_code_is_bound_to_everything_it_was_given_for(world: OAuthWorld) -> None:
    await world.add_client("other")
    code, verifier = await world.code()
    for wrong in (
        {"code_verifier": "w" * 43},
        {"code_verifier": ""},
        {"redirect_uri": "https://app.test/other"},
        {"redirect_uri": ""},
        {"client_id": "other"},
        {"code": "phc_" + "x" * 43},
        {"code": "x" * 5000},
    ):
        answer = await world.exchange(**({"code": code, "verifier": verifier} | _args(wrong)))
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant"), wrong
    assert (await world.exchange(code, verifier)).status_code == 200
    code, verifier = await world.code()
    world.clock.move(61)
    assert (await world.exchange(code, verifier)).json()["error"] == "invalid_grant"


def _args(wrong: dict[str, str]) -> dict[str, str]:
    return {("verifier" if name == "code_verifier" else name): value for name, value in wrong.items()}


OUT_OF_ORDER: list[tuple[dict[str, str], str]] = [
    ({"code_challenge": "", "code_challenge_method": ""}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": ""}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code id_token"}, "unsupported_response_type"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"scope": "imap root"}, "invalid_scope"),
    ({"scope": "imap:folder:%ff"}, "invalid_scope"),
    ({"resource": "https://elsewhere.test/"}, "invalid_target"),
    ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
    ({"request_uri": "https://evil.test/"}, "request_uri_not_supported"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"prompt": "none"}, "login_required"),
]


async def test_requests_not_in_order_go_back_to_the_client(world: OAuthWorld) -> None:
    browser = world.browser()
    for changes, error in OUT_OF_ORDER:
        back = answer_of(await browser.open("/oauth/authorize", **request(**changes)))
        assert (back["error"], back["state"], back["iss"]) == (error, "st", ISSUER), changes


async def test_pkce_cannot_be_taken_away_from_a_confidential_client(world: OAuthWorld) -> None:
    secret = await world.add_client("web", confidential=True)
    bare = {"client_id": "web", "code_challenge": "", "code_challenge_method": ""}
    code, verifier = await world.code(**bare)
    fields = {"client_id": "web", "client_secret": secret}
    stripped = await world.exchange(code, verifier, **fields)
    assert stripped.json()["error"] == "invalid_grant"
    assert (await world.exchange(code, "", **fields)).status_code == 200
    code, verifier = await world.code(client_id="web")
    assert (await world.exchange(code, "", **fields)).json()["error"] == "invalid_grant"


# --- redirect URIs ---

BAD_REDIRECTS = [
    "",
    "https://app.test/back/",
    "https://app.test/backdoor",
    "https://app.test/back/../evil",
    "https://app.test/back?x=1",
    "https://app.test/back#",
    "https://app.test.evil.test/back",
    "https://app.test@evil.test/back",
    "https://evil.test/https://app.test/back",
    "https://app.test:444/back",
    "http://app.test/back",
    "HTTPS://app.test/back",
    "https://app.test\\@evil.test/back",
    "//app.test/back",
    "javascript:alert(1)",
    "https://app.test/back\r\nLocation: https://evil.test",
]


async def test_nobody_is_sent_where_the_client_does_not_live(world: OAuthWorld) -> None:
    for number, uri in enumerate(BAD_REDIRECTS):
        browser = world.browser(ip=f"192.0.2.{number}")
        for changes in ({}, {"scope": "root"}, {"client_id": "unknown"}):
            await browser.open("/oauth/authorize", **request(redirect_uri=uri, **changes))
            assert (browser.status, "location" in browser.headers) == (400, False), uri


async def test_a_parameter_sent_twice_is_refused(world: OAuthWorld) -> None:
    browser = world.browser()
    await browser.open("/oauth/authorize", **request(redirect_uri=[APP, "https://evil.test/"]))
    assert browser.status == 400
    await browser.open("/oauth/authorize", **request(client_id=["app", "app"]))
    assert browser.status == 400


@pytest.mark.parametrize(
    ("registered", "given", "same"),
    [
        ("http://127.0.0.1/", "http://127.0.0.1:49152/", True),
        ("http://localhost", "http://localhost:1024", True),
        ("http://localhost", "http://localhost:1024/", True),
        ("http://[::1]/cb", "http://[::1]:5/cb", True),
        ("http://127.0.0.1/", "http://127.0.0.1:49152/other", False),
        ("http://127.0.0.1/", "http://127.0.0.1:1@evil.test/", False),
        ("http://127.0.0.1/", "http://127.0.0.1.evil.test/", False),
        ("http://127.0.0.1/", "http://localhost/", False),
        ("http://127.0.0.1/", "https://127.0.0.1:1/", False),
        ("http://127.0.0.1/", "http://127.0.0.1:123456/", False),
        ("https://localhost", "https://localhost:1", False),
        ("com.example.app:/cb", "com.example.app:/cb", True),
        ("com.example.app:/cb", "com.example.app:/cb/x", False),
    ],
)
def test_only_the_port_of_a_loopback_address_is_free(registered: str, given: str, same: bool) -> None:
    assert check_redirect(registered) == registered
    assert matches(registered, given) is same


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.test/",
        "https://",
        "https://user@app.test/",
        "https://app.test/#x",
        "https://*.app.test/",
        "https://app.test/a/../b",
        "https://app.test/%2e%2e/b",
        "javascript:alert(1)",
        "data:text/html,x",
        "myapp:/cb",
        "com.example.app://host/cb",
        "/relative",
        "https://app.test/\u202e",
        "https://app.test/" + "x" * 500,
    ],
)
def test_addresses_that_cannot_be_registered(uri: str) -> None:
    with pytest.raises(Invalid):
        check_redirect(uri)


@pytest.mark.parametrize(
    ("redirect", "target"),
    [
        ("http://127.0.0.1/", "http://127.0.0.1:49152/"),
        ("http://[::1]/", "http://[::1]:49152/"),
        ("http://localhost", "http://localhost:8080"),
        ("com.example.app:/cb", "com.example.app:/cb"),
        ("https://app.test/cb?tenant=1", "https://app.test/cb?tenant=1"),
    ],
)
async def test_programs_on_the_device_get_their_answer(world: OAuthWorld, redirect: str, target: str) -> None:
    await world.add_client("native", redirects=(redirect,))
    browser = world.browser()
    await browser.open("/oauth/authorize", **request(client_id="native", redirect_uri=target))
    await browser.sign_in()
    back = await browser.allow()
    location = browser.headers["location"]
    assert location.startswith(target + ("&" if "?" in target else "?"))
    answer = await world.exchange(back["code"], "v" * 43, client_id="native", redirect_uri=target)
    assert answer.status_code == 200


# --- forms ---


async def test_forms_of_others_do_nothing(world: OAuthWorld) -> None:
    browser = world.browser()
    await browser.open("/oauth/authorize", **request())
    await browser.sign_in()
    page, url = browser.page, browser.url
    for headers, fields in (
        ({"origin": "https://evil.test"}, {}),
        ({"origin": "null"}, {}),
        ({"sec-fetch-site": "cross-site"}, {}),
        ({"sec-fetch-site": "same-site"}, {}),
        ({}, {"ticket": "x"}),
        ({}, {"ticket": ""}),
    ):
        browser.page, browser.url = page, url
        assert (await browser.submit(headers=headers, answer="allow", **fields)).status_code == 403
    # A ticket for one request is none for another, and none for another browser.
    browser.page, browser.url = page, url.copy_set_param("scope", "imap smtp jmap")
    assert (await browser.submit(answer="allow")).status_code == 403
    stranger = world.browser()
    await stranger.open("/oauth/authorize", **request())
    await stranger.sign_in("wang@post.test")
    stranger.page = page
    assert (await stranger.submit(answer="allow")).status_code == 403
    browser.page, browser.url = page, url
    assert (await browser.submit(answer="allow")).status_code == 303


async def test_the_cookie_before_sign_in_is_worth_nothing_after(world: OAuthWorld) -> None:
    browser = world.browser()
    await browser.open("/oauth/authorize", **request())
    planted = browser.http.cookies["__Host-posthouse"]
    await browser.sign_in()
    assert browser.http.cookies["__Host-posthouse"] != planted
    thief = world.browser()
    thief.http.cookies.set("__Host-posthouse", planted, domain="mail.post.test", path="/")
    await thief.open("/oauth/authorize", **request())
    assert 'name="password"' in thief.page


async def test_a_changed_password_and_time_end_the_visit(world: OAuthWorld) -> None:
    browser = world.browser()
    await browser.open("/oauth/authorize", **request())
    await browser.sign_in()
    await browser.open("/oauth/authorize", **request())
    assert "Allow access?" in browser.page
    await browser.open("/oauth/authorize", **request(prompt="login"))
    assert 'name="password"' in browser.page
    world.clock.move(10)
    await browser.open("/oauth/authorize", **request(max_age=5))
    assert 'name="password"' in browser.page
    await browser.sign_in()
    assert "Allow access?" in browser.page
    account = await world.store.directory.account_by_address(LI)
    assert account is not None
    await world.world.accounts.update_account(LI, password="another horse")
    await browser.open("/oauth/authorize", **request())
    assert 'name="password"' in browser.page
    await browser.sign_in(password="another horse")
    world.clock.move(3601)
    await browser.open("/oauth/authorize", **request())
    assert 'name="password"' in browser.page


async def test_cookies_of_nobody(world: OAuthWorld) -> None:
    beyond = base64.urlsafe_b64encode(msgspec.msgpack.encode((b"", (1 << 64) - 1, 0.0))).decode().rstrip("=")
    for cookie in ("", "x", "x.y", "." * 500, "AAAA.AAAA", "gA.gA", "\u00ff", f"{beyond}.AAAA"):
        async with world.client() as client:
            head = {"cookie": f"__Host-posthouse={cookie}".encode("latin-1")}
            answer = await client.get("/oauth/authorize", params=request(), headers=head)
        assert 'name="password"' in answer.text, cookie


async def test_another_name_of_the_server_shows_nothing(world: OAuthWorld) -> None:
    async with world.client() as client:
        answer = await client.get("/oauth/authorize", params=request(), headers={"host": "evil.test"})
    assert answer.status_code == 421
    assert f'href="{ISSUER}/oauth/' in answer.text  # where it is right
    assert 'name="password"' not in answer.text


async def test_what_was_allowed_before_is_not_asked_again_where_the_client_is_sure(world: OAuthWorld) -> None:
    browser = world.browser()
    await world.exchange(*await world.code(browser=browser))
    await browser.open("/oauth/authorize", **request(scope="imap"))
    assert browser.status == 303
    assert "code=" in browser.headers["location"]
    await browser.open("/oauth/authorize", **request(prompt="none"))
    assert "code=" in browser.headers["location"]
    await browser.open("/oauth/authorize", **request(scope="imap pop"))
    assert "Allow access?" in browser.page
    await browser.open("/oauth/authorize", **request(prompt="consent"))
    assert "You have allowed it before" in browser.page
    back = answer_of(await browser.open("/oauth/authorize", **request(prompt="none", scope="pop")))
    assert back["error"] == "consent_required"
    # RFC 8252 §8.6: a program on the device could be any program.
    await world.add_client("native", redirects=("http://127.0.0.1/",))
    native = {"client_id": "native", "redirect_uri": "http://127.0.0.1:5/"}
    code, verifier = await world.code(browser=browser, **native)
    await world.exchange(code, verifier, **native)
    await browser.open("/oauth/authorize", **request(**native))
    assert "You have allowed it before" in browser.page


async def test_another_account_can_be_chosen(world: OAuthWorld) -> None:
    browser = world.browser()
    await browser.open("/oauth/authorize", **request())
    await browser.sign_in()
    await browser.submit(1)
    assert 'name="password"' in browser.page
    await browser.sign_in("wang@post.test")
    assert "wang@post.test" in browser.page
    back = await browser.allow()
    issued = (await world.exchange(back["code"], "v" * 43)).json()
    assert (await world.check(issued["access_token"], username="")).account.address == "wang@post.test"
    with pytest.raises(SignInFailed):
        await world.check(issued["access_token"], username=LI)


# --- OpenID Connect ---


async def test_an_identity_token_says_who_it_is(world: OAuthWorld) -> None:
    issued = await world.issued(scope="openid email profile imap", nonce="n-1")
    async with world.client() as client:
        keys = KeySet.import_key_set((await client.get("/oauth/jwks")).json())
        found = (await client.get("/.well-known/openid-configuration")).json()
        head = {"authorization": f"Bearer {issued['access_token']}"}
        who = await client.get("/oauth/userinfo", headers=head)
        refused = await client.get("/oauth/userinfo", headers={"authorization": "Bearer x"})
    token = jwt.decode(issued["id_token"], keys, algorithms=["RS256"])
    claims = token.claims
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (ISSUER, "app", "n-1")
    assert (claims["email"], claims["name"]) == (LI, "李四")
    assert who.json() == {k: claims[k] for k in who.json()}
    assert who.json()["sub"] == claims["sub"]
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert found["issuer"] == ISSUER
    assert all(
        urlsplit(found[name]).netloc == "mail.post.test" for name in found if name.endswith("_endpoint")
    )
    assert "d" not in (await world.server.keys.public())["keys"][0]


async def test_keys_are_published_before_and_after_they_sign(world: OAuthWorld) -> None:
    def kids(found: dict[str, list[dict[str, str]]]) -> list[str]:
        return [key["kid"] for key in found["keys"]]

    async def signer() -> str:
        issued = await world.issued(scope="openid imap", prompt="consent")
        return str(
            jwt.decode(issued["id_token"], KeySet.import_key_set(await world.server.keys.public())).header[
                "kid"
            ]
        )

    first = await signer()
    world.clock.move(91 * 86400)
    both = kids(await world.server.keys.public())
    assert (len(both), both[0]) == (2, first)
    assert await signer() == first
    world.clock.move(86401)
    assert await signer() == both[1]
    world.clock.move(86400)
    await world.server.keys.rotate()
    assert first not in kids(await world.server.keys.public())
