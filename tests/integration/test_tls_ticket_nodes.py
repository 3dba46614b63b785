"""Two nodes with nothing in common but a file: a session begun at one is resumed at the other, by openssl."""

from __future__ import annotations

import secrets
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.node import wait_until
from tests.integration.node_rig import HOSTNAME, ServedNode
from tests.integration.requirements import require


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("openssl")
    path = tmp_path_factory.mktemp("shared") / "tickets"
    path.write_text(secrets.token_urlsafe(48))
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def nodes(secret: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServedNode]]:
    made: list[ServedNode] = []
    try:
        for name in ("one", "two"):
            node = ServedNode(tmp_path_factory.mktemp(name), workers=1)
            shared = f'[tls]\nticket_secret_file = "{secret}"\n[[tls.certificates]]'
            node.config.write_text(node.config.read_text().replace("[[tls.certificates]]", shared, 1))
            made.append(node)
            node.start()
        yield made
    finally:
        for node in made:
            if node.process is not None:
                node.stop()


def connect(node: ServedNode, version: str, *more: str) -> bool:
    """Whether the session was resumed; it works in any case."""
    port = node.ports["imaps"]
    where = ["-connect", f"127.0.0.1:{port}", "-CAfile", str(node.ca), "-servername", HOSTNAME]
    process = subprocess.Popen(
        ["openssl", "s_client", *where, version, *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        seen = b""
        while b"ready" not in (line := process.stdout.readline()):  # the greeting comes behind the ticket
            assert line, seen
            seen += line
        process.communicate(b"Q\n", timeout=20)
    finally:
        process.kill()
        process.wait(20)
    return b"\nReused, TLSv1." in seen


@pytest.mark.parametrize("version", ["-tls1_3", "-tls1_2"])
def test_a_session_of_one_is_resumed_at_the_other(
    nodes: list[ServedNode], tmp_path: Path, version: str
) -> None:
    one, two = nodes
    kept = str(tmp_path / "session")
    for first, second in ((one, two), (two, one)):
        assert not connect(first, version, "-sess_out", kept)
        assert [connect(node, version, "-sess_in", kept) for node in (second, first, second)] == [True] * 3
    # A ticket that the other one gave is as good as the first.
    connect(two, version, "-sess_in", kept, "-sess_out", kept)
    assert connect(one, version, "-sess_in", kept)


def test_a_new_file_is_a_new_beginning_and_no_failure(
    nodes: list[ServedNode], secret: Path, tmp_path: Path
) -> None:
    """While one node has it already, and after both have."""
    one, two = nodes
    old, new = str(tmp_path / "old"), str(tmp_path / "new")
    connect(one, "-tls1_3", "-sess_out", old)
    secret.write_text(secrets.token_urlsafe(48))
    one.process.send_signal(signal.SIGHUP)  # type: ignore[union-attr]  # it runs
    wait_until(lambda: not connect(one, "-tls1_3", "-sess_in", old), "the first has the new file", 20)
    assert connect(two, "-tls1_3", "-sess_in", old)
    connect(one, "-tls1_3", "-sess_out", new)
    assert [connect(node, "-tls1_3", "-sess_in", new) for node in (one, two)] == [True, False]
    two.process.send_signal(signal.SIGHUP)  # type: ignore[union-attr]  # it runs
    wait_until(lambda: connect(two, "-tls1_3", "-sess_in", new), "the second has it too", 20)
    assert [connect(node, "-tls1_3", "-sess_in", old) for node in (one, two)] == [False, False]
