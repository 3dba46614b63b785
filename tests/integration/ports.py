"""Loopback ports for servers of tests.

Below those that outgoing connections take theirs from, so that they are still free after a restart; each process that
runs tests beside others has a part of its own.
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
from collections.abc import Iterator

from posthouse.app.demo import HOUSES, PORTS

HOST = "127.0.0.1"
LOWEST, HIGHEST = 10_000, 28_000
# What is added to a demo's ports, 2,080 to 3,995: above HIGHEST, below those of outgoing connections, from 32,768.
DEMO_LOWEST, DEMO_HIGHEST = 26_000, 28_770

_PROCESSES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def _all_free(ports: list[int]) -> bool:
    with contextlib.ExitStack() as stack:
        try:
            for port in ports:
                probe = stack.enter_context(socket.socket())
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Neighbours that nobody listens on."""
    share = (HIGHEST - LOWEST) // _PROCESSES
    lowest = LOWEST + share * _PROCESS
    while True:
        base = random.SystemRandom().randrange(lowest, lowest + share - count)
        if _all_free(ports := list(range(base, base + count))):
            return ports


def _offsets() -> Iterator[int]:
    """Offsets of demos that can all run at the same time."""
    taken: set[int] = set()
    for offset in range(DEMO_LOWEST, DEMO_HIGHEST):
        ports = _ports(offset)
        if taken.isdisjoint(ports):
            taken.update(ports)
            yield offset


def _ports(offset: int) -> list[int]:
    return [house.port(service, offset) for house in HOUSES for service in PORTS]


def free_offset() -> int:
    """Where the demo's ports are all free: somebody may be trying it out on the real ones."""
    offsets = list(_offsets())[_PROCESS::_PROCESSES]
    random.SystemRandom().shuffle(offsets)
    for offset in offsets:
        if _all_free(_ports(offset)):
            return offset
    raise AssertionError("no free ports for a demo")
