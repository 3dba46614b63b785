"""Sign-in by an outside provider: a certified one (npm's oidc-provider), code and PKCE, on a served node."""

from __future__ import annotations

import re
import secrets
import subprocess
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from tests.integration.node_rig import ServedNode
from tests.integration.ports import free_ports
from tests.integration.requirements import missing, require

CLIENTS = Path(__file__).parents[1] / "clients"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
pytestmark = pytest.mark.peers


class Houses:
    """Our node, and the provider whose word it takes."""

    def __init__(self, directory: Path) -> None:
        require("node")
        if not (CLIENTS / "node_modules" / "oidc-provider").exists():
            missing("oidc-provider is not installed; run npm ci --prefix tests/clients")
        (self.port,) = free_ports(1)
        self.node = node = ServedNode(directory / "node", workers=1)
        origin = f"http://127.0.0.1:{node.ports['http']}"
        self.origin, secret = origin, secrets.token_hex(16)
        words = [str(self.port), f"{origin}/oauth/back/company", "mail", secret]
        with (directory / "oidc.log").open("wb") as log:
            self.process = subprocess.Popen(
                ["node", str(CLIENTS / "oidc.mjs"), *words], cwd=CLIENTS, stdout=subprocess.PIPE, stderr=log
            )
        assert self.process.stdout is not None
        while self.process.stdout.readline() != b"ready\n":
            assert self.process.poll() is None, (directory / "oidc.log").read_text()
        (directory / "secret").write_text(secret)
        node.config.write_text(
            node.config.read_text()
            + f"""[oauth]
issuer = "{origin}"
[[providers]]
name = "company"
label = "Company"
issuer = "http://127.0.0.1:{self.port}"
client_id = "mail"
client_secret_file = "{directory / "secret"}"
domains = ["qq.test"]
provision = true
"""
        )
        node.add_people("li")
        node.command("client", "add", "app", "--name", "App", "--redirect", "http://127.0.0.1/back")
        node.start()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        assert self.node.stop() == 0


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Houses]:
    directory = tmp_path_factory.mktemp("oidc")
    (directory / "node").mkdir()
    houses = Houses(directory)
    yield houses
    houses.stop()
    assert "msg=fault" not in houses.node.log.read_text()


class Browser:
    def __init__(self, houses: Houses) -> None:
        self.http = httpx.Client(timeout=20, headers={"accept-language": "en"})
        self.houses = houses
        self.url = ""
        self.page = ""
        self.status = 0

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: Any) -> None:
        self.http.close()

    def go(self, method: str, url: str, fields: dict[str, str] | None = None, until: str = "") -> None:
        """Along all redirects, but not to where it starts with `until`."""
        for _ in range(12):
            head = {"origin": "{0.scheme}://{0.netloc}".format(urlsplit(url))}
            answer = self.http.request(method, url, data=fields, headers=head)
            self.url, self.page, self.status = url, answer.text, answer.status_code
            if answer.status_code not in (302, 303):
                return
            url, method, fields = urljoin(url, answer.headers["location"]), "GET", None
            if until and url.startswith(until):
                self.url = url
                return
        raise AssertionError("it goes in circles")

    def submit(self, until: str = "", **fields: str) -> None:
        form = re.findall(r"<form.*?</form>", self.page, re.DOTALL)[0]
        action = re.search(r'<form[^>]* action="([^"]*)"', form)
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form))
        values = {name: unescape(value) for name, value in hidden.items()} | fields
        self.go("POST", urljoin(self.url, unescape(action[1])) if action else self.url, values, until)

    def come_by(self, login: str) -> None:
        """Our sign-in page, its button, the provider's pages, and back."""
        query = {
            "client_id": "app",
            "response_type": "code",
            "redirect_uri": "http://127.0.0.1/back",
            "scope": "imap",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        self.go("GET", str(httpx.URL(f"{self.houses.origin}/oauth/authorize", params=query)))
        (link,) = re.findall(r'href="(/oauth/with/company[^"]*)"', self.page)
        self.go("GET", self.houses.origin + unescape(link))
        assert self.url.startswith(f"http://127.0.0.1:{self.houses.port}/interaction/"), self.page
        self.submit(prompt="login", login=login, password="any")
        if self.url.startswith(f"http://127.0.0.1:{self.houses.port}/"):
            self.submit(prompt="consent")


def test_a_certified_provider_vouches(houses: Houses) -> None:
    for login in ("li", "newcomer"):  # who has an account, and who gets one
        with Browser(houses) as browser:
            browser.come_by(login)
            assert "Allow access?" in browser.page, browser.page
            assert f"{login}@qq.test" in browser.page
            browser.submit(answer="allow", until="http://127.0.0.1/back")
            assert "code" in parse_qs(urlsplit(browser.url).query)
    accounts = {one["address"]: one for one in houses.node.json("account", "list")}
    assert accounts["newcomer@qq.test"]["name"] == "Name of newcomer"


def test_an_address_that_was_never_checked_opens_nothing(houses: Houses) -> None:
    with Browser(houses) as browser:
        browser.come_by("unverified")
        assert browser.status == 403
        assert "Allow access?" not in browser.page


def test_an_answer_is_worth_nothing_in_another_browser_or_twice(houses: Houses) -> None:
    with Browser(houses) as browser, Browser(houses) as thief:
        back = f"{houses.origin}/oauth/back/company"
        seen: list[str] = []
        request = browser.http.request

        def watched(method: str, url: str, **options: Any) -> httpx.Response:
            seen.append(url)
            return request(method, url, **options)

        browser.http.request = watched  # type: ignore[method-assign]
        browser.come_by("li")
        assert "Allow access?" in browser.page
        (answer,) = (url for url in seen if url.startswith(back))
        for who in (thief, browser):
            who.go("GET", answer)
            assert who.status == 403
