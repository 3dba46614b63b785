"""Sign-in by token on a served node: curl, Python's clients, the command line, and every protocol."""

from __future__ import annotations

import base64
import hashlib
import http.client
import imaplib
import json
import os
import poplib
import re
import shutil
import smtplib
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from posthouse.core import totp
from tests.integration.node_rig import PASSWORD, Line, ServedNode
from tests.integration.requirements import missing, require

REDIRECT = "http://127.0.0.1/"
CLIENTS = Path(__file__).parents[1] / "clients"
LI = "li@qq.test"


class Web:
    """A browser's cookies and forms, on the node's page."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookie = ""
        self.page = ""

    def ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        body = urlencode(fields) if fields is not None else None
        head = {"cookie": self.cookie, "origin": f"http://127.0.0.1:{self.port}"}
        if body is not None:
            head["content-type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, body, head)
        answer = connection.getresponse()
        self.page = answer.read().decode()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        connection.close()
        if "set-cookie" in headers:
            self.cookie = headers["set-cookie"].partition(";")[0]
        return answer.status, headers

    def submit(self, path: str, **fields: str) -> tuple[int, dict[str, str]]:
        form = re.findall(r"<form.*?</form>", self.page, re.DOTALL)[0]
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form))
        return self.ask("POST", path, {name: unescape(value) for name, value in hidden.items()} | fields)

    def json(self, path: str, **fields: str) -> dict[str, Any]:
        self.ask("POST", path, fields)
        found: dict[str, Any] = json.loads(self.page)
        return found


def authorize(web: Web, scope: str) -> dict[str, Any]:
    """The tokens of `tb` from li."""
    verifier = "v" * 50
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    redirect = "http://127.0.0.1:50000/"
    query = {
        "response_type": "code",
        "client_id": "tb",
        "redirect_uri": redirect,
        "scope": scope,
        "state": "s",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    path = "/oauth/authorize?" + urlencode(query)
    assert web.ask("GET", path)[0] == 200
    if 'name="password"' in web.page:
        assert web.submit(path, address=LI, password=PASSWORD)[0] == 200
    status, headers = web.submit(path, answer="allow")
    assert status == 303, web.page
    back = dict(parse_qsl(urlsplit(headers["location"]).query))
    return web.json(
        "/oauth/token",
        grant_type="authorization_code",
        client_id="tb",
        code=back["code"],
        code_verifier=verifier,
        redirect_uri=redirect,
    )


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedNode]:
    node = ServedNode(tmp_path_factory.mktemp("oauth"))
    text = node.config.read_text()
    node.config.write_text(f'{text}\n[oauth]\nissuer = "http://127.0.0.1:{node.ports["http"]}"\n')
    node.add_people("li", "wang")
    added = node.json("client", "add", "tb", "--name", "Thunderbird", "--redirect", REDIRECT)
    assert (added["client"], added["confidential"]) == ("tb", False)
    node.start()
    yield node
    assert node.stop() == 0


def xoauth2(token: str, user: str = LI) -> bytes:
    return f"user={user}\x01auth=Bearer {token}\x01\x01".encode()


def bearer(token: str, user: str = LI) -> bytes:
    return f"n,a={user},\x01auth=Bearer {token}\x01\x01".encode()


def imap(node: ServedNode, mechanism: str, message: bytes) -> imaplib.IMAP4:
    client = imaplib.IMAP4("127.0.0.1", node.ports["imap"], timeout=20)
    try:
        client.authenticate(mechanism, lambda challenge: b"" if challenge else message)
    except imaplib.IMAP4.error:
        client.shutdown()
        raise
    return client


def test_pythons_clients_sign_in_everywhere(node: ServedNode) -> None:
    web = Web(node.ports["http"])
    issued = authorize(web, "imap pop smtp")
    token = issued["access_token"]
    for mechanism, message in (("XOAUTH2", xoauth2(token)), ("OAUTHBEARER", bearer(token))):
        client = imap(node, mechanism, message)
        assert client.select("INBOX")[0] == "OK"
        client.logout()
        pop = poplib.POP3("127.0.0.1", node.ports["pop3"], timeout=20)
        answer = pop._shortcmd(f"AUTH {mechanism} {base64.b64encode(message).decode()}")  # type: ignore[attr-defined]
        assert answer.startswith(b"+OK")
        assert pop.stat()[0] >= 0
        pop.quit()
        with smtplib.SMTP("127.0.0.1", node.ports["submission"], timeout=20) as smtp:
            smtp.ehlo()
            smtp.auth(
                mechanism, lambda challenge=None, message=message: "" if challenge else message.decode()
            )
            smtp.sendmail(LI, [LI], f"From: {LI}\r\nTo: {LI}\r\nSubject: token\r\n\r\nhello\r\n")
    listed = node.json("grant", "list", "--account", LI)
    assert [(one["client"], one["scope"]) for one in listed] == [("tb", "imap pop smtp")]
    assert listed[0]["used_ip"] == "127.0.0.1"
    # Taken back on the command line: refused by every worker at once.
    assert node.json("grant", "revoke", str(listed[0]["number"])) == {"revoked": 1}
    for _ in range(6):
        with pytest.raises(imaplib.IMAP4.error):
            imap(node, "OAUTHBEARER", bearer(token))
    refused = web.json(
        "/oauth/token", grant_type="refresh_token", client_id="tb", refresh_token=issued["refresh_token"]
    )
    assert refused["error"] == "invalid_grant"


def test_sessions_end_when_what_opened_them_is_taken_back(node: ServedNode) -> None:
    token = authorize(Web(node.ports["http"]), "imap")["access_token"]
    node.command("account", "app-password", "add", LI, "phone")
    text = node.command("account", "app-password", "add", LI, "tablet").stdout
    secret = text.strip().rpartition(" ")[2]

    def signed_in(command: bytes) -> Line:
        line = node.dial("imap")
        line.read()
        assert line.ask(command).startswith(b"a OK")
        return line

    by_token = signed_in(b"a AUTHENTICATE OAUTHBEARER " + base64.b64encode(bearer(token)))
    by_app = signed_in(f"a LOGIN {LI} {secret}".encode())
    by_password = signed_in(b'a LOGIN li@qq.test "' + PASSWORD.encode() + b'"')
    for line in (by_token, by_app, by_password):
        line.say(b"b NOOP")
        assert line.until(b"b ")[-1].startswith(b"b OK")
    [number] = [one["number"] for one in node.json("grant", "list") if one["scope"] == "imap"]
    node.command("grant", "revoke", str(number))
    assert by_token.until(b"* BYE")[-1].startswith(b"* BYE")
    node.command("account", "app-password", "revoke", LI, "tablet")
    assert by_app.until(b"* BYE")[-1].startswith(b"* BYE")
    by_password.say(b"c NOOP")
    assert by_password.until(b"c ")[-1].startswith(b"c OK")
    for line in (by_token, by_app, by_password):
        line.close()


def test_a_refused_client_is_told_where_to_get_a_token(node: ServedNode) -> None:
    line = node.dial("imap")
    line.read()
    line.say(b"a AUTHENTICATE OAUTHBEARER " + base64.b64encode(bearer("pha_wrong")))
    told = json.loads(base64.b64decode(line.read().removeprefix(b"+ ")))
    assert told["status"] == "invalid_token"
    assert told["openid-configuration"].startswith(f"http://127.0.0.1:{node.ports['http']}/.well-known/")
    line.say(b"AQ==")
    assert line.read().startswith(b"a NO [AUTHENTICATIONFAILED]")
    line.close()
    web = Web(node.ports["http"])
    web.ask("GET", urlsplit(told["openid-configuration"]).path)
    assert json.loads(web.page)["token_endpoint"].endswith("/oauth/token")


def test_a_token_for_one_thing_opens_no_other(node: ServedNode) -> None:
    token = authorize(Web(node.ports["http"]), "imap:read")["access_token"]
    client = imap(node, "XOAUTH2", xoauth2(token))
    client.select("INBOX", readonly=True)
    with pytest.raises(imaplib.IMAP4.error):
        imap(node, "XOAUTH2", xoauth2(token, "wang@qq.test"))
    client.logout()
    with smtplib.SMTP("127.0.0.1", node.ports["submission"], timeout=20) as smtp:
        smtp.ehlo()
        with pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.auth("XOAUTH2", lambda challenge=None: "" if challenge else xoauth2(token).decode())


def test_a_whole_device_grant_on_the_command_line(node: ServedNode, tmp_path: Path) -> None:
    """`posthouse device-login` asks; a person types the code into the page; the token reads mail; renewed later."""
    issuer = f"http://127.0.0.1:{node.ports['http']}"
    kept = tmp_path / "token.json"
    words = [sys.executable, "-m", "posthouse", "--lang", "en", "device-login", issuer, "--file", str(kept)]
    device = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert device.stderr is not None
    told = [device.stderr.readline() for _ in range(2)]
    assert told[0] == f"Open in a browser: {issuer}/oauth/device\n"
    code = told[1].rpartition(" ")[2].strip()
    web = Web(node.ports["http"])
    web.ask("GET", "/oauth/device")
    web.submit("/oauth/device", address=LI, password=PASSWORD)
    web.submit("/oauth/device", user_code=code)
    assert "posthouse device-login" in web.page
    web.submit("/oauth/device", answer="allow")
    assert "完成" in web.page
    out, err = device.communicate(timeout=30)
    assert (device.returncode, err) == (0, "")
    first = out.strip()
    imap(node, "OAUTHBEARER", bearer(first)).logout()
    assert kept.stat().st_mode & 0o777 == 0o600
    renewed = subprocess.run(words, capture_output=True, text=True, timeout=30, check=True)
    assert renewed.stderr == ""
    assert renewed.stdout.strip() not in ("", first)
    imap(node, "XOAUTH2", xoauth2(renewed.stdout.strip())).logout()
    assert "posthouse-cli" in {one["client"] for one in node.json("grant", "list")}


@pytest.mark.peers
def test_curl_signs_in_by_token_on_all_three(node: ServedNode, tmp_path: Path) -> None:
    require("curl")
    token = authorize(Web(node.ports["http"]), "imap pop smtp")["access_token"]
    letter = tmp_path / "letter"
    letter.write_text(f"From: {LI}\r\nTo: {LI}\r\nSubject: by curl\r\n\r\nhello\r\n")

    def curl(service: str, *words: str) -> str:
        scheme = {"imaps": "imaps", "pop3s": "pop3s", "submissions": "smtps"}[service]
        command = ["curl", "-sS", "--max-time", "20", "--cacert", str(node.ca), "--user", f"{LI}:"]
        url = f"{scheme}://localhost:{node.ports[service]}/"
        done = subprocess.run(
            [*command, "--oauth2-bearer", token, *words, url], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    curl("submissions", "--mail-from", LI, "--mail-rcpt", LI, "--upload-file", str(letter))
    assert "EXISTS" in curl("imaps", "--request", "SELECT INBOX")
    assert curl("pop3s").strip()


def test_pages_have_a_listener_with_tls(tmp_path: Path) -> None:
    node = ServedNode(tmp_path)
    port = node.ports["lmtp"]
    text = node.config.read_text().replace(
        "[listeners.lmtp]\nenabled = true", "[listeners.lmtp]\nenabled = false"
    )
    node.config.write_text(f'{text}\n[listeners.https]\nenabled = true\naddresses = ["127.0.0.1:{port}"]\n')
    node.start()
    context = ssl.create_default_context(cafile=str(node.ca))
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=20)
    connection.request("GET", "/.well-known/openid-configuration")
    answer = connection.getresponse()
    found = json.loads(answer.read())
    assert (answer.status, found["issuer"]) == (200, "https://mail.qq.test")
    connection.request("GET", "/metrics")
    assert connection.getresponse().status == 404  # what is the administrator's stays on the other listener
    connection.close()
    assert node.stop() == 0


@pytest.mark.peers
def test_a_program_signs_in_through_a_real_browser_and_imapflow_reads_with_its_token(
    node: ServedNode, tmp_path: Path
) -> None:
    """Chromium at a phone's width: its rules for forms that lead to a loopback address, and nothing for axe to find."""
    require("node", "chromium")
    if not (CLIENTS / "node_modules" / "playwright-core").exists():
        missing("playwright-core is not installed: npm ci --prefix tests/clients")
    issuer = f"http://127.0.0.1:{node.ports['http']}"
    key = base64.b32decode(node.json("two-step", "enable", "wang@qq.test")["secret"])
    node.command("two-step", "confirm", "wang@qq.test", totp.hotp(key, int(time.time() // totp.STEP_S)))
    words = [issuer, "tb", LI, PASSWORD, str(node.ports["imap"]), str(tmp_path), "wang@qq.test"]
    done = subprocess.run(
        ["node", "oauth.mjs", str(shutil.which("chromium")), *words],
        cwd=CLIENTS,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"NODE_EXTRA_CA_CERTS": str(node.ca)},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    pages = [
        "signin",
        "consent",
        "device",
        "no-code",
        "confirm",
        "refused",
        "late",
        "wrong",
        "second",
        "second-wrong",
    ]
    assert found["axe"] == {name: [] for name in pages}
    assert found["wide"] == dict.fromkeys(pages, False)
    assert (found["state"], found["iss"], found["scope"]) == (True, True, "imap smtp offline_access")
    assert found["console"] == []
    assert "INBOX" in found["folders"]


def test_a_program_on_a_jmap_library(node: ServedNode) -> None:
    """jmap-jam: session, queries with references, upload, composing and sending, events, flags, changes."""
    require("node")
    if not (CLIENTS / "node_modules" / "jmap-jam").is_dir():
        missing("jmap-jam is not installed (npm ci --prefix tests/clients)")
    token = authorize(Web(node.ports["http"]), "jmap")["access_token"]
    url = f"http://127.0.0.1:{node.ports['http']}/.well-known/jmap"
    done = subprocess.run(
        ["node", "jam.mjs", url, token, LI],
        cwd=CLIENTS,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    client = imap(node, "XOAUTH2", xoauth2(authorize(Web(node.ports["http"]), "imap")["access_token"]))
    client.select("INBOX", readonly=True)
    _, [found] = client.search(None, "FLAGGED", "SEEN")
    assert len(found.split()) == len(json.loads(done.stdout)["flagged"]) == 1
    client.logout()
