"""What the pure layers may ask of the outside world: time, identity, chance.  Injected, so tests decide."""

from __future__ import annotations

import random
import secrets
import time
from typing import Final, Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never steps."""
        ...


class Ids(Protocol):
    def trace(self) -> str:
        """A new trace id: 20 characters of base32, sortable by time; names a message on its way."""
        ...


class Rng(Protocol):
    def random(self) -> float: ...

    def shuffle(self, x: list[str]) -> None: ...


class SystemClock:
    __slots__ = ()

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS: Final = range(90, -1, -10)


class SystemIds:
    __slots__ = ()

    def trace(self) -> str:
        value = (time.time_ns() // 1_000_000) << 52 | secrets.randbits(52)  # 48 bits of ms, 52 of chance
        return "".join([_PAIRS[value >> shift & 1023] for shift in _SHIFTS])


def system_rng() -> Rng:
    return random.SystemRandom()
