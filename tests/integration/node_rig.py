"""A node as users run it: `posthouse serve` in a process of its own, on free loopback ports."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from posthouse.app.certificates import Authority
from tests.integration.ports import free_ports

LIMIT_S = 60
PASSWORD = "correct horse"
HOSTNAME = "mail.qq.test"
SERVICES = (
    "smtp",
    "submission",
    "submissions",
    "lmtp",
    "pop3",
    "pop3s",
    "imap",
    "imaps",
    "managesieve",
    "http",
)


class ServedNode:
    """A directory with a configuration, and the process that serves it."""

    def __init__(
        self, directory: Path, *, workers: int = 2, top: str = "", extra: str = "", unix: str = ""
    ) -> None:
        self.directory = directory
        self.config = directory / "posthouse.toml"
        self.log = directory / "log"
        self.ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
        self.workers = workers
        self.process: subprocess.Popen[bytes] | None = None
        authority = Authority(directory / "tls")
        certificate = authority.issue([HOSTNAME, "localhost", "127.0.0.1"])
        self.ca = authority.file
        lines = [f'hostname = "{HOSTNAME}"', 'data = "data"', f"workers = {workers}", top or 'user = ""']
        lines += ["[[tls.certificates]]", f'names = ["{HOSTNAME}"]']
        lines += [f'certificate = "{certificate.chain}"', f'key = "{certificate.key}"']
        for name, port in self.ports.items():
            addresses = [f"127.0.0.1:{port}", *([f"unix:{unix}"] if name == "lmtp" and unix else [])]
            lines += [f"[listeners.{name}]", "enabled = true", f"addresses = {json.dumps(addresses)}"]
            lines += ["clear_text_auth = true"]
        self.config.write_text("\n".join([*lines, extra]) + "\n")

    # --- commands ---

    def command(
        self, *words: str, stdin: str = "", status: int | None = 0
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "posthouse", "--lang", "en", *words, "-c", str(self.config)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert status is None or done.returncode == status, (done.stdout, done.stderr)
        return done

    def json(self, *words: str, **options: object):
        return json.loads(self.command(*words, "--json", **options).stdout)

    def add_people(self, *locals_: str) -> None:
        self.command("domain", "add", "qq.test")
        for local in locals_:
            self.command("account", "add", f"{local}@qq.test", "--password-stdin", stdin=PASSWORD + "\n")

    # --- the process ---

    def start(self) -> None:
        before = self.log.read_text().count("msg=ready") if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "posthouse", "serve", "-c", str(self.config)], stdout=log, stderr=log
            )
        self.wait_log("msg=ready", before + 1)

    def wait_log(self, text: str, count: int = 1) -> str:
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            content = self.log.read_text()
            if content.count(text) >= count:
                return content
            assert self.process is None or self.process.poll() is None, content
            time.sleep(0.02)
        raise AssertionError((text, self.log.read_text()))

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(LIMIT_S)

    def children(self) -> dict[int, int]:
        """Process id -> parent of all that descend from the supervisor."""
        assert self.process is not None
        text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {int(pid): self.process.pid for pid in text.split()}

    def owner_of(self, pid: int) -> int:
        status = Path(f"/proc/{pid}/status").read_text()
        match = re.search(r"^Uid:\t(\d+)\t(\d+)\t(\d+)", status, re.MULTILINE)
        assert match is not None
        assert len(set(match.groups())) == 1
        return int(match[1])

    def writer(self) -> int:
        """Who listens on the writer's socket: the only child without TCP listeners."""
        path = str(self.directory / "data" / "run" / "writer.sock")
        inodes = [
            line.split()[6] for line in Path("/proc/net/unix").read_text().splitlines() if line.endswith(path)
        ]
        for pid in self.children():
            for fd in Path(f"/proc/{pid}/fd").iterdir():
                try:
                    target = os.readlink(fd)
                except OSError:
                    continue
                if any(target == f"socket:[{inode}]" for inode in inodes[:1]):
                    return pid
        raise AssertionError("no writer")

    # --- talking ---

    def dial(self, service: str) -> Line:
        return Line(socket.create_connection(("127.0.0.1", self.ports[service]), LIMIT_S))


class Line:
    """A connection that is spoken line by line."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.file = sock.makefile("rb")

    def read(self) -> bytes:
        return self.file.readline().rstrip(b"\r\n")

    def say(self, text: bytes) -> None:
        self.sock.sendall(text + b"\r\n")

    def ask(self, text: bytes) -> bytes:
        self.say(text)
        return self.read()

    def until(self, start: bytes) -> list[bytes]:
        lines = [self.read()]
        while not lines[-1].startswith(start):
            assert lines[-1] or len(lines) < 100, lines
            lines.append(self.read())
        return lines

    def close(self) -> None:
        self.file.close()
        self.sock.close()
