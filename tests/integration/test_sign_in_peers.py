"""Other people's programs sign in: msmtp by SCRAM, gsasl and openssl bound to the channel; what the node keeps."""

from __future__ import annotations

import signal
import subprocess
from base64 import b64decode
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

    def __init__(self, node: ServedNode, version: str, *more: str) -> None:
        require("openssl")
        words = [
            "openssl",
            "s_client",
            *(more or ("-quiet",)),
            "-verify_quiet",
            version,
            "-CAfile",
            str(node.ca),
        ]
        words += ["-verify_return_error", "-servername", HOSTNAME]
        words += ["-connect", f"127.0.0.1:{node.ports['imaps']}"]
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def read(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def answer(self) -> bytes:
        """The next line of ours, not of what openssl tells about the connection."""
        while not (line := self.read()).startswith((b"* ", b"+ ", b"a ")):
            assert line
        return line

    def say(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\r\n")
        self.process.stdin.flush()

    def sign_in(self, mechanism: str, bindings: dict[str, bytes]) -> bytes:
        """The tagged answer."""
        self.answer()
        client = ClientExchange(mechanism, Credentials("", LI, PASSWORD), b"nonce", bindings)
        initial = client.initial()
        assert initial is not None
        self.say(b"a AUTHENTICATE %b %b" % (mechanism.encode(), initial))
        while (said := self.answer()).startswith(b"+ "):
            answer = client.receive(said[2:].rstrip())
            self.say(b"*" if answer is None else answer)
        assert not said.startswith(b"a OK") or not client.unproven
        self.close()
        return said

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


def exporting(node: ServedNode) -> tuple[SClient, bytes]:
    """A connection, and what openssl exports of it for RFC 9266."""
    more = ("-keymatexport", "EXPORTER-Channel-Binding", "-keymatexportlen", "32")
    client = SClient(node, "-tls1_3", *more)
    while b"Keying material: " not in (line := client.read()):
        assert line
    keys = bytes.fromhex(line.split()[-1].decode())
    return client, keys


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
    # RFC 5802 §6: a client that could bind and was told that we cannot: somebody took -PLUS off the list.
    said = SClient(node, version).sign_in("SCRAM-SHA-256", {"tls-server-end-point": right})
    assert said.startswith(b"a BAD The channel binding")
    assert SClient(node, version).sign_in("SCRAM-SHA-256", {}).startswith(b"a OK ")


def test_what_openssl_exports_is_what_we_bind_to(node: ServedNode) -> None:
    (one, keys), (other, others) = exporting(node), exporting(node)
    assert len(keys) == len(others) == 32
    assert keys != others
    assert one.sign_in("SCRAM-SHA-512-PLUS", {"tls-exporter": keys}).startswith(b"a OK ")
    assert other.sign_in("SCRAM-SHA-512-PLUS", {"tls-exporter": keys}).startswith(
        b"a NO [AUTHENTICATIONFAILED]"
    )


@pytest.mark.parametrize(("protocol", "listener"), [("--imap", "imap"), ("--smtp", "submission")])
def test_gsasl_binds_to_tls_exporter(node: ServedNode, protocol: str, listener: str) -> None:
    require("gsasl")
    words = [
        "gsasl",
        protocol,
        "--connect",
        f"localhost:{node.ports[listener]}",
        "--x509-ca-file",
        str(node.ca),
    ]
    for password, status in ((PASSWORD, 0), ("wrong", 1)):
        more = ["-a", LI, "-z", LI, "-p", password, "-m", "SCRAM-SHA-256-PLUS", "--verbose"]
        done = subprocess.run(
            [*words, *more], input="", capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == status, (done.stdout, done.stderr)
        sent = b" ".join(b64decode(line) for line in done.stdout.split() if line.startswith("cD10bH"))
        assert sent.startswith(b"p=tls-exporter,")


def test_sessions_are_resumed_at_every_worker_after_a_reload_and_a_restart(
    node: ServedNode, tmp_path: Path
) -> None:
    require("openssl")
    kept = tmp_path / "session"

    def connect(listener: str, *more: str) -> bool:
        words = [
            "openssl",
            "s_client",
            "-connect",
            f"127.0.0.1:{node.ports[listener]}",
            "-CAfile",
            str(node.ca),
        ]
        process = subprocess.Popen(
            [*words, "-servername", HOSTNAME, *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        seen = b""
        while b"ready" not in (line := process.stdout.readline()):  # the greeting comes behind the ticket
            assert line, seen
            seen += line
        process.communicate(b"Q\n", timeout=20)
        return b"\nReused, TLSv1.3" in seen

    def reused() -> list[bool]:
        return [connect(listener, "-sess_in", str(kept)) for listener in ("imaps", "pop3s", "imaps", "imaps")]

    assert not connect("imaps", "-sess_out", str(kept))
    assert reused() == [True] * 4
    assert node.process is not None
    node.process.send_signal(signal.SIGHUP)
    node.wait_log("msg=reloading")
    assert reused() == [True] * 4
    assert node.stop() == 0
    node.start()
    assert reused() == [True] * 4


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
