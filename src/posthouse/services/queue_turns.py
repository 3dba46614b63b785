"""Whose turn it is: one slow destination must not take the places of all others.

A job that was leased and may not begin yet waits here, in order.  It takes no place among those that run.  When
very many wait, the destination is `crowded` and no more of its mail is leased for a while.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from posthouse.storage.rows import QueueJob

WAITING_MAX: Final = 2000
"""Jobs of one destination that wait in memory."""


class Turns:
    def __init__(self, per_destination: int, attempt_max_s: float) -> None:
        self._per_destination = per_destination
        self._attempt_max_s = attempt_max_s
        self._running: dict[str, int] = {}
        self._waiting: dict[str, deque[QueueJob]] = {}

    @property
    def crowded(self) -> list[str]:
        """Destinations of which no more should be leased now."""
        return [name for name, jobs in self._waiting.items() if len(jobs) >= WAITING_MAX]

    def enter(self, job: QueueJob) -> bool:
        """Whether the job may begin; if not, `leave` gives it out when its turn has come."""
        count = self._running.get(job.destination, 0)
        if count >= self._per_destination:
            self._waiting.setdefault(job.destination, deque()).append(job)
            return False
        self._running[job.destination] = count + 1
        return True

    def leave(self, destination: str, now: float) -> QueueJob | None:
        """A job has ended; the one that takes its place."""
        waiting = self._waiting.get(destination)
        while waiting:
            job = waiting.popleft()
            if not waiting:
                del self._waiting[destination]
            # A lease that could end during the attempt is left to run out: somebody will have the job then.
            if job.lease_until - now >= self._attempt_max_s:
                return job
        count = self._running.pop(destination) - 1
        if count:
            self._running[destination] = count
        return None

    def forget_waiting(self) -> None:
        """They go back with the leases."""
        self._waiting.clear()
