"""The other side of the confined process."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import select
import subprocess
import sys
import threading
import time
from typing import Final, final

from posthouse.extract.child import ANSWER, REQUEST
from posthouse.extract.documents import TEXT_MAX

ANSWER_S: Final = 30.0
"""For one document; a busy machine gives ten seconds of its processor later than at once."""
SERVED_MAX: Final = 200
"""Documents of one process: what a library leaks goes with it."""
_CHUNK: Final = 1 << 16
log = logging.getLogger("posthouse.extract")


class Failed(Exception):
    """The process ended, or did not answer."""


def missing_library() -> str:
    """What has to be installed before this can be used; "" when all is there."""
    return "" if importlib.util.find_spec("pypdf") is not None else "pypdf"


@final
class Extractor:
    """Blocks its caller, so it belongs in threads; one document at a time.

    The process starts with the first document and ends when none came for a minute.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._served = 0
        self.failures = 0

    def text(self, kind: str, document: bytes) -> str:
        """Its text, "" for what has none or is too much."""
        with self._lock:
            for _ in range(2):
                fresh = self._ready()
                try:
                    return self._ask(kind, document)
                except (OSError, Failed) as error:
                    self._stop()
                    if fresh:
                        self.failures += 1
                        log.info(
                            "a document gave no text", extra={"facts": {"kind": kind, "why": str(error)}}
                        )
                        return ""
            return ""

    def close(self) -> None:
        with self._lock:
            self._stop()

    def _ready(self) -> bool:
        """Whether the process was started just now: the one that served before may end at any moment."""
        if self._process is not None and (self._served >= SERVED_MAX or self._process.poll() is not None):
            self._stop()
        if self._process is not None:
            return False
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from posthouse.extract.child import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", **_python_path()},
            close_fds=True,
        )
        self._served = 0
        return True

    def _ask(self, kind: str, document: bytes) -> str:
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None  # noqa: PT018
        deadline = time.monotonic() + ANSWER_S
        self._served += 1
        source, sink = process.stdin.fileno(), process.stdout.fileno()
        _write(source, REQUEST.pack(kind.encode("ascii"), len(document)) + document, deadline)
        (length,) = ANSWER.unpack(_read(sink, ANSWER.size, deadline))
        if length > 4 * TEXT_MAX:
            raise Failed("an answer that is too long")
        return _read(sink, length, deadline).decode("utf-8", "replace")

    def _stop(self) -> None:
        if (process := self._process) is None:
            return
        self._process = None
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        process.wait()


def _python_path() -> dict[str, str]:
    """Where this program was found, for the child to find it too."""
    path = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": path} if path else {}


def _wait(descriptor: int, event: int, deadline: float) -> None:
    """By poll: a worker has more descriptors than select knows."""
    poll = select.poll()
    poll.register(descriptor, event)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise Failed("it took too long")


def _write(descriptor: int, data: bytes, deadline: float) -> None:
    view = memoryview(data)
    os.set_blocking(descriptor, False)
    while view:
        _wait(descriptor, select.POLLOUT, deadline)
        view = view[os.write(descriptor, view[:_CHUNK]) :]


def _read(descriptor: int, length: int, deadline: float) -> bytes:
    out = bytearray()
    while len(out) < length:
        _wait(descriptor, select.POLLIN, deadline)
        chunk = os.read(descriptor, min(length - len(out), _CHUNK))
        if not chunk:
            raise Failed("it took too much time or memory")
        out += chunk
    return bytes(out)
