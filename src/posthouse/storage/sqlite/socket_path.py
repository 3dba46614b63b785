"""Paths of sockets, which the kernel takes up to 107 octets of (unix(7)), however deep the data lies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

SOCKET_PATH_MAX: Final = 107


@contextmanager
def reachable(socket: Path) -> Iterator[str]:
    """The path, or another one to the same place that is short enough; good until the end of the block."""
    path = str(socket)
    if len(os.fsencode(path)) <= SOCKET_PATH_MAX:
        yield path
        return
    directory = os.open(socket.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{socket.name}"
    finally:
        os.close(directory)
