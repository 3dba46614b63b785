"""A private Cyrus on loopback and free ports: the oracle for JMAP.

Any user name with any password is an account of its own.  Use as `with running_cyrus() as server`.
"""

from __future__ import annotations

import base64
import contextlib
import getpass
import http.client
import json
import os
import shutil
import signal
import smtplib
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.dovecot import wait_for_port
from tests.integration.ports import free_ports
from tests.integration.requirements import missing

_PROGRAMS = Path("/usr/lib/cyrus/bin")
_CONFIG = """\
configdirectory: {dir}/conf
proc_path: {dir}/run/proc
mboxname_lockpath: {dir}/run/lock
lmtpsocket: {dir}/run/lmtp
idlesocket: {dir}/run/idle
notifysocket: {dir}/run/notify
defaultpartition: default
partition-default: {dir}/spool
search_engine: xapian
defaultsearchtier: t1
t1searchpartition-default: {dir}/search
conversations: 1
virtdomains: off
altnamespace: yes
unixhierarchysep: yes
autocreate_quota: 0
autocreate_post: 1
allowplaintext: yes
sasl_pwcheck_method: alwaystrue
sasl_mech_list: PLAIN LOGIN
cyrus_user: {user}
httpmodules: jmap
reject8bit: no
munge8bit: no
syslog_prefix: posthouse-test
"""
_SERVICES = """\
START {{ }}
SERVICES {{
  lmtp cmd="{programs}/lmtpd -a -C {config}" listen="127.0.0.1:{lmtp}" proto="tcp4" prefork=0 maxchild=10
  http cmd="{programs}/httpd -C {config}" listen="127.0.0.1:{http}" proto="tcp4" prefork=0 maxchild=10
}}
EVENTS {{ }}
"""
_DIRECTORIES = (
    "conf/db",
    "conf/log",
    "conf/msg",
    "conf/proc",
    "conf/socket",
    "conf/user",
    "conf/quota",
    "spool",
    "search",
    "run/proc",
    "run/lock",
)


@dataclass(slots=True)
class Cyrus:
    lmtp_port: int
    http_port: int
    user: str = "u0"

    def open_account(self) -> str:
        """Make the account, by a letter to it, and give the id of its inbox."""
        with smtplib.LMTP("127.0.0.1", self.lmtp_port) as client:
            client.sendmail("a@one.test", [self.user], b"Subject: first\r\n\r\n")
        return str(self.call("Mailbox/get", ids=None)["list"][0]["id"])

    def upload(self, data: bytes) -> str:
        return str(self._post(f"/jmap/upload/{self.user}/", data, "message/rfc822")["blobId"])

    def call(self, name: str, **arguments: Any) -> Any:
        """The arguments of the response."""
        calls = [[name, {"accountId": self.user, **arguments}, "0"]]
        using = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"]
        body = json.dumps({"using": using, "methodCalls": calls}).encode()
        [[answered, result, _]] = self._post("/jmap/", body, "application/json")["methodResponses"]
        assert answered == name, result
        return result

    def _post(self, path: str, body: bytes, kind: str) -> Any:
        who = base64.b64encode(f"{self.user}:secret".encode()).decode()
        client = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=60)
        try:
            client.request("POST", path, body, {"Content-Type": kind, "Authorization": f"Basic {who}"})
            answer = client.getresponse()
            assert answer.status < 300, answer.read()
            return json.load(answer)
        finally:
            client.close()


def require_cyrus() -> None:
    """Skip where Cyrus is not installed; in CI that is a failure."""
    if not (_PROGRAMS / "master").exists() or not (_PROGRAMS / "httpd").exists():
        missing("Cyrus is not installed (Debian packages cyrus-common and cyrus-caldav)")


@contextlib.contextmanager
def running_cyrus() -> Iterator[Cyrus]:
    """Start Cyrus in a fresh directory, yield it, stop it; as root its processes are those of the user `cyrus`."""
    require_cyrus()
    root = os.geteuid() == 0
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # it syncs a dozen files for each message
    with tempfile.TemporaryDirectory(
        prefix="posthouse-cyrus-", dir=memory, ignore_cleanup_errors=True
    ) as name:
        directory = Path(name)
        for part in _DIRECTORIES:
            (directory / part).mkdir(parents=True, exist_ok=True)
        config, services = directory / "imapd.conf", directory / "cyrus.conf"
        server = Cyrus(*free_ports(2))
        config.write_text(_CONFIG.format(dir=directory, user="cyrus" if root else getpass.getuser()))
        services.write_text(
            _SERVICES.format(programs=_PROGRAMS, config=config, lmtp=server.lmtp_port, http=server.http_port)
        )
        if root:
            for path in (directory, *directory.rglob("*")):
                shutil.chown(path, "cyrus", "mail")
                path.chmod(0o755)
        with _process(directory, config, services):
            wait_for_port(server.lmtp_port)
            wait_for_port(server.http_port)
            yield server


@contextlib.contextmanager
def _process(directory: Path, config: Path, services: Path) -> Iterator[None]:
    command = [
        str(_PROGRAMS / "master"),
        "-C",
        str(config),
        "-M",
        str(services),
        "-p",
        str(directory / "pid"),
        "-D",
    ]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
