"""Pictures that letters point to: who may have which one through us, how often, and what is kept of them.

A signature binds account, URL and day, so that the proxy fetches what a reader of ours asked for and nothing else,
and a link that leaked ends by itself.

Concurrency: one per worker, on its event loop.
"""

from __future__ import annotations

import asyncio
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict, deque
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from posthouse.client.picture import Picture, PictureError, PictureFetcher, split_url
from posthouse.core.errors import Forbidden, NotFound, Unavailable
from posthouse.core.ids import AccountId
from posthouse.core.ports import Clock
from posthouse.services.seal import Seals
from posthouse.storage.ports import Store

PATH: Final = "/mail/picture"
CACHE_MAX_BYTES: Final = 32 * 1024 * 1024
KEEP_S: Final = 3600.0
DAYS: Final = 2
"""A signed address is good on the day it was made and the next."""
AT_ONCE: Final = 6
"""Fetches of one account at the same time; more wait."""
ALL_AT_ONCE: Final = 48
WAITING_MAX: Final = 500
"""Of one account; one more is refused."""
PER_HOUR: Final = 2000
"""Fetches of one account."""
_MAC_BYTES: Final = 18


class Pictures:
    def __init__(self, store: Store, clock: Clock, fetcher: PictureFetcher | None = None) -> None:
        self._store = store
        self._clock = clock
        self._seals = Seals(store)
        self.fetcher = fetcher or PictureFetcher()
        self._kept: OrderedDict[tuple[AccountId, str], tuple[float, Picture]] = OrderedDict()
        self._kept_bytes = 0
        self._fetched: dict[AccountId, deque[float]] = {}
        self._turns: dict[AccountId, tuple[asyncio.Semaphore, list[None]]] = {}
        self._all = asyncio.Semaphore(ALL_AT_ONCE)

    async def sign(self, account: AccountId, urls: Sequence[str]) -> dict[str, str]:
        """Paths on this server by URL; those that are never fetched are missing."""
        key = await self._seals.key(b"picture")
        day = int(self._clock.now() // 86400)
        found: dict[str, str] = {}
        for url in urls:
            try:
                split_url(url)
            except PictureError:
                continue
            packed = urlsafe_b64encode(url.encode()).decode().rstrip("=")
            found[url] = f"{PATH}/{account}/{day}/{_mac(key, account, day, url)}/{packed}"
        return found

    async def fetch(self, account: AccountId, day: int, mac: str, packed: str) -> Picture:
        """Raises NotFound (no address of ours, or an old one), Forbidden (too many), PictureError, Unavailable."""
        try:
            url = urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
        except ValueError as error:
            raise NotFound("no address of a picture") from error
        key = await self._seals.key(b"picture")
        age = self._clock.now() // 86400 - day
        good = hmac.compare_digest(_mac(key, account, day, url).encode(), mac.encode("utf-8", "replace"))
        if not good or not -1 <= age < DAYS:
            raise NotFound("this address of a picture is not good, or no longer")
        if (kept := self._from_cache(account, url)) is not None:
            return kept
        holder = await self._store.directory.account(account)
        if holder is None or not holder.enabled:
            raise NotFound("there is no such account")
        turn, waiting = self._turns.setdefault(account, (asyncio.Semaphore(AT_ONCE), []))
        if len(waiting) >= WAITING_MAX:
            raise Unavailable("too many pictures at once; wait a moment")
        waiting.append(None)
        try:
            async with turn, self._all:
                if (kept := self._from_cache(account, url)) is not None:
                    return kept  # somebody fetched it while this one waited
                self._count(account)
                picture = await self.fetcher.fetch(url)
        finally:
            waiting.pop()
            if not waiting:
                self._turns.pop(account, None)
        self._keep(account, url, picture)
        return picture

    def _count(self, account: AccountId) -> None:
        now = self._clock.monotonic()
        times = self._fetched.setdefault(account, deque())
        while times and times[0] < now - 3600:
            times.popleft()
        if len(times) >= PER_HOUR:
            raise Forbidden(f"at most {PER_HOUR} pictures in an hour")
        times.append(now)

    def _from_cache(self, account: AccountId, url: str) -> Picture | None:
        found = self._kept.get((account, url))
        if found is None or found[0] < self._clock.monotonic() - KEEP_S:
            return None
        self._kept.move_to_end((account, url))
        return found[1]

    def _keep(self, account: AccountId, url: str, picture: Picture) -> None:
        if (old := self._kept.pop((account, url), None)) is not None:
            self._kept_bytes -= len(old[1].content)
        self._kept[account, url] = self._clock.monotonic(), picture
        self._kept_bytes += len(picture.content)
        while self._kept_bytes > CACHE_MAX_BYTES:
            _, (_, gone) = self._kept.popitem(last=False)
            self._kept_bytes -= len(gone.content)


def _mac(key: bytes, account: AccountId, day: int, url: str) -> str:
    digest = hmac.digest(key, f"{account} {day} {url}".encode(), sha256)
    return urlsafe_b64encode(digest[:_MAC_BYTES]).decode()
