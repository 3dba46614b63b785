"""Other people's programs sign in: msmtp by SCRAM, openssl s_client bound to its channel, what the node keeps of it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from posthouse.wire.sasl import ClientExchange, Credentials
from tests.integration.node import wait_until
from tests.integration.node_rig import HOSTNAME, PASSWORD, ServedNode
from tests.integration.requirements import require

LI = "li@qq.test"
MSMTPRC = """
account post
host localhost
port {port}
tls on
tls_starttls {starttls}
tls_trust_file {ca}
auth {mechanism}
user {user}
password {password}
from {user}
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedNode]:
    node = ServedNode(tmp_path_factory.mktemp("node"))
    node.add_people("li", "wang")
    node.start()
    yield node
    node.stop()


def msmtp(
    node: ServedNode, tmp_path: Path, mechanism: str, password: str, *, listener: str = "submissions"
) -> subprocess.CompletedProcess[str]:
    require("msmtp")
    config = tmp_path / "msmtprc"
    config.write_text(
        MSMTPRC.format(
            port=node.ports[listener],
            starttls="on" if listener == "submission" else "off",
            ca=node.ca,
            mechanism=mechanism,
            user=LI,
            password=password,
        )
    )
    config.chmod(0o600)
    letter = f"From: {LI}\nTo: wang@qq.test\nSubject: by {mechanism}\n\nhello\n"
    words = ["msmtp", "-C", str(config), "-a", "post", "wang@qq.test"]
    return subprocess.run(words, input=letter, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("mechanism", ["scram-sha-256", "scram-sha-1", "plain", "login"])
@pytest.mark.parametrize("listener", ["submissions", "submission"])
def test_msmtp(node: ServedNode, tmp_path: Path, mechanism: str, listener: str) -> None:
    assert msmtp(node, tmp_path, mechanism, "wrong", listener=listener).returncode != 0
    done = msmtp(node, tmp_path, mechanism, PASSWORD, listener=listener)
    assert done.returncode == 0, done.stderr


def test_msmtp_with_app_passwords_of_two_scopes(node: ServedNode, tmp_path: Path) -> None:
    for name, actions, works in (("mailer", "send", True), ("reader", "read", False)):
        words = ("account", "app-password", "add", LI, name, "--actions", actions)
        secret = node.command(*words).stdout.split()[-1]
        done = msmtp(node, tmp_path, "scram-sha-256", secret)
        assert (done.returncode == 0) is works, done.stderr
        assert works or "not for sending" in done.stderr
    listed = {one["name"]: one for one in node.json("account", "app-password", "list", LI)}
    assert listed["mailer"]["actions"] == ["send"]
    assert listed["mailer"]["used_protocol"] == "submission"


class SClient:
    """TLS by `openssl s_client`; the SASL lines are ours."""

    def __init__(self, node: ServedNode, version: str) -> None:
        require("openssl")
        words = ["openssl", "s_client", "-quiet", "-verify_quiet", version, "-CAfile", str(node.ca)]
        words += ["-verify_return_error", "-servername", HOSTNAME]
        words += ["-connect", f"127.0.0.1:{node.ports['imaps']}"]
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def read(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def say(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\r\n")
        self.process.stdin.flush()

    def sign_in(self, mechanism: str, bindings: dict[str, bytes]) -> bytes:
        """The tagged answer."""
        self.read()
        client = ClientExchange(mechanism, Credentials("", LI, PASSWORD), b"nonce", bindings)
        initial = client.initial()
        assert initial is not None
        self.say(b"a AUTHENTICATE %b %b" % (mechanism.encode(), initial))
        while (said := self.read()).startswith(b"+ "):
            answer = client.receive(said[2:].rstrip())
            self.say(b"*" if answer is None else answer)
        assert not said.startswith(b"a OK") or not client.unproven
        self.close()
        return said

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


def end_point(node: ServedNode) -> bytes:
    """RFC 5929 §4.1, of the certificate as openssl sees it."""
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{node.ports['imaps']}", "-servername", HOSTNAME]
    shown = subprocess.run(words, input=b"", capture_output=True, timeout=20, check=False).stdout
    begin = shown.index(b"-----BEGIN CERTIFICATE-----")
    return x509.load_pem_x509_certificate(shown[begin:]).fingerprint(hashes.SHA256())


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_s_client_binds_scram_to_its_channel(node: ServedNode, version: str) -> None:
    right, plus = end_point(node), "SCRAM-SHA-256-PLUS"
    assert SClient(node, version).sign_in(plus, {"tls-server-end-point": right}).startswith(b"a OK ")
    # Somebody in the middle has another certificate, so what the client binds to is not ours.
    said = SClient(node, version).sign_in(plus, {"tls-server-end-point": bytes(32)})
    assert said.startswith(b"a NO [AUTHENTICATIONFAILED]")
    # A client that could bind and was told that we cannot: with TLS 1.2, where -PLUS is announced, a downgrade.
    said = SClient(node, version).sign_in("SCRAM-SHA-256", {"tls-server-end-point": right})
    assert said.startswith(b"a BAD The channel binding" if version == "-tls1_2" else b"a OK ")


def test_the_node_tells_who_came(node: ServedNode, tmp_path: Path) -> None:
    node.command("account", "set", "wang@qq.test", "--new-device", "notify")
    assert node.json("device", "list", "wang@qq.test") == []
    with SClientLogin(node, "wang@qq.test") as said:
        assert said.startswith(b"a OK ")
    # What is noted of a sign-in is written with the next batch.
    [device] = wait_until(lambda: node.json("device", "list", "wang@qq.test"), "the device is noted")
    assert (device["protocol"], device["network"], device["state"]) == ("imap", "127.0.0.0/8", "known")
    node.command("device", "block", "wang@qq.test", str(device["id"]))
    with SClientLogin(node, "wang@qq.test") as said:
        assert said.startswith(b"a NO [ALERT] This device is new")


class SClientLogin:
    def __init__(self, node: ServedNode, name: str) -> None:
        self.client = SClient(node, "-tls1_3")
        self.name = name

    def __enter__(self) -> bytes:
        self.client.read()
        self.client.say(f'a LOGIN {self.name} "{PASSWORD}"'.encode())
        return self.client.read()

    def __exit__(self, *_: object) -> None:
        self.client.close()
