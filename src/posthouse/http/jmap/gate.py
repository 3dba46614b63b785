"""How much one account may ask at once, in this worker (RFC 8620 §2 maxConcurrentRequests, maxConcurrentUpload)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from posthouse.wire.jmap.error import RequestProblem


class Gate:
    def __init__(self, name: str) -> None:
        self._name = name
        self._inside: Counter[int] = Counter()

    @contextmanager
    def enter(self, account: int, most: int) -> Iterator[None]:
        """Raises RequestProblem (limit)."""
        if self._inside[account] >= most:
            raise RequestProblem(
                "limit", f"at most {most} at the same time; wait for one to end", limit=self._name
            )
        self._inside[account] += 1
        try:
            yield
        finally:
            self._inside[account] -= 1
            if not self._inside[account]:
                del self._inside[account]
