"""The secrets of TLS session tickets: one set for all workers, replaced every few hours, the old ones good for a while.

They lie sealed in the setting `tls.tickets`; whoever holds the lock of that name makes the next one, and a change is a
hint that every worker gets.  The next is known to all a while before it writes its first ticket.  Nodes that have no
store in common share a file instead, and derive from it and the time what they need.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from posthouse.core.errors import InUse, MailError, Unavailable
from posthouse.core.ports import Clock
from posthouse.openssl.tickets import SECRET_BYTES, KeyRing
from posthouse.services.background import Background
from posthouse.services.seal import Seals
from posthouse.storage.ports import Store
from posthouse.storage.rows import Hint

SETTING: Final = "tls.tickets"
PERIOD_S: Final = 6 * 3600.0
"""How long one secret writes tickets."""
LEAD_S: Final = 600.0
"""The next one is made that long before."""
KEEP_S: Final = 2 * 3600.0
"""How long it is still taken afterwards: OpenSSL ends a session two hours after its handshake."""
LOOK_S: Final = 300.0
"""How often each worker looks."""


class Secret(Struct):
    secret: bytes
    since: float  # when it begins to write


def rotated(secrets: Sequence[Secret], now: float) -> list[Secret]:
    """Ascending by `since`: without those whose time is over, with the next one when it is due."""
    kept = list(secrets)
    if not kept or kept[0].since > now:  # the very first; or a clock that was wrong
        kept = [Secret(os.urandom(SECRET_BYTES), now)]
    elif kept[-1].since + PERIOD_S - LEAD_S <= now:
        kept.append(Secret(os.urandom(SECRET_BYTES), max(now + LEAD_S, kept[-1].since + PERIOD_S)))
    while len(kept) > 1 and kept[1].since + KEEP_S <= now:
        del kept[0]
    return kept


def in_turn(secrets: Sequence[Secret], now: float) -> list[bytes]:
    """For the ring: first the one that writes, then the others."""
    current = max((one for one in secrets if one.since <= now), key=lambda one: one.since, default=secrets[0])
    return [current.secret, *(one.secret for one in secrets if one is not current)]


def derived(shared: bytes, now: float) -> list[bytes]:
    """From what nodes share: of this period, of the next for clocks that are ahead, and of the one before."""
    period = int(now // PERIOD_S)
    return [hmac.digest(shared, b"tls tickets %d" % n, "sha256") for n in (period, period + 1, period - 1)]


class Tickets:
    """Of a worker: keeps its ring up to date.  `configure` before the first connection."""

    def __init__(self, store: Store, clock: Clock, ring: KeyRing, log: logging.Logger) -> None:
        self._store = store
        self._clock = clock
        self._ring = ring
        self._log = log
        self._shared = b""
        self._sealed = b""
        self._secrets: list[Secret] = []
        self._chore: asyncio.Task[None] | None = None
        self._background = Background("the keys of session tickets")
        self._unsubscribe = store.hints.subscribe(self._on_hint)

    async def configure(self, shared: bytes) -> None:
        """`shared`: what the nodes have in common; empty: the store has the secrets."""
        self._shared = shared
        if not self._ring.works:
            return
        await self._try_look()
        if self._chore is None:
            self._chore = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self._try_look()

    def _on_hint(self, hint: Hint) -> None:
        if self._ring.works and not self._shared and hint.kind == "directory" and not hint.account:
            self._background.run(self._take())

    async def _try_look(self) -> None:
        try:
            await self.look()
        except MailError as error:
            self._log.error(
                "keys of session tickets stay as they are", extra={"facts": {"error": str(error)}}
            )

    async def look(self) -> None:
        """Replace what is due, and take on what there is."""
        if self._shared:
            self._ring.turn(derived(self._shared, self._clock.now()))
            return
        await self._take()
        if rotated(self._secrets, self._clock.now()) == self._secrets:
            return
        try:
            lock = await self._store.locks.acquire(SETTING)
        except InUse:  # another worker does it, and we get its hint
            return
        try:
            await self._take()
            secrets = rotated(self._secrets, self._clock.now())
            if secrets != self._secrets:
                sealed = await Seals(self._store).seal(msgspec.json.encode(secrets), SETTING)
                await self._store.directory.put_setting(SETTING, sealed.encode())
        finally:
            await lock.release()
        await self._take()

    async def _take(self) -> None:
        data = await self._store.directory.setting(SETTING)
        if data is not None and data != self._sealed:
            self._secrets = await self._opened(data)
            self._sealed = data
        if self._secrets:
            self._ring.turn(in_turn(self._secrets, self._clock.now()))

    async def _opened(self, data: bytes) -> list[Secret]:
        try:
            return msgspec.json.decode(
                await Seals(self._store).unseal(data.decode(), SETTING), type=list[Secret]
            )
        except (
            Unavailable,
            msgspec.ValidationError,
            ValueError,
        ):  # of another installation: new ones cost nothing
            return []

    async def close(self) -> None:
        self._unsubscribe()
        self._background.close()
        if self._chore is not None:
            self._chore.cancel()
            await asyncio.gather(self._chore, return_exceptions=True)
