"""Passkeys in Chromium, with a virtual authenticator: made, used as the only step and as the second one."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from posthouse.core import totp
from tests.integration.node_rig import PASSWORD, ServedNode
from tests.integration.ports import free_ports
from tests.integration.requirements import require

LI = "li@qq.test"
# What a page of ours would do: JSON to /auth/, and the browser's own forms of the answers.
PAGE = """
const done = arguments[arguments.length - 1];
const [action, ...rest] = [...arguments].slice(0, -1);
const post = async (path, body) => {
  const answer = await fetch('/auth/' + path, {
    method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify(body || {})});
  return [answer.status, await answer.json()];
};
const actions = {
  post,
  get: async (path) => { const answer = await fetch('/auth/' + path); return [answer.status, await answer.json()]; },
  register: async (name) => {
    const [status, options] = await post('passkeys/options');
    if (status !== 200) return [status, options];
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    const made = await navigator.credentials.create({publicKey});
    return post('passkeys/register', {name, passkey: made.toJSON()});
  },
  passkey: async (ticket) => {
    const [status, options] = await post('passkey/options', ticket ? {ticket} : {});
    if (status !== 200) return [status, options];
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
    const passkey = (await navigator.credentials.get({publicKey})).toJSON();
    return ticket ? post('sign-in/second', {ticket, passkey}) : post('passkey/sign-in', {passkey});
  },
};
actions[action](...rest).then(done, error => done([0, String(error)]));
"""


class Chromium:
    """One browser by WebDriver, whose extension for WebAuthn has authenticators in software."""

    def __init__(self, profile: Path) -> None:
        (port,) = free_ports(1)
        self.base = f"http://127.0.0.1:{port}"
        self.driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._wait()
        arguments = [
            "--headless=new",
            f"--user-data-dir={profile}",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        wanted = {"browserName": "chrome", "goog:chromeOptions": {"args": arguments}}
        made = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = f"/session/{made['sessionId']}"
        self.call("POST", f"{self.session}/timeouts", {"script": 20_000})

    def _wait(self) -> None:
        until = time.monotonic() + 20
        while True:
            try:
                if self.call("GET", "/status")["ready"]:
                    return
            except OSError:
                assert time.monotonic() < until
                time.sleep(0.05)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(
            self.base + path, data, {"content-type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def add_authenticator(self, *, verifies: bool = True) -> str:
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserConsenting": True,
            "isUserVerified": verifies,
        }
        found: str = self.call("POST", f"{self.session}/webauthn/authenticator", options)
        return found

    def verify(self, authenticator: str, *, verifies: bool) -> None:
        path = f"{self.session}/webauthn/authenticator/{authenticator}/uv"
        self.call("POST", path, {"isUserVerified": verifies})

    def open(self, url: str) -> None:
        self.call("POST", f"{self.session}/url", {"url": url})

    def run(self, action: str, *rest: Any) -> tuple[int, Any]:
        body = {"script": PAGE, "args": [action, *rest]}
        status, answer = self.call("POST", f"{self.session}/execute/async", body)
        return status, answer

    def source(self) -> str:
        text: str = self.call("GET", f"{self.session}/source")
        return text

    def press_passkey(self) -> None:
        (button,) = self.call(
            "POST", f"{self.session}/elements", {"using": "css selector", "value": "#passkey button"}
        )
        (number,) = button.values()
        self.call("POST", f"{self.session}/element/{number}/click", {})

    def wait_for(self, text: str) -> str:
        until = time.monotonic() + 20
        while text not in (found := self.source()):
            assert time.monotonic() < until, found
            time.sleep(0.05)
        return found

    def close(self) -> None:
        self.call("DELETE", self.session)
        self.driver.terminate()
        self.driver.wait(10)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[ServedNode]:
    node = ServedNode(tmp_path / "node", workers=2)
    origin = f"http://localhost:{node.ports['http']}"
    node.config.write_text(node.config.read_text() + f'[oauth]\nissuer = "{origin}"\n')
    node.add_people("li")
    node.start()
    yield node
    node.stop()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chromium]:
    require("chromium", "chromedriver")
    browser = Chromium(tmp_path / "profile")
    yield browser
    browser.close()


def test_a_passkey_is_made_and_used(node: ServedNode, browser: Chromium) -> None:
    origin = f"http://localhost:{node.ports['http']}"
    authenticator = browser.add_authenticator()
    browser.open(f"{origin}/healthz")  # a page of this origin without a policy of its own
    assert browser.run("get", "session")[0] == 401
    assert browser.run("post", "sign-in", {"address": LI, "password": PASSWORD})[0] == 200
    status, answer = browser.run("register", "laptop")
    assert (status, answer) == (201, {"state": "registered"})
    assert browser.run("register", "again")[0] == 0  # the authenticator has one already
    browser.run("post", "sign-out")
    assert browser.run("get", "session")[0] == 401

    # Passwordless: the browser says whose passkey it is.
    assert browser.run("passkey") == (200, {"state": "signed-in", "account": LI})
    session = browser.run("get", "session")[1]
    assert (session["account"], session["kind"]) == (LI, "passkey")
    browser.run("post", "sign-out")

    # As the second step, after an app was set up at the command line.
    made = node.json("two-step", "enable", LI)
    code = totp.hotp(base64.b32decode(made["secret"]), int(time.time() // totp.STEP_S))
    node.command("two-step", "confirm", LI, code)
    status, step = browser.run("post", "sign-in", {"address": LI, "password": PASSWORD})
    assert (status, step["state"]) == (200, "second-step")
    assert "passkey" in step["methods"]
    assert browser.run("passkey", step["ticket"])[0] == 200
    assert browser.run("get", "session")[1]["kind"] == "two-step"

    # A finger that does not fit opens nothing.
    browser.verify(authenticator, verifies=False)
    assert browser.run("passkey")[0] != 200

    listed = node.json("passkey", "list", LI)
    assert [one["name"] for one in listed] == ["laptop"]
    [session] = node.json("session", "list", LI)
    assert re.search(r"Chrome", session["client"])
    node.command("session", "end", LI)
    assert browser.run("get", "session")[0] == 401
    node.command("passkey", "remove", LI, "laptop")
    browser.verify(authenticator, verifies=True)
    assert browser.run("passkey")[0] == 401
    outcomes = {one["kind"] for one in node.json("sign-ins", LI)}
    assert {"password", "passkey", "two-step"} <= outcomes


def test_programs_are_allowed_in_by_a_passkey(node: ServedNode, browser: Chromium) -> None:
    """The pages of the authorization server: without a name; and as the second step behind the password."""
    origin = f"http://localhost:{node.ports['http']}"
    node.command("client", "add", "app", "--name", "App", "--redirect", "http://127.0.0.1/back")
    browser.add_authenticator()
    browser.open(f"{origin}/healthz")
    browser.run("post", "sign-in", {"address": LI, "password": PASSWORD})
    assert browser.run("register", "laptop")[0] == 201
    browser.run("post", "sign-out")
    query = urlencode(
        {
            "client_id": "app",
            "response_type": "code",
            "redirect_uri": "http://127.0.0.1/back",
            "scope": "imap",
            "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "code_challenge_method": "S256",
            "ui_locales": "en",
        }
    )
    browser.open(f"{origin}/oauth/authorize?{query}")
    assert "Sign in with a passkey" in browser.source()
    browser.press_passkey()
    assert "Allow access?" in browser.wait_for("Allow access?")
    assert LI in browser.source()
