"""New signing keys put to use once DNS shows them: one worker of the node looks, every few minutes."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from posthouse.client.resolver import Resolver
from posthouse.core.errors import InUse, MailError
from posthouse.services.dkim import DkimKeys
from posthouse.storage.ports import Store

log = logging.getLogger(__name__)

INTERVAL_S: Final = 300.0
LOCK: Final = "dkim-watch"


class DkimWatch:
    def __init__(
        self, store: Store, keys: DkimKeys, resolver: Resolver, *, interval_s: float = INTERVAL_S
    ) -> None:
        self._store = store
        self._keys = keys
        self._resolver = resolver
        self._interval_s = interval_s
        self._warned: set[str] = set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
            except MailError as error:
                log.warning("dkim: keys not looked at: %s", error.detail)
            except Exception:
                log.exception("dkim: a look at the keys failed")
            await asyncio.sleep(self._interval_s)

    async def look(self) -> dict[str, list[str]]:
        """The selectors that were put to use, by domain; nothing while another worker looks."""
        try:
            lock = await self._store.locks.acquire(LOCK)
        except InUse:
            return {}
        try:
            found: dict[str, list[str]] = {}
            for domain in await self._store.directory.domains():
                await self._warn(domain.name)
                if selectors := await self._keys.activate_published(domain.name, self._resolver):
                    found[domain.name] = selectors
                    log.info("dkim: %s signs with %s from now on", domain.name, ", ".join(selectors))
            return found
        finally:
            await lock.release()

    async def _warn(self, domain: str) -> None:
        """Once per start: a domain that was made before there were keys sends unsigned mail."""
        if domain not in self._warned and not await self._keys.listed(domain):
            self._warned.add(domain)
            log.warning(
                "dkim: %s has no signing keys; make them with `posthouse dkim rotate %s`", domain, domain
            )
