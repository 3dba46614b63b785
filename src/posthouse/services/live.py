"""Who is connected now, on whichever worker, and the end of a session by an administrator.

A question is a hint to all workers; each answers with one that only the asker reads.  So nothing is kept anywhere, and
nobody pays for it but when somebody looks.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable
from typing import Final

import msgspec
from msgspec import Struct

from posthouse.core.errors import MailError
from posthouse.services.background import Background
from posthouse.storage.ports import Store
from posthouse.storage.rows import Hint

ASK: Final = "sessions"
TELL: Final = "session-list"
END: Final = "end-session"
WAIT_S: Final = 1.0
"""How long an answer may take; a worker that is busier is left out."""
SESSIONS_MAX: Final = 2000
"""That one worker tells of, the newest."""


class LiveSession(Struct):
    id: str
    protocol: str  # name of the listener
    peer_ip: str
    opened_at: float
    account: str = ""  # "": nobody has signed in
    credential: str = ""  # what it signed in with
    credential_name: str = ""
    client: str = ""  # what the program says it is
    tls: str = ""  # version and cipher; "": in the clear


class _Answer(Struct, array_like=True):
    question: str
    sessions: list[LiveSession]


_decode: Final = msgspec.json.Decoder(_Answer).decode


class LiveSessions:
    """One per process; `close` when it ends."""

    def __init__(
        self,
        store: Store,
        workers: int,
        mine: Callable[[], Iterable[LiveSession]] | None = None,
        end: Callable[[str], bool] | None = None,
    ) -> None:
        """`mine` and `end`: of the sessions of this worker, the newest first; None: this process serves nobody."""
        self._store = store
        self._workers = max(workers, 1)
        self._mine = mine
        self._end = end
        self.answered = 0
        """Workers that answered when it was asked last; none where no node runs."""
        self._waiting: dict[str, list[_Answer]] = {}
        self._complete: dict[str, asyncio.Event] = {}
        self._background = Background("telling who is connected")
        self._unsubscribe = store.hints.subscribe(self._on_hint)

    def close(self) -> None:
        self._unsubscribe()
        self._background.close()

    def _on_hint(self, hint: Hint) -> None:
        if hint.kind == ASK and self._mine is not None:
            found = list(self._mine())[:SESSIONS_MAX]
            told = msgspec.json.encode(_Answer(hint.what, found)).decode()
            self._background.run(self._store.hints.ring(Hint(TELL, what=told)))
        elif hint.kind == TELL and self._waiting:
            answer = _decode(hint.what)
            if (got := self._waiting.get(answer.question)) is not None:
                got.append(answer)
                if len(got) >= self._workers:
                    self._complete[answer.question].set()
        elif hint.kind == END and self._end is not None:
            self._end(hint.what)

    async def listed(self) -> list[LiveSession]:
        """Of all workers, the newest first."""
        question = secrets.token_hex(8)
        got = self._waiting[question] = []
        complete = self._complete[question] = asyncio.Event()
        try:
            await self._store.hints.ring(Hint(ASK, what=question))
            async with asyncio.timeout(WAIT_S):
                await complete.wait()
        except (TimeoutError, MailError):
            pass
        finally:
            self.answered = len(got)
            del self._waiting[question], self._complete[question]
        return sorted((one for answer in got for one in answer.sessions), key=lambda one: -one.opened_at)

    async def end(self, session: str) -> None:
        """Told that the server stops for it; it is gone a moment later."""
        await self._store.hints.ring(Hint(END, what=session))
