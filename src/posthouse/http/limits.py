"""How often one source may ask: a count per window, of all workers together."""

from __future__ import annotations

from posthouse.core.ports import Clock
from posthouse.services.shared import Counts


class Limiter:
    def __init__(self, counts: Counts, clock: Clock, name: str, count: int, window_s: float) -> None:
        """`name` is the limit's: each counts for itself."""
        self._counts = counts
        self._clock = clock
        self._name = name
        self._count = count
        self._window_s = window_s

    def wait_s(self, key: str) -> float:
        """0, or how long until the source may ask again."""
        now = self._clock.monotonic()
        count, until = self._counts.get(self._name, key, now)
        return max(until - now, 0.001) if count >= self._count else 0.0

    def note(self, key: str) -> None:
        now = self._clock.monotonic()
        count, until = self._counts.get(self._name, key, now)
        self._counts.add(self._name, key, now=now, until=until if count else now + self._window_s)

    def take(self, key: str) -> float:
        """`wait_s`; counts when there is nothing to wait for."""
        wait = self.wait_s(key)
        if not wait:
            self.note(key)
        return wait
