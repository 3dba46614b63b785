"""Keys of identity tokens (RS256, which every OpenID Connect client takes), and their rotation.

A key is published a day before it signs and stays published a day after the next one took over, so that who holds a
copy of the set for a day is never surprised.  They live in the setting `oauth.keys`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from posthouse.core.errors import InUse
from posthouse.core.lazy import lazy
from posthouse.core.ports import Clock
from posthouse.storage.ports import Store

if TYPE_CHECKING:
    from joserfc import jwk, jwt
else:
    jwk, jwt = lazy("joserfc.jwk"), lazy("joserfc.jwt")

ALGORITHM: Final = "RS256"
KEY_BITS: Final = 2048
ROTATE_S: Final = 90 * 86400.0
OVERLAP_S: Final = 86400.0
SETTING: Final = "oauth.keys"


class Key(Struct):
    made_at: float
    jwk: dict[str, Any]


_decode: Final = msgspec.json.Decoder(list[Key]).decode


class Keys:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def public(self) -> dict[str, Any]:
        """RFC 7517 §5: the set, without private parts."""
        found = await self._current()
        return dict(jwk.KeySet([jwk.RSAKey.import_key(key.jwk) for key in found]).as_dict(private=False))

    async def sign(self, claims: dict[str, Any]) -> str:
        now = self._clock.now()
        found = await self._current()
        # The newest that was published long enough; the very first has to sign at once.
        ready = [key for key in found if key.made_at + OVERLAP_S <= now] or found[:1]
        key = jwk.RSAKey.import_key(ready[-1].jwk)
        header = {"alg": ALGORITHM, "kid": key.kid, "typ": "JWT"}
        return await asyncio.to_thread(jwt.encode, header, claims, key, [ALGORITHM])

    async def rotate(self) -> None:
        """Make a new key.  Raises InUse while somebody else does."""
        lock = await self._store.locks.acquire(SETTING)
        try:
            await self._add(await self._read())
        finally:
            await lock.release()

    async def _read(self) -> list[Key]:
        data = await self._store.directory.setting(SETTING)
        return [] if data is None else _decode(data)

    async def _current(self) -> list[Key]:
        while True:
            found = await self._read()
            if found and self._clock.now() - found[-1].made_at < ROTATE_S:
                return found
            try:
                lock = await self._store.locks.acquire(SETTING)
            except InUse:
                if found:
                    return found
                await asyncio.sleep(0.05)  # the first key is being made by another worker
                continue
            try:
                if await self._read() == found:
                    await self._add(found)
            finally:
                await lock.release()

    async def _add(self, found: list[Key]) -> None:
        now = self._clock.now()
        made = await asyncio.to_thread(
            jwk.RSAKey.generate_key, KEY_BITS, {"use": "sig", "alg": ALGORITHM}, auto_kid=True
        )
        keys = [*found, Key(now, dict(made.as_dict(private=True)))]
        # Gone is what a successor has replaced for so long that no token of it is good any more.
        kept = [
            key
            for key, following in zip(keys, [*keys[1:], None], strict=True)
            if following is None or now < following.made_at + 2 * OVERLAP_S
        ]
        await self._store.directory.put_setting(SETTING, msgspec.json.encode(kept))
