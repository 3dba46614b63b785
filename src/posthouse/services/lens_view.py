"""Looking at dialogues: who may see which, and several nodes as one (the two houses of the demo)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from posthouse.core.errors import NotFound
from posthouse.core.sentence import Sentence
from posthouse.storage.dialogues import Dialogue, Dialogues, Said

LISTED_MAX: Final = 200
LINES_MAX: Final = 1000


class Looker(Struct, frozen=True):
    """Who looks: `everything` for administrators, and for everybody where that is configured."""

    address: str
    everything: bool = False


class LensView:
    """`places`: the dialogues of this node, then of its neighbours."""

    def __init__(self, places: Sequence[Dialogues]) -> None:
        self._places = places

    async def listed(
        self, looker: Looker, *, service: str | None = None, before: float = 1e18, limit: int = LISTED_MAX
    ) -> list[Dialogue]:
        """Newest first."""
        account = None if looker.everything else looker.address
        found = [
            dialogue
            for place in self._places
            for dialogue in await place.listed(
                account=account, service=service, before=before, limit=min(limit, LISTED_MAX)
            )
        ]
        return sorted(found, key=lambda one: -one.began)[:limit]

    async def find(self, looker: Looker, name: str) -> tuple[Dialogue, Dialogues]:
        """Raises NotFound, also for those of others: nobody learns that there is one."""
        for place in self._places:
            found = await place.find(name)
            if found is not None and (looker.everything or found.account == looker.address):
                return found, place
        raise NotFound(Sentence("lens.none", name=name))

    async def lines(
        self, looker: Looker, name: str, *, after: int = 0, limit: int = LINES_MAX
    ) -> tuple[Dialogue, list[Said]]:
        dialogue, place = await self.find(looker, name)
        return dialogue, await place.lines(name, after=after, limit=min(limit, LINES_MAX))

    async def search(self, looker: Looker, text: str, *, since: float, limit: int = 20) -> list[Dialogue]:
        """Dialogues in which a line holds the text, oldest first."""
        found = [
            dialogue
            for place in self._places
            for dialogue in await place.search(text, since=since, limit=limit)
            if looker.everything or dialogue.account == looker.address
        ]
        return sorted(found, key=lambda one: one.began)[:limit]

    def close(self) -> None:
        for place in self._places:
            place.close()
