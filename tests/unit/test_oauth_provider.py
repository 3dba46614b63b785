"""Sign-in by an outside provider: a real one (our own server in another house), and what liars send."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from posthouse.client.provider import PRESETS, Provider, ProviderSettings
from posthouse.core.errors import Forbidden, Unavailable
from tests.unit.oauth_world import ISSUER, LI, Browser, OAuthWorld, open_oauth, request

THERE = "https://login.other.test"
BACK = f"{ISSUER}/oauth/back/other"


class Houses:
    """Our house, and the other that vouches for people."""

    def __init__(self, ours: OAuthWorld, other: OAuthWorld, secret: str) -> None:
        self.ours, self.other = ours, other
        self.settings = ProviderSettings("other", "Other House", "oidc", THERE, "us", secret, ("post.test",))
        self.use()

    def use(self, **changes: Any) -> None:
        transport = httpx.ASGITransport(app=self.other.app)
        settings = msgspec.structs.replace(self.settings, **changes)
        made = Provider(settings, lambda: httpx.AsyncClient(transport=transport), self.ours.clock.now)

        async def create(address: str, name: str) -> Any:
            return await self.ours.world.accounts.create_account(address, None, name=name)

        self.ours.serve(providers=[made], create=create)

    async def away(self, browser: Browser, **query: Any) -> str:
        """Where the browser is sent to by the button."""
        await browser.open("/oauth/authorize", **(request() | query))
        assert "Sign in with Other House" in browser.page
        target = str(browser.url.raw_path.decode())
        await browser.open("/oauth/with/other", to=target)
        assert browser.status == 303
        return str(browser.headers["location"])

    async def vouch(self, where: str, address: str = LI) -> str:
        """The other house signs the person in; the path and query that it sends the browser back to."""
        there = self.other.browser()
        there.http.base_url = httpx.URL(THERE)
        await there.open(where.removeprefix(THERE))
        head = {"origin": THERE}
        if 'name="password"' in there.page:
            await there.submit(address=address, password="correct horse", headers=head)
        if there.status == 200:
            await there.submit(answer="allow", headers=head)
        location = str(there.headers["location"])
        assert location.startswith(BACK + "?"), location
        return location.removeprefix(ISSUER)


@pytest.fixture
async def houses(tmp_path: Path) -> AsyncIterator[Houses]:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with (
        open_oauth(tmp_path / "a") as ours,
        open_oauth(tmp_path / "b", issuer=THERE, hostname="o") as other,
    ):
        await other.world.account("stranger")
        secret = await other.add_client("us", redirects=(BACK,), confidential=True)
        yield Houses(ours, other, secret)


async def test_the_other_house_vouches(houses: Houses) -> None:
    browser = houses.ours.browser()
    where = await houses.away(browser, prompt="login")
    assert where.startswith(f"{THERE}/oauth/authorize?")
    await browser.open(await houses.vouch(where))
    assert (browser.status, urlsplit(browser.headers["location"]).path) == (303, "/oauth/authorize")
    await browser.open(browser.headers["location"])
    assert "Allow access?" in browser.page
    assert LI in browser.page
    assert "code" in await browser.allow()


async def test_only_who_has_a_mailbox_here_comes_in(houses: Houses) -> None:
    browser = houses.ours.browser()
    await browser.open(await houses.vouch(await houses.away(browser), "stranger@post.test"))
    assert browser.status == 403
    assert "there is no account" in browser.page
    houses.use(provision=True)
    browser = houses.ours.browser()
    await browser.open(await houses.vouch(await houses.away(browser), "stranger@post.test"))
    assert browser.status == 303
    assert await houses.ours.store.directory.account_by_address("stranger@post.test") is not None
    houses.use(domains=("elsewhere.test",))
    other = houses.ours.browser()
    await other.open(await houses.vouch(await houses.away(other)))
    assert other.status == 403
    houses.use()
    other = houses.ours.browser()
    await houses.ours.world.accounts.update_account(LI, enabled=False)
    await other.open(await houses.vouch(await houses.away(other)))
    assert other.status == 403


NESTED = b"\x95\xc4\x00\xa0\xcb" + bytes(8) + b"\xa0" + b"\x91" * 3000
"""What a state holds, and one value more, nested without end."""


async def test_an_answer_is_good_in_one_browser_once_and_soon(houses: Houses) -> None:
    browser, thief = houses.ours.browser(), houses.ours.browser()
    back = await houses.vouch(await houses.away(browser))
    await thief.open("/oauth/authorize", **request())
    await thief.open(back)  # login CSRF: the attacker's answer in somebody else's browser, or the reverse
    assert thief.status == 403
    path, _, query = back.partition("?")
    pairs = dict(parse_qsl(query))
    for changes in (
        {"state": ""},
        {"state": "x.y"},
        {"state": base64.urlsafe_b64encode(NESTED).decode().rstrip("=") + ".AAAA"},
        {"state": pairs["state"][:-2] + "AA"},
        {"iss": "https://evil.test"},  # RFC 9207: a mix-up
    ):
        await browser.open(f"{path}?{urlencode(pairs | changes)}")
        assert browser.status == 403, changes
    await browser.open(f"/oauth/back/unknown?{query}")
    assert browser.status == 403
    await browser.open(back)
    assert browser.status == 303
    await browser.open(back)
    assert browser.status == 403  # the number of the browser is another since it signed in
    late = houses.ours.browser()
    back = await houses.vouch(await houses.away(late))
    houses.ours.clock.move(601)
    await late.open(back)
    assert late.status == 403


async def test_nobody_is_sent_elsewhere(houses: Houses) -> None:
    browser = houses.ours.browser()
    for target in ("https://evil.test/", "//evil.test/oauth/authorize?", "/evil", "", "/oauth/authorize"):
        await browser.open("/oauth/with/other", to=target)
        assert browser.status == 400
    await browser.open("/oauth/with/unknown", to="/oauth/device")
    assert browser.status == 404


async def test_who_refuses_there_is_refused_here(houses: Houses) -> None:
    browser = houses.ours.browser()
    where = await houses.away(browser)
    state = parse_qs(urlsplit(where).query)["state"][0]
    await browser.open("/oauth/back/other", state=state, error="access_denied")
    assert browser.status == 403
    assert "access_denied" in browser.page


# --- what liars send ---


class Liar:
    """A provider whose identity token is made by the test."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True)
        self.token: Callable[[], str] = str
        self.document: dict[str, Any] = {
            "issuer": THERE,
            "authorization_endpoint": f"{THERE}/a",
            "token_endpoint": f"{THERE}/t",
            "jwks_uri": f"{THERE}/k",
        }

    def claims(self, **changes: Any) -> dict[str, Any]:
        made = {"iss": THERE, "sub": "1", "aud": "us", "exp": 2000, "iat": 900, "nonce": "n", "email": LI}
        return {k: v for k, v in (made | {"email_verified": True} | changes).items() if v is not None}

    def signed(self, algorithm: str = "RS256", key: Any = None, **changes: Any) -> str:
        used = key or self.key
        head = {"alg": algorithm, "kid": self.key.kid}
        return jwt.encode(head, self.claims(**changes), used, algorithms=[algorithm])

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/t":
            return httpx.Response(200, json={"access_token": "a", "id_token": self.token()})
        if path == "/k":
            return httpx.Response(200, json={"keys": [self.key.as_dict(private=False)]})
        return httpx.Response(200, json=self.document)

    async def identity(self, preset: str = "oidc", **changes: Any) -> str:
        settings = ProviderSettings("other", "O", preset, THERE, "us", "s", ("post.test",))
        transport = httpx.MockTransport(self.answer)
        provider = Provider(
            msgspec.structs.replace(settings, **changes),
            lambda: httpx.AsyncClient(transport=transport),
            lambda: 1000.0,
        )
        return (await provider.identity("code", BACK, "n", "v")).address


