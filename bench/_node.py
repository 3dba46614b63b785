"""A node of its own for a benchmark, and a client that costs little: `with BenchNode(workers=2) as node`."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

_HERE = Path(__file__).parent
_TICK = os.sysconf("SC_CLK_TCK")


class BenchNode:
    """Started by `node.sh` in a directory here, so that the data is on the disk that is measured."""

    def __init__(self, workers: int = 0, base: int = 28_000) -> None:
        self.base = base
        self.root = Path(tempfile.mkdtemp(dir=Path.cwd(), prefix=".bench-node-"))
        self._environment = {**os.environ, "PORT_BASE": str(base), "WORKERS": str(workers)}

    @property
    def data(self) -> Path:
        return self.root / "data"

    def __enter__(self) -> BenchNode:
        try:
            self._run("start")
        except BaseException:
            shutil.rmtree(self.root)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run("stop")
        shutil.rmtree(self.root)

    def _run(self, verb: str) -> None:
        command = [str(_HERE / "node.sh"), verb, str(self.root)]
        subprocess.run(command, env=self._environment, check=True, stdout=subprocess.DEVNULL)

    def client(self, user: int) -> ImapClient:
        return ImapClient(self.base + 143, user)

    def processor_s(self) -> float:
        """Processor seconds of all processes of the node so far."""
        parents = {}
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                parents[int(name)] = int(fields[1]), sum(map(int, fields[11:13])) / _TICK
        root = int((self.data / "run" / "posthouse.pid").read_text())
        return sum(used for pid, (parent, used) in parents.items() if root in (pid, parent))


class ImapClient:
    """Finds the ends of answers and nothing else."""

    def __init__(self, port: int, user: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), 300)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray(1 << 20)
        self.tag = 0
        while not self.sock.recv(65536).endswith(b"\r\n"):
            continue
        self.run(f'LOGIN "u{user}@example.test" "secret"')

    def send(self, command: str) -> bytes:
        self.tag += 1
        self.sock.sendall(b"a%06d %b\r\n" % (self.tag, command.encode()))
        return b"a%06d " % self.tag

    def run(self, command: str) -> int:
        """Octets of the answer; raises RuntimeError when it is not OK."""
        tag, total, tail = self.send(command), 0, b""
        while True:
            count = self.sock.recv_into(self.buffer)
            if not count:
                raise RuntimeError(f"{command}: closed")
            total += count
            tail = (tail + bytes(self.buffer[max(0, count - 1024) : count]))[-1024:]
            if tail.endswith(b"\r\n"):
                last = tail[tail.rfind(b"\n", 0, -2) + 1 :]
                if last.startswith(tag):
                    if not last.startswith(b"OK", len(tag)):
                        raise RuntimeError(f"{command}: {last!r}")
                    return total

    def timed(self, command: str) -> float:
        """Seconds."""
        started = time.perf_counter()
        self.run(command)
        return time.perf_counter() - started

    def close(self) -> None:
        self.sock.close()
