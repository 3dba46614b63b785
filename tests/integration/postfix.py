"""A private Postfix on loopback and a free port; needs root, because its daemons change user."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.ports import free_ports

_MAIN = """\
compatibility_level = 3.6
queue_directory = {dir}/spool
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = {dir}
maillog_file = {dir}/postfix.log
myhostname = relay.postfix.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
smtp_tls_security_level = may
smtputf8_enable = yes
message_size_limit = 20000000
transport_maps = inline:{{{transports}}}
minimal_backoff_time = 1s
queue_run_delay = 1s
maximal_queue_lifetime = 1h
"""

_MASTER = """\
127.0.0.1:{port} inet n - n - 20 smtpd
pickup    unix n - n 60   1 pickup
cleanup   unix n - n -    0 cleanup
qmgr      unix n - n 300  1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n -    - trivial-rewrite
bounce    unix - - n -    0 bounce
defer     unix - - n -    0 bounce
trace     unix - - n -    0 bounce
verify    unix - - n -    1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n -    - proxymap
smtp      unix - - n -    - smtp
relay     unix - - n -    - smtp
showq     unix n - n -    - showq
error     unix - - n -    - error
retry     unix - - n -    - error
anvil     unix - - n -    1 anvil
scache    unix - - n -    1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


@dataclass
class Postfix:
    port: int
    directory: Path

    def log(self) -> str:
        path = self.directory / "postfix.log"
        return path.read_text(errors="replace") if path.exists() else ""


def _need_postfix() -> None:
    missing = ""
    if shutil.which("postfix") is None:
        missing = "postfix is not installed"
    elif os.geteuid() != 0:
        missing = "postfix needs root"
    if missing:
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)


@contextlib.contextmanager
def running_postfix(certificate: Path, key: Path, transports: dict[str, int]) -> Iterator[Postfix]:
    """`transports`: domain -> port on loopback that takes its mail."""
    _need_postfix()
    directory = Path(tempfile.mkdtemp(prefix="posthouse-postfix-"))
    directory.chmod(0o755)
    etc = directory / "etc"
    for folder in (etc, directory / "spool", directory / "data"):
        folder.mkdir()
    shutil.chown(directory / "data", "postfix")
    (port,) = free_ports(1)
    table = ", ".join(f"{{ {domain} = smtp:[127.0.0.1]:{to} }}" for domain, to in transports.items())
    facts = {"dir": directory, "port": port, "transports": table, "cert": certificate, "key": key}
    (etc / "main.cf").write_text(_MAIN.format(**facts))
    (etc / "master.cf").write_text(_MASTER.format(**facts))
    started = subprocess.run(
        ["postfix", "-c", str(etc), "start"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    try:
        assert started.returncode == 0, started.stderr.decode() + Postfix(port, directory).log()
        _wait_for(port)
        yield Postfix(port, directory)
    finally:
        subprocess.run(["postfix", "-c", str(etc), "stop"], capture_output=True, timeout=60, check=False)
        shutil.rmtree(directory, ignore_errors=True)


def _wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"postfix does not listen on {port}")
