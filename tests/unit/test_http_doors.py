"""Every page and endpoint against old attacks: a request of another site's, a way elsewhere, a remembered password.

Each route says which kind it is.  A route without a row fails, and so does a row without a route.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from starlette.routing import Route, WebSocketRoute

from tests.unit.asgi import basic
from tests.unit.http_site import Site, open_site, raw, takes_socket
from tests.unit.oauth_world import ISSUER, LI, PASSWORD, challenge_of

EVIL: Final = "https://evil.test"
HEADER: Final = "by a header that no form of another site can send"
PUBLIC: Final = "the same for everybody, and nothing is changed"
LINK: Final = "by what stands in the address"
CLIENT: Final = "programs that send their secret or a code"
PAGE: Final = "a form with a ticket, by the cookie of a visit"
SESSION: Final = "JSON of our own page, by the cookie of a session"
AWAY: Final = "sends the browser to a provider"
APPROVE: Final = "a form, by a secret in it"

KINDS: Final = {
    "/.well-known/oauth-authorization-server": PUBLIC,
    "/.well-known/openid-configuration": PUBLIC,
    "/oauth/jwks": PUBLIC,
    "/oauth/authorize": PAGE,
    "/oauth/device": PAGE,
    "/oauth/token": CLIENT,
    "/oauth/device_authorization": CLIENT,
    "/oauth/introspect": CLIENT,
    "/oauth/revoke": CLIENT,
    "/oauth/register": PUBLIC,  # adds a client within a limit, for nobody's account
    "/oauth/userinfo": HEADER,
    "/oauth/style.css": PUBLIC,
    "/oauth/passkey.js": PUBLIC,
    "/oauth/times.js": PUBLIC,
    "/oauth/with/{name}": AWAY,
    "/oauth/back/{name}": AWAY,
    **dict.fromkeys(
        (
            "/auth/session", "/auth/sessions", "/auth/passkeys", "/auth/sign-in", "/auth/sign-in/send",
            "/auth/sign-in/second", "/auth/passkey/options", "/auth/passkey/sign-in", "/auth/passkeys/options",
            "/auth/passkeys/register", "/auth/passkeys/remove", "/auth/sessions/end", "/auth/sign-out",
        ),
        SESSION,
    ),
    "/auth/device": APPROVE,
    "/.well-known/jmap": HEADER,
    "/jmap/session": HEADER,
    "/jmap/api": HEADER,
    "/jmap/events": HEADER,
    "/jmap/ws": HEADER,
    "/jmap/upload/{account_id}/": HEADER,
    "/jmap/download/{account_id}/{blob_id}/{name:path}": HEADER,
    "/.well-known/carddav": PUBLIC,
    "/dav": PUBLIC,
    "/dav/{path:path}": HEADER,
    "/mail/picture/{account:str}/{day:str}/{mac:str}/{packed:str}": LINK,
    "/mail/file/{account:str}/{until:str}/{mac:str}/{kind:str}/{name:str}": LINK,
    **dict.fromkeys(
        (
            "/", "/mail", "/mail/", "/mail/contacts", "/mail/settings", "/mail/settings/{section:path}",
            "/mail/editor", "/admin", "/admin/", "/admin/{place:path}", "/lens", "/lens/", "/lens/{place:path}",
            "/mail/worker.js", "/mail/manifest.webmanifest", "/mail/icon-192.png", "/mail/icon-512.png",
            "/mail/frame", "/mail/assets/{name:str}",
        ),
        PUBLIC,
    ),
    **dict.fromkeys(
        (
            "/.well-known/autoconfig/mail/config-v1.1.xml", "/mail/config-v1.1.xml", "/mail/setup/settings.json",
            "/autodiscover/autodiscover.xml", "/Autodiscover/Autodiscover.xml", "/AutoDiscover/AutoDiscover.xml",
            "/autodiscover/autodiscover.json", "/autodiscover/autodiscover.json/v1.0/{address}",
            "/mail/setup/profile.mobileconfig",
        ),
        PUBLIC,
    ),
    "/healthz": PUBLIC,
    "/readyz": PUBLIC,
    "/metrics": PUBLIC,
    "/.well-known/acme-challenge/{token}": PUBLIC,
    "/{path:path}": PUBLIC,
    "/api/v1/openapi.json": PUBLIC,
    "/api/v1/problems/{name}": PUBLIC,
    "/api/v1/{path:path}": PUBLIC,  # where nothing is
}  # fmt: skip
API: Final = "/api/v1/"
"""Operations of the API are HEADER, whatever they are called: one endpoint looks at all of them."""
COOKIE_KINDS: Final = (PAGE, SESSION, AWAY)
REFUSALS: Final = {HEADER: (401,), LINK: (404,), CLIENT: (400, 401), PAGE: (400, 403), SESSION: (400, 403)}
"""What a change asked for by another site is answered with, by kind; no other kind has anything to change."""
SIMPLE: Final = ("application/x-www-form-urlencoded", "text/plain")
"""What forms of another site can send."""
FILLED: Final = {
    "account_id": "A1",
    "blob_id": "M1",
    "account": "1",
    "until": "9",
    "day": "9",
    "name": "other",
}
NAMES: Final = (
    "next", "redirect_uri", "return", "return_to", "to", "url", "target", "continue", "post_logout_redirect_uri", "iss",
)  # fmt: skip


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as site:
        yield site


def kind_of(path: str) -> str:
    return KINDS.get(path) or (HEADER if path.startswith(API) else "")


def address(path: str) -> str:
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda match: FILLED.get(match[1], "x"), path)


def methods(route: Route) -> Iterator[str]:
    yield from sorted(route.methods or ("GET", "POST", "PUT", "PATCH", "DELETE"))


def leads_elsewhere(location: str, host: str = "mail.post.test") -> bool:
    """As a browser reads it: backslashes are slashes, blanks and line ends inside are not there."""
    read = re.sub(r"[\t\r\n]", "", location.strip()).replace("\\", "/")
    return urlsplit(urljoin(f"https://{host}/x/", read)).hostname != host


def test_a_browser_is_led_elsewhere_by_these() -> None:
    assert [leads_elsewhere(one) for one in ("//evil.test", "/\\evil.test", "\t//evil.test", EVIL, "/ok", "ok")] == [
        True, True, True, True, False, False,
    ]  # fmt: skip


async def test_every_route_says_what_it_is(site: Site) -> None:
    paths = {route.path for _, route in site.routes}  # type: ignore[attr-defined]
    assert {path for path in paths if not kind_of(path)} == set()
    assert set(KINDS) - paths == set()
    for _, route in site.routes:
        assert isinstance(route, Route | WebSocketRoute), route  # what else there is has to be looked at here


async def test_another_site_gets_nothing_done(site: Site) -> None:
    """Every method of every route, as another site's form or script sends it: the cookies go along, headers do not."""
    await site.sign_in()
    before = site.stored()
    hostile = {"origin": EVIL, "sec-fetch-site": "cross-site", "referer": EVIL}
    fields = dict.fromkeys(NAMES, EVIL) | {
        "ticket": "x",
        "step": "answer",
        "answer": "allow",
        "user_code": "x",
    }
    asked = 0
    for listener, route in site.routes:
        if not isinstance(route, Route):
            continue
        kind = kind_of(route.path)
        for method in methods(route):
            for content in SIMPLE if method == "POST" else SIMPLE[:1]:
                asked += 1
                async with site.client(f"198.51.{asked // 250}.{asked % 250}", listener) as client:
                    client.cookies.update(site.cookies)
                    answer = await client.request(
                        method,
                        f"{address(route.path)}?{urlencode(fields)}",
                        content=urlencode(fields) if method in ("POST", "PUT", "PATCH") else None,
                        headers={**hostile, "content-type": content},
                    )
                told = (route.path, method, content, answer.status_code, answer.text[:200])
                assert answer.status_code < 500 or answer.status_code == 503, told
                if method not in ("GET", "HEAD", "OPTIONS") and kind in REFUSALS:
                    assert answer.status_code in (*REFUSALS[kind], 405), told
                # What depends on a cookie cannot be read by scripts of others; what can be does not look at cookies.
                if "access-control-allow-origin" in answer.headers:
                    assert kind not in COOKIE_KINDS, told
                    assert "access-control-allow-credentials" not in answer.headers, told
                if kind in (PAGE, APPROVE):
                    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], told
                location = answer.headers.get("location", "")
                assert not location or not leads_elsewhere(location), told
    after = site.stored()
    assert {name: rows for name, rows in after.items() if rows != before[name]} == {}
    assert asked > 300


