"""Numbers that all processes of a node share: one slot of anonymous shared memory per process, made before
the fork.

Each process writes its own slot only; anybody may read and add up.  So counting costs one store into
memory (about 40 ns), needs no lock, and a scrape at any worker answers for the whole node.  A crashed
process's counters stay; its gauges are cleared when the slot is taken over.
"""

from __future__ import annotations

import mmap
import secrets
import socket
from bisect import bisect_left
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final, NamedTuple

LISTENERS: Final = (
    "smtp",
    "submission",
    "submissions",
    "lmtp",
    "pop3",
    "pop3s",
    "imap",
    "imaps",
    "managesieve",
)
LAG_BOUNDS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
_PEER_CELLS: Final = 1 << 15


class Field(NamedTuple):
    """One number of a slot and how Prometheus sees it."""

    name: str
    kind: str  # counter, gauge, maximum
    help: str
    labels: str = ""


def _fields() -> tuple[Field, ...]:
    out = [
        *(Field("connections", "gauge", "Open connections.", f'listener="{n}"') for n in LISTENERS),
        *(
            Field("connections_total", "counter", "Accepted connections.", f'listener="{n}"')
            for n in LISTENERS
        ),
        Field("http_connections", "gauge", "Open connections of HTTP."),
        *(
            Field("refused_total", "counter", "Connections refused by a limit.", f'reason="{r}"')
            for r in ("node", "address", "descriptors")
        ),
        Field("faults_total", "counter", "Unexpected exceptions in sessions."),
        Field("timeouts_total", "counter", "Connections that were idle for too long."),
        Field("tls_handshakes_total", "counter", "TLS handshakes.", 'result="done"'),
        Field("tls_handshakes_total", "counter", "TLS handshakes.", 'result="failed"'),
        Field("proxy_errors_total", "counter", "Malformed PROXY protocol headers."),
        Field("received_bytes_total", "counter", "Bytes received from clients."),
        *(
            Field("loop_lag_seconds_bucket", "histogram", "How late the event loop ran.", f'le="{b:g}"')
            for b in LAG_BOUNDS_S
        ),
        Field("loop_lag_seconds_bucket", "histogram", "How late the event loop ran.", 'le="+Inf"'),
        Field("loop_lag_seconds_sum", "histogram", "How late the event loop ran."),
        Field("loop_lag_max_seconds", "maximum", "The longest that an event loop was held."),
        Field("loop_stalls_total", "counter", "Times an event loop ran more than 20 ms late."),
        Field(
            "loop_stalls_own_total", "counter", "Stalls in which the process itself used the CPU for 20 ms."
        ),
        *(
            Field(
                "letters_checked_total",
                "counter",
                "Letters from outside, by what the check of their sender led to.",
                f'decision="{one}"',
            )
            for one in ("accept", "note", "junk", "reject", "defer")
        ),
        Field("restarts_total", "counter", "Child processes replaced after a crash."),
    ]
    return tuple(out)


FIELDS: Final = _fields()
INDEX: Final = {(f.name, f.labels): i for i, f in enumerate(FIELDS)}
_HTTP: Final = INDEX["http_connections", ""]
_LAG_FIRST: Final = INDEX["loop_lag_seconds_bucket", 'le="0.001"']
_LAG_SUM: Final = INDEX["loop_lag_seconds_sum", ""]
_LAG_MAX: Final = INDEX["loop_lag_max_seconds", ""]
_WORDS: Final = (len(FIELDS) + 511) // 512 * 512  # whole pages


def field(name: str, labels: str = "") -> int:
    return INDEX[name, labels]


