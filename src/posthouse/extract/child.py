"""The confined process.  Requests on stdin, answers on stdout.

request: kind (8 octets, padded by NUL), length (4 octets), the document
answer:  length (4 octets), the text in UTF-8
"""

from __future__ import annotations

import codecs
import contextlib
import importlib
import os
import pkgutil
import resource
import select
import signal
import struct
import sys
from typing import BinaryIO, Final

from posthouse.extract.documents import KINDS

REQUEST: Final = struct.Struct(">8sI")
ANSWER: Final = struct.Struct(">I")
MEMORY_MAX: Final = 512 << 20
CPU_S: Final = 10
"""Processor time for one document; the kernel ends the process that takes more."""
QUIET_S: Final = 60.0
"""It ends when nothing was asked for so long."""
_ENCODINGS: Final = (
    "cp437", "utf-16", "utf-16-be", "utf-16-le", "latin-1", "cp1252", "mac_roman", "gbk", "gb18030", "big5",
    "shift_jis", "euc_jp", "euc_kr",
)  # fmt: skip
_NOBODY: Final = 65534
_NEW: Final = 0x40000000 | 0x08000000 | 0x04000000  # CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS
_NEWUSER: Final = 0x10000000
_PDEATHSIG: Final = 1
_NO_NEW_PRIVS: Final = 38


def confine() -> None:
    """No network, no new files, bounded memory; nothing of this can be undone."""
    _leave_the_system()
    os.chdir("/")
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_MAX),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 16),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(limit, (value, value))


def _leave_the_system() -> None:
    try:
        import ctypes  # noqa: PLC0415

        libc = ctypes.CDLL(None, use_errno=True)
    except (ImportError, MemoryError, OSError):
        return  # a service that forbids executable memory; it forbids sockets of strangers as well
    libc.prctl(_PDEATHSIG, signal.SIGKILL)
    libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.unshare(_NEW) != 0:
        libc.unshare(_NEWUSER | _NEW)  # as anybody but root, where the system allows it


def load() -> None:
    """Whatever is imported late; once confined, the process may not be able to read it any more."""
    for name in _ENCODINGS:
        codecs.lookup(name)
    with contextlib.suppress(ImportError):
        import pypdf  # noqa: PLC0415  # an extra

        for module in pkgutil.walk_packages(pypdf.__path__, "pypdf."):
            with contextlib.suppress(ImportError):  # for what is not installed and not needed
                importlib.import_module(module.name)


def main() -> None:
    load()
    confine()
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    while select.select([stdin], [], [], QUIET_S)[0]:
        head = stdin.read(REQUEST.size)
        if len(head) < REQUEST.size:
            return
        kind, length = REQUEST.unpack(head)
        document = stdin.read(length)
        if len(document) < length:
            return
        _answer(stdout, _text(kind.rstrip(b"\0").decode("ascii"), document))


def _text(kind: str, document: bytes) -> str:
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime)
    resource.setrlimit(resource.RLIMIT_CPU, (spent + CPU_S + 1, resource.RLIM_INFINITY))
    try:
        return KINDS[kind](document)
    except Exception:  # a broken document has no text, however it is broken
        return ""


def _answer(stdout: BinaryIO, text: str) -> None:
    raw = text.encode("utf-8", "replace")
    stdout.write(ANSWER.pack(len(raw)) + raw)
    stdout.flush()


if __name__ == "__main__":
    main()