@pytest.mark.parametrize("path", [path for path, kind in KINDS.items() if kind in COOKIE_KINDS])
async def test_cookies_are_for_this_host_and_no_script(site: Site, path: str) -> None:
    """A planted one is never sent back; those that are ours cannot be set by neighbours in the domain."""
    async with site.client() as client:
        client.cookies.set("__Host-posthouse", "x.y")
        answer = await client.get(address(path), params={"to": "/oauth/device"})
        for value in answer.headers.get_list("set-cookie"):
            low = value.lower()
            assert low.startswith("__host-posthouse")
            assert "x.y" not in low
            assert all(part in low for part in ("httponly", "secure", "path=/", "samesite=")), value
            assert "domain=" not in low


ELSEWHERE: Final = (
    EVIL, "//evil.test", "/\\evil.test", "\\\\evil.test", "/\t/evil.test", "https:evil.test", "https:/evil.test",
    "javascript:alert(1)", "data:text/html,x", "/oauth/device@evil.test", "/oauth/device\r\nLocation: //evil.test",
    f"{ISSUER}@evil.test/", f"{ISSUER}.evil.test/", "https://evil.test\\@mail.post.test/",
    "/oauth/authorize?//evil.test",
)  # fmt: skip


async def test_no_parameter_leads_elsewhere(site: Site) -> None:
    asked = 0
    for listener, route in site.routes:
        if not isinstance(route, Route) or "GET" not in (route.methods or ("GET",)):
            continue
        if route.path.startswith(API):
            continue  # answers of the API lead nowhere: the test above has seen each
        for value in ELSEWHERE:
            asked += 1
            async with site.client(f"198.51.{asked // 250}.{asked % 250}", listener) as client:
                answer = await client.get(address(route.path), params=dict.fromkeys(NAMES, value))
            assert answer.status_code < 500 or answer.status_code == 503, (route.path, value)
            location = answer.headers.get("location", "")
            assert not location or not leads_elsewhere(location), (route.path, value, location)
            assert "evil.test\r\n" not in location


