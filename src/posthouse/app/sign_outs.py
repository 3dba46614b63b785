"""Sessions end when what opened them is gone: a revoked grant, app password or certificate, a changed password, a
closed account.

A change of accounts or credentials is a hint; the sessions of a worker are then looked through, in slices.  An access
token that merely ran out ends nothing: its grant lives, and the next sign-in asks for a fresh one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from posthouse.core.errors import MailError
from posthouse.core.ids import AccountId
from posthouse.servers.host import Host
from posthouse.services.grant import Grant
from posthouse.storage.ports import Store
from posthouse.storage.rows import Hint

SLICE: Final = 100
PAUSE_S: Final = 0.2
"""Changes that come together are looked at together."""


class SignOuts:
    """One per worker; `close` when it ends."""

    def __init__(
        self,
        host: Host,
        store: Store,
        log: logging.Logger,
        stands: Callable[[Grant], Awaitable[bool]],
    ) -> None:
        """`stands`: `services.signin.SignIn.stands`."""
        self._host = host
        self._stands = stands
        self._log = log
        self._wanted: set[AccountId] = set()
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe = store.hints.subscribe(self._on_hint)

    def _on_hint(self, hint: Hint) -> None:
        if hint.kind != "directory":
            return
        self._wanted.add(hint.account)  # 0: any account
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        while self._wanted:
            await asyncio.sleep(PAUSE_S)
            wanted, self._wanted = self._wanted, set()
            try:
                await self._look_through(wanted)
            except MailError as error:
                self._log.warning("sessions were not looked through", extra={"facts": {"error": str(error)}})

    async def _look_through(self, wanted: set[AccountId]) -> None:
        sessions: dict[Grant, list[Any]] = {}
        for connection in list(self._host.connections):
            grant = getattr(connection.session, "grant", None)
            if grant is not None and (0 in wanted or grant.account.id in wanted):
                sessions.setdefault(grant, []).append(connection.session)
        for done, (grant, found) in enumerate(sessions.items(), 1):
            if not await self._stands(grant):
                self._end(grant, found)
            if done % SLICE == 0:
                await asyncio.sleep(0)

    def _end(self, grant: Grant, sessions: Iterable[Any]) -> None:
        for session in sessions:
            session.shutdown()
            facts = {"account": grant.account.address, "kind": grant.kind, "name": grant.name}
            self._log.info("a session ended: what opened it is gone", extra={"facts": facts})

    async def close(self) -> None:
        self._unsubscribe()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
