"""What an administrator does with the queue: look, retry, hold, release, cancel, reroute; each leaves a trace."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from posthouse.client.routes import parse_route
from posthouse.core.errors import NotFound
from posthouse.core.ids import QueueId
from posthouse.core.ports import Clock
from posthouse.core.sentence import Sentence
from posthouse.storage.ports import Store
from posthouse.storage.rows import JournalLine, QueueEntry, QueueRecipient


class _Action(Struct, frozen=True):
    takes: tuple[str, ...]  # states it applies to
    state: str


ACTIONS: Final[dict[str, _Action]] = {
    "retry": _Action(("due", "held"), "due"),
    "hold": _Action(("due",), "held"),
    "release": _Action(("held",), "due"),
    "cancel": _Action(("due", "held"), "cancelled"),
    "reroute": _Action(("due", "held"), "due"),
}


class QueueAdmin:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def find(
        self, *, domain: str = "", sender: str = "", state: str = "", limit: int = 1000
    ) -> list[QueueEntry]:
        """Entries with at least one recipient that matches; oldest first, with the matching recipients only."""
        found: list[QueueEntry] = []
        for entry in await self._store.queue.entries(limit=limit):
            if sender and entry.sender != sender:
                continue
            entry.recipients = [one for one in entry.recipients if _matches(one, domain, state)]
            if entry.recipients:
                found.append(entry)
        return found

    async def show(self, entry: QueueId) -> tuple[QueueEntry, list[JournalLine]]:
        """The entry and the story of its letter; NotFound."""
        entries = await self._store.queue.entries([entry])
        if not entries:
            raise NotFound(Sentence("queue.none", entry=entry))
        return entries[0], await self._store.journal.by_trace(entries[0].trace)

    async def control(
        self, action: str, entries: Iterable[QueueId], *, recipient: str = "", route: str = ""
    ) -> int:
        """Apply one of ACTIONS to the recipients (all, or the one named) of entries; how many changed.

        Raises NotFound for an entry that does not exist, Invalid for a malformed route.
        """
        row = ACTIONS[action]
        if action == "reroute":
            parsed = parse_route(route)
            route = f"[{parsed.host}]:{parsed.port}" if ":" in parsed.host else f"{parsed.host}:{parsed.port}"
        now = self._clock.now()
        changed = 0
        lines: list[tuple[str, JournalLine]] = []
        for number in entries:
            entry, _ = await self.show(number)
            chosen = [
                one
                for one in entry.recipients
                if one.state in row.takes and recipient.lower() in {"", one.address.lower()}
            ]
            if not chosen:
                continue
            count = await self._store.queue.control(
                [one.id for one in chosen], state=row.state, next_attempt=now, route=route or None
            )
            changed += count
            facts = {"action": action, "recipients": [one.address for one in chosen], "route": route}
            lines.append((entry.trace, JournalLine(now, "controlled", facts)))
        if lines:
            await self._store.queue.report([], lines)
        return changed

    async def counts(self) -> dict[str, int]:
        return await self._store.queue.counts()


def _matches(recipient: QueueRecipient, domain: str, state: str) -> bool:
    own = recipient.address.rpartition("@")[2]
    return (not domain or own == domain) and (not state or recipient.state == state)
