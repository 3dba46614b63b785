"""`posthouse tls check` finds what clients would stumble over, on every port with TLS."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from pathlib import Path

from posthouse.client.tls_check import look
from posthouse.openssl.self_signed import self_signed
from tests.integration.node_rig import HOSTNAME, ServedNode


def test_every_port_is_looked_at(tmp_path: Path) -> None:
    node = ServedNode(tmp_path)
    node.start()
    found = node.json("tls", "check", "--ca-file", str(node.ca))
    assert {one["listener"] for one in found} >= {
        "smtp",
        "submission",
        "submissions",
        "pop3",
        "pop3s",
        "imap",
        "imaps",
    }
    for one in found:
        assert (one["problems"], one["name"], one["version"]) == ([], HOSTNAME, "TLSv1.3")
        assert one["days_left"] > 300
    # As the world sees it: nobody trusts the demo's authority; and a name that the certificate does not have.
    done = node.command("tls", "check", status=4)
    assert done.stdout.count("clients will not trust it") == 1  # said once, of all ports
    assert done.stdout.count("see below") == len(found)
    assert "0 with problems" not in done.stdout
    other = look("imap", "127.0.0.1", node.ports["imap"], "other.test", now=time.time(), ca_file=str(node.ca))
    assert [key for key, _ in other.problems] == ["tls.name"]
    assert node.stop() == 0
    gone = look("imap", "127.0.0.1", node.ports["imap"], HOSTNAME, now=time.time())
    assert [key for key, _ in gone.problems] == ["tls.unreachable"]


def test_a_certificate_that_ends_and_old_versions(tmp_path: Path) -> None:
    pem = tmp_path / "one.pem"
    pem.write_text(self_signed("mail.test"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    sock, _ = server.accept()
                except OSError:
                    return
                with sock:
                    try:
                        with context.wrap_socket(sock, server_side=True) as tls:
                            tls.recv(1)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = server.getsockname()[1]
        for now, kinds in (
            (time.time(), {"tls.soon", "tls.chain"}),
            (time.time() + 9e6, {"tls.expired", "tls.chain"}),
        ):
            found = look("imaps", "127.0.0.1", port, "mail.test", now=now)
            assert {key for key, _ in found.problems} == kinds
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)
