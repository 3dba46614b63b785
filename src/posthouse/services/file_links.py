"""Links to files of letters that a browser opens by itself, without the header that signs everything else in.

A link is good for one file of one account, for a quarter of an hour; it is made for who may read the file at that time.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final

from posthouse.core.errors import NotFound
from posthouse.core.ids import AccountId
from posthouse.core.ports import Clock
from posthouse.services.seal import Seals
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account

PATH: Final = "/mail/file"
GOOD_S: Final = 900
_MAC_BYTES: Final = 18


class FileLinks:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._seals = Seals(store)

    async def sign(self, account: AccountId, kind: str, name: str) -> str:
        until = int(self._clock.now()) + GOOD_S
        return f"{PATH}/{account}/{until}/{await self._mac(account, until, kind, name)}/{kind}/{name}"

    async def check(self, account: AccountId, until: int, mac: str, kind: str, name: str) -> Account:
        """Raises NotFound."""
        good = hmac.compare_digest(
            (await self._mac(account, until, kind, name)).encode(), mac.encode("utf-8", "replace")
        )
        holder = await self._store.directory.account(account) if good else None
        if (
            not self._clock.now() <= until <= self._clock.now() + GOOD_S
            or holder is None
            or not holder.enabled
        ):
            raise NotFound("this link is not good, or no longer")
        return holder

    async def _mac(self, account: AccountId, until: int, kind: str, name: str) -> str:
        key = await self._seals.key(b"file-link")
        digest = hmac.digest(key, f"{account} {until} {kind} {name}".encode(), sha256)
        return urlsafe_b64encode(digest[:_MAC_BYTES]).decode()
