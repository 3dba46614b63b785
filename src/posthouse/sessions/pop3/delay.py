"""LOGIN-DELAY: the least time between two sign-ins of an account.  RFC 2449 §6.5."""

from __future__ import annotations

from typing import Final, final

from posthouse.core.ids import AccountId
from posthouse.core.ports import Clock

REMEMBERED_MAX: Final = 100_000
"""Accounts remembered; the oldest are forgotten first."""


@final
class LoginDelay:
    """One per process.  Each worker keeps its own, so with N workers an account may sign in up to N times as
    often: the delay spares the server work, it guards nothing.
    """

    __slots__ = ("_clock", "_last", "seconds")

    def __init__(self, clock: Clock, seconds: int) -> None:
        self._clock = clock
        self._last: dict[AccountId, float] = {}
        self.seconds = seconds

    def remaining_s(self, account: AccountId) -> float:
        """How long the account still has to wait; 0: not at all."""
        last = self._last.get(account)
        if not self.seconds or last is None:
            return 0.0
        return max(0.0, last + self.seconds - self._clock.monotonic())

    def note(self, account: AccountId) -> None:
        """The account signed in."""
        if not self.seconds:
            return
        self._last.pop(account, None)
        self._last[account] = self._clock.monotonic()
        if len(self._last) > REMEMBERED_MAX:
            del self._last[next(iter(self._last))]
