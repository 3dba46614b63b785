"""What single steps of an event loop cost."""

from __future__ import annotations

from asyncio import events
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock


@contextmanager
def metered(meter: Callable[[], float]) -> Iterator[list[float]]:
    """By how much `meter` goes on in each step of the loop while this is entered."""
    found: list[float] = []
    run = vars(events.Handle)["_run"]

    def step(handle: events.Handle) -> None:
        begun = meter()
        run(handle)
        found.append(meter() - begun)

    with mock.patch.object(events.Handle, "_run", step):
        yield found