@pytest.fixture(scope="module")
def liar() -> Liar:
    return Liar()


async def test_an_honest_token_is_believed(liar: Liar) -> None:
    liar.token = liar.signed
    assert await liar.identity() == LI
    liar.token = lambda: liar.signed(aud=["us", "them"], azp="us")
    assert await liar.identity("keycloak") == LI
    liar.token = lambda: liar.signed(email=None, preferred_username="LI@post.test", email_verified=None)
    assert await liar.identity("entra") == LI


LIES: list[dict[str, Any]] = [
    {"iss": "https://evil.test"},
    {"aud": "them"},
    {"aud": ["us", "them"]},
    {"aud": ["us", "them"], "azp": "them"},
    {"exp": 800},
    {"exp": None},
    {"iat": 5000},
    {"nonce": "another"},
    {"nonce": None},
    {"sub": None},
    {"email_verified": False},
    {"email_verified": "true"},
    {"email": "li@evil.test"},
    {"email": None},
]


@pytest.mark.parametrize("lie", LIES, ids=str)
async def test_a_token_of_something_else_is_not(liar: Liar, lie: dict[str, Any]) -> None:
    liar.token = lambda: liar.signed(**lie)
    with pytest.raises(Forbidden):
        await liar.identity()


async def test_signatures_that_are_none(liar: Liar) -> None:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    def shared(secret: bytes) -> str:
        """Signed with what everybody knows."""
        text = f"{part({'alg': 'HS256', 'kid': liar.key.kid})}.{part(liar.claims())}"
        mac = hmac.digest(secret, text.encode(), "sha256")
        return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    public = liar.key.as_pem(private=False)
    stranger = RSAKey.generate_key(2048)
    good = liar.signed()
    for token in (
        f"{part({'alg': 'none'})}.{part(liar.claims())}.",
        f"{part({'alg': 'None'})}.{part(liar.claims())}.",
        shared(public),
        shared(json.dumps(liar.key.as_dict(private=False)).encode()),
        liar.signed(key=stranger),
        good[:-4] + "AAAA",
        good.rpartition(".")[0] + ".",
        "x",
        "",
    ):
        liar.token = lambda token=token: token  # type: ignore[misc]
        with pytest.raises(Forbidden):
            await liar.identity()


