"""Certificates by ACME from Debian's pebble: every challenge, on a served node, picked up by all workers."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509

from posthouse.app.certificates import Authority
from tests.integration.node_rig import ServedNode
from tests.integration.ports import free_ports
from tests.integration.requirements import require

pytestmark = pytest.mark.peers
NAME = "mail.acme.test"
LIMIT_S = 60.0


class Pebble:
    """The authority, and a DNS server in which every name is this machine."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.port, self.admin, self.dns, self.dns_admin, self.http, self.tls = free_ports(6)
        certificate = Authority(directory / "tls").issue(["localhost", "127.0.0.1"])
        self.ca = directory / "tls" / "ca.pem"
        self.url = f"https://localhost:{self.port}/dir"
        config = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.admin}",
            "certificate": str(certificate.chain),
            "privateKey": str(certificate.key),
            "httpPort": self.http,
            "tlsPort": self.tls,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
        }
        file = directory / "pebble.json"
        file.write_text(json.dumps({"pebble": config}))
        self.log = (directory / "log").open("wb")
        off = [word for name in ("http01", "https01", "tlsalpn01") for word in (f"-{name}", "")]
        dns = ["-dns01", f"127.0.0.1:{self.dns}", "-management", f"127.0.0.1:{self.dns_admin}"]
        environment = os.environ | {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "20"}
        self.processes = [
            subprocess.Popen(
                ["pebble-challtestsrv", *dns, "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", *off],
                stdout=self.log,
                stderr=self.log,
            ),
            subprocess.Popen(
                ["pebble", "-config", file, "-dnsserver", f"127.0.0.1:{self.dns}"],
                stdout=self.log,
                stderr=self.log,
                env=environment,
            ),
        ]
        wait(lambda: reachable(self.port) and reachable(self.dns_admin), "pebble")

    def stop(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
        self.log.close()


def wait(condition: Callable[[], bool], what: str, log: Path | None = None) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, (what, log.read_text() if log is not None else "")
        time.sleep(0.05)


def reachable(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def issuer(port: int, name: str = NAME) -> tuple[str, list[str]]:
    """(issuer, names) of the certificate behind a port with TLS."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), 20) as sock,
        context.wrap_socket(sock, server_hostname=name) as tls,
    ):
        found = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return found.issuer.rfc4514_string(), names.get_values_for_type(x509.DNSName)


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    require("pebble", "pebble-challtestsrv", "curl")
    made = Pebble(tmp_path_factory.mktemp("acme") / "pebble")
    yield made
    made.stop()


@pytest.fixture
def node_of(pebble: Pebble) -> Iterator[Callable[..., ServedNode]]:
    """Nodes that are stopped whatever happens: all of them want the ports that pebble asks."""
    made: list[ServedNode] = []

    def make(directory: Path, challenge: str, more: str = "", names: list[str] | None = None) -> ServedNode:
        node = ServedNode(directory)
        made.append(node)
        text = node.config.read_text()
        start, end = text.index("[[tls.certificates]]"), text.index("[listeners.smtp]")
        node.config.write_text(
            f"""{text[:start]}
[acme]
enabled = true
directory = "{pebble.url}"
ca_file = "{pebble.ca}"
challenge = "{challenge}"
names = {json.dumps(names or [NAME])}
{more}
[listeners.challenge]
enabled = true
addresses = ["127.0.0.1:{pebble.http}"]
[listeners.https]
enabled = true
addresses = ["127.0.0.1:{pebble.tls}"]
{text[end:]}"""
        )
        return node

    yield make
    for node in made:
        if node.process is not None:
            node.stop()


@pytest.mark.parametrize("challenge", ["http-01", "tls-alpn-01"])
def test_a_node_gets_its_certificate_and_all_workers_use_it(
    tmp_path: Path, pebble: Pebble, node_of: Callable[..., ServedNode], challenge: str
) -> None:
    node = node_of(tmp_path, challenge)
    node.start()
    wait(lambda: "Pebble" in issuer(node.ports["imaps"])[0], "certificate", node.log)
    # Every worker, every kind of listener, without a restart.
    for port in (node.ports["imaps"], node.ports["pop3s"], node.ports["submissions"], pebble.tls):
        wait(lambda port=port: all("Pebble" in issuer(port)[0] for _ in range(6)), "every worker", node.log)
        assert issuer(port)[1] == [NAME]
    assert node.log.read_text().count("a certificate was renewed") == 1
    state = (tmp_path / "data" / "mail.db").read_bytes()
    assert b"BEGIN PRIVATE KEY" not in state
    answer = subprocess.run(
        [
            "curl",
            "-sS",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code} %{redirect_url}",
            f"http://127.0.0.1:{pebble.http}/x?y=1",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == "308 https://mail.qq.test/x?y=1"
    assert node.stop() == 0
    node.start()  # it is still there, and nothing is asked for again
    assert "Pebble" in issuer(node.ports["imaps"])[0]
    assert node.log.read_text().count("a certificate was renewed") == 1
    assert node.stop() == 0


def test_names_with_an_asterisk_are_proven_in_dns(
    tmp_path: Path, pebble: Pebble, node_of: Callable[..., ServedNode]
) -> None:
    hook, seen = tmp_path / "hook", tmp_path / "seen"
    hook.write_text(
        f"""#!{sys.executable}
import json, sys, urllib.request
action, name, value = sys.argv[1:]
with open({str(seen)!r}, "a") as file:
    print(action, name, file=file)
path = {{"add": "set-txt", "remove": "clear-txt"}}[action]
body = json.dumps({{"host": name, "value": value}}).encode()
urllib.request.urlopen(f"http://127.0.0.1:{pebble.dns_admin}/{{path}}", body).read()
"""
    )
    hook.chmod(0o755)
    names = ["acme.test", "*.acme.test"]
    (tmp_path / "node").mkdir()
    node = node_of(tmp_path / "node", "dns-01", f'dns_hook = "{hook}"', names)
    node.start()
    wait(
        lambda: "Pebble" in issuer(node.ports["imaps"], "x.acme.test")[0],
        "certificate",
        node.log,
    )
    assert sorted(issuer(node.ports["imaps"])[1]) == ["*.acme.test", "acme.test"]
    wait(lambda: seen.read_text().count("remove") >= 1, "the record is taken away")
    assert node.stop() == 0


def test_what_fails_is_told(tmp_path: Path, pebble: Pebble, node_of: Callable[..., ServedNode]) -> None:
    node = node_of(tmp_path, "http-01", names=["mail.acme.test"])
    text = node.config.read_text().replace(f"127.0.0.1:{pebble.http}", f"127.0.0.1:{free_ports(1)[0]}")
    node.config.write_text(text.replace('data = "data"', 'data = "data"\npostmaster = "li@qq.test"'))
    node.add_people("li")
    node.start()
    found = node.wait_log("a certificate could not be renewed")
    assert "the challenge for mail.acme.test" in found
    assert issuer(node.ports["imaps"])[1] == ["mail.qq.test"]  # a stand-in, so that TLS works at all
    wait(lambda: node.json("mailbox", "list", "li@qq.test")[0]["messages"] == 1, "the postmaster is told")
    assert node.stop() == 0
