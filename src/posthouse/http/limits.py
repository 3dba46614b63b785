"""How often one source may ask: a count per window, in this process."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from posthouse.core.ports import Clock

KEYS_MAX: Final = 20_000
"""Sources that are remembered; the oldest are forgotten first."""


class Limiter:
    def __init__(self, clock: Clock, count: int, window_s: float) -> None:
        self._clock = clock
        self._count = count
        self._window_s = window_s
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()  # when the window ends, how often

    def wait_s(self, key: str) -> float:
        """0, or how long until the source may ask again."""
        until, count = self._seen.get(key, (0.0, 0))
        now = self._clock.monotonic()
        return until - now if until > now and count >= self._count else 0.0

    def note(self, key: str) -> None:
        now = self._clock.monotonic()
        until, count = self._seen.get(key, (0.0, 0))
        if until <= now:
            self._seen.pop(key, None)
            until, count = now + self._window_s, 0
        self._seen[key] = (until, count + 1)
        if len(self._seen) > KEYS_MAX:
            self._seen.popitem(last=False)

    def take(self, key: str) -> float:
        """`wait_s`; counts when there is nothing to wait for."""
        wait = self.wait_s(key)
        if not wait:
            self.note(key)
        return wait