class Board:
    """The shared memory of a node: `slots` processes."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._numbers = memoryview(mmap.mmap(-1, slots * _WORDS * 8)).cast("d")
        self._peers = memoryview(mmap.mmap(-1, slots * _PEER_CELLS * 2)).cast("H")
        self._key = secrets.token_bytes(16)
        starts = range(0, slots * _WORDS, _WORDS)
        self._open = [self._numbers[start : start + len(LISTENERS)] for start in starts]

    def slot(self, index: int) -> Slot:
        numbers = self._numbers[index * _WORDS : (index + 1) * _WORDS]
        return Slot(self, index, numbers, self._peers[index * _PEER_CELLS : (index + 1) * _PEER_CELLS])

    def reset_gauges(self, index: int) -> None:
        """What a dead process held, it holds no more."""
        for i, f in enumerate(FIELDS):
            if f.kind == "gauge":
                self._numbers[index * _WORDS + i] = 0.0
        peers = self._peers
        for cell in range(index * _PEER_CELLS, (index + 1) * _PEER_CELLS):
            if peers[cell]:
                peers[cell] = 0

    def total(self, index: int) -> float:
        values = (self._numbers[slot * _WORDS + index] for slot in range(self.slots))
        return max(values) if FIELDS[index].kind == "maximum" else sum(values)

    def connections(self) -> list[int]:
        """Open connections per process."""
        return [self.connections_of(index) for index in range(self.slots)]

    def connections_of(self, index: int) -> int:
        return int(sum(self._open[index]))

    def values(self, index: int) -> list[int]:
        """One number of each process."""
        return [int(self._numbers[slot * _WORDS + index]) for slot in range(self.slots)]

    def peer_cell(self, ip: str) -> int:
        """The counter of an address; an IPv6 customer has a /64 (RFC 6177 §2).

        Keyed, so that nobody can find an address whose connections count as somebody else's.
        """
        if ":" in ip:
            ip = _prefix_64(ip)
        return int.from_bytes(blake2b(ip.encode(), key=self._key, digest_size=4).digest()) % _PEER_CELLS

    def peer_total(self, cell: int) -> int:
        return sum(self._peers[slot * _PEER_CELLS + cell] for slot in range(self.slots))

    def render(self, extra: Iterable[tuple[Field, float]] = ()) -> str:
        """Prometheus text exposition format 0.0.4."""
        rows = [(f, self.total(i)) for i, f in enumerate(FIELDS)]
        lines: list[str] = []
        seen: set[str] = set()
        for f, value in (*rows, *extra):
            name = f"posthouse_{f.name}"
            family = "posthouse_loop_lag_seconds" if f.kind == "histogram" else name
            if family not in seen:
                seen.add(family)
                kind = "gauge" if f.kind == "maximum" else f.kind
                lines += [f"# HELP {family} {f.help}", f"# TYPE {family} {kind}"]
            if f.labels == 'le="0.001"':
                running = 0.0
            if f.labels.startswith("le="):
                running = value = running + value
            lines.append(f"{name}{{{f.labels}}} {value:g}" if f.labels else f"{name} {_number(value)}")
            if f.labels == 'le="+Inf"':
                lines.append(f"posthouse_loop_lag_seconds_count {_number(value)}")
        return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.6f}"


class Slot:
    """The numbers of this process."""

    __slots__ = ("_peers", "board", "index", "numbers")

    def __init__(self, board: Board, index: int, numbers: memoryview[float], peers: memoryview[int]) -> None:
        self.board = board
        self.index = index
        self.numbers = numbers
        self._peers = peers

    def add(self, index: int, amount: float = 1.0) -> None:
        self.numbers[index] += amount

    def lag(self, seconds: float) -> None:
        numbers = self.numbers
        numbers[_LAG_FIRST + bisect_left(LAG_BOUNDS_S, seconds)] += 1.0
        numbers[_LAG_SUM] += seconds
        numbers[_LAG_MAX] = max(seconds, numbers[_LAG_MAX])

    # --- connections per address, over all processes: a table of counters indexed by a hash ---

    def peer_enter(self, ip: str) -> int:
        """Count one more connection of this address; how many there are now on the node."""
        cell = self.board.peer_cell(ip)
        if self._peers[cell] < 0xFFFF:
            self._peers[cell] += 1
        return self.board.peer_total(cell)

    def peer_leave(self, ip: str) -> None:
        cell = self.board.peer_cell(ip)
        if self._peers[cell]:
            self._peers[cell] -= 1


class HttpShares:
    """Connections of HTTP by worker."""

    __slots__ = ("_siblings", "_slot")

    def __init__(self, slot: Slot, siblings: Iterable[int]) -> None:
        self._slot = slot
        self._siblings = tuple(siblings)

    def add(self, count: int) -> None:
        self._slot.add(_HTTP, count)

    def of(self) -> tuple[int, int]:
        """Those of this worker, and of the other one that has the fewest."""
        values = self._slot.board.values(_HTTP)
        mine = values[self._slot.index]
        return mine, min((values[one] for one in self._siblings), default=mine)


def _prefix_64(ip: str) -> str:
    try:
        return socket.inet_pton(socket.AF_INET6, ip.partition("%")[0])[:8].hex()
    except OSError:
        return ip
