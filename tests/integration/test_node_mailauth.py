"""A served node and a DNS server on loopback: what it signs OpenDKIM verifies, what it is brought it checks."""

from __future__ import annotations

import asyncio
import json
import signal
import smtplib
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from posthouse.mailauth.dkim_sign import key_record
from tests.dns_server import DnsServer, dns_server
from tests.integration.node_rig import LIMIT_S, PASSWORD, ServedNode
from tests.integration.requirements import require
from tests.unit.mailauth_world import signed, signing_key, verified
from tests.unit.smtp_peer import Peer, running

pytestmark = pytest.mark.peers

KEY = signing_key("ed25519", "s1")
ZONE = f"""
qq.test. IN TXT "v=spf1 ip4:127.0.0.1 -all"
163.test. IN TXT "v=spf1 ip4:192.0.2.1 -all"
s1._domainkey.163.test. IN TXT "{key_record(KEY)}"
_dmarc.163.test. IN TXT "v=DMARC1; p=reject"
"""
LETTER = (
    b"From: Li <li@163.test>\r\nTo: zhang@qq.test\r\nSubject: hello\r\nDate: Mon, 21 Sep 2026 14:13:20 +0000\r\n"
    b"Message-ID: <m1@163.test>\r\n\r\nHello\r\n"
)


class Outside:
    """DNS and another mail server, on an event loop in a thread."""

    def __init__(self) -> None:
        self.dns = DnsServer()
        self.peer = Peer(extensions=("PIPELINING", "SIZE 1000000"))  # 7-bit only
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))
        self._thread.start()
        assert self._ready.wait(LIMIT_S)

    async def _run(self) -> None:
        async with dns_server(ZONE) as self.dns, running(self.peer):
            self._ready.set()
            await self._stop.wait()

    def publish(self, zone: str) -> None:
        self._loop.call_soon_threadsafe(self.dns.load, zone)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(LIMIT_S)
        self._loop.close()


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    outside = Outside()
    yield outside
    outside.close()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, outside: Outside) -> Iterator[ServedNode]:
    extra = (
        f'[dns]\nservers = ["127.0.0.1:{outside.dns.port}"]\ntimeout_s = 1\n[mailauth]\ntrusted_networks = []\n'
        f'[[routes]]\ndomains = ["far.test"]\nhost = "127.0.0.1"\nport = {outside.peer.port}\ntls = "none"\n'
    )
    node = ServedNode(tmp_path_factory.mktemp("node"), workers=1, extra=extra)
    node.add_people("zhang")
    node.start()
    yield node
    node.stop()


def until(ready: Callable[[], object]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def send(node: ServedNode, content: bytes, sender: str = "li@163.test") -> None:
    with smtplib.SMTP("127.0.0.1", node.ports["smtp"], "out.163.test") as smtp:
        smtp.sendmail(sender, ["zhang@qq.test"], content)


def test_a_key_is_used_once_it_is_published_and_opendkim_verifies(node: ServedNode, outside: Outside) -> None:
    require("opendkim")
    keys = node.json("dkim", "list", "qq.test")
    assert {key["state"] for key in keys} == {"next"}
    lines = [line for line in node.command("dkim", "export", "qq.test").stdout.splitlines() if " IN " in line]
    outside.publish("\n".join(lines))
    assert node.process is not None
    node.process.send_signal(signal.SIGHUP)  # a worker looks at its start, at a reload, and every few minutes
    until(lambda: {key["state"] for key in node.json("dkim", "list", "qq.test")} == {"active"})
    with smtplib.SMTP("127.0.0.1", node.ports["submission"]) as smtp:
        smtp.login("zhang@qq.test", PASSWORD)
        text = "From: zhang@qq.test\r\nTo: x@far.test\r\nSubject: 8-bit\r\n\r\n你好，李。\r\n".encode()
        smtp.sendmail("zhang@qq.test", ["x@far.test"], text, ["BODY=8BITMIME"])
    until(lambda: outside.peer.messages)
    (sent,) = outside.peer.messages
    assert sent.isascii()  # re-coded for the peer, and signed as it left
    zone = {(f"{key['selector']}._domainkey.qq.test", "TXT"): [key["record"]] for key in keys}
    assert [one.result for one in verified(sent, zone, now=time.time())] == ["pass", "pass"]
    directory = node.directory / "opendkim"
    directory.mkdir()
    (directory / "keys").write_text("".join(f"{name} {records[0]}\n" for (name, _), records in zone.items()))
    (directory / "conf").write_text(f"TestPublicKeys {directory}/keys\nMode v\nRequireSafeKeys false\n")
    (directory / "message").write_bytes(sent)
    command = ["opendkim", "-x", str(directory / "conf"), "-t", str(directory / "message"), "-v", "-v"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert told.count("dkim=pass") == 2, told
    until(lambda: "signed (DKIM) as qq.test" in node.command("trace").stdout)
    assert "BEGIN PRIVATE" not in node.log.read_text() + json.dumps(node.json("trace"))


def test_what_is_brought_is_checked(node: ServedNode, outside: Outside) -> None:
    send(node, signed(LETTER, "163.test", KEY, now=time.time()))
    with pytest.raises(smtplib.SMTPDataError) as caught:
        send(node, LETTER)
    assert caught.value.smtp_code == 550
    assert caught.value.smtp_error.startswith(
        b"5.7.26 163.test asks to refuse this: DMARC policy reject of 163.test"
    )
    trace = caught.value.smtp_error.split()[-1].decode()
    story = node.command("trace", trace).stdout
    assert "SPF fail (163.test) by -all; no DKIM signature; DMARC fail (163.test, policy reject)" in story
    assert "DNS: _dmarc.163.test TXT: v=DMARC1; p=reject" in story
    # DNS that is broken or silent refuses nothing.
    for domain in ("broken.test", "silent.test"):
        send(node, LETTER.replace(b"163.test", domain.encode()), f"li@{domain}")
    found = node.json("trace")
    decisions = [line["facts"]["decision"] for line in found if line["step"] == "authenticated"]
    assert sorted(decisions) == ["accept", "accept", "accept", "reject"]
    assert ("_dmarc.163.test", "TXT") in outside.dns.questions
    with urllib.request.urlopen(f"http://127.0.0.1:{node.ports['http']}/metrics", timeout=LIMIT_S) as answer:
        metrics = answer.read().decode()
    assert 'letters_checked_total{decision="accept"} 3' in metrics
    assert 'letters_checked_total{decision="reject"} 1' in metrics


def test_a_notice_of_ours_is_signed(node: ServedNode, outside: Outside) -> None:
    node.command("dkim", "rotate", "qq.test", "--now")
    keys = node.json("dkim", "list", "qq.test")
    zone = {(f"{key['selector']}._domainkey.qq.test", "TXT"): [key["record"]] for key in keys}
    outside.peer.messages.clear()
    with smtplib.SMTP("127.0.0.1", node.ports["smtp"], "out.far.test") as smtp:
        smtp.ehlo()
        smtp.mail("back@far.test")
        smtp.rcpt("zhang@qq.test", ["NOTIFY=SUCCESS"])
        assert smtp.data(LETTER.replace(b"163.test", b"far.test"))[0] == 250
    until(lambda: outside.peer.messages)
    (sent,) = outside.peer.messages
    assert b"From: Mail Delivery System <MAILER-DAEMON@mail.qq.test>" in sent
    verdicts = verified(sent, zone, now=time.time())
    assert [(one.result, one.domain) for one in verdicts] == [("pass", "qq.test")] * 2
