"""A whole node as its user runs it: `posthouse serve` in processes of its own, on loopback ports.

    with running_node(tmp_path) as node:
        with smtplib.SMTP("127.0.0.1", node.ports["smtp"]) as client: ...
        node.kill("writer")
        assert node.check() == []

The end of the block stops the node by SIGTERM and asserts that it ended well and that no session had a fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from posthouse.app.provision import provision
from posthouse.storage.sqlite import open_store
from tests.integration.ports import HOST, free_ports

DOMAIN = "example.test"
PASSWORD = "post-horse"
LISTENERS = (
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
ENCRYPTED = ("submissions", "pop3s", "imaps")
WITH_PASSWORDS = ("submission", "pop3", "imap", "managesieve")
START_LIMIT_S = 60.0
_PROGRAM = (sys.executable, "-c", "import sys; from posthouse.cli import main; sys.exit(main())")


def wait_until(condition: Callable[[], Any], what: str, limit_s: float = 15.0) -> Any:
    """The first true value of the condition."""
    deadline = time.monotonic() + limit_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {limit_s} s: {what}"
        time.sleep(0.005)
    return value


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _holds(pid: int, name: str) -> bool:
    """Has the process this file open?"""
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if os.readlink(link) == name:
                    return True
    return False


class Node:
    """One node: its processes, its log, and what a user sees of it."""

    def __init__(self, directory: Path, *, workers: int = 2, hostname: str = f"mx.{DOMAIN}") -> None:
        self.directory = directory
        self.data = directory / "data"
        self.config = directory / "posthouse.toml"
        self.workers = workers
        self.hostname = hostname
        self.ports = dict(zip(LISTENERS, free_ports(len(LISTENERS)), strict=True))
        self.lines: list[str] = []
        self.process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    # --- what it is made of ---

    def write_config(self, *, tls: tuple[Path, Path] | None = None, more: str = "") -> None:
        """`tls`: certificate chain and key; without them the encrypted listeners are off."""
        lines = [
            f'hostname = "{self.hostname}"',
            f'data = "{self.data}"',
            'user = ""',
            f"workers = {self.workers}",
            'language = "en"',
            f'postmaster = "u0@{DOMAIN}"',
            "limits.stop_s = 5.0",
            more,
        ]
        if tls is not None:
            lines += [
                "[[tls.certificates]]",
                f'names = ["localhost"]\ncertificate = "{tls[0]}"\nkey = "{tls[1]}"',
            ]
        for name in LISTENERS:
            lines += [f"[listeners.{name}]", f'addresses = ["{HOST}:{self.ports[name]}"]']
            lines.append(f"enabled = {'true' if tls is not None or name not in ENCRYPTED else 'false'}")
            if name in WITH_PASSWORDS:
                lines.append("clear_text_auth = true")
        self.config.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def provision(self, domain: str, addresses: Sequence[str]) -> None:
        """Accounts, made before the node runs."""

        async def make() -> None:
            store = await open_store(self.data, role="local")
            try:
                await provision(store, domain, [(a, "") for a in addresses], password=PASSWORD, language="en")
            finally:
                await store.close()

        self.data.mkdir(parents=True, exist_ok=True)
        asyncio.run(make())

    # --- its life ---

    def start(self) -> None:
        """Returns when the supervisor says that all processes are ready."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
            address = f"@posthouse-test-{os.getpid()}-{self.ports['smtp']}"
            notices.bind("\0" + address[1:])
            notices.settimeout(0.2)
            environ = {k: v for k, v in os.environ.items() if not k.startswith("LISTEN_")}
            self.process = subprocess.Popen(
                [*_PROGRAM, "serve", "-c", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                env={**environ, "NOTIFY_SOCKET": address},
            )
            self._reader = threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True)
            self._reader.start()
            deadline = time.monotonic() + START_LIMIT_S
            while True:
                with contextlib.suppress(TimeoutError):
                    if notices.recv(1000).startswith(b"READY=1"):
                        return
                assert self.process.poll() is None, "the node ended at its start:\n" + self.tail()
                assert time.monotonic() < deadline, "the node does not get ready:\n" + self.tail()

    def _read(self, stream: Any) -> None:
        with stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))

    def gone(self, limit_s: float = 15.0) -> None:
        """Wait until the last process of the node has ended: only then does their standard error end."""
        assert self.process is not None
        assert self._reader is not None
        self.process.wait(limit_s)
        self._reader.join(limit_s)
        assert not self._reader.is_alive(), "children outlive their supervisor:\n" + self.tail()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.gone()
        status = self.process.returncode
        self.process = None
        return status

    def destroy(self) -> None:
        """Whatever state it is in, nothing of it is left."""
        if self.process is None:
            return
        for pid in [self.supervisor, *self.children()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.gone()
        self.process = None

    # --- its processes ---

    @property
    def supervisor(self) -> int:
        assert self.process is not None
        return self.process.pid

    def children(self) -> list[int]:
        me = self.supervisor
        pids = (int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit())
        return sorted(pid for pid in pids if parent_of(pid) == me)

    def writer(self) -> int:
        """The child that holds the writer's lock; 0 while there is none."""
        lock = str(self.data.resolve() / "writer.lock")
        return next((pid for pid in self.children() if _holds(pid, lock)), 0)

    def pick(self, role: str, chance: random.Random) -> int:
        """The process id of "supervisor", "writer" or any "worker"; one that has just been started may be either."""
        if role == "supervisor":
            return self.supervisor
        writer = self.writer()
        if role == "writer" and writer:
            return writer

        def others() -> list[int]:
            return [pid for pid in self.children() if pid != writer]

        return chance.choice(wait_until(others, "a child runs"))

    def kill(self, role: str, chance: random.Random | None = None) -> int:
        """kill -9; the process id that was."""
        while True:
            pid = self.pick(role, chance or random.Random(1))
            with contextlib.suppress(
                ProcessLookupError
            ):  # it ended by itself, as its parent or the writer did
                os.kill(pid, signal.SIGKILL)
                return pid

    # --- what it tells ---

    def tail(self, count: int = 40) -> str:
        return "\n".join(self.lines[-count:])

    def logged(self, text: str, since: int = 0) -> list[str]:
        return [line for line in self.lines[since:] if text in line]

    def wait_log(self, text: str, since: int = 0, limit_s: float = 15.0) -> str:
        found = wait_until(lambda: self.logged(text, since), f"a log line with {text!r}", limit_s)
        return str(found[0])

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{HOST}:{self.ports['http']}{path}", timeout=10) as answer:
            return answer.read().decode()

    def metric(self, name: str) -> float:
        """The sum over all labels."""
        text = self.get("/metrics")
        values = re.findall(rf"^posthouse_{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
        assert values, f"no metric {name}"
        return sum(map(float, values))

    def run(self, *words: str, check: bool = True) -> Any:
        """A command of the command line, with --json; what it prints."""
        command, *rest = words
        done = subprocess.run(
            [*_PROGRAM, command, *rest, "-c", str(self.config), "--json"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert not check or done.returncode == 0, (words, done.stdout, done.stderr)
        return json.loads(done.stdout) if done.stdout else None

    def check(self) -> list[Any]:
        """What `posthouse check` finds."""
        return list(self.run("check", check=False)["problems"])

    def imap(self, user: str, *, timeout: float = 20) -> imaplib.IMAP4:
        client = imaplib.IMAP4(HOST, self.ports["imap"], timeout=timeout)
        client.login(user, PASSWORD)
        return client


@contextlib.contextmanager
def running_node(
    directory: Path,
    *,
    workers: int = 2,
    users: int = 10,
    tls: tuple[Path, Path] | None = None,
    more: str = "",
) -> Iterator[Node]:
    """A node for u0..uN@example.test, password PASSWORD."""
    node = Node(directory, workers=workers)
    node.write_config(tls=tls, more=more)
    node.provision(DOMAIN, [f"u{n}@{DOMAIN}" for n in range(users)])
    node.start()
    try:
        yield node
        assert node.metric("faults_total") == 0, "\n".join(node.logged("stack=")[:5])
        assert node.stop() == 0, node.tail()
        assert not node.logged("stack="), "\n".join(node.logged("stack=")[:5])
    finally:
        node.destroy()
