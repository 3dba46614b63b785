"""No secret is written down: not in logs, answers, traces or lists, nor as it was typed anywhere in the data."""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.node_rig import ServedNode

LI = "li@qq.test"
RIGHT = "Zeisig-Rotkehlchen-7"
WRONG = "Amsel-Drossel-Fink-9"
_NUMBERS = itertools.count(2)
TOKEN = "ya29.Star-und-die-ganze-Vogelschar"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[ServedNode]:
    node = ServedNode(tmp_path / "node", workers=2)
    origin = f"http://127.0.0.1:{node.ports['http']}"
    text = node.config.read_text() + f'[oauth]\nissuer = "{origin}"\n[log]\nlevel = "debug"\n'
    node.config.write_text(text)
    node.command("domain", "add", "qq.test")
    node.command("account", "add", LI, "--password-stdin", stdin=RIGHT + "\n")
    node.start()
    yield node
    if node.process is not None:
        node.stop()


def converse(port: int, *lines: bytes) -> bytes:
    """Each line when the answer to the one before has come; all that was said."""
    said = b""
    here = (f"127.0.0.{next(_NUMBERS)}", 0)  # failures of one address make it wait
    with socket.create_connection(("127.0.0.1", port), timeout=20, source_address=here) as sock:
        for line in (b"", *lines):
            if line:
                sock.sendall(line + b"\r\n")
            said += sock.recv(65536)
    return said


def test_secrets_stay_secret(node: ServedNode, tmp_path: Path) -> None:
    assert node.process is not None
    limits = Path(f"/proc/{node.process.pid}/limits").read_text()
    assert re.search(r"Max core file size +0 +0 ", limits)  # nor does a crash write its memory down
    app = node.command("account", "app-password", "add", LI, "phone").stdout.split()[-1]
    ports = node.ports
    told = b""
    for secret in (RIGHT, WRONG, app):
        plain = base64.b64encode(f"\0{LI}\0{secret}".encode())
        told += converse(ports["imap"], f'a LOGIN {LI} "{secret}"'.encode(), b"b LOGOUT")
        told += converse(ports["imap"], b"a AUTHENTICATE PLAIN " + plain, b"b LOGOUT")
        told += converse(
            ports["imap"], f"a LOGIN {LI} {secret} and more".encode(), b"b NONSENSE"
        )  # malformed
        told += converse(ports["pop3"], b"USER " + LI.encode(), f"PASS {secret}".encode(), b"QUIT")
        told += converse(ports["pop3"], f"APOP {LI} {secret}".encode(), f"XPASS {secret}".encode())
        told += converse(ports["submission"], b"EHLO c.test", b"AUTH PLAIN " + plain, b"QUIT")
        told += converse(ports["submission"], b"EHLO c.test", f"AUTH {secret}".encode(), b"QUIT")
        connection = http.client.HTTPConnection(
            "127.0.0.1", ports["http"], timeout=20, source_address=(f"127.0.0.{next(_NUMBERS)}", 0)
        )
        head = {"content-type": "application/json"}
        connection.request("POST", "/auth/sign-in", json.dumps({"address": LI, "password": secret}), head)
        answer = connection.getresponse()
        told += answer.read()
        connection.close()
    bearer = base64.b64encode(f"n,a={LI},\1auth=Bearer {TOKEN}\1\1".encode())
    told += converse(ports["imap"], b"a AUTHENTICATE OAUTHBEARER " + bearer, b"AQ==", b"b LOGOUT")
    made = node.json("two-step", "enable", LI)
    # Sign-ins are written a moment later, together.
    until = time.monotonic() + 20
    while "wrong" not in node.command("sign-ins", LI, "--json").stdout and time.monotonic() < until:
        pass
    shown = "".join(
        node.command(*words, status=None).stdout
        for words in (
            ("sign-ins", LI, "--json"),
            ("device", "list", LI, "--json"),
            ("account", "show", LI, "--json"),
            ("account", "app-password", "list", LI, "--json"),
            ("two-step", "status", LI, "--json"),
            ("session", "list", LI, "--json"),
            ("trace",),
            ("ban", "list"),
        )
    )
    assert '"wrong"' in shown
    assert '"ok"' in shown or '"new"' in shown
    node.stop()
    node.process = None
    places = {"log": node.log.read_bytes(), "answers": told, "commands": shown.encode()}
    for path in sorted((node.directory / "data").rglob("*")):
        if path.is_file():
            places[str(path)] = path.read_bytes()
    assert b"msg=ready" in places["log"]
    for secret in (RIGHT, WRONG, app, TOKEN, made["secret"]):
        forms = (
            secret.encode(),
            base64.b64encode(f"\0{LI}\0{secret}".encode()),
            secret.encode().hex().encode(),
        )
        for name, content in places.items():
            for form in forms:
                found = re.search(re.escape(form), content, re.IGNORECASE)
                assert found is None, (name, content[max(0, found.start() - 60) : found.end()])
