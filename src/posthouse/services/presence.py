"""Who looks at a conversation of a team now, and who answers it: in memory, for a minute, on all workers.

A member's page says so, and says it again while that goes on; a hint brings it to every worker, and nothing of it is
stored.  What nobody repeats runs out by itself.  A lost hint costs a mark that is late, never a wrong letter.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from posthouse.core.ids import AccountId
from posthouse.core.ports import Clock
from posthouse.storage.ports import Store
from posthouse.storage.rows import Hint

KIND: Final = "Presence"
HINT: Final = "presence"
READING: Final = "reading"
WRITING: Final = "writing"
STATES: Final = (READING, WRITING)
GOOD_S: Final = 45.0
"""How long a word holds; pages say it again before that."""
REPEAT_S: Final = 10.0
"""The same word sooner than that is not passed on."""
PEOPLE_MAX: Final = 2000
"""Words of one team that are remembered; the oldest give way."""
TEAMS_MAX: Final = 5000
OF_ONE_MAX: Final = 20
"""Conversations that one member is in at a time."""
WORDS_MAX: Final = 60
"""That one member may say in a minute, to one worker; more are not passed on, and what holds runs out."""
MINUTE_S: Final = 60.0
SPEAKERS_MAX: Final = 10_000


class Seen(Struct, array_like=True, frozen=True):
    thread: int
    member: AccountId
    state: str  # "": left
    until: float


_decode: Final = msgspec.json.Decoder(Seen).decode


class Presence:
    """One per worker."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._teams: dict[AccountId, dict[tuple[int, AccountId], Seen]] = {}
        self._words: dict[AccountId, tuple[float, int]] = {}  # member -> since when, how many
        self._unsubscribe = store.hints.subscribe(self._on_hint)

    def close(self) -> None:
        self._unsubscribe()

    async def say(self, team: AccountId, thread: int, member: AccountId, state: str) -> None:
        """`state` "": the member has left.  Passed on when it is news, or what is known runs out soon."""
        now = self._clock.now()
        known = self._teams.get(team, {}).get((thread, member))
        fresh = known is not None and known.state == state and known.until - now > GOOD_S - REPEAT_S
        if fresh or (known is None and not state) or not self._may_speak(member, now):
            return
        seen = Seen(thread, member, state, now + GOOD_S)
        await self._store.hints.ring(Hint(HINT, team, what=msgspec.json.encode(seen).decode()))

    def _may_speak(self, member: AccountId, now: float) -> bool:
        since, count = self._words.pop(member, (now, 0))
        if now - since >= MINUTE_S:
            since, count = now, 0
        self._words[member] = since, count + 1  # the one who spoke last stands last
        while len(self._words) > SPEAKERS_MAX:
            del self._words[next(iter(self._words))]
        return count < WORDS_MAX

    def here(self, team: AccountId, threads: list[int] | None = None) -> list[Seen]:
        """Who is in these conversations, or in any, by the order in which they came."""
        now = self._clock.now()
        found = self._teams.get(team, {}).values()
        return [one for one in found if one.until > now and (threads is None or one.thread in threads)]

    def _on_hint(self, hint: Hint) -> None:
        if hint.kind != HINT:
            return
        seen = _decode(hint.what)
        people = self._teams.setdefault(hint.account, {})
        key = (seen.thread, seen.member)
        if seen.state:
            people[key] = seen
        else:
            people.pop(key, None)
        now = self._clock.now()
        for old in [key for key, one in people.items() if one.until <= now]:
            del people[old]
        of_one = [key for key in people if key[1] == seen.member]
        for old in of_one[: max(0, len(of_one) - OF_ONE_MAX)]:
            del people[old]
        while len(people) > PEOPLE_MAX:
            del people[next(iter(people))]
        if not people:
            del self._teams[hint.account]
        while len(self._teams) > TEAMS_MAX:
            del self._teams[next(iter(self._teams))]
