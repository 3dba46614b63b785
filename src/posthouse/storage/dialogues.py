"""What may be asked of the kept dialogues of a node.  They are not mail: bounded, never synced, lost without harm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from posthouse.lens import Line


class Dialogue(Struct):
    """One connection, or a run of HTTP requests on one connection."""

    id: str  # unique in the node
    host: str  # name of the node that kept it
    protocol: str  # of `lens.explain`: "smtp", "pop3", "imap", "managesieve", "http"
    service: str  # the listener; "relay" for mail on its way out; "jmap", "oauth"
    peer: str  # "192.0.2.1:4711"; name and address of the host for "relay"
    began: float
    account: str = ""  # address of who signed in
    tls: str = ""  # "TLSv1.3 TLS_AES_256_GCM_SHA384"
    ended: float = 0.0  # 0: it goes on
    lines: int = 0
    errors: int = 0  # lines that told of one


class Said(NamedTuple):
    """One line: its number in the dialogue, when, what."""

    number: int
    at: float
    line: Line


class Dialogues(Protocol):
    """Times are seconds since the epoch.  Everything raises Unavailable."""

    async def write(self, dialogues: Sequence[Dialogue], said: Sequence[tuple[str, Said]]) -> None:
        """Put in or replace dialogues, and add lines (by id of the dialogue)."""
        ...

    async def listed(
        self, *, account: str | None, service: str | None, before: float, limit: int
    ) -> list[Dialogue]:
        """Newest first, begun before a moment; `account` None: of everybody."""
        ...

    async def find(self, name: str) -> Dialogue | None: ...

    async def lines(self, name: str, *, after: int, limit: int) -> list[Said]:
        """In order, those with a number above `after`."""
        ...

    async def search(self, text: str, *, since: float, limit: int) -> list[Dialogue]:
        """Dialogues in which a line holds the text, oldest first."""
        ...

    async def trim(self, *, keep: int, since: float) -> None:
        """Forget all but the newest `keep`, and what ended before `since`."""
        ...

    def close(self) -> None: ...
