"""A private Dovecot on loopback and a free port: the oracle for IMAP and MIME.

Users u0..u99@example.test, password "secret", storage sdbox.  Use as a fixture:

    from tests.integration.dovecot import Dovecot, running_dovecot

    @pytest.fixture(scope="module")
    def dovecot():
        with running_dovecot() as server:
            yield server
"""

from __future__ import annotations

import contextlib
import getpass
import imaplib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.ports import free_ports

PASSWORD = "secret"
MAIL_UID = 5000  # numeric owner of the mail when Dovecot runs as root

_CONFIG = """\
base_dir = {dir}/run
state_dir = {dir}/state
instance_name = posthouse-test-{port}
protocols = imap {extra_protocols}
listen = 127.0.0.1
log_path = {dir}/dovecot.log
mail_location = sdbox:~/sdbox
first_valid_uid = {first_uid}
disable_plaintext_auth = no
auth_mechanisms = plain login
ssl = no
mail_max_userip_connections = 1000
imap_id_log =
default_vsz_limit = 2G
{internal_users}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {dir}/passwd
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}/mail/%d/%n
}}
namespace inbox {{
  inbox = yes
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
{extra}
"""


@dataclass(slots=True)
class Dovecot:
    """Where the server listens and lives."""

    host: str
    port: int
    directory: Path

    @staticmethod
    def user(number: int = 0) -> str:
        return f"u{number}@example.test"

    def login(self, number: int = 0) -> imaplib.IMAP4:
        client = imaplib.IMAP4(self.host, self.port, timeout=30)
        client.login(self.user(number), PASSWORD)
        return client


def require_dovecot() -> None:
    """Skip where Dovecot is not installed; in CI that is a failure, not a skip."""
    if shutil.which("dovecot") or Path("/usr/sbin/dovecot").exists():
        return
    if os.environ.get("CI"):
        pytest.fail("dovecot is not installed; .ci/run installs dovecot-imapd")
    pytest.skip("dovecot is not installed (Debian package dovecot-imapd)")


def _write_files(directory: Path, port: int, *, extra_protocols: str, extra: str) -> Path:
    for name in ("run", "state", "mail"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    (directory / "passwd").write_text("".join(f"u{n}@example.test:{{PLAIN}}{PASSWORD}\n" for n in range(100)))
    root = os.geteuid() == 0
    uid, gid = (MAIL_UID, MAIL_UID) if root else (os.geteuid(), os.getegid())
    internal = (
        ""
        if root
        else f"default_internal_user = {getpass.getuser()}\ndefault_login_user = {getpass.getuser()}"
    )
    if root:
        os.chown(directory / "mail", uid, gid)
        directory.chmod(0o755)  # Dovecot's processes are other users
    path = directory / "dovecot.conf"
    path.write_text(
        _CONFIG.format(
            dir=directory,
            port=port,
            uid=uid,
            gid=gid,
            first_uid=min(500, uid) or 1,
            internal_users=internal,
            extra_protocols=extra_protocols,
            extra=extra,
        )
    )
    return path


def wait_for_port(port: int, *, timeout_s: float = 15.0) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


@contextlib.contextmanager
def running_dovecot(*, port: int = 0, extra_protocols: str = "", extra: str = "") -> Iterator[Dovecot]:
    """Start Dovecot in a fresh directory, yield it, stop it.  `extra` is appended to its configuration.

    The directory is not below pytest's: that one is closed to other users, and Dovecot's processes are some.
    """
    require_dovecot()
    with tempfile.TemporaryDirectory(prefix="posthouse-dovecot-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        port = port or free_ports(1)[0]
        config = _write_files(directory, port, extra_protocols=extra_protocols, extra=extra)
        with _process(directory, config, port):
            yield Dovecot("127.0.0.1", port, directory)


@contextlib.contextmanager
def _process(directory: Path, config: Path, port: int) -> Iterator[None]:
    binary = shutil.which("dovecot") or "/usr/sbin/dovecot"
    with (directory / "start.log").open("wb") as log:
        process = subprocess.Popen(
            [binary, "-F", "-c", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        try:
            wait_for_port(port)
        except OSError:
            pytest.fail(f"dovecot did not start: {(directory / 'start.log').read_text(errors='replace')}")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