@pytest.mark.parametrize(
    "redirect", [one for one in ELSEWHERE if one.startswith(("http", "/", "javascript", "\\"))]
)
async def test_an_answer_goes_to_the_page_that_asked_and_nowhere_else(site: Site, redirect: str) -> None:
    """Signed in or not, in order or not: with a redirect URI that is another's everything ends on a page of ours."""
    await site.sign_in()
    right = {
        "response_type": "code", "client_id": "posthouse-webmail", "redirect_uri": redirect, "scope": "jmap",
        "code_challenge": challenge_of("v" * 43), "code_challenge_method": "S256", "state": EVIL,
    }  # fmt: skip
    for changes in ({}, {"response_type": "token"}, {"scope": "nonsense"}, {"prompt": "none"}):
        for cookies in ({}, site.cookies):
            async with site.client() as client:
                client.cookies.update(cookies)
                answer = await client.get("/oauth/authorize", params=right | changes)
            assert (answer.status_code, answer.headers.get("location")) == (400, None), changes


PATHS: Final = (
    "//evil.test/", "//evil.test/%2e%2e", "/\\evil.test/", "/%5cevil.test/", "/.//evil.test/", "/mail//evil.test",
    "/%2f%2fevil.test/", "//evil.test/mail/", "/admin/..//evil.test", "/;@evil.test/", "/@evil.test",
    "/%0d%0aLocation:x",
)  # fmt: skip
HOSTS: Final = (
    "evil.test", "mail.post.test:443", "mail.post.test//evil.test", "x/\\evil.test", "mail.post.test@evil.test",
    "evil.test?", "evil.test#", "a b", "", "mail.post.test\t", "[::1]//evil.test", "mail.post.test:443:443",
)  # fmt: skip


