"""Which of the workers that poll one listening socket takes a connection: one that has fewer than the others.

One that has more steps back for a few milliseconds, so even two connections land on two workers.  Left to the kernel,
one of two workers got nine or ten of ten connections (20 measurements; with the step back four to six), at 0.1 ms more
until the greeting.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

STEP_BACK_S: Final = 0.002
AGAIN_S: Final = 0.02
"""After a step back connections are taken one by one for so long, unless we are FAR_AHEAD: where many soon end, every
step back is time in which nobody takes one (2,200 logins a second instead of 4,000)."""
FAR_AHEAD: Final = 4


@final
class StepBack:
    """Of one listening socket in one worker.  `shares`: how many connections we have, and the other that has fewest."""

    __slots__ = ("_patient_until", "_shares", "_stepped_back")

    def __init__(self, shares: Callable[[], tuple[int, int]]) -> None:
        self._shares = shares
        self._stepped_back = False  # what is still there now is ours
        self._patient_until = 0.0

    def now(self, moment: float) -> bool:
        """A connection is there: whether to leave it to the others for STEP_BACK_S."""
        mine, fewest = self._shares()
        far = mine > fewest + FAR_AHEAD
        if mine > fewest and not self._stepped_back and (far or moment > self._patient_until):
            self._stepped_back = True
            self._patient_until = moment + AGAIN_S
            return True
        self._stepped_back = False  # still there: the others are busy, or dead
        return False

    def is_ahead(self) -> bool:
        mine, fewest = self._shares()
        return mine > fewest