async def test_a_provider_that_is_another_or_away(liar: Liar) -> None:
    liar.token = liar.signed
    true = liar.document
    for document in ({}, true | {"issuer": "https://evil.test"}, true | {"jwks_uri": "http://evil.test/k"}):
        liar.document = document
        with pytest.raises(Unavailable):
            await liar.identity()
    liar.document = true
    for answer in (
        httpx.Response(503),
        httpx.Response(200, content=b"["),
        httpx.Response(200, content=b"x" * 300_000),
    ):
        provider = Provider(
            ProviderSettings("o", "O", "oidc", THERE, "us", "", ("post.test",)),
            lambda answer=answer: httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)),  # type: ignore[misc]
        )
        with pytest.raises(Unavailable):
            await provider.identity("c", BACK, "n", "v")


# --- Feishu and WeCom ---


async def test_feishus_way() -> None:
    seen: list[tuple[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.path, request.content))
        if request.url.path.endswith("/oauth/token"):
            asked = json.loads(request.content)
            if asked["code"] != "good":
                return httpx.Response(400, json={"code": 20003, "error_description": "the code is invalid"})
            assert (asked["client_secret"], asked["code_verifier"]) == ("s", "v")
            return httpx.Response(200, json={"code": 0, "access_token": "u-1"})
        assert request.headers["authorization"] == "Bearer u-1"
        return httpx.Response(
            200, json={"code": 0, "data": {"name": "李四", "enterprise_email": LI, "email": "x@y.z"}}
        )

    provider = Provider(
        ProviderSettings("feishu", "飞书", "feishu", "", "cli_1", "s", ("post.test",)),
        lambda: httpx.AsyncClient(transport=httpx.MockTransport(answer)),
    )
    where = urlsplit(await provider.address(BACK, "st", "n", "v"))
    assert where.netloc == urlsplit(PRESETS["feishu"].authorize).netloc
    assert parse_qs(where.query)["code_challenge_method"] == ["S256"]
    found = await provider.identity("good", BACK, "n", "v")
    assert (found.address, found.name) == (LI, "李四")
    with pytest.raises(Forbidden, match="the code is invalid"):
        await provider.identity("bad", BACK, "n", "v")


async def test_wecoms_way() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        query = dict(request.url.params)
        if request.url.path.endswith("/gettoken"):
            assert query == {"corpid": "ww1", "corpsecret": "s"}
            return httpx.Response(200, json={"errcode": 0, "access_token": "t-1"})
        assert query["access_token"] == "t-1"
        if request.url.path.endswith("/auth/getuserinfo"):
            known = query["code"] == "good"
            return httpx.Response(
                200, json={"userid": "li"} if known else {"errcode": 40029, "errmsg": "invalid code"}
            )
        return httpx.Response(200, json={"userid": query["userid"], "name": "李四", "biz_mail": LI})

    provider = Provider(
        ProviderSettings("wecom", "企业微信", "wecom", "", "ww1", "s", ("post.test",), agent_id="7"),
        lambda: httpx.AsyncClient(transport=httpx.MockTransport(answer)),
    )
    query = parse_qs(urlsplit(await provider.address(BACK, "st", "n", "v")).query)
    assert (query["appid"], query["agentid"], query["state"]) == (["ww1"], ["7"], ["st"])
    assert (await provider.identity("good", BACK, "n", "v")).address == LI
    with pytest.raises(Forbidden, match="invalid code"):
        await provider.identity("bad", BACK, "n", "v")