@pytest.mark.parametrize("listener", ["secure", "plain", "challenge"])
async def test_no_address_and_no_name_of_a_host_leads_elsewhere(site: Site, listener: str) -> None:
    """Also the way to https of port 80, and slashes that are added."""
    app = site.apps[listener]
    for path in (*PATHS, "/", "/admin", "/lens", "/mail", "/dav", "/oauth/device/", "/.well-known/carddav/"):
        status, location = await raw(app, path, "mail.post.test")
        assert status < 500, path
        assert not location or not leads_elsewhere(location), (path, location)
        for host in HOSTS:
            status, location = await raw(app, path, host)
            assert status < 500, (path, host)
            named = host.partition(":")[0]
            # A name that can be one is where the client is: a browser does not let another site choose it.
            assert not location or not (leads_elsewhere(location) and leads_elsewhere(location, named)), (
                path,
                host,
                location,
            )
            if not re.fullmatch(r"[\w.-]+(:\d+)?", host, re.ASCII):
                assert status == 400, (path, host)
    assert (await raw(app, "/", "mail.post.test", ((b"host", b"evil.test"),)))[0] == 400


NUMBERS: Final = ("9" * 5000, "-1", "٣", "0x1", "1" * 19)


async def test_numbers_in_links_are_bounded(site: Site) -> None:
    async with site.client() as client:
        for number in NUMBERS:
            for path in (f"/mail/file/{number}/9/m/pdf/M1", f"/mail/file/1/{number}/m/pdf/M1"):
                assert (await client.get(path)).status_code == 404
            for path in (f"/mail/picture/{number}/9/m/eA", f"/mail/picture/1/{number}/m/eA"):
                assert (await client.get(path)).status_code == 404


REMEMBERED: Final = [
    ("another site's socket", "websocket", {"origin": EVIL}, False),
    ("a sandboxed page's socket", "websocket", {"origin": "null"}, False),
    ("our own page's socket", "websocket", {"origin": ISSUER, "sec-fetch-site": "same-origin"}, True),
    ("a program's socket", "websocket", {}, True),
    ("another site's form", "POST", {"origin": EVIL, "content-type": "text/plain"}, False),
    (
        "the form of a page without a name",
        "POST",
        {"origin": "null", "content-type": "multipart/form-data"},
        False,
    ),
    ("a beacon", "POST", {"origin": EVIL}, False),
    ("another site's picture", "GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, False),
    ("a neighbour's frame", "GET", {"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate"}, False),
    ("typed into the browser", "GET", {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}, True),
    ("a page elsewhere that knows the password", "POST", {"origin": EVIL, "content-type": "image/png"}, True),
    (
        "the same, reading",
        "GET",
        {"origin": EVIL, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"},
        True,
    ),
    ("a program", "POST", {"content-type": "text/plain"}, True),
]


@pytest.mark.parametrize(
    ("what", "method", "headers", "good"), REMEMBERED, ids=[row[0] for row in REMEMBERED]
)
async def test_a_password_that_the_browser_remembers_is_not_for_other_sites(
    site: Site, what: str, method: str, headers: dict[str, str], *, good: bool
) -> None:
    """Browsers add what was once typed into their own window to what any page asks for, sockets included."""
    given = headers | basic(LI, PASSWORD)
    if method != "websocket":
        async with site.client() as client:
            if method == "GET":
                answer = await client.get("/jmap/session", headers=given)
            else:
                answer = await client.post("/jmap/upload/A1/", content=b"x", headers=given)
        assert (answer.status_code < 300) is good, (what, answer.text)
        return
    assert await takes_socket(site.web.secure, given) is good, what


async def test_paths_without_a_page(site: Site) -> None:
    """People get a page in their language, programs a line; neither says back what was not escaped."""
    odd = "/nowhere/<script>alert(1)</script>"
    async with site.client() as client:
        page = await client.get(odd, headers={"accept": "text/html,*/*;q=0.8", "accept-language": "zh-CN"})
        line = await client.get(odd, headers={"accept": "*/*"})
    assert (page.status_code, line.status_code, line.text) == (404, 404, "Not found\n")
    assert "这里没有页面" in page.text
    assert 'href="/mail/"' in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
